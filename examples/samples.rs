//! Makes a fixture of samples of a Go program as the kernel takes them, for tests of unwinding.
//!
//! `samples take PID SECONDS RAW.json` samples a process and writes the records, one a line: hex of the body of a PERF_RECORD_SAMPLE, without
//! the kernel's part. `samples choose PROGRAM RAW.json OWN.pb.gz CHOSEN.json` names their frames and keeps those whose chain of functions the
//! program's own CPU profile of the same load has too, so that what is expected does not come from us alone; of each leaf a few, those that
//! frame pointers alone get wrong first. Stacks are cut to the words that were needed.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use natsight::profile::native::image::{Image, Machine};
use natsight::profile::native::pclntab::Pclntab;
use natsight::profile::native::perf::{Attach, Sampler, ring_pages};
use natsight::profile::native::record::{self, Record};
use natsight::profile::pprof;

use recorded::{Recorded, SAMPLE, frames, functions, unhex};

#[allow(dead_code, reason = "examples/sparse.rs uses the rest")]
mod recorded;

/// `PERF_CONTEXT_USER`.
const USER: u64 = -512_i64 as u64;
const RATE: u32 = 499;
/// Kept of one leaf, and in all.
const OF_LEAF: usize = 2;
const ALL: usize = 48;
/// Shorter stacks show little.
const DEPTH_MIN: usize = 4;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["take", pid, seconds, raw] => take(pid.parse()?, seconds.parse()?, raw),
        ["choose", program, raw, own, chosen] => choose(program, raw, own, chosen),
        _ => anyhow::bail!(
            "usage: samples take PID SECONDS RAW.json | samples choose PROGRAM RAW.json OWN.pb.gz CHOSEN.json"
        ),
    }
}

fn take(pid: u32, seconds: u64, raw: &str) -> Result<()> {
    let mut sampler = Sampler::attach(Attach {
        pid,
        rate: RATE,
        kernel: false,
        pages: ring_pages(RATE),
        machine: Machine::Amd64,
    })?;
    let mut bodies = Vec::new();
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(50));
        sampler.drain(|record| {
            if let Record::Sample(sample) = record
                && let Some(registers) = sample.registers
            {
                let (mut kernel, mut chain) = (Vec::new(), Vec::new());
                sample.split(&mut kernel, &mut chain);
                bodies.push(hex(&Parts {
                    machine: Machine::Amd64,
                    registers: [registers.sp, registers.ip, 0],
                    chain,
                    stack: words(sample.stack),
                }
                .body()));
            }
        });
    }
    std::fs::write(raw, serde_json::to_vec(&bodies)?)?;
    Ok(())
}

/// A record in parts that can be changed.
#[derive(Clone)]
struct Parts {
    machine: Machine,
    /// In the order of the record.
    registers: [u64; 3],
    chain: Vec<u64>,
    stack: Vec<u64>,
}

