//! Records of a perf ring as values: samples, and what was lost. Layout: `perf_event_open(2)`, "PERF_RECORD_SAMPLE".

use super::image::Machine;
use super::unwind::Registers;

/// `PERF_RECORD_LOST`.
const LOST: u32 = 2;
/// `PERF_RECORD_THROTTLE`.
const THROTTLE: u32 = 5;
/// `PERF_RECORD_SAMPLE`.
const SAMPLE: u32 = 9;
/// `PERF_RECORD_LOST_SAMPLES`.
const LOST_SAMPLES: u32 = 13;
/// Addresses from here on are marks of `enum perf_callchain_context`, not addresses.
const CONTEXT_MAX: u64 = -4095_i64 as u64;
const CONTEXT_KERNEL: u64 = -128_i64 as u64;
const CONTEXT_USER: u64 = -512_i64 as u64;
/// Bytes before the body of a record.
pub const HEADER_BYTES: usize = 8;

/// Registers that samples are to hold, as bits of `sample_regs_user` (`asm/perf_regs.h`), in the order in which they come.
#[must_use]
pub fn register_mask(machine: Machine) -> u64 {
    match machine {
        // SP, IP.
        Machine::Amd64 => 1 << 7 | 1 << 8,
        // LR, SP, PC.
        Machine::Arm64 => 1 << 30 | 1 << 31 | 1 << 32,
    }
}

/// One record, as far as it says something to us.
#[derive(Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// A thread was seen on a processor.
    Sample(RawSample<'a>),
    /// So many records found no room in the ring.
    Lost(u64),
    /// The kernel paused the event: it took too much time.
    Throttled,
}

/// A sample as the kernel wrote it. The stack's bytes may hold anything that the broker works on: they are read where they lie, and
/// never kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RawSample<'a> {
    /// The thread.
    pub thread: u32,
    /// Call chain with the marks between its parts.
    chain: &'a [u8],
    /// Registers in user mode; `None` for a thread of the kernel, or one that is just exiting.
    pub registers: Option<Registers>,
    /// Bytes of the user stack from its pointer on.
    pub stack: &'a [u8],
}

impl RawSample<'_> {
    /// Puts the kernel's part of the chain into `kernel` and the program's into `user`, leaf first.
    pub fn split(&self, kernel: &mut Vec<u64>, user: &mut Vec<u64>) {
        kernel.clear();
        user.clear();
        let mut part = None;
        for bytes in self.chain.as_chunks().0 {
            let address = u64::from_le_bytes(*bytes);
            match address {
                CONTEXT_KERNEL => part = Some(true),
                CONTEXT_USER => part = Some(false),
                CONTEXT_MAX.. => part = None,
                _ => match part {
                    Some(true) => kernel.push(address),
                    Some(false) => user.push(address),
                    None => {}
                },
            }
        }
    }
}

/// Reads the body of a record of type `kind`; `None` where it says nothing to us, or is cut off.
#[must_use]
pub fn read(machine: Machine, kind: u32, body: &[u8]) -> Option<Record<'_>> {
    let mut words = Words(body);
    match kind {
        SAMPLE => sample(machine, words).map(Record::Sample),
        LOST => {
            words.next()?;
            Some(Record::Lost(words.next()?))
        }
        LOST_SAMPLES => Some(Record::Lost(words.next()?)),
        THROTTLE => Some(Record::Throttled),
        _ => None,
    }
}

