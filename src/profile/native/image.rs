//! A program's file as the kernel maps it: bytes by address, before any bias.

use object::elf::RelocationType;
use object::read::elf::{ElfFile64, FileHeader, SectionHeader};
use object::{Endianness, Object, ObjectSection, ObjectSegment};

/// Most relocations that are looked through; a broker built as PIE has some 100,000.
const RELOCATIONS_MAX: usize = 4_000_000;

/// What a sampled machine's registers and relocations are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// x86-64.
    Amd64,
    /// AArch64.
    Arm64,
}

/// Why a file is no program that we can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// Not a little-endian 64-bit ELF file.
    #[error("it is not a 64-bit little-endian ELF program ({0})")]
    NotElf(String),
    /// Of another processor.
    #[error("it is built for ELF machine {0}; amd64 (62) and arm64 (183) can be read")]
    Machine(u16),
}

/// Segments of an ELF file by address, and what the dynamic linker writes into them.
#[derive(Debug)]
pub struct Image<'a> {
    machine: Machine,
    /// Address at which a segment begins, its bytes in the file, whether it may run.
    segments: Vec<Segment<'a>>,
    /// Name, address, bytes.
    sections: Vec<(&'a [u8], u64, &'a [u8])>,
    /// Words that the dynamic linker fills in a PIE: address and value before the bias, by address.
    relative: Vec<(u64, u64)>,
}

#[derive(Debug)]
struct Segment<'a> {
    address: u64,
    bytes: &'a [u8],
    /// Offset in the file; with it a mapping of `/proc/PID/maps` leads to the bias.
    offset: u64,
    runs: bool,
    written: bool,
}

impl<'a> Image<'a> {
    /// Reads the headers of `file`; bytes stay where they are.
    ///
    /// # Errors
    ///
    /// When it is no ELF file of a processor that we know.
    pub fn parse(file: &'a [u8]) -> Result<Self, ImageError> {
        let elf = ElfFile64::<Endianness>::parse(file)
            .map_err(|error| ImageError::NotElf(error.to_string()))?;
        if !elf.is_little_endian() {
            return Err(ImageError::NotElf("big-endian".to_owned()));
        }
        let (machine, relative_type) = match elf.elf_header().e_machine(Endianness::Little) {
            object::elf::EM_X86_64 => (Machine::Amd64, object::elf::R_X86_64_RELATIVE),
            object::elf::EM_AARCH64 => (Machine::Arm64, object::elf::R_AARCH64_RELATIVE),
            other => return Err(ImageError::Machine(other.0)),
        };
        let segments = elf
            .segments()
            .filter_map(|segment| {
                let rights = segment.permissions();
                Some(Segment {
                    address: segment.address(),
                    bytes: segment.data().ok()?,
                    offset: segment.file_range().0,
                    runs: rights.executable(),
                    written: rights.writable(),
                })
            })
            .collect();
        let sections = elf
            .sections()
            .filter_map(|section| {
                Some((
                    section.name_bytes().ok()?,
                    section.address(),
                    section.data().ok()?,
                ))
            })
            .collect();
        Ok(Self {
            machine,
            segments,
            sections,
            relative: relative(&elf, relative_type),
        })
    }

    /// The processor.
    #[must_use]
    pub fn machine(&self) -> Machine {
        self.machine
    }

    /// Bytes from `address` to the end of its segment in the file.
    #[must_use]
    pub fn from(&self, address: u64) -> Option<&'a [u8]> {
        self.segments.iter().find_map(|segment| {
            let at = usize::try_from(address.checked_sub(segment.address)?).ok()?;
            segment.bytes.get(at..).filter(|rest| !rest.is_empty())
        })
    }

    /// The word at `address`, as it is at run time before the bias is added.
    #[must_use]
    pub fn word(&self, address: u64) -> Option<u64> {
        if let Ok(at) = self
            .relative
            .binary_search_by_key(&address, |(address, _)| *address)
        {
            return Some(self.relative[at].1);
        }
        self.from(address)?
            .first_chunk()
            .map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// The first section whose name ends in `ending`: address and bytes. Names of Go's sections differ between ways of linking
    /// (`.gopclntab`, `.data.rel.ro.gopclntab`), their endings do not.
    #[must_use]
    pub fn section(&self, ending: &str) -> Option<(u64, &'a [u8])> {
        self.sections
            .iter()
            .find(|(name, ..)| name.ends_with(ending.as_bytes()))
            .map(|(_, address, bytes)| (*address, *bytes))
    }

    /// Addresses at which a word `first` is followed by a word `second`. Segments that are written to come first: there lies the data
    /// of the linker (16 MB of code and tables would be read to find nothing in them).
    pub fn pairs(&self, first: u64, second: u64) -> impl Iterator<Item = u64> + '_ {
        let mut needle = [0; 16];
        needle[..8].copy_from_slice(&first.to_le_bytes());
        needle[8..].copy_from_slice(&second.to_le_bytes());
        let (data, rest): (Vec<_>, Vec<_>) =
            self.segments.iter().partition(|segment| segment.written);
        let written = data.into_iter().chain(rest).flat_map(move |segment| {
            let finder = memchr::memmem::Finder::new(&needle).into_owned();
            let found: Vec<usize> = finder.find_iter(segment.bytes).take(PAIRS_MAX).collect();
            found.into_iter().map(|at| segment.address + at as u64)
        });
        let linked = self
            .relative
            .windows(2)
            .filter(move |pair| {
                pair[0].1 == first && pair[1] == (pair[0].0.wrapping_add(8), second)
            })
            .map(|pair| pair[0].0);
        written.chain(linked)
    }

    /// Where `needle` stands in segments: address and the bytes from there on. For files whose section headers were cut off.
    pub fn find<'s>(&'s self, needle: &'s [u8]) -> impl Iterator<Item = (u64, &'a [u8])> + 's {
        self.segments.iter().flat_map(move |segment| {
            memchr::memmem::find_iter(segment.bytes, needle)
                .take(PAIRS_MAX)
                .map(|at| (segment.address + at as u64, &segment.bytes[at..]))
        })
    }

    /// What a mapping of file offset `offset` at `start` adds to addresses; `None` where no segment that may run has that offset.
    #[must_use]
    pub fn bias(&self, start: u64, offset: u64) -> Option<u64> {
        self.segments
            .iter()
            .filter(|segment| segment.runs)
            .find(|segment| {
                segment.offset <= offset + PAGE_MAX
                    && offset < segment.offset + segment.bytes.len() as u64
            })
            .map(|segment| {
                start.wrapping_sub(
                    segment
                        .address
                        .wrapping_sub(segment.offset)
                        .wrapping_add(offset),
                )
            })
    }
}

/// Matches that are tried; in a broker's file there is one.
const PAIRS_MAX: usize = 64;
/// The largest page (arm64): a mapping begins up to this far before its segment.
const PAGE_MAX: u64 = 64 << 10;

/// Relocations of the one kind that Go's data of a PIE have, by address.
fn relative(elf: &ElfFile64<'_, Endianness>, kind: RelocationType) -> Vec<(u64, u64)> {
    let endian = Endianness::Little;
    let mut words = Vec::new();
    for section in elf.elf_section_table().iter() {
        let Ok(Some((relocations, _))) = section.rela(endian, elf.data()) else {
            continue;
        };
        for relocation in relocations.iter().take(RELOCATIONS_MAX) {
            if relocation.r_type(endian, false) == kind {
                words.push((
                    relocation.r_offset.get(endian),
                    relocation.r_addend.get(endian).cast_unsigned(),
                ));
            }
        }
    }
    words.sort_unstable();
    words
}
