//! From one sample to its return addresses: what the kernel found by frame pointers, mended where those leave callers out.
//!
//! Go keeps frame pointers, but a function that needs no frame sets none, so the chain of a sample in one (system calls, atomics,
//! memmove: a quarter of all samples or more) lacks that function's caller; and some assembly uses the register for other things. Both are
//! mended with the stack depths of the symbol table and the few hundred bytes of stack that came with the sample: as far as
//! these reach, return addresses are read from the stack, until one is met that the chain has too.

use super::image::Machine;

/// Steps from the leaf; more than a few hundred bytes of stack can hold.
const STEPS_MAX: usize = 64;
const WORD: u64 = 8;

/// Registers of a thread in user mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Registers {
    /// Next instruction.
    pub ip: u64,
    /// Stack pointer.
    pub sp: u64,
    /// Link register; 0 on machines without one.
    pub lr: u64,
}

/// Bytes that a function's frame has at an address, as far as anybody knows.
pub trait Depths {
    /// Bytes from the stack pointer to the frame of the caller (on amd64: to the return address) at `pc`.
    fn depth(&mut self, pc: u64) -> Option<u64>;
}

impl<F: FnMut(u64) -> Option<u64>> Depths for F {
    fn depth(&mut self, pc: u64) -> Option<u64> {
        self(pc)
    }
}

/// Puts the user part of one sample's stack into `frames`, leaf first: the address itself, then return addresses.
///
/// `chain` is the kernel's (the address itself first, if it is there), `stack` the bytes from the stack pointer on.
pub fn unwind(
    machine: Machine,
    registers: Registers,
    stack: &[u8],
    chain: &[u64],
    depths: &mut impl Depths,
    frames: &mut Vec<u64>,
) {
    frames.clear();
    let callers = match chain.split_first() {
        Some((first, callers)) if *first == registers.ip => callers,
        _ => chain,
    };
    frames.push(registers.ip);
    let mut at = Walk {
        machine,
        pc: registers.ip,
        sp: registers.sp,
        leaf: true,
        registers,
        stack,
    };
    for _ in 0..STEPS_MAX {
        let Some(caller) = at.step(depths) else {
            break;
        };
        frames.push(caller);
        if let Some(met) = callers.iter().position(|address| *address == caller) {
            frames.extend_from_slice(&callers[met + 1..]);
            return;
        }
    }
    // Nothing met: the copy ended too early, or the register held no frame. What is longer, and made of code, counts.
    let sound = callers
        .iter()
        .take_while(|caller| is_code(**caller, depths))
        .count();
    if frames.len() <= sound + 1 {
        frames.truncate(1);
        frames.extend_from_slice(&callers[..sound]);
    }
}

struct Walk<'a> {
    machine: Machine,
    pc: u64,
    sp: u64,
    /// Still in the function that was interrupted.
    leaf: bool,
    registers: Registers,
    stack: &'a [u8],
}

/// Whether a return address lies in a function that the table knows.
fn is_code(address: u64, depths: &mut impl Depths) -> bool {
    address
        .checked_sub(1)
        .is_some_and(|pc| depths.depth(pc).is_some())
}

