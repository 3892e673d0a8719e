//! The continuous mode: a short capture of each minute, and the baseline that they make.

use std::time::{Duration, SystemTime};

use super::Captures;
use crate::profile::access::Ask;
use crate::profile::store::{Class, Facts};
use crate::profile::top::Top;
use crate::profile::{Capture, EngineName, Kind, Profile, pprof};

/// The continuous mode: so long of each minute, so often a second.
const CONTINUOUS_SPAN: Duration = Duration::from_secs(10);
const CONTINUOUS_RATE: u32 = 19;
/// Servers that are captured all the time.
const CONTINUOUS_SERVERS: usize = 4;
/// Captures of the continuous mode that make a baseline; and how old they must be, so that trouble is not its own measure.
const BASELINE_MAX: usize = 30;
const BASELINE_AGE: Duration = Duration::from_secs(300);

impl Captures {
    /// Begins the captures of a minute, where that is wanted.
    pub(super) fn continue_all(&self) {
        if !self.plan().profiles.continuous {
            return;
        }
        let servers = self.inner.snapshots.borrow().clone();
        let here = servers
            .into_iter()
            .filter(|shown| shown.client.target().is_loopback());
        for shown in here.take(CONTINUOUS_SERVERS) {
            let ask = Ask {
                capture: Capture {
                    kind: Kind::Cpu,
                    span: Some(CONTINUOUS_SPAN),
                    rate: CONTINUOUS_RATE,
                    large: false,
                },
                engine: Some(EngineName::Native),
                locks: false,
                gc: false,
            };
            let begin = self.begin(shown, Some(Kind::Cpu), ask, "continuous", Class::Continuous);
            if let Ok(begin) = begin {
                self.spawn(begin);
            }
        }
    }

    /// What the server's CPU time went to in the last hour, from the continuous mode.
    pub(super) async fn baseline(&self, server_name: &str) -> Option<Top> {
        let (this, name) = (self.clone(), server_name.to_owned());
        let read = tokio::task::spawn_blocking(move || this.baseline_of(&name));
        read.await.ok().flatten()
    }

    fn baseline_of(&self, server_name: &str) -> Option<Top> {
        let store = self.known_store()?;
        let now = SystemTime::now();
        let old_enough = |facts: &Facts| {
            let age = now.duration_since(facts.taken()).unwrap_or_default();
            facts.class == Class::Continuous
                && facts.server_name == server_name
                && age >= BASELINE_AGE
        };
        let mut sum: Option<Profile> = None;
        for facts in store
            .list()
            .iter()
            .filter(|facts| old_enough(facts))
            .take(BASELINE_MAX)
        {
            let Some((profile, _)) = store
                .read(facts)
                .ok()
                .and_then(|bytes| pprof::read(&bytes).ok())
            else {
                continue;
            };
            match &mut sum {
                Some(sum) => sum.merge(&profile),
                None => sum = Some(profile),
            }
        }
        sum.map(|profile| Top::of(&profile, profile.shown()))
    }
}
