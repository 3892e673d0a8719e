//! `targets_file`, re-read when it changes. What is wrong with it changes nothing but a counter and one log line.

use std::future::Future;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tokio::fs::File;
use tokio::io::AsyncReadExt;

use crate::config::{FILE_BYTES_MAX, ServerPlan, Targets, targets};
use crate::selfmon::SelfMonitor;

/// What tells one state of the file from another: a file that was put in its place has another inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    modified: (i64, i64),
    bytes: u64,
    inode: (u64, u64),
}

/// What a look found.
#[derive(Debug)]
pub(super) struct Look {
    path: PathBuf,
    mark: Option<Mark>,
    /// Nothing when the file is as it was.
    found: Option<Result<Targets, Fault>>,
}

/// Why the file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    reason: &'static str,
    text: String,
}

/// The file, as it was last seen, and the targets in force.
#[derive(Default)]
pub(super) struct Watched {
    path: Option<PathBuf>,
    mark: Option<Mark>,
    fault: Option<Fault>,
    in_force: Vec<ServerPlan>,
    ignored: Vec<String>,
    looked: bool,
    under_way: bool,
}

impl Watched {
    /// Watches another file, or the same as before.
    pub(super) fn follow(&mut self, path: Option<PathBuf>) {
        if path != self.path {
            *self = Self {
                path,
                under_way: self.under_way,
                ..Self::default()
            };
        }
    }

    pub(super) fn is_pending(&self) -> bool {
        self.path.is_some() && !self.looked
    }

    pub(super) fn servers(&self) -> &[ServerPlan] {
        &self.in_force
    }

    /// A look at the file; nothing without a file or while one is under way.
    pub(super) fn look(&mut self) -> Option<impl Future<Output = Look> + Send + 'static> {
        let path = self.path.clone().filter(|_| !self.under_way)?;
        self.under_way = true;
        Some(look(path, self.mark))
    }

    /// Takes over what a look found; whether the targets in force changed.
    pub(super) fn take(&mut self, look: Look, monitor: &SelfMonitor) -> bool {
        self.under_way = false;
        if Some(&look.path) != self.path.as_ref() {
            return false;
        }
        // The first look counts as a change: now it is known that there is nothing to wait for.
        let first = !std::mem::replace(&mut self.looked, true);
        self.mark = look.mark;
        let count = |result| {
            monitor
                .targets_refreshes
                .with_label_values(&["file", result])
                .inc();
        };
        let file = super::shown(&self.path);
        match look.found {
            None => {
                if let Some(fault) = &self.fault {
                    count(fault.reason);
                }
                first
            }
            Some(Ok(found)) => {
                count("success");
                self.adopt(found, &file) || first
            }
            Some(Err(fault)) => {
                count(fault.reason);
                if self.fault.as_ref() != Some(&fault) {
                    let kept = self.in_force.len();
                    tracing::warn!(
                        file,
                        kept,
                        error = fault.text,
                        "targets file cannot be used"
                    );
                }
                self.fault = Some(fault);
                first
            }
        }
    }

    fn adopt(&mut self, found: Targets, file: &str) -> bool {
        let servers = found.servers.len();
        if found.servers != self.in_force || self.fault.is_some() {
            tracing::info!(file, servers, "targets file read");
        }
        for text in found
            .ignored
            .iter()
            .filter(|text| !self.ignored.contains(text))
        {
            tracing::warn!(file, "{text}");
        }
        self.fault = None;
        self.ignored = found.ignored;
        let changed = found.servers != self.in_force;
        self.in_force = found.servers;
        changed
    }
}

async fn look(path: PathBuf, before: Option<Mark>) -> Look {
    // Before it is read: a change while it is read is seen by the next look.
    let (mark, found) = match mark(&path).await {
        Ok(mark) if Some(mark) == before => (Some(mark), None),
        Ok(mark) => (Some(mark), Some(read(&path).await)),
        Err(fault) => (None, Some(Err(fault))),
    };
    Look { path, mark, found }
}

async fn mark(path: &Path) -> Result<Mark, Fault> {
    let found = tokio::fs::metadata(path).await.map_err(unreadable)?;
    // Opening a pipe would wait for a writer.
    if !found.is_file() {
        return Err(Fault {
            reason: "unreadable",
            text: "it is no ordinary file".to_owned(),
        });
    }
    Ok(Mark {
        modified: (found.mtime(), found.mtime_nsec()),
        bytes: found.len(),
        inode: (found.dev(), found.ino()),
    })
}

fn unreadable(error: std::io::Error) -> Fault {
    Fault {
        reason: "unreadable",
        text: error.to_string(),
    }
}

async fn read(path: &Path) -> Result<Targets, Fault> {
    let file = File::open(path).await.map_err(unreadable)?;
    let mut bytes = Vec::new();
    let limit = FILE_BYTES_MAX as u64 + 1;
    file.take(limit)
        .read_to_end(&mut bytes)
        .await
        .map_err(unreadable)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(Fault {
            reason: "too_large",
            text: format!("it is larger than {FILE_BYTES_MAX} bytes"),
        });
    }
    let malformed = |text: String| Fault {
        reason: "malformed",
        text,
    };
    let text =
        String::from_utf8(bytes).map_err(|_| malformed("it is not UTF-8 text".to_owned()))?;
    let name = path.display().to_string();
    targets(&name, &text).map_err(|mistake| malformed(mistake.to_string()))
}