/// Parts in the order of the bits of `sample_type`: TID, CALLCHAIN, REGS_USER, STACK_USER.
fn sample(machine: Machine, mut words: Words<'_>) -> Option<RawSample<'_>> {
    let thread = u32::try_from(words.next()? >> 32).ok()?;
    let addresses = words.next()?;
    let chain = words.take(addresses.checked_mul(8)?)?;
    // PERF_SAMPLE_REGS_ABI_NONE is 0; then no register follows.
    let registers = match words.next()? {
        0 => None,
        _ => Some(match machine {
            Machine::Amd64 => Registers {
                sp: words.next()?,
                ip: words.next()?,
                lr: 0,
            },
            Machine::Arm64 => Registers {
                lr: words.next()?,
                sp: words.next()?,
                ip: words.next()?,
            },
        }),
    };
    let copied = words.next()?;
    let stack = words.take(copied)?;
    // How many of these bytes are the stack's stands after them, if there are any.
    let real = if copied == 0 {
        0
    } else {
        words.next()?.min(copied)
    };
    Some(RawSample {
        thread,
        chain,
        registers,
        stack: &stack[..usize::try_from(real).ok()?],
    })
}

struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<u64> {
        let (first, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*first))
    }

    fn take(&mut self, bytes: u64) -> Option<&'a [u8]> {
        let (first, rest) = self.0.split_at_checked(usize::try_from(bytes).ok()?)?;
        self.0 = rest;
        Some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(words: &[u64]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// Thread 42, two kernel and two user addresses, SP and IP, two words of stack of which one is real.
    fn whole() -> Vec<u8> {
        let chain = [CONTEXT_KERNEL, 0xf1, 0xf2, CONTEXT_USER, 0x11, 0x12];
        let mut words = vec![42 << 32 | 41, chain.len() as u64];
        words.extend(chain);
        words.extend([2, 0x7000, 0x11, 16, 0xaa, 0xbb, 8]);
        body(&words)
    }

    #[test]
    fn a_sample_is_read_part_by_part() {
        let bytes = whole();
        let Some(Record::Sample(sample)) = read(Machine::Amd64, SAMPLE, &bytes) else {
            panic!()
        };
        let (mut kernel, mut user) = (vec![1], vec![1]);
        sample.split(&mut kernel, &mut user);
        assert_eq!(
            (sample.thread, kernel, user),
            (42, vec![0xf1, 0xf2], vec![0x11, 0x12])
        );
        assert_eq!(
            sample.registers,
            Some(Registers {
                ip: 0x11,
                sp: 0x7000,
                lr: 0
            })
        );
        assert_eq!(sample.stack, 0xaa_u64.to_le_bytes());
    }

    #[test]
    fn a_record_cut_anywhere_is_no_sample() {
        let bytes = whole();
        for end in 0..bytes.len() {
            assert_eq!(
                read(Machine::Amd64, SAMPLE, &bytes[..end]),
                None,
                "cut at {end}"
            );
        }
    }

    #[test]
    fn a_sample_without_registers_has_no_stack() {
        let bytes = body(&[42 << 32, 0, 0, 0]);
        let expected = RawSample {
            thread: 42,
            chain: &[],
            registers: None,
            stack: &[],
        };
        assert_eq!(
            read(Machine::Amd64, SAMPLE, &bytes),
            Some(Record::Sample(expected))
        );
    }

    #[test]
    fn arm64_has_its_registers_in_its_own_order() {
        let bytes = body(&[42 << 32, 0, 2, 0x30, 0x31, 0x32, 0]);
        let Some(Record::Sample(sample)) = read(Machine::Arm64, SAMPLE, &bytes) else {
            panic!()
        };
        assert_eq!(
            sample.registers,
            Some(Registers {
                lr: 0x30,
                sp: 0x31,
                ip: 0x32
            })
        );
    }

    #[test]
    fn losses_are_counted() {
        assert_eq!(
            read(Machine::Amd64, LOST, &body(&[7, 3])),
            Some(Record::Lost(3))
        );
        assert_eq!(
            read(Machine::Amd64, LOST_SAMPLES, &body(&[4])),
            Some(Record::Lost(4))
        );
        assert_eq!(
            read(Machine::Amd64, THROTTLE, &body(&[1, 2, 3])),
            Some(Record::Throttled)
        );
        assert_eq!(read(Machine::Amd64, 7, &body(&[1, 2, 3])), None);
    }

    #[test]
    fn a_length_beyond_the_record_is_refused() {
        let bytes = body(&[42 << 32, u64::MAX / 8, 2]);
        assert_eq!(read(Machine::Amd64, SAMPLE, &bytes), None);
    }
}
