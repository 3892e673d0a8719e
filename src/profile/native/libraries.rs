//! Code of a process that is not its program's: the vdso that the kernel maps into each, and the shared libraries of a broker built with cgo.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSegment, ObjectSymbol, SymbolKind};
use procfs::process::{MMapPath, MemoryMap, Process};

/// Largest library that is read, one at a time; a libc has 2 MiB.
const LIBRARY_MAX: u64 = 16 << 20;
/// Functions that are kept of one; a libc names 3,000.
const FUNCTIONS_MAX: usize = 200_000;
const VDSO: &str = "[vdso]";

/// What else may run in a process, by address; symbols are read when the first address of a mapping is asked for.
#[derive(Debug, Default)]
pub struct Libraries {
    pid: u32,
    mappings: Vec<Mapping>,
}

/// Where an address lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The function; `None` where the library names none there.
    pub function: Option<&'a str>,
    /// File name of the library, or `[vdso]`.
    pub library: &'a str,
}

#[derive(Debug)]
struct Mapping {
    start: u64,
    end: u64,
    offset: u64,
    inode: u64,
    /// `None` for the vdso.
    path: Option<PathBuf>,
    name: String,
    functions: Option<Functions>,
}

impl Libraries {
    /// Those of `maps`, the mappings of a process that may run.
    pub(super) fn of(pid: u32, maps: Vec<MemoryMap>) -> Self {
        let mappings = maps.into_iter().filter_map(|map| {
            let path = match map.pathname {
                MMapPath::Vdso => None,
                MMapPath::Path(path) => Some(path),
                _ => return None,
            };
            let name = path.as_deref().map_or_else(|| VDSO.to_owned(), file_name);
            Some(Mapping {
                start: map.address.0,
                end: map.address.1,
                offset: map.offset,
                inode: map.inode,
                path,
                name,
                functions: None,
            })
        });
        Self {
            pid,
            mappings: mappings.collect(),
        }
    }

    /// Where `address` lies; `None` outside of every library.
    pub fn place(&mut self, address: u64) -> Option<Place<'_>> {
        let pid = self.pid;
        let mapping = self
            .mappings
            .iter_mut()
            .find(|mapping| (mapping.start..mapping.end).contains(&address))?;
        let functions = mapping.functions.get_or_insert_with(|| {
            let bytes = match &mapping.path {
                None => vdso(),
                Some(path) => library(pid, path, mapping.inode),
            };
            Functions::parse(&bytes.unwrap_or_default())
        });
        let at = address - mapping.start;
        Some(Place {
            function: functions.at(mapping.offset.saturating_add(at)),
            library: &mapping.name,
        })
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// The vdso is the same for all 64-bit processes of a kernel: ours is read, which needs no right.
fn vdso() -> Option<Vec<u8>> {
    let maps = Process::myself().ok()?.maps().ok()?;
    let map = maps
        .into_iter()
        .find(|map| map.pathname == MMapPath::Vdso)?;
    let (start, end) = map.address;
    let mut bytes = vec![0; usize::try_from((end - start).min(LIBRARY_MAX)).ok()?];
    let memory = File::open("/proc/self/mem").ok()?;
    memory.read_exact_at(&mut bytes, start).ok()?;
    Some(bytes)
}

/// A library's file as its process sees it, if it is still the one that is mapped. Read, not mapped: a file that
/// somebody cuts short while it is mapped would end us.
fn library(pid: u32, path: &Path, inode: u64) -> Option<Vec<u8>> {
    let path = format!("/proc/{pid}/root{}", path.to_str()?);
    // Whoever puts a pipe there must not hold us.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .ok()?;
    let metadata = file.metadata().ok()?;
    let same = metadata.is_file() && metadata.ino() == inode && metadata.len() <= LIBRARY_MAX;
    let mut bytes = Vec::new();
    same.then_some(())?;
    file.take(LIBRARY_MAX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Functions of an ELF file by their offset in it.
#[derive(Debug, Default)]
struct Functions {
    /// Offset in the file, bytes (0: not said), name; by offset.
    sorted: Vec<(u64, u64, Box<str>)>,
}

impl Functions {
    /// None of what is no ELF file: its addresses have no names then.
    fn parse(bytes: &[u8]) -> Self {
        let Ok(elf) = ElfFile64::<Endianness>::parse(bytes) else {
            return Self::default();
        };
        let segments: Vec<_> = elf
            .segments()
            .map(|segment| (segment.address(), segment.file_range()))
            .collect();
        let offset = |address: u64| {
            segments.iter().find_map(|(start, (offset, length))| {
                let at = address.checked_sub(*start).filter(|at| at < length)?;
                offset.checked_add(at)
            })
        };
        // The full table knows the static functions too, but distributions cut it off.
        let mut sorted: Vec<_> = elf
            .symbols()
            .chain(elf.dynamic_symbols())
            .filter(|symbol| symbol.is_definition() && symbol.kind() == SymbolKind::Text)
            .take(FUNCTIONS_MAX)
            .filter_map(|symbol| {
                let name = symbol.name().ok().filter(|name| !name.is_empty())?;
                Some((offset(symbol.address())?, symbol.size(), Box::from(name)))
            })
            .collect();
        // Of several names at one place the first: `__vdso_clock_gettime` says more than `clock_gettime`.
        sorted.sort_unstable();
        sorted.dedup_by_key(|(start, ..)| *start);
        Self { sorted }
    }

    fn at(&self, offset: u64) -> Option<&str> {
        let after = self.sorted.partition_point(|(start, ..)| *start <= offset);
        let (start, size, name) = self.sorted[..after].last()?;
        (*size == 0 || offset - start < *size).then_some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_vdso_names_its_clock() {
        let functions = Functions::parse(&vdso().expect("each process has one"));
        let clock = functions
            .sorted
            .iter()
            .find(|(.., name)| name.contains("clock_gettime"))
            .expect("vdso(7)");
        // arm64 calls it so; under qemu-user the vdso that is read is the host's.
        let known: &[&str] = if cfg!(target_arch = "x86_64") {
            &["__vdso_clock_gettime"]
        } else {
            &["__kernel_clock_gettime", "__vdso_clock_gettime"]
        };
        let name = functions.at(clock.0 + 1).expect("it is there");
        assert!(known.contains(&name), "{name}");
    }

    #[test]
    fn a_function_ends_where_its_symbol_says_and_one_without_a_size_at_the_next() {
        let functions = Functions {
            sorted: vec![
                (0x10, 8, "first".into()),
                (0x20, 0, "unsized".into()),
                (0x40, 4, "last".into()),
            ],
        };
        let at = |offset| functions.at(offset).unwrap_or("-").to_owned();
        let found = [0, 0x10, 0x17, 0x18, 0x20, 0x3f, 0x40, 0x44].map(at);
        assert_eq!(
            found,
            [
                "-", "first", "first", "-", "unsized", "unsized", "last", "-"
            ]
        );
    }

    #[test]
    fn what_is_no_library_has_no_names() {
        for bytes in [&b""[..], b"\x7fELF", &[0x7f; 4096]] {
            assert!(Functions::parse(bytes).sorted.is_empty());
        }
    }

    #[test]
    fn a_file_that_is_another_by_now_is_not_read() {
        let myself = std::process::id();
        let path = std::env::current_exe().expect("a test has a program");
        let inode = std::fs::metadata(&path).expect("it is a file").ino();
        assert_eq!(library(myself, &path, inode + 1), None);
        assert_eq!(library(myself, Path::new("/dev/null"), inode), None);
    }
}
