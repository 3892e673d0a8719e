//! The native engine: samples a running Go process from outside, without any setting of the broker.
//!
//! `program` maps the file, `image` and `pclntab` read its symbols, `libraries` names what else runs there, `perf` has the kernel take samples,
//! `record` reads them, `unwind` mends their stacks, `kallsyms` names what is the kernel's. All functions block: they belong on a thread of their own.

pub mod image;
pub mod kallsyms;
pub mod libraries;
pub mod pclntab;
pub mod perf;
pub mod program;
pub mod record;
pub mod unwind;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::engine::{Capture, Engine, EngineName, Kind, Watch};
use super::verdict::Schedule;
use super::{About, Captured, Costs, Frame, FrameId, Profile, ProfileError, ValueType};
use image::{Image, Machine};
use kallsyms::KernelNames;
use libraries::Libraries;
use pclntab::Pclntab;
use perf::{Attach, Sampler};
use procfs::CurrentSI;
use program::Program;
use record::{RawSample, Record};

/// How often rings are emptied; they hold more than that ([`perf::ring_pages`]).
const DRAIN_EVERY: Duration = Duration::from_millis(100);
/// Different stacks in a capture; a busy broker has some thousand in a minute.
const STACKS_MAX: usize = 200_000;
/// Where stacks of Go begin (`runtime.topofstack` up to Go 1.20, which knew no others). What a chain of frame pointers has beyond is not
/// its own: C that started the thread, or the goroutine that ran there before (up to Go 1.19 `mcall` leaves its frame pointer behind).
const TOPS: [&str; 5] = [
    "runtime.goexit",
    "runtime.mstart",
    "runtime.mcall",
    "runtime.morestack",
    "runtime.rt0_go",
];
/// Where a stack may end as well.
const ENTRIES: [&str; 3] = ["runtime.asmcgocall", "_rt0_amd64_linux", "_rt0_arm64_linux"];
/// The event is armed anew when a thread is switched in, and fires while that function still runs: time that belongs to its caller.
const SWITCH: &str = "finish_task_switch";
const UNKNOWN: &str = "[unknown]";

/// The engine.
pub struct Native {
    pid: u32,
    names: Arc<Mutex<KernelNames>>,
}

impl Native {
    /// For process `pid`; `names` are kept, since they take longer to read than all else.
    #[must_use]
    pub fn new(pid: u32, names: Arc<Mutex<KernelNames>>) -> Self {
        Self { pid, names }
    }
}

impl Engine for Native {
    fn name(&self) -> EngineName {
        EngineName::Native
    }

    fn tells_of(&self, kind: Kind) -> bool {
        kind == Kind::Cpu
    }

    fn capture<'a>(
        &'a self,
        ask: &'a Capture,
        watch: &'a Arc<Watch>,
    ) -> BoxFuture<'a, Result<Captured, ProfileError>> {
        let (pid, ask, names, watch) = (self.pid, *ask, Arc::clone(&self.names), Arc::clone(watch));
        let work = tokio::task::spawn_blocking(move || capture(pid, &ask, &names, &watch));
        async move {
            work.await.unwrap_or_else(|error| {
                Err(ProfileError::Attach {
                    pid,
                    why: error.to_string(),
                })
            })
        }
        .boxed()
    }
}

