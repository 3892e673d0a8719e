//! The metrics' last minutes, for bundles: the page each half minute, packed, within a bound of bytes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

use super::lock;
use crate::app::fleet::{Shown, newest};
use crate::expose::{Encoding, Names, Page, Shape, TextFormat};

/// Pages that are kept: five minutes of them.
const PAGES_MAX: usize = 10;
/// Bytes of all of them.
const BYTES_MAX: usize = 8 << 20;

/// The pages.
#[derive(Default)]
pub(super) struct Pages {
    kept: Mutex<VecDeque<(SystemTime, Arc<[u8]>)>>,
}

impl Pages {
    /// Keeps the page as it is now. A page that is larger than all that may be kept is left out.
    pub(super) async fn look(&self, servers: &[Shown]) {
        let snapshots = newest(servers);
        let join = tokio::task::spawn_blocking(move || {
            let parts = snapshots.iter().flat_map(|one| one.parts.iter().cloned());
            let shape = Shape {
                format: TextFormat::Text004,
                encoding: Encoding::Gzip,
                names: Names::Native,
                collectors: Vec::new(),
            };
            Page::new(parts.collect())
                .render(&shape, Instant::now())
                .to_vec()
        });
        let Ok(page) = join.await else { return };
        let mut kept = lock(&self.kept);
        kept.push_back((SystemTime::now(), page.into()));
        let bytes = |kept: &VecDeque<(SystemTime, Arc<[u8]>)>| -> usize {
            kept.iter().map(|(_, page)| page.len()).sum()
        };
        while kept.len() > PAGES_MAX || bytes(&kept) > BYTES_MAX {
            kept.pop_front();
        }
    }

    /// All of them, oldest first.
    pub(super) fn all(&self) -> Vec<(SystemTime, Arc<[u8]>)> {
        lock(&self.kept).iter().cloned().collect()
    }
}
