//! Captures on disk, with bounds: how many, how many bytes, how old. Each has a file of facts (`ID.json`) and what was captured; all other
//! forms are made from that when somebody asks.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::About;

/// Captures that somebody asked for.
pub const ASKED: Bounds = Bounds {
    count: 200,
    bytes: 256 << 20,
    age: Duration::from_secs(7 * 86_400),
};
/// Captures of the continuous mode: an hour of them, for each of at most four servers.
pub const CONTINUOUS: Bounds = Bounds {
    count: 240,
    bytes: 32 << 20,
    age: Duration::from_secs(3600),
};
/// Bytes of a file of facts that is read.
const FACTS_MAX: u64 = 1 << 20;
/// Letters of an id: 128 random bits.
const ID_LETTERS: usize = 32;

/// Bounds of one class of captures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// At most so many.
    pub count: usize,
    /// At most so many bytes, all together.
    pub bytes: u64,
    /// At most so old.
    pub age: Duration,
}

/// Why a capture was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Somebody asked for it.
    Asked,
    /// It is one of each minute.
    Continuous,
}

impl Class {
    fn bounds(self) -> Bounds {
        match self {
            Self::Asked => ASKED,
            Self::Continuous => CONTINUOUS,
        }
    }
}

/// The facts of a capture.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Facts {
    /// 128 random bits in hex.
    pub id: String,
    /// The server.
    pub server_name: String,
    /// A kind of profile, or `bundle`.
    pub kind: String,
    /// Why it was taken: `request`, `alert NAME`, `continuous`.
    pub reason: String,
    /// Which bounds it falls under.
    pub class: Class,
    /// When it began, seconds since 1970.
    pub taken_timestamp_seconds: f64,
    /// What it is called.
    pub title: String,
    /// What was captured: the ending of its file.
    pub file: String,
    /// Bytes of it.
    pub bytes: u64,
    /// How it came to be.
    pub about: About,
    /// Locks, use of CPU, garbage collection and the verdict, where there are any.
    #[serde(default)]
    pub findings: serde_json::Value,
}

impl Facts {
    /// When it began.
    #[must_use]
    pub fn taken(&self) -> SystemTime {
        let seconds = self.taken_timestamp_seconds;
        let since = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        SystemTime::UNIX_EPOCH + since
    }
}

/// Why something is not kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The folder cannot be used.
    #[error("profiles.dir {} cannot be used ({detail}); make it writable for natsight, or name another", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// A file cannot be written: mostly a full disk.
    #[error("a capture cannot be kept in {} ({detail}); see whether the disk is full", path.display())]
    Write {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// It is larger than all that is kept.
    #[error("a capture of {bytes} bytes is larger than all that is kept ({most})")]
    Large {
        /// Its bytes.
        bytes: u64,
        /// The bound.
        most: u64,
    },
}

/// The captures of a folder. All functions block.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// Oldest first.
    known: Mutex<Vec<Facts>>,
}