/// Samples process `pid` for the time that `ask` names. `watch` hears how far it is, and ends it early.
///
/// # Errors
///
/// When the process cannot be read or sampled; a process that ends in the middle gives what was seen of it.
pub fn capture(
    pid: u32,
    ask: &Capture,
    names: &Mutex<KernelNames>,
    watch: &Watch,
) -> Result<Captured, ProfileError> {
    let mut costs = Costs::default();
    let start = Instant::now();
    let program = Program::open(pid)?;
    let not_go = |why: String| ProfileError::NotGo { pid, why };
    let image = Image::parse(program.bytes()).map_err(|error| not_go(error.to_string()))?;
    let table = Pclntab::of(&image).map_err(|error| not_go(error.to_string()))?;
    let (bias, libraries) = program.mapped(&image);
    let mut seen = Seen::new(image.machine(), &table, bias, libraries);
    costs.table = start.elapsed();
    let start = Instant::now();
    let (sampler, kernel) = attach(pid, ask.rate, &image)?;
    costs.attach = start.elapsed();
    let clock = Clock::of(pid);
    let begin = Instant::now();
    let ended = follow(sampler, &program, ask.length(), begin, &mut seen, watch);
    let mut about = About {
        span: begin.elapsed(),
        rate: Some(ask.rate),
        samples: seen.samples,
        lost: seen.lost,
        cpu: clock.elapsed(),
        ..About::by(EngineName::Native)
    };
    if !kernel {
        about.missing.push(
            "time in the kernel is not in this profile: grant CAP_PERFMON to see it".to_owned(),
        );
    }
    if ended {
        about.missing.push(format!(
            "the process ended after {:.1} s",
            about.span.as_secs_f64()
        ));
    }
    if !table.tells_inlined() {
        about.missing.push(
            "inlined functions are shown as part of those that they were inlined into".to_owned(),
        );
    }
    let start = Instant::now();
    let profile = seen.into_profile(names, ask.rate, kernel, &mut about, &mut costs);
    costs.names = start.elapsed().saturating_sub(costs.kernel_names);
    about.costs = Some(costs);
    Ok(Captured { profile, about })
}

/// What a capture of these records would be, of a program at its file's own addresses and without the kernel's part: for samples that were
/// recorded.
pub fn replay<'a>(
    machine: Machine,
    table: &Pclntab<'_>,
    records: impl Iterator<Item = Record<'a>>,
) -> (Profile, About) {
    let mut seen = Seen::new(machine, table, 0, Libraries::default());
    records.for_each(|record| seen.take(record));
    let mut about = About {
        samples: seen.samples,
        lost: seen.lost,
        ..About::by(EngineName::Native)
    };
    let profile = seen.into_profile(
        &Mutex::default(),
        1,
        false,
        &mut about,
        &mut Costs::default(),
    );
    (profile, about)
}

/// With time in the kernel where that is allowed, else without.
fn attach(pid: u32, rate: u32, image: &Image<'_>) -> Result<(Sampler, bool), ProfileError> {
    let attach = |kernel| {
        Sampler::attach(Attach {
            pid,
            rate,
            kernel,
            pages: perf::ring_pages(rate),
            machine: image.machine(),
        })
    };
    let refused =
        |error: &io::Error| matches!(error.raw_os_error(), Some(libc::EACCES | libc::EPERM));
    let error = match attach(true) {
        Ok(sampler) => return Ok((sampler, true)),
        Err(error) if refused(&error) => match attach(false) {
            Ok(sampler) => return Ok((sampler, false)),
            Err(error) => error,
        },
        Err(error) => error,
    };
    Err(match error.raw_os_error() {
        Some(libc::ESRCH) => ProfileError::Gone { pid },
        _ if error.kind() == io::ErrorKind::NotFound => ProfileError::Gone { pid },
        Some(libc::EACCES | libc::EPERM) => {
            let paranoid = fs::read_to_string("/proc/sys/kernel/perf_event_paranoid");
            let paranoid =
                paranoid.map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned());
            ProfileError::Forbidden {
                pid,
                why: error.to_string(),
                paranoid,
            }
        }
        Some(libc::EMFILE | libc::ENFILE) => ProfileError::Attach {
            pid,
            why: format!("{error}; raise the limit of open files (ulimit -n)"),
        },
        Some(libc::ENOSYS) => ProfileError::Attach {
            pid,
            why: "this kernel is built without perf events; use another engine".to_owned(),
        },
        _ => ProfileError::Attach {
            pid,
            why: error.to_string(),
        },
    })
}

/// Empties the rings until the time is over; gives whether the process ended before.
fn follow(
    mut sampler: Sampler,
    program: &Program,
    span: Duration,
    begin: Instant,
    seen: &mut Seen<'_>,
    watch: &Watch,
) -> bool {
    let mut ended = false;
    while !ended {
        let left = span.saturating_sub(begin.elapsed());
        if left.is_zero() {
            break;
        }
        thread::sleep(left.min(DRAIN_EVERY));
        sampler.drain(|record| seen.take(record));
        ended = !program.runs();
        // A thread that cannot be followed is time that is missing; the comparison with the process clock shows it.
        let _ = sampler.look_for_threads();
        watch.set_samples(seen.samples);
        if watch.is_stopped() {
            break;
        }
    }
    sampler.stop();
    sampler.drain(|record| seen.take(record));
    ended
}

