//! Names of kernel functions, from `/proc/kallsyms`: one pass for all addresses of a capture, nothing kept of the others.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};

/// What a kernel function is called in profiles, after its name; `perf script` and `inferno` use the same mark.
pub const MARK: &str = "_[k]";
/// Names that are kept from capture to capture.
const KNOWN_MAX: usize = 100_000;
const READ_BYTES: usize = 256 << 10;

/// Names by address, kept from capture to capture.
#[derive(Debug, Default)]
pub struct KernelNames {
    known: HashMap<u64, Option<Box<str>>>,
}

impl KernelNames {
    /// Looks up what is not yet known of `addresses`.
    ///
    /// # Errors
    ///
    /// When `/proc/kallsyms` cannot be read, or shows no addresses: without CAP_SYSLOG it does so where `kernel.kptr_restrict` is 1, or
    /// `kernel.perf_event_paranoid` above 1; with `kernel.kptr_restrict` 2 always.
    pub fn learn(&mut self, addresses: impl Iterator<Item = u64>) -> io::Result<()> {
        if self.known.len() > KNOWN_MAX {
            self.known.clear();
        }
        let mut missing: Vec<u64> = addresses
            .filter(|address| !self.known.contains_key(address))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        let names = resolve(
            BufReader::with_capacity(READ_BYTES, File::open("/proc/kallsyms")?),
            &missing,
        )?;
        self.known.extend(missing.into_iter().zip(names));
        Ok(())
    }

    /// The function at an address that was learned.
    #[must_use]
    pub fn name(&self, address: u64) -> Option<&str> {
        self.known.get(&address)?.as_deref()
    }
}

/// The function before each of `addresses` (sorted), marked as the kernel's. The list is sorted for the kernel itself, not for its
/// modules, so the last symbol before an address may stand anywhere.
fn resolve(mut symbols: impl BufRead, addresses: &[u64]) -> io::Result<Vec<Option<Box<str>>>> {
    // The best symbol of each gap between addresses; better ones come down from the gaps before.
    let mut best: Vec<(u64, Option<Box<str>>)> = vec![(0, None); addresses.len()];
    let mut line = Vec::new();
    let mut hidden = true;
    loop {
        line.clear();
        if symbols.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let Some((address, name)) = symbol(&line) else {
            continue;
        };
        hidden &= address == 0;
        let gap = addresses.partition_point(|sampled| *sampled < address);
        if let Some(known) = best.get_mut(gap)
            && address > known.0
        {
            *known = (address, Some(format!("{name}{MARK}").into_boxed_str()));
        }
    }
    if hidden {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    for at in 1..best.len() {
        if best[at - 1].0 > best[at].0 {
            best[at] = best[at - 1].clone();
        }
    }
    Ok(best.into_iter().map(|(_, name)| name).collect())
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
ffffffff81000100 t futex_wait
ffffffff81000180 D not_a_function
ffffffff81000200 T schedule
ffffffffc0002000 t nf_hook\t[nf_tables]
ffffffffc0001000 t veth_xmit\t[veth]
";

    fn names(addresses: &[u64]) -> Vec<Option<String>> {
        let names = resolve(SYMBOLS.as_bytes(), addresses).unwrap();
        names
            .into_iter()
            .map(|name| name.map(String::from))
            .collect()
    }

    #[test]
    fn an_address_belongs_to_the_function_before_it() {
        let found = names(&[
            0xffff_ffff_8100_0100,
            0xffff_ffff_8100_01ff,
            0xffff_ffff_8100_0200,
            0xffff_ffff_c000_1fff,
        ]);
        let expected = [
            "futex_wait_[k]",
            "futex_wait_[k]",
            "schedule_[k]",
            "veth_xmit_[k]",
        ];
        assert_eq!(found, expected.map(|name| Some(name.to_owned())));
    }

    #[test]
    fn before_the_first_function_there_is_no_name() {
        assert_eq!(names(&[0x10]), [None]);
        assert_eq!(names(&[]), [] as [Option<String>; 0]);
    }

    #[test]
    fn hidden_addresses_are_said_instead_of_names_that_are_wrong() {
        let hidden = "0000000000000000 T _stext\n0000000000000000 t futex_wait\n";
        let error = resolve(hidden.as_bytes(), &[0xffff_ffff_8100_0000]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }
}