impl Store {
    /// Opens a folder, makes it if need be, and reads what is there. What is no capture of ours is left alone.
    ///
    /// # Errors
    ///
    /// When it cannot be made or read.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let failed = |error: io::Error| StoreError::Folder {
            path: folder.to_owned(),
            detail: error.to_string(),
        };
        make_folder(folder).map_err(failed)?;
        let mut known = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)?.flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let (id, ending) = name.split_once('.').unwrap_or((name, ""));
            if !is_id(id) {
                continue;
            }
            // Left behind by a natsight that was killed while it wrote.
            if ending.ends_with(".part") {
                let _ = fs::remove_file(entry.path());
            } else if ending == "json" {
                known.extend(facts(&entry.path()).filter(|facts| facts.id == id));
            }
        }
        known.sort_by(|one, two| {
            one.taken_timestamp_seconds
                .total_cmp(&two.taken_timestamp_seconds)
        });
        Ok(Self {
            folder: folder.to_owned(),
            known: Mutex::new(known),
        })
    }

    fn known(&self) -> MutexGuard<'_, Vec<Facts>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Facts of all, newest first.
    #[must_use]
    pub fn list(&self) -> Vec<Facts> {
        self.known().iter().rev().cloned().collect()
    }

    /// Facts of one.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Facts> {
        self.known().iter().find(|facts| facts.id == id).cloned()
    }

    /// How many there are, and their bytes.
    #[must_use]
    pub fn size(&self) -> (usize, u64) {
        let known = self.known();
        (known.len(), known.iter().map(|facts| facts.bytes).sum())
    }

    /// What was captured.
    ///
    /// # Errors
    ///
    /// What reading says.
    pub fn read(&self, facts: &Facts) -> io::Result<Vec<u8>> {
        fs::read(self.path(&facts.id, &facts.file))
    }

    /// Keeps a capture; older ones of its class make room.
    ///
    /// # Errors
    ///
    /// When it cannot be written; then nothing of it stays.
    pub fn put(&self, facts: Facts, bytes: &[u8], now: SystemTime) -> Result<(), StoreError> {
        let bounds = facts.class.bounds();
        let facts = Facts {
            bytes: bytes.len() as u64,
            ..facts
        };
        if facts.bytes > bounds.bytes {
            return Err(StoreError::Large {
                bytes: facts.bytes,
                most: bounds.bytes,
            });
        }
        let mut known = self.known();
        self.make_room(&mut known, now, Some(&facts));
        let text = serde_json::to_vec_pretty(&facts).unwrap_or_default();
        let written = self
            .write(&facts.id, &facts.file, bytes)
            .and_then(|()| self.write(&facts.id, "json", &text));
        if let Err(error) = written {
            self.remove(&facts);
            return Err(StoreError::Write {
                path: self.folder.clone(),
                detail: error.to_string(),
            });
        }
        known.push(facts);
        Ok(())
    }

    /// Lets go of what is too old.
    pub fn sweep(&self, now: SystemTime) {
        self.make_room(&mut self.known(), now, None);
    }

    fn make_room(&self, known: &mut Vec<Facts>, now: SystemTime, coming: Option<&Facts>) {
        for class in [Class::Asked, Class::Continuous] {
            let bounds = class.bounds();
            let coming = coming.filter(|facts| facts.class == class);
            let mut count = usize::from(coming.is_some());
            let mut bytes = coming.map_or(0, |facts| facts.bytes);
            let mut keep = vec![true; known.len()];
            // The newest stay.
            for (at, facts) in known.iter().enumerate().rev() {
                if facts.class != class {
                    continue;
                }
                let age = now.duration_since(facts.taken()).unwrap_or_default();
                let fits = count < bounds.count && bytes + facts.bytes <= bounds.bytes;
                if age > bounds.age || !fits {
                    self.remove(facts);
                    keep[at] = false;
                } else {
                    count += 1;
                    bytes += facts.bytes;
                }
            }
            let mut keep = keep.into_iter();
            known.retain(|_| keep.next().unwrap_or(true));
        }
    }

    /// Beside, then renamed: what is there is whole.
    fn write(&self, id: &str, ending: &str, bytes: &[u8]) -> io::Result<()> {
        let part = self.path(id, &format!("{ending}.part"));
        let written = private(&part)
            .and_then(|mut file| file.write_all(bytes))
            .and_then(|()| fs::rename(&part, self.path(id, ending)));
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written
    }

    fn remove(&self, facts: &Facts) {
        for ending in [facts.file.as_str(), "json"] {
            let _ = fs::remove_file(self.path(&facts.id, ending));
        }
    }

    fn path(&self, id: &str, ending: &str) -> PathBuf {
        self.folder.join(format!("{id}.{ending}"))
    }
}