/// Stacks of addresses, and how often each was seen.
struct Seen<'a> {
    machine: Machine,
    table: &'a Pclntab<'a>,
    bias: u64,
    libraries: Libraries,
    samples: u64,
    lost: u64,
    /// How many addresses are the kernel's, then the addresses, leaf first, the kernel's before the program's. One slice, so that a
    /// stack that was seen before is found without a copy of it.
    stacks: HashMap<Box<[u64]>, u64, foldhash::fast::RandomState>,
    stack: Vec<u64>,
    /// Stack depths by address: the same few thousand addresses come again and again.
    depths: HashMap<u64, Option<u64>, foldhash::fast::RandomState>,
    kernel: Vec<u64>,
    chain: Vec<u64>,
    frames: Vec<u64>,
}

impl<'a> Seen<'a> {
    fn new(machine: Machine, table: &'a Pclntab<'a>, bias: u64, libraries: Libraries) -> Self {
        Self {
            machine,
            table,
            bias,
            libraries,
            samples: 0,
            lost: 0,
            stacks: HashMap::default(),
            depths: HashMap::default(),
            stack: Vec::new(),
            kernel: Vec::new(),
            chain: Vec::new(),
            frames: Vec::new(),
        }
    }

    fn take(&mut self, record: Record<'_>) {
        match record {
            Record::Sample(sample) => self.sample(&sample),
            Record::Lost(records) => self.lost += records,
            Record::Throttled => self.lost += 1,
        }
    }

    fn sample(&mut self, sample: &RawSample<'_>) {
        self.samples += 1;
        sample.split(&mut self.kernel, &mut self.chain);
        match sample.registers {
            Some(registers) => {
                let (table, bias, known) = (self.table, self.bias, &mut self.depths);
                let mut depths = |pc: u64| {
                    *known
                        .entry(pc)
                        .or_insert_with(|| table.stack_depth(pc.wrapping_sub(bias)))
                };
                unwind::unwind(
                    self.machine,
                    registers,
                    sample.stack,
                    &self.chain,
                    &mut depths,
                    &mut self.frames,
                );
            }
            None => self.frames.clone_from(&self.chain),
        }
        self.stack.clear();
        self.stack.push(self.kernel.len() as u64);
        self.stack.extend_from_slice(&self.kernel);
        self.stack.extend_from_slice(&self.frames);
        if let Some(count) = self.stacks.get_mut(&self.stack[..]) {
            *count += 1;
        } else if self.stacks.len() < STACKS_MAX {
            self.stacks.insert(Box::from(&self.stack[..]), 1);
        } else {
            self.lost += 1;
        }
    }

    fn into_profile(
        self,
        names: &Mutex<KernelNames>,
        rate: u32,
        kernel: bool,
        about: &mut About,
        costs: &mut Costs,
    ) -> Profile {
        let start = Instant::now();
        let mut names = names.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = self.stacks.keys().any(|stack| !split(stack).0.is_empty());
        let named = kernel && (!seen || names.learn().is_ok());
        costs.kernel_names = start.elapsed();
        if kernel && !named {
            about.missing.push(
                "names of kernel functions: grant CAP_SYSLOG to see them (/proc/kallsyms shows no addresses)"
                    .to_owned(),
            );
        }
        let mut symbols = Symbols {
            table: self.table,
            bias: self.bias,
            libraries: self.libraries,
            names: named.then_some(&*names),
            known: HashMap::default(),
        };
        let mut profile = Profile::new(vec![
            ValueType::new("samples", "count"),
            ValueType::new("cpu", "nanoseconds"),
        ]);
        let period = 1_000_000_000 / i64::from(rate.max(1));
        let (mut whole, mut frames, mut unresolved) = (0, 0, 0);
        let mut ids = Vec::new();
        for (stack, count) in &self.stacks {
            ids.clear();
            let unknown = symbols.stack(stack, &mut profile, &mut ids);
            frames += ids.len() as u64 * count;
            unresolved += unknown * count;
            let root = ids.last().map(|id| &*profile.frame(*id).function);
            whole +=
                u64::from(root.is_some_and(|root| TOPS.contains(&root) || ENTRIES.contains(&root)))
                    * count;
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            profile.add(&ids, &[count, count.saturating_mul(period)], Vec::new());
        }
        about.whole = Some(whole);
        about.frames = Some((frames, unresolved));
        profile
    }
}

