//! Names of kernel functions, from `/proc/kallsyms`. To read it takes longer than all else in a capture (the kernel writes 120,000 lines), and
//! each capture meets functions that none before has met: so all functions are kept, as 2 MB, for as long as captures follow each other.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::time::{Duration, Instant};

/// What a kernel function is called in profiles, after its name; `perf script` and `inferno` use the same mark.
pub const MARK: &str = "_[k]";
/// How long names are kept that nobody asks for. The continuous mode asks each minute.
const UNUSED_MAX: Duration = Duration::from_secs(120);
/// How long names are kept from their reading on. Functions of a module that is loaded meanwhile go by the name of their neighbour until then.
const AGE_MAX: Duration = Duration::from_secs(600);
const READ_BYTES: usize = 256 << 10;
/// Symbols of the bytes of padding before a function, where the kernel has such (Linux scripts/kallsyms.c): nothing runs there, and
/// they would be half of all.
const PADDING: &str = "__pfx_";

/// Names by address, kept from capture to capture.
#[derive(Debug, Default)]
pub struct KernelNames {
    kept: Option<Kept>,
}

#[derive(Debug)]
struct Kept {
    read: Instant,
    used: Instant,
    functions: Functions,
}

impl KernelNames {
    /// Reads the names, unless they are here.
    ///
    /// # Errors
    ///
    /// When `/proc/kallsyms` cannot be read, or shows no addresses: without CAP_SYSLOG it does so where `kernel.kptr_restrict` is 1, or
    /// `kernel.perf_event_paranoid` above 1; with `kernel.kptr_restrict` 2 always.
    pub fn learn(&mut self) -> io::Result<()> {
        self.forget_unused();
        let now = Instant::now();
        if let Some(kept) = &mut self.kept {
            kept.used = now;
        } else {
            let file = File::open("/proc/kallsyms")?;
            let functions = Functions::read(BufReader::with_capacity(READ_BYTES, file))?;
            self.kept = Some(Kept {
                read: now,
                used: now,
                functions,
            });
        }
        Ok(())
    }

    /// Drops names that are old, or that no capture has asked for of late; whether there were any.
    pub fn forget_unused(&mut self) -> bool {
        let forgotten = self
            .kept
            .take_if(|kept| kept.used.elapsed() > UNUSED_MAX || kept.read.elapsed() > AGE_MAX);
        forgotten.is_some()
    }

    /// The function at an address, without [`MARK`]; `None` before [`KernelNames::learn`], too.
    #[must_use]
    pub fn name(&self, address: u64) -> Option<&str> {
        self.kept.as_ref()?.functions.name(address)
    }
}

/// All functions of the kernel and its modules.
#[derive(Debug, Default)]
struct Functions {
    /// The address of the first function that was read; all others lie within 2 GiB of it.
    base: u64,
    /// Where a function begins, less `base`, and where its name begins in `names`; sorted.
    starts: Vec<(i32, u32)>,
    /// Each with a line feed after it.
    names: String,
}

impl Functions {
    /// The list is sorted for the kernel itself, not for its modules. Of two names of one address the first is taken.
    fn read(mut symbols: impl BufRead) -> io::Result<Self> {
        let mut functions = Self::default();
        let mut line = Vec::new();
        loop {
            line.clear();
            if symbols.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            if let Some((address, name)) = symbol(&line) {
                functions.add(address, name);
            }
        }
        functions.starts.sort_by_key(|(start, _)| *start);
        functions.starts.dedup_by_key(|(start, _)| *start);
        functions.starts.shrink_to_fit();
        functions.names.shrink_to_fit();
        if functions.starts.is_empty() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(functions)
    }

    /// An address that is hidden is 0.
    fn add(&mut self, address: u64, name: &str) {
        if address == 0 || name.starts_with(PADDING) {
            return;
        }
        if self.starts.is_empty() {
            self.base = address;
        }
        if let (Some(start), Ok(at)) = (self.offset(address), u32::try_from(self.names.len())) {
            self.starts.push((start, at));
            self.names.push_str(name);
            self.names.push('\n');
        }
    }

    fn offset(&self, address: u64) -> Option<i32> {
        let distance = i32::try_from(address.abs_diff(self.base)).ok()?;
        Some(if address < self.base {
            -distance
        } else {
            distance
        })
    }

    /// The last function that begins at `address` or before.
    fn name(&self, address: u64) -> Option<&str> {
        let wanted = self.offset(address)?;
        let after = self.starts.partition_point(|(start, _)| *start <= wanted);
        let (_, at) = *self.starts.get(after.checked_sub(1)?)?;
        let rest = self.names.get(usize::try_from(at).ok()?..)?;
        rest.split('\n').next()
    }
}

/// Address and name of a function: `ffffffff81000000 T _stext`, with the module in brackets after a tab.
fn symbol(line: &[u8]) -> Option<(u64, &str)> {
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split_ascii_whitespace();
    let address = u64::from_str_radix(words.next()?, 16).ok()?;
    let kind = words.next()?;
    matches!(kind, "t" | "T" | "w" | "W").then_some(())?;
    Some((address, words.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYMBOLS: &str = "\
0000000000000000 A fixed_percpu_data
ffffffff81000000 T _stext
ffffffff810000f0 t __pfx_futex_wait
ffffffff81000100 t futex_wait
ffffffff81000100 t futex_wait_alias
ffffffff81000180 D not_a_function
ffffffff81000200 T schedule
ffffffffc0002000 t nf_hook\t[nf_tables]
ffffffffc0001000 t veth_xmit\t[veth]
";

    fn name(address: u64) -> Option<String> {
        let functions = Functions::read(SYMBOLS.as_bytes()).unwrap();
        functions.name(address).map(String::from)
    }

    #[test]
    fn an_address_belongs_to_the_function_before_it() {
        for (address, expected) in [
            (0xffff_ffff_8100_00ff, "_stext"),
            (0xffff_ffff_8100_0100, "futex_wait"),
            (0xffff_ffff_8100_01ff, "futex_wait"),
            (0xffff_ffff_8100_0200, "schedule"),
            (0xffff_ffff_c000_1fff, "veth_xmit"),
            (0xffff_ffff_c000_2000, "nf_hook"),
        ] {
            assert_eq!(name(address).as_deref(), Some(expected), "{address:x}");
        }
    }

    #[test]
    fn before_the_first_function_and_far_from_all_there_is_no_name() {
        assert_eq!(name(0xffff_ffff_80ff_ffff), None);
        assert_eq!(name(0x10), None);
        assert_eq!(KernelNames::default().name(0xffff_ffff_8100_0100), None);
    }

    #[test]
    fn hidden_addresses_are_said_instead_of_names_that_are_wrong() {
        let hidden = "0000000000000000 T _stext\n0000000000000000 t futex_wait\n";
        let error = Functions::read(hidden.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }
}