impl Parts {
    /// The body of the record (`perf_event_open(2)`): TID, CALLCHAIN, REGS_USER, STACK_USER.
    fn body(&self) -> Vec<u8> {
        let registers = if self.machine == Machine::Amd64 { 2 } else { 3 };
        let bytes = self.stack.len() as u64 * 8;
        let mut words = vec![1 << 32 | 1, self.chain.len() as u64 + 1, USER];
        words.extend(&self.chain);
        words.push(2);
        words.extend(&self.registers[..registers]);
        words.push(bytes);
        words.extend(&self.stack);
        if bytes > 0 {
            words.push(bytes);
        }
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn of(machine: Machine, body: &[u8]) -> Option<Self> {
        let Some(Record::Sample(sample)) = record::read(machine, SAMPLE, body) else {
            return None;
        };
        let (mut kernel, mut chain) = (Vec::new(), Vec::new());
        sample.split(&mut kernel, &mut chain);
        let registers = sample.registers?;
        let registers = match machine {
            Machine::Amd64 => [registers.sp, registers.ip, 0],
            Machine::Arm64 => [registers.lr, registers.sp, registers.ip],
        };
        Some(Self {
            machine,
            registers,
            chain,
            stack: words(sample.stack),
        })
    }

    /// Functions from the leaf on, as a capture shows them.
    fn frames(&self, table: &Pclntab<'_>) -> Vec<String> {
        self.shown(table).0
    }

    /// The same, and whether the stack is whole.
    fn shown(&self, table: &Pclntab<'_>) -> (Vec<String>, bool) {
        frames(self.machine, table, &self.body())
    }

    /// Without the words that its frames do not need.
    fn cut(&self, table: &Pclntab<'_>, frames: &[String]) -> Self {
        let mut cut = self.clone();
        while let Some(word) = cut.stack.pop() {
            if cut.frames(table) != frames {
                cut.stack.push(word);
                break;
            }
        }
        for at in 0..cut.stack.len() {
            let word = std::mem::take(&mut cut.stack[at]);
            if cut.frames(table) != frames {
                cut.stack[at] = word;
            }
        }
        cut
    }
}

/// A sample and its functions.
struct Named {
    parts: Parts,
    frames: Vec<String>,
    /// Frame pointers alone give the same.
    plain: bool,
}

fn choose(program: &str, raw: &str, own: &str, chosen: &str) -> Result<()> {
    let bytes = std::fs::read(program)?;
    let image = Image::parse(&bytes)?;
    let table = Pclntab::of(&image)?;
    let (own, _) = pprof::read(&std::fs::read(own)?)?;
    let stacks = own.samples().iter();
    let known: HashSet<Vec<String>> = stacks.map(|sample| functions(&own, sample)).collect();
    let bodies: Vec<String> = serde_json::from_slice(&std::fs::read(raw)?)?;
    let (mut agreed, mut whole) = (Vec::new(), 0);
    for body in &bodies {
        let parts = Parts::of(image.machine(), &unhex(body)).context("no sample")?;
        let (frames, is_whole) = parts.shown(&table);
        whole += usize::from(is_whole);
        // The runtime's own profiles leave out where goroutines begin.
        let told = frames.strip_suffix(&["runtime.goexit".to_owned()]);
        if frames.len() >= DEPTH_MIN && known.contains(told.unwrap_or(&frames)) {
            let chain = Parts {
                stack: Vec::new(),
                ..parts.clone()
            };
            let plain = chain.frames(&table) == frames;
            agreed.push(Named {
                parts,
                frames,
                plain,
            });
        }
    }
    let agree = agreed.len();
    let kept = few(agreed);
    ensure!(
        !kept.is_empty(),
        "the program's own profile has none of {} samples",
        bodies.len()
    );
    let lines = kept.iter().map(|Named { parts, frames, .. }| {
        let body = hex(&parts.cut(&table, frames).body());
        let frames = frames.clone();
        serde_json::to_string(&Recorded {
            record: body,
            frames,
        })
    });
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    std::fs::write(chosen, format!("[\n{}\n]\n", lines.join(",\n")))?;
    let mended = kept.iter().filter(|one| !one.plain).count();
    writeln!(
        std::io::stdout(),
        "{whole} of {} stacks are whole; {agree} are chains that the program's own profile has; {} are kept, of them {mended} that frame pointers alone get wrong",
        bodies.len(),
        kept.len()
    )?;
    Ok(())
}

/// A few of each leaf, those first that frame pointers alone get wrong.
fn few(samples: Vec<Named>) -> Vec<Named> {
    let mut by_leaf = BTreeMap::<_, Vec<Named>>::new();
    for sample in samples {
        let key = (sample.plain, sample.frames[0].clone());
        let of_leaf = by_leaf.entry(key).or_default();
        if of_leaf.len() < OF_LEAF && of_leaf.iter().all(|one| one.frames != sample.frames) {
            of_leaf.push(sample);
        }
    }
    by_leaf.into_values().flatten().take(ALL).collect()
}

fn words(bytes: &[u8]) -> Vec<u64> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|word| u64::from_le_bytes(*word))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