/// A new id.
#[must_use]
pub fn new_id(random: [u8; 16]) -> String {
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a text can be an id: nothing that leads elsewhere in a path.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() == ID_LETTERS
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Facts in a file, if it holds any whose parts lead nowhere else.
fn facts(path: &Path) -> Option<Facts> {
    if fs::metadata(path).ok()?.len() > FACTS_MAX {
        return None;
    }
    let facts: Facts = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let plain = facts
        .file
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    (plain && !facts.file.contains("..")).then_some(facts)
}

/// For natsight's user alone: a profile tells names of streams and accounts.
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    if folder.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

fn private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::EngineName;

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + second)
    }

    fn facts_of(number: u8, second: u64, class: Class) -> Facts {
        Facts {
            id: new_id([number; 16]),
            server_name: "n1 \"é\"".to_owned(),
            kind: "cpu".to_owned(),
            reason: "request".to_owned(),
            class,
            taken_timestamp_seconds: (1_000_000 + second) as f64,
            title: "CPU time".to_owned(),
            file: "pb.gz".to_owned(),
            bytes: 0,
            about: About {
                span: Duration::from_secs(3),
                cpu: Some(Duration::from_millis(1500)),
                ..About::by(EngineName::Native)
            },
            findings: serde_json::Value::Null,
        }
    }

    #[test]
    fn what_is_kept_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/profiles");
        let store = Store::open(&path).unwrap();
        store
            .put(facts_of(1, 0, Class::Asked), b"hello", at(0))
            .unwrap();
        let again = Store::open(&path).unwrap();
        let facts = again.get(&new_id([1; 16])).unwrap();
        assert_eq!(again.read(&facts).unwrap(), b"hello");
        assert_eq!((facts.bytes, facts.taken()), (5, at(0)));
        assert_eq!(facts.about, facts_of(1, 0, Class::Asked).about);
        assert_eq!(again.size(), (1, 5));
    }

    #[test]
    fn the_oldest_of_a_class_makes_room_and_the_old_go() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let day = 86_400;
        store
            .put(facts_of(1, 0, Class::Asked), b"1", at(0))
            .unwrap();
        store
            .put(facts_of(2, 0, Class::Continuous), b"22", at(0))
            .unwrap();
        store
            .put(facts_of(3, day, Class::Asked), b"333", at(day))
            .unwrap();
        let ids = |store: &Store| -> Vec<_> {
            store.list().iter().map(|facts| facts.id.clone()).collect()
        };
        // An hour is over for the continuous one.
        assert_eq!(ids(&store), [new_id([3; 16]), new_id([1; 16])]);
        store.sweep(at(8 * day - 1));
        assert_eq!(ids(&store), [new_id([3; 16])]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn no_more_than_the_bounds_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for number in 0..=255 {
            let facts = facts_of(number, number.into(), Class::Continuous);
            store.put(facts, b"x", at(255)).unwrap();
        }
        assert_eq!(store.size().0, CONTINUOUS.count);
        let large = vec![0; usize::try_from(CONTINUOUS.bytes).unwrap() + 1];
        let refused = store.put(facts_of(0, 300, Class::Continuous), &large, at(300));
        assert!(matches!(refused, Err(StoreError::Large { .. })));
    }

    #[test]
    fn what_is_not_ours_is_left_alone_and_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let id = new_id([7; 16]);
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        let mut evil = serde_json::to_value(facts_of(7, 0, Class::Asked)).unwrap();
        evil["file"] = "../../etc/passwd".into();
        write(&format!("{id}.json"), &evil.to_string());
        write(&format!("{}.json", new_id([8; 16])), "no json");
        write("notes.json", "{}");
        write(&format!("{id}.pb.gz.part"), "half");
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.size(), (0, 0));
        assert!(folder.path().join("notes.json").exists());
        assert!(!folder.path().join(format!("{id}.pb.gz.part")).exists());
        assert!(!is_id("../../../../etc/passwd0000000000") && !is_id("") && is_id(&id));
    }

    #[test]
    fn a_folder_that_is_a_file_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Store::open(file.path()).unwrap_err().to_string();
        assert!(
            error.contains("profiles.dir") && error.contains(&*file.path().to_string_lossy()),
            "{error}"
        );
    }
}
