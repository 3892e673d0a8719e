//! The program of a running process: its file, mapped, and where it lies in memory.

#![allow(unsafe_code, reason = "a mapped file")]

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;

use memmap2::Mmap;

use super::image::Image;
use crate::profile::ProfileError;

/// Bytes of `/proc/PID/maps` that are read; a broker has some 10 kB.
const MAPS_MAX: usize = 16 << 20;

/// The file of a process, mapped: pages that are not looked at take no memory.
#[derive(Debug)]
pub struct Program {
    pid: u32,
    map: Mmap,
    /// Device and inode, by which its mappings are known.
    identity: (u64, u64),
    /// When the process started, in ticks since the machine did: with the PID it names one process for good.
    started: u64,
}

impl Program {
    /// Opens the program of a process.
    ///
    /// # Errors
    ///
    /// When the process is gone, or its program cannot be read.
    pub fn open(pid: u32) -> Result<Self, ProfileError> {
        let started = started(pid).ok_or(ProfileError::Gone { pid })?;
        let path = format!("/proc/{pid}/exe");
        let refused = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound if started_at(pid, started) => ProfileError::NotGo {
                pid,
                why: "it has no program file (a thread of the kernel, or one just ending)".into(),
            },
            io::ErrorKind::NotFound => ProfileError::Gone { pid },
            _ => ProfileError::NoProgram {
                pid,
                why: error.to_string(),
            },
        };
        let file = File::open(path).map_err(refused)?;
        let meta = file.metadata().map_err(refused)?;
        // SAFETY: the file cannot be written while a process runs it (ETXTBSY), and the map is dropped soon after.
        let map = unsafe { Mmap::map(&file) }.map_err(refused)?;
        Ok(Self {
            pid,
            map,
            identity: (meta.dev(), meta.ino()),
            started,
        })
    }

    /// Bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Whether the process still runs: the same, not another under its number.
    #[must_use]
    pub fn runs(&self) -> bool {
        started_at(self.pid, self.started)
    }

    /// What the kernel added to the addresses of the file. 0 where the list of mappings is refused: right for every program
    /// that is not position-independent, and the symbols tell if not.
    #[must_use]
    pub fn bias(&self, image: &Image<'_>) -> u64 {
        let Ok(maps) = fs::read(format!("/proc/{}/maps", self.pid)) else {
            return 0;
        };
        let maps = String::from_utf8_lossy(&maps[..maps.len().min(MAPS_MAX)]).into_owned();
        maps.lines()
            .filter_map(mapping)
            .filter(|mapping| mapping.runs && mapping.inode == self.identity.1)
            .find_map(|mapping| image.bias(mapping.start, mapping.offset))
            .unwrap_or(0)
    }
}

struct Mapping {
    start: u64,
    offset: u64,
    inode: u64,
    runs: bool,
}

/// `00400000-00c45000 r-xp 00000000 fe:00 1234  /usr/bin/nats-server`
fn mapping(line: &str) -> Option<Mapping> {
    let mut words = line.split_ascii_whitespace();
    let start = u64::from_str_radix(words.next()?.split_once('-')?.0, 16).ok()?;
    let runs = words.next()?.contains('x');
    let offset = u64::from_str_radix(words.next()?, 16).ok()?;
    words.next()?;
    Some(Mapping {
        start,
        offset,
        inode: words.next()?.parse().ok()?,
        runs,
    })
}

fn started_at(pid: u32, when: u64) -> bool {
    started(pid) == Some(when)
}

/// Field 22 of `/proc/PID/stat`; `None` for a process that is gone or only waits for its parent.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything.
    let mut words = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    if matches!(words.next()?, "Z" | "X") {
        return None;
    }
    words.nth(18)?.parse().ok()
}
