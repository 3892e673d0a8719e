//! The program of a running process: its file, mapped, and where it lies in memory.

#![allow(unsafe_code, reason = "a mapped file")]

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;

use memmap2::Mmap;
use procfs::process::{MMPermissions, Process};

use super::image::Image;
use super::libraries::Libraries;
use crate::profile::ProfileError;

/// The file of a process, mapped: pages that are not looked at take no memory.
#[derive(Debug)]
pub struct Program {
    pid: u32,
    /// Holds its folder in `/proc` open, so that another process under its number is never taken for it.
    process: Process,
    map: Mmap,
    /// By which its mappings are known. Not the device: that of an overlay differs between the file and its mappings.
    inode: u64,
}

impl Program {
    /// Opens the program of a process.
    ///
    /// # Errors
    ///
    /// When the process is gone, or its program cannot be read.
    pub fn open(pid: u32) -> Result<Self, ProfileError> {
        let gone = ProfileError::Gone { pid };
        let number = i32::try_from(pid).map_err(|_| gone.clone())?;
        let process = Process::new(number).map_err(|_| gone.clone())?;
        if !runs(&process) {
            return Err(gone);
        }
        let refused = |error: io::Error| match error.kind() {
            ErrorKind::NotFound if runs(&process) => ProfileError::NotGo {
                pid,
                why: "it has no program file (a thread of the kernel, or one just ending)".into(),
            },
            ErrorKind::NotFound => ProfileError::Gone { pid },
            _ => ProfileError::NoProgram {
                pid,
                why: error.to_string(),
            },
        };
        let file = File::open(format!("/proc/{pid}/exe")).map_err(refused)?;
        let inode = file.metadata().map_err(refused)?.ino();
        // SAFETY: the file cannot be written while a process runs it (ETXTBSY), and the map is dropped soon after.
        let map = unsafe { Mmap::map(&file) }.map_err(refused)?;
        Ok(Self {
            pid,
            process,
            map,
            inode,
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
        runs(&self.process)
    }

    /// What the kernel added to the addresses of the file, and what else may run in the process. 0 and nothing where the list of
    /// mappings is refused: right for every program that is not position-independent, and the symbols tell if not.
    #[must_use]
    pub fn mapped(&self, image: &Image<'_>) -> (u64, Libraries) {
        let maps = self.process.maps().into_iter().flatten();
        let runs = maps.filter(|map| map.perms.contains(MMPermissions::EXECUTE));
        let (own, others): (Vec<_>, Vec<_>) = runs.partition(|map| map.inode == self.inode);
        let bias = own
            .iter()
            .find_map(|map| image.bias(map.address.0, map.offset));
        (bias.unwrap_or(0), Libraries::of(self.pid, others))
    }
}

/// A process that only waits for its parent to look does not run.
fn runs(process: &Process) -> bool {
    process
        .stat()
        .is_ok_and(|stat| !matches!(stat.state, 'Z' | 'X'))
}