impl Walk<'_> {
    /// Goes on to the caller; `None` where the copy of the stack ends, or the address is none of the program.
    fn step(&mut self, depths: &mut impl Depths) -> Option<u64> {
        // A return address may be the first of the next function if the call never returns.
        let depth = depths.depth(if self.leaf {
            self.pc
        } else {
            self.pc.checked_sub(1)?
        })?;
        let (caller, sp) = match self.machine {
            Machine::Amd64 => {
                let at = self.sp.checked_add(depth)?;
                (self.word(at)?, at.checked_add(WORD)?)
            }
            // The link register is saved at the bottom of the frame. A function without a frame leaves it where it is.
            Machine::Arm64 if depth == 0 && self.leaf => (self.registers.lr, self.sp),
            Machine::Arm64 if depth == 0 => return None,
            Machine::Arm64 => (self.word(self.sp)?, self.sp.checked_add(depth)?),
        };
        if !is_code(caller, depths) {
            return None;
        }
        (self.pc, self.sp, self.leaf) = (caller, sp, false);
        Some(caller)
    }

    fn word(&self, address: u64) -> Option<u64> {
        let at = usize::try_from(address.checked_sub(self.registers.sp)?).ok()?;
        self.stack
            .get(at..)?
            .first_chunk()
            .map(|bytes| u64::from_le_bytes(*bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Functions at 0x100, 0x200, ... with the depth that `depths` gives each, by the hundreds of the address.
    fn unwound(
        machine: Machine,
        registers: Registers,
        stack: &[u64],
        chain: &[u64],
        depths: &[u64],
    ) -> Vec<u64> {
        let bytes: Vec<u8> = stack.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut frames = vec![7];
        let mut known = |pc: u64| {
            depths
                .get(usize::try_from(pc >> 8).ok()?.checked_sub(1)?)
                .copied()
        };
        unwind(machine, registers, &bytes, chain, &mut known, &mut frames);
        frames
    }

    fn at(ip: u64) -> Registers {
        Registers {
            ip,
            sp: 0x7000,
            lr: 0,
        }
    }

    #[test]
    fn a_function_without_a_frame_gets_its_caller_back() {
        // The kernel followed the caller's frame pointer, and so saw the caller's caller only.
        let frames = unwound(
            Machine::Amd64,
            at(0x110),
            &[0x210, 1, 0x310],
            &[0x110, 0x310, 0x410],
            &[0, 8, 0, 0],
        );
        assert_eq!(frames, [0x110, 0x210, 0x310, 0x410]);
    }

    #[test]
    fn a_whole_chain_stays_as_it_is() {
        let frames = unwound(
            Machine::Amd64,
            at(0x110),
            &[9, 0x210],
            &[0x110, 0x210, 0x310],
            &[8, 8, 8],
        );
        assert_eq!(frames, [0x110, 0x210, 0x310]);
    }

    #[test]
    fn where_the_copy_is_too_short_the_chain_counts() {
        let frames = unwound(
            Machine::Amd64,
            at(0x110),
            &[9],
            &[0x110, 0x210, 0x310],
            &[4096, 8, 8],
        );
        assert_eq!(frames, [0x110, 0x210, 0x310]);
    }

    #[test]
    fn assembly_that_uses_the_frame_pointer_is_unwound_by_the_stack_alone() {
        let frames = unwound(
            Machine::Amd64,
            at(0x110),
            &[9, 0x210, 9, 0x310],
            &[0x110, 0xdead],
            &[8, 8, 8],
        );
        assert_eq!(frames, [0x110, 0x210, 0x310]);
    }

    #[test]
    fn a_word_that_is_no_code_is_no_return_address() {
        let frames = unwound(Machine::Amd64, at(0x110), &[0x9910], &[0x110], &[0, 8]);
        assert_eq!(frames, [0x110]);
    }

    #[test]
    fn a_chain_that_does_not_begin_with_the_address_is_taken_as_callers() {
        let frames = unwound(Machine::Amd64, at(0x110), &[], &[0x210], &[0, 0]);
        assert_eq!(frames, [0x110, 0x210]);
    }

    #[test]
    fn arm64_takes_the_caller_of_a_leaf_from_the_link_register() {
        let registers = Registers {
            lr: 0x210,
            ..at(0x110)
        };
        let frames = unwound(
            Machine::Arm64,
            registers,
            &[0x310, 0],
            &[0x110, 0x310, 0x410],
            &[0, 16, 16, 0],
        );
        assert_eq!(frames, [0x110, 0x210, 0x310, 0x410]);
    }

    #[test]
    fn arm64_reads_the_saved_link_register_at_the_bottom_of_the_frame() {
        let registers = Registers {
            lr: 0x999,
            ..at(0x110)
        };
        let frames = unwound(
            Machine::Arm64,
            registers,
            &[0x210, 5, 0x310, 0],
            &[0x110, 0x310],
            &[16, 16, 16],
        );
        assert_eq!(frames, [0x110, 0x210, 0x310]);
    }
}
