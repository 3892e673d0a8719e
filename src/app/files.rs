//! Watches files for changes that have come to rest: a file that is half written is left alone until the next look.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time between two looks. A change is taken when two looks in a row see the same.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What of a file changes when its content does: device, inode, length, time of change. Links are followed, because that
/// is how Kubernetes replaces secrets.
type Stamp = (u64, u64, u64, i64, i64);

/// Files and how they were when they were last read.
#[derive(Debug, Default)]
pub(super) struct FileWatch {
    files: Vec<PathBuf>,
    known: Vec<Option<Stamp>>,
    moving: Option<Vec<Option<Stamp>>>,
}

impl FileWatch {
    /// Whether the files are others than when they were last read, and as they were at the last look.
    pub(super) fn changed(&mut self) -> bool {
        if self.files.is_empty() {
            return false;
        }
        let now = stamps(&self.files);
        if now == self.known {
            self.moving = None;
            return false;
        }
        let rests = self.moving.as_ref() == Some(&now);
        if rests {
            self.known = now;
            self.moving = None;
        } else {
            self.moving = Some(now);
        }
        rests
    }

    /// Watches these from now on. Those that were watched before count as they were when [`Self::changed`] saw them, so
    /// that nothing is missed that came after.
    pub(super) fn follow(&mut self, files: Vec<PathBuf>) {
        let known = files.iter().map(|file| {
            let before = self.files.iter().position(|old| old == file);
            before.map_or_else(|| stamp(file), |place| self.known[place])
        });
        self.known = known.collect();
        self.files = files;
        self.moving = None;
    }

    /// Watches these from now on, as they are now.
    pub(super) fn start(files: Vec<PathBuf>) -> Self {
        Self {
            known: stamps(&files),
            files,
            moving: None,
        }
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    files.iter().map(|file| stamp(file)).collect()
}

fn stamp(file: &Path) -> Option<Stamp> {
    let found = fs::metadata(file).ok()?;
    Some((
        found.dev(),
        found.ino(),
        found.len(),
        found.mtime(),
        found.mtime_nsec(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_once_and_when_it_has_come_to_rest() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        fs::write(&one, "1").unwrap();
        let mut watch = FileWatch::start(vec![one.clone()]);
        assert!(!watch.changed());
        fs::write(&one, "12").unwrap();
        assert!(!watch.changed(), "it may still be written");
        fs::write(&one, "123").unwrap();
        assert!(!watch.changed(), "it is still written");
        assert!(watch.changed());
        assert!(!watch.changed());
        // A file that is missing counts when it comes, one that is there when it goes.
        watch.follow(vec![one.clone(), two.clone()]);
        assert!(!watch.changed());
        fs::write(&two, "").unwrap();
        assert!(!watch.changed() && watch.changed());
        fs::remove_file(&one).unwrap();
        assert!(!watch.changed() && watch.changed() && !watch.changed());
    }

    #[test]
    fn what_changes_between_seeing_and_following_is_not_missed() {
        let folder = tempfile::tempdir().unwrap();
        let one = folder.path().join("one");
        fs::write(&one, "1").unwrap();
        let mut watch = FileWatch::start(vec![one.clone()]);
        fs::write(&one, "12").unwrap();
        assert!(!watch.changed() && watch.changed());
        fs::write(&one, "123").unwrap();
        watch.follow(vec![one]);
        assert!(!watch.changed() && watch.changed());
    }
}
