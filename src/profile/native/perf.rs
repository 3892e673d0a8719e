//! Sampling by the kernel: `perf_event_open` events of all threads of a process, and the rings that their samples come in.
//!
//! The only file beside the mapping of symbols with `unsafe`. The process is never stopped: no ptrace, no signal. Small processes have an
//! event for each thread and processor, those of one processor share a ring, and the kernel adds new threads (`inherit`); where
//! that would take too many files, each thread has an event and a ring of its own, and new threads are looked for.

#![allow(unsafe_code, reason = "system calls and memory shared with the kernel")]

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use perf_event_open_sys::bindings as kernel;

use super::image::Machine;
use super::record::{self, HEADER_BYTES, Record};

/// Bytes of user stack in a sample: enough for the leaf's caller, and for a few frames where assembly uses the frame pointer.
pub const STACK_BYTES: u32 = 512;
/// Call chain in a sample; the kernel's own limit is 127.
const CHAIN_MAX: u16 = 127;
/// Samples in a second from which on rings are large.
const LARGE_RING_RATE: u32 = 250;
/// Events from which on each thread has a ring of its own: `samply` changes there as well.
const EVENTS_MAX: usize = 1000;
/// Threads that are followed; Go stops a program at 10,000.
const THREADS_MAX: usize = 10_000;

/// Samples in a second that the kernel takes at least, of which then one in so many is used. Each event of each thread and processor begins
/// with a whole period before its first sample: a broker whose twenty events had 10 ms of CPU time each gave none at all at 19 Hz. No more
/// than that: a period near the kernel's tick (4 ms at 250 Hz) has the processor's timer set anew at each switch of threads, and on a virtual
/// machine that leaves the guest. One switch then takes 3 us longer at 297 Hz and 0.9 at 99 (`perf bench sched pipe`).
const KERNEL_RATE_MIN: u32 = 90;

/// Pages of a ring, a power of two. One ring has the samples of one processor or one thread, so at most `rate` of some 1.6 kB in a second: at
/// 250 Hz as at 999 Hz it holds 160 ms of the largest, and twice as much of what is usual.
#[must_use]
pub fn ring_pages(rate: u32) -> usize {
    if rate > LARGE_RING_RATE { 64 } else { 16 }
}

/// What is sampled, and how often.
#[derive(Debug, Clone, Copy)]
pub struct Attach {
    /// The process.
    pub pid: u32,
    /// Samples in a second of CPU time.
    pub rate: u32,
    /// Whether time in the kernel is sampled.
    pub kernel: bool,
    /// Pages of each ring, a power of two.
    pub pages: usize,
    /// Its processor.
    pub machine: Machine,
}

/// Events and rings of one process. Dropping it ends the sampling.
#[derive(Debug)]
pub struct Sampler {
    attach: Attach,
    events: Vec<OwnedFd>,
    rings: Vec<Ring>,
    threads: HashSet<u32>,
    /// Each thread has its own ring, and new threads must be looked for.
    by_thread: bool,
    thinner: Thinner,
    scratch: Vec<u8>,
}

/// Uses one sample of each so many, whichever thread it is of, from a place by chance on.
#[derive(Debug)]
struct Thinner {
    each: u32,
    turn: u32,
}

impl Thinner {
    fn new(rate: u32) -> Self {
        let each = KERNEL_RATE_MIN.div_ceil(rate.max(1));
        let turn = fastrand::u32(..each);
        Self { each, turn }
    }

    /// Nanoseconds of CPU time between two samples of the kernel.
    fn period(&self, rate: u32) -> u64 {
        1_000_000_000 / (u64::from(rate.max(1)) * u64::from(self.each))
    }

    fn take<'a>(&mut self, record: Record<'a>) -> Option<Record<'a>> {
        match record {
            Record::Sample(_) => {
                self.turn = (self.turn + 1) % self.each;
                (self.turn == 0).then_some(record)
            }
            Record::Lost(records) => Some(Record::Lost(records.div_ceil(self.each.into()))),
            Record::Throttled => Some(record),
        }
    }
}