/// Frames of an address, leaf first, and how many of them have no name.
type Named = (Box<[FrameId]>, u64);

/// Frames by address.
struct Symbols<'a> {
    table: &'a Pclntab<'a>,
    bias: u64,
    libraries: Libraries,
    /// `None` where the kernel tells none: its part of a stack is one frame then.
    names: Option<&'a KernelNames>,
    /// Frames of an address looked up as it is (leaf) or as a return address, and how many have no name.
    known: HashMap<(u64, bool), Named, foldhash::fast::RandomState>,
}

impl Symbols<'_> {
    /// Puts the frames of a stack into `ids`, leaf first; gives how many have no name.
    fn stack(&mut self, stack: &[u64], profile: &mut Profile, ids: &mut Vec<FrameId>) -> u64 {
        let (kernel, program) = split(stack);
        let mut unknown = 0;
        let kernel = if self.names.is_some() {
            kernel
        } else {
            &kernel[..kernel.len().min(1)]
        };
        for (at, address) in kernel.iter().enumerate() {
            let names = self.names;
            let (frames, without) = self.known.entry((*address, true)).or_insert_with(|| {
                let mut frames = Vec::new();
                let without = kernel_frame(names, *address, profile, &mut frames);
                (frames.into(), without)
            });
            let function = |id: &FrameId| &profile.frame(*id).function;
            let switch = at == 0
                && frames
                    .first()
                    .is_some_and(|id| function(id).starts_with(SWITCH));
            if switch && kernel.len() + program.len() > 1 {
                continue;
            }
            ids.extend_from_slice(frames);
            unknown += *without;
        }
        for (at, address) in program.iter().enumerate() {
            // The first address is where it stood, the others are where it will go on.
            let leaf = at == 0;
            let (frames, without) = self.known.entry((*address, leaf)).or_insert_with(|| {
                let mut frames = Vec::new();
                let at = if leaf {
                    *address
                } else {
                    address.wrapping_sub(1)
                };
                let pc = at.wrapping_sub(self.bias);
                let without = if frames_at(self.table, pc, profile, &mut frames) {
                    0
                } else {
                    library_frame(&mut self.libraries, at, profile, &mut frames)
                };
                (frames.into(), without)
            });
            ids.extend_from_slice(frames);
            unknown += *without;
            let outermost = frames.last().map(|id| &*profile.frame(*id).function);
            if outermost.is_some_and(|name| TOPS.contains(&name)) {
                break;
            }
        }
        unknown
    }
}

/// The kernel's addresses and the program's of a key of `Seen::stacks`.
fn split(stack: &[u64]) -> (&[u64], &[u64]) {
    let (kernel, addresses) = stack.split_first().unwrap_or((&0, &[]));
    addresses.split_at(usize::try_from(*kernel).map_or(0, |kernel| kernel.min(addresses.len())))
}

fn kernel_frame(
    names: Option<&KernelNames>,
    address: u64,
    profile: &mut Profile,
    frames: &mut Vec<FrameId>,
) -> u64 {
    let name = names.and_then(|names| names.name(address));
    let function = name.map_or_else(
        || format!("[kernel]{}", kallsyms::MARK),
        |name| format!("{name}{}", kallsyms::MARK),
    );
    frames.extend(profile.intern(Frame {
        function: function.into(),
        file: "".into(),
        line: 0,
        inlined: false,
    }));
    u64::from(name.is_none() && names.is_some())
}

/// Frames of the program at `pc`, leaf first; whether its table knows any.
fn frames_at(
    table: &Pclntab<'_>,
    pc: u64,
    profile: &mut Profile,
    frames: &mut Vec<FrameId>,
) -> bool {
    let mut places = Vec::new();
    if !table.places(pc, |place| places.push(place)) {
        return false;
    }
    for (at, place) in places.iter().enumerate() {
        let inlined = at + 1 < places.len();
        let frame = Frame {
            function: place.name.into(),
            file: place.file.into(),
            line: place.line,
            inlined,
        };
        frames.extend(profile.intern(frame));
    }
    true
}

/// The frame of an address outside of the program; how many have no name.
fn library_frame(
    libraries: &mut Libraries,
    address: u64,
    profile: &mut Profile,
    frames: &mut Vec<FrameId>,
) -> u64 {
    let place = libraries.place(address);
    let function: Box<str> = match &place {
        None => UNKNOWN.into(),
        Some(place) => place.function.map_or_else(
            || format!("[{}]", place.library.trim_matches(['[', ']'])).into(),
            Box::from,
        ),
    };
    frames.extend(profile.intern(Frame {
        function,
        file: place.map_or("", |place| place.library).into(),
        line: 0,
        inlined: false,
    }));
    u64::from(place.is_none_or(|place| place.function.is_none()))
}

/// What the scheduler counts of a process's threads, `/proc/PID/task/*/schedstat`, and of the machine; `None` where the process is gone or the kernel
/// does not count.
#[must_use]
pub fn schedule(pid: u32) -> Option<Schedule> {
    let mut all = Schedule::default();
    let mut any = false;
    for thread in fs::read_dir(format!("/proc/{pid}/task")).ok()? {
        // A thread that ends meanwhile is missing in both looks.
        let Ok(text) = fs::read_to_string(thread.ok()?.path().join("schedstat")) else {
            continue;
        };
        let mut numbers = text.split_whitespace().map(str::parse);
        let (Some(Ok(ran)), Some(Ok(waited)), Some(Ok(turns))) =
            (numbers.next(), numbers.next(), numbers.next())
        else {
            continue;
        };
        all.ran += Duration::from_nanos(ran);
        all.waited += Duration::from_nanos(waited);
        all.turns += turns;
        any = true;
    }
    all.idle = idle(pid).unwrap_or_default();
    any.then_some(all)
}

/// Time in which the processors that a process may use did nothing, from `/proc/stat` and `Cpus_allowed_list` of `/proc/PID/status`. Waiting for
/// a disk is idle, too.
fn idle(pid: u32) -> Option<Duration> {
    let process = procfs::process::Process::new(i32::try_from(pid).ok()?).ok()?;
    let allowed = process.status().ok()?.cpus_allowed_list?;
    let times = procfs::KernelStats::current().ok()?.cpu_time;
    let idle = times
        .iter()
        .map(|time| time.idle_duration() + time.iowait_duration().unwrap_or_default());
    // Both tell of the processors that are switched on, by their numbers.
    Some(of_allowed(
        perf::processors().ok()?.into_iter().zip(idle),
        &allowed,
    ))
}

/// Sum of the times of processors within `allowed`, which are ranges with both ends.
fn of_allowed(times: impl Iterator<Item = (i32, Duration)>, allowed: &[(u32, u32)]) -> Duration {
    let is_allowed = |processor| {
        allowed
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&processor))
    };
    times
        .filter(|(processor, _)| u32::try_from(*processor).is_ok_and(is_allowed))
        .map(|(_, time)| time)
        .sum()
}

/// CPU time of a process by its clock, which is exact, where `/proc/PID/stat` counts ticks.
struct Clock {
    pid: u32,
    at_start: Option<Duration>,
}

impl Clock {
    fn of(pid: u32) -> Self {
        Self {
            pid,
            at_start: perf::process_clock(pid),
        }
    }

    fn elapsed(&self) -> Option<Duration> {
        perf::process_clock(self.pid)?.checked_sub(self.at_start?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_is_that_of_the_processors_that_may_be_used() {
        let times = [(0, 1), (1, 10), (3, 100), (4, 1000)];
        let sum = |allowed: &[(u32, u32)]| {
            let times = times.map(|(number, seconds)| (number, Duration::from_secs(seconds)));
            of_allowed(times.into_iter(), allowed).as_secs()
        };
        assert_eq!(sum(&[(0, 7)]), 1111);
        assert_eq!(sum(&[(1, 1), (3, 3)]), 110);
        assert_eq!(sum(&[(2, 2)]), 0);
    }
}