impl Sampler {
    /// Attaches to all threads, and lets the events run.
    ///
    /// # Errors
    ///
    /// What the kernel said to the first event that it refused: EACCES and EPERM for rights, ESRCH for a process that is gone, EMFILE for
    /// files; [`io::ErrorKind::QuotaExceeded`] for memory that may be locked.
    pub fn attach(attach: Attach) -> io::Result<Self> {
        allow_files();
        let threads = threads(attach.pid)?;
        let processors = processors()?;
        let by_thread = threads.len().saturating_mul(processors.len()) > EVENTS_MAX;
        let mut sampler = Self {
            attach,
            events: Vec::new(),
            rings: Vec::new(),
            threads: HashSet::new(),
            by_thread,
            thinner: Thinner::new(attach.rate),
            scratch: Vec::new(),
        };
        if by_thread {
            sampler.follow(threads)?;
        } else {
            for processor in processors {
                sampler.attach_on(processor, &threads)?;
            }
        }
        if sampler.events.is_empty() {
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        Ok(sampler)
    }

    fn period(&self) -> u64 {
        self.thinner.period(self.attach.rate)
    }

    /// Events on one processor, of which the first has the ring.
    fn attach_on(&mut self, processor: i32, threads: &[u32]) -> io::Result<()> {
        let mut first: Option<i32> = None;
        for thread in threads {
            let Some(event) =
                gone_is_none(open(&self.attach, self.period(), *thread, processor, true))?
            else {
                continue;
            };
            match first {
                None => {
                    self.rings.push(Ring::map(&event, self.attach.pages)?);
                    first = Some(event.as_raw_fd());
                }
                // SAFETY: both are files of perf events that this process holds.
                Some(ring) => check(unsafe {
                    perf_event_open_sys::ioctls::SET_OUTPUT(event.as_raw_fd(), ring)
                })?,
            }
            enable(&event)?;
            self.events.push(event);
        }
        Ok(())
    }

    /// Looks for threads that are new, where the kernel does not follow them.
    ///
    /// # Errors
    ///
    /// As [`Sampler::attach`]; a process that is gone is no error.
    pub fn look_for_threads(&mut self) -> io::Result<()> {
        if !self.by_thread {
            return Ok(());
        }
        match threads(self.attach.pid) {
            Ok(threads) => self.follow(threads),
            Err(_) => Ok(()),
        }
    }

    fn follow(&mut self, threads: Vec<u32>) -> io::Result<()> {
        for thread in threads {
            if self.threads.len() >= THREADS_MAX || !self.threads.insert(thread) {
                continue;
            }
            let Some(event) = gone_is_none(open(&self.attach, self.period(), thread, -1, false))?
            else {
                continue;
            };
            self.rings.push(Ring::map(&event, self.attach.pages)?);
            enable(&event)?;
            self.events.push(event);
        }
        Ok(())
    }

    /// Stops the events. What is in the rings can still be read.
    pub fn stop(&self) {
        for event in &self.events {
            // SAFETY: a file of a perf event that this process holds. An event whose thread is gone is stopped already.
            unsafe { perf_event_open_sys::ioctls::DISABLE(event.as_raw_fd(), 0) };
        }
    }

    /// Gives `each` everything that has come since the last call.
    pub fn drain(&mut self, mut each: impl FnMut(Record<'_>)) {
        let (machine, thinner) = (self.attach.machine, &mut self.thinner);
        for ring in &mut self.rings {
            ring.drain(&mut self.scratch, |kind, body| {
                let record = record::read(machine, kind, body);
                if let Some(record) = record.and_then(|record| thinner.take(record)) {
                    each(record);
                }
            });
        }
        // The copy of a record that lay over the end of a ring holds bytes of a stack.
        self.scratch.fill(0);
    }
}

/// What is said where the rings of a user have as much memory as they may.
const RING_REFUSED: &str = "no more memory may be locked for rings of samples; raise the limit (ulimit -l, LimitMEMLOCK=) or \
                            kernel.perf_event_mlock_kb, or grant CAP_IPC_LOCK";

/// The kernel's memory of one ring: a page about it, then the data.
#[derive(Debug)]
struct Ring {
    memory: *mut u8,
    bytes: usize,
    page: usize,
}

// SAFETY: the memory belongs to the ring alone until it is dropped; the kernel's side is met through atomics.
unsafe impl Send for Ring {}

impl Ring {
    fn map(event: &OwnedFd, pages: usize) -> io::Result<Self> {
        // SAFETY: no pointers; the value is checked.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
        let bytes = (pages + 1) * page;
        // SAFETY: a new mapping at a place of the kernel's choice, of a file that this process holds.
        let memory = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                event.as_raw_fd(),
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            let error = io::Error::last_os_error();
            // The event was allowed, so this is no matter of rights (perf_mmap in the kernel's kernel/events/core.c).
            return Err(if error.raw_os_error() == Some(libc::EPERM) {
                io::Error::new(io::ErrorKind::QuotaExceeded, RING_REFUSED)
            } else {
                error
            });
        }
        Ok(Self {
            memory: memory.cast(),
            bytes,
            page,
        })
    }

    fn about(&self) -> *mut kernel::perf_event_mmap_page {
        self.memory.cast()
    }

    /// Position up to which the kernel has written (`data_head`), and ours up to which we have read (`data_tail`).
    fn positions(&self) -> (&AtomicU64, &AtomicU64) {
        // SAFETY: the first page lives as long as the mapping, its fields are aligned words that both sides use as atomics.
        unsafe {
            (
                AtomicU64::from_ptr(&raw mut (*self.about()).data_head),
                AtomicU64::from_ptr(&raw mut (*self.about()).data_tail),
            )
        }
    }

    fn data(&self) -> &[u8] {
        // SAFETY: the pages after the first. The kernel writes only where `drain` does not read: beyond `data_head`, up to `data_tail`.
        unsafe { std::slice::from_raw_parts(self.memory.add(self.page), self.bytes - self.page) }
    }

    fn drain(&mut self, scratch: &mut Vec<u8>, mut each: impl FnMut(u32, &[u8])) {
        let (head, tail) = self.positions();
        let written = head.load(Ordering::Acquire);
        let mut read = tail.load(Ordering::Relaxed);
        while written.wrapping_sub(read) >= HEADER_BYTES as u64 {
            let mut header = [0; HEADER_BYTES];
            self.copy(read, &mut header);
            let kind = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
            let size = usize::from(u16::from_le_bytes([header[6], header[7]]));
            if size < HEADER_BYTES || size as u64 > written.wrapping_sub(read) {
                // Never written so by the kernel; nothing behind it can be found.
                read = written;
                break;
            }
            let body = read + HEADER_BYTES as u64;
            each(kind, self.piece(body, size - HEADER_BYTES, scratch));
            read += size as u64;
        }
        tail.store(read, Ordering::Release);
    }

    /// Bytes at a position, where they lie, or copied if they lie over the end.
    fn piece<'s>(&'s self, position: u64, bytes: usize, scratch: &'s mut Vec<u8>) -> &'s [u8] {
        let data = self.data();
        let at = self.place(position);
        if let Some(piece) = data.get(at..at + bytes) {
            return piece;
        }
        scratch.resize(bytes.max(scratch.len()), 0);
        self.copy(position, &mut scratch[..bytes]);
        &scratch[..bytes]
    }

    fn copy(&self, position: u64, to: &mut [u8]) {
        let data = self.data();
        let at = self.place(position);
        let first = to.len().min(data.len() - at);
        to[..first].copy_from_slice(&data[at..at + first]);
        let rest = to.len() - first;
        to[first..].copy_from_slice(&data[..rest]);
    }

    fn place(&self, position: u64) -> usize {
        usize::try_from(position % self.data().len() as u64).unwrap_or(0)
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: mapped by `map`, and nobody has a slice of it any more.
        unsafe { libc::munmap(self.memory.cast(), self.bytes) };
    }
}

/// Events are files, and many systems allow a process no more than 1,024 until it asks for what it may have (as Go's runtime does for each
/// of its programs). Where even that is too little, the event that finds no room says so.
fn allow_files() {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: both calls read or write a place that lives as long as they do.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0
            && limit.rlim_cur < limit.rlim_max
        {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
}

/// One event of a thread on a processor (-1: wherever it runs) that fires each `period` ns, not yet running.
fn open(
    attach: &Attach,
    period: u64,
    thread: u32,
    processor: i32,
    inherit: bool,
) -> io::Result<OwnedFd> {
    let mut attr = kernel::perf_event_attr::default();
    attr.type_ = kernel::PERF_TYPE_SOFTWARE;
    attr.size = u32::try_from(size_of::<kernel::perf_event_attr>()).unwrap_or(0);
    // Most virtual machines have no counters of the processor.
    attr.config = kernel::PERF_COUNT_SW_CPU_CLOCK.into();
    attr.sample_type = u64::from(
        kernel::PERF_SAMPLE_TID
            | kernel::PERF_SAMPLE_CALLCHAIN
            | kernel::PERF_SAMPLE_REGS_USER
            | kernel::PERF_SAMPLE_STACK_USER,
    );
    attr.sample_regs_user = record::register_mask(attach.machine);
    attr.sample_stack_user = STACK_BYTES;
    attr.__bindgen_anon_1.sample_period = period;
    attr.sample_max_stack = CHAIN_MAX;
    attr.set_disabled(1);
    attr.set_inherit(inherit.into());
    attr.set_exclude_kernel((!attach.kernel).into());
    attr.set_exclude_callchain_kernel((!attach.kernel).into());
    attr.set_exclude_hv(1);
    attr.set_exclude_idle(1);
    let thread = i32::try_from(thread).map_err(|_| io::Error::from_raw_os_error(libc::ESRCH))?;
    // SAFETY: the attributes are initialised, and the kernel reads no other memory.
    let file = unsafe {
        perf_event_open_sys::perf_event_open(
            &raw mut attr,
            thread,
            processor,
            -1,
            kernel::PERF_FLAG_FD_CLOEXEC.into(),
        )
    };
    check(file)?;
    // SAFETY: a new file that nobody else knows.
    Ok(unsafe { OwnedFd::from_raw_fd(file) })
}

fn enable(event: &OwnedFd) -> io::Result<()> {
    // SAFETY: a file of a perf event that this process holds.
    check(unsafe { perf_event_open_sys::ioctls::ENABLE(event.as_raw_fd(), 0) })
}

fn check(result: i32) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// A thread that ended between its listing and its event is nothing unusual.
fn gone_is_none(event: io::Result<OwnedFd>) -> io::Result<Option<OwnedFd>> {
    match event {
        Ok(event) => Ok(Some(event)),
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(None),
        Err(error) => Err(error),
    }
}

fn threads(pid: u32) -> io::Result<Vec<u32>> {
    let names = fs::read_dir(format!("/proc/{pid}/task"))?;
    Ok(names
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .take(THREADS_MAX)
        .collect())
}

/// Processors that are switched on, from `/sys/devices/system/cpu/online` (`0-3,6`).
pub(super) fn processors() -> io::Result<Vec<i32>> {
    let text = fs::read_to_string("/sys/devices/system/cpu/online")?;
    let mut processors = Vec::new();
    for range in text.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (Ok(first), Ok(last)) = (first.parse::<i32>(), last.parse::<i32>()) else {
            return Err(io::Error::other(format!(
                "/sys/devices/system/cpu/online reads {text:?}"
            )));
        };
        processors.extend(first..=last);
    }
    Ok(processors)
}

/// CPU time that a process has had, all its threads together, those that are gone included; `None` where it is gone itself.
#[must_use]
pub fn process_clock(pid: u32) -> Option<std::time::Duration> {
    let mut clock = 0;
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: both write to a place that lives as long as the call.
    let told = unsafe {
        libc::clock_getcpuclockid(i32::try_from(pid).ok()?, &raw mut clock) == 0
            && libc::clock_gettime(clock, &raw mut time) == 0
    };
    let seconds = u64::try_from(time.tv_sec).ok()?;
    told.then(|| std::time::Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::native::record::RawSample;

    /// How many of `count` samples are used at this rate.
    fn used(rate: u32, count: u32) -> u32 {
        let mut thinner = Thinner::new(rate);
        let sample = || Record::Sample(RawSample::default());
        let used = (0..count).filter(|_| thinner.take(sample()).is_some());
        u32::try_from(used.count()).unwrap()
    }

    #[test]
    fn the_kernel_takes_more_than_is_used_at_low_rates() {
        for (rate, each, period) in [
            (1, 90, 11_111_111),
            (19, 5, 10_526_315),
            (50, 2, 10_000_000),
            (99, 1, 10_101_010),
            (999, 1, 1_001_001),
        ] {
            assert_eq!(Thinner::new(rate).period(rate), period, "{rate}");
            assert_eq!(used(rate, 100 * each), 100, "{rate}");
        }
    }

    #[test]
    fn a_ring_holds_what_comes_between_two_looks_and_half_as_much_again() {
        // Header, thread, length and addresses of the chain, kind and three registers, length, bytes and used bytes of the stack.
        let sample = 8 + 8 + 8 + 8 * u64::from(CHAIN_MAX) + 4 * 8 + 8 + u64::from(STACK_BYTES) + 8;
        let look = u64::try_from(super::super::DRAIN_EVERY.as_nanos()).unwrap();
        for rate in 1..=999 {
            let pages = ring_pages(rate);
            assert!(pages.is_power_of_two());
            let samples = look.div_ceil(Thinner::new(rate).period(rate));
            assert!(samples * sample * 3 / 2 <= pages as u64 * 4096, "{rate}");
        }
    }

    #[test]
    fn a_loss_is_told_in_samples_that_would_have_been_used() {
        let mut thinner = Thinner::new(19);
        assert_eq!(thinner.take(Record::Lost(1)), Some(Record::Lost(1)));
        assert_eq!(thinner.take(Record::Lost(23)), Some(Record::Lost(5)));
        assert_eq!(thinner.take(Record::Throttled), Some(Record::Throttled));
    }
}
