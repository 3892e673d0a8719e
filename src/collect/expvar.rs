//! `/debug/vars`: memory and garbage collection of the broker's Go runtime.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use super::number::null_is_empty;
use super::splitter::{Root, Splitter};
use super::table::{cells, emit, one};
use super::{
    Collector, Context, Count, DecodeError, Facts, Int, Lane, Record, Records, Spec, always,
    decode, never_idle, ok,
};
use crate::catalog::{Metric, Origin};
use crate::state::{EntityKind, Histogram, Rows, Value};

/// The collector of this endpoint.
pub static SPECS: &[Spec] = &[Spec {
    name: "expvar",
    origin: Origin::Expvar,
    handler: "/debug/vars",
    interval_min: Duration::ZERO,
    idle: never_idle,
    lane: Lane::Light,
    accept: ok,
    absent: not_found,
    wanted: always,
    make: |_| Box::new(Decoder::default()),
}];

/// Upper bounds of the pauses: 10 µs to 1 s.
const PAUSE_BOUNDS_NANOS: &[u64] = &[
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
];

/// Brokers before 2.11.11 and 2.12.2 have no such path on the monitoring port.
fn not_found(status: u16) -> bool {
    status == 404
}

/// What an answer of `/debug/vars` tells, with the pauses counted over all answers so far. `cmdline` is not read: it may
/// hold secrets.
#[derive(Debug)]
pub struct Expvar<'a> {
    /// Go's memory statistics.
    pub memstats: &'a Memstats,
    /// Pauses of garbage collection; nothing when the body has no list of them.
    pub pauses: Option<&'a Histogram>,
}

#[derive(Deserialize)]
struct Body {
    memstats: Memstats,
}

/// `memstats` (Go, package runtime, type `MemStats`). `Alloc` equals `HeapAlloc` and is not read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(
    missing_docs,
    reason = "the fields are Go's own; their meaning stands in the catalog"
)]
pub struct Memstats {
    pub total_alloc: Option<Count>,
    pub sys: Option<Int>,
    pub lookups: Option<Count>,
    pub mallocs: Option<Count>,
    pub frees: Option<Count>,
    pub heap_alloc: Option<Int>,
    pub heap_sys: Option<Int>,
    pub heap_idle: Option<Int>,
    pub heap_inuse: Option<Int>,
    pub heap_released: Option<Int>,
    pub heap_objects: Option<Int>,
    pub stack_inuse: Option<Int>,
    pub stack_sys: Option<Int>,
    pub m_span_inuse: Option<Int>,
    pub m_span_sys: Option<Int>,
    pub m_cache_inuse: Option<Int>,
    pub m_cache_sys: Option<Int>,
    pub buck_hash_sys: Option<Int>,
    #[serde(rename = "GCSys")]
    pub gc_sys: Option<Int>,
    pub other_sys: Option<Int>,
    #[serde(rename = "NextGC")]
    pub next_gc: Option<Int>,
    /// Nanoseconds since 1970; 0 is never.
    #[serde(rename = "LastGC", default)]
    pub last_gc: Int,
    pub pause_total_ns: Option<Count>,
    /// A ring; collection number n stands at place (n - 1) modulo its length.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub pause_ns: Vec<Count>,
    #[serde(rename = "NumGC")]
    pub num_gc: Count,
    #[serde(rename = "NumForcedGC")]
    pub num_forced_gc: Option<Count>,
    #[serde(rename = "GCCPUFraction")]
    pub gc_cpu_fraction: Option<f64>,
    #[serde(rename = "EnableGC")]
    pub enable_gc: Option<bool>,
    #[serde(rename = "DebugGC")]
    pub debug_gc: Option<bool>,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub by_size: Vec<SizeClass>,
}

/// An element of `BySize`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(
    missing_docs,
    reason = "the fields are Go's own; their meaning stands in the catalog"
)]
pub struct SizeClass {
    pub size: Int,
    pub mallocs: Option<Count>,
    pub frees: Option<Count>,
}

const MEMSTATS: cells!(Memstats) = &[
    (Metric::GoAllocTotal, |m| m.total_alloc.map(Count::value)),
    (Metric::GoSys, |m| m.sys.map(Int::value)),
    (Metric::GoLookups, |m| m.lookups.map(Count::value)),
    (Metric::GoMallocs, |m| m.mallocs.map(Count::value)),
    (Metric::GoFrees, |m| m.frees.map(Count::value)),
    (Metric::GoHeapAlloc, |m| m.heap_alloc.map(Int::value)),
    (Metric::GoHeapSys, |m| m.heap_sys.map(Int::value)),
    (Metric::GoHeapIdle, |m| m.heap_idle.map(Int::value)),
    (Metric::GoHeapInuse, |m| m.heap_inuse.map(Int::value)),
    (Metric::GoHeapReleased, |m| m.heap_released.map(Int::value)),
    (Metric::GoHeapObjects, |m| m.heap_objects.map(Int::value)),
    (Metric::GoStackInuse, |m| m.stack_inuse.map(Int::value)),
    (Metric::GoStackSys, |m| m.stack_sys.map(Int::value)),
    (Metric::GoMspanInuse, |m| m.m_span_inuse.map(Int::value)),
    (Metric::GoMspanSys, |m| m.m_span_sys.map(Int::value)),
    (Metric::GoMcacheInuse, |m| m.m_cache_inuse.map(Int::value)),
    (Metric::GoMcacheSys, |m| m.m_cache_sys.map(Int::value)),
    (Metric::GoBuckHashSys, |m| m.buck_hash_sys.map(Int::value)),
    (Metric::GoGcSys, |m| m.gc_sys.map(Int::value)),
    (Metric::GoOtherSys, |m| m.other_sys.map(Int::value)),
    (Metric::GoNextGc, |m| m.next_gc.map(Int::value)),
    (Metric::GoLastGc, |m| {
        (m.last_gc.0 > 0).then(|| m.last_gc.nanos())
    }),
    (Metric::GoGcCpuFraction, |m| {
        m.gc_cpu_fraction.map(Value::F64)
    }),
    (Metric::GoGcCycles, |m| Some(m.num_gc.value())),
    (Metric::GoGcForcedCycles, |m| {
        m.num_forced_gc.map(Count::value)
    }),
    (Metric::GoGcPauseTime, |m| {
        m.pause_total_ns.map(Count::nanos)
    }),
    (Metric::GoGcEnabled, |m| m.enable_gc.map(Value::from)),
    (Metric::GoGcDebug, |m| m.debug_gc.map(Value::from)),
];

const SIZE_CLASS: cells!(SizeClass) = &[
    (Metric::GoSizeClassMallocs, |c| c.mallocs.map(Count::value)),
    (Metric::GoSizeClassFrees, |c| c.frees.map(Count::value)),
];

impl Expvar<'_> {
    /// Rows of the native view.
    pub fn native(&self, _context: &Context, rows: &mut dyn Rows) {
        emit(rows, EntityKind::Server, &[], MEMSTATS, self.memstats);
        if let Some(pauses) = self.pauses {
            one(rows, &[], Metric::GoGcPause, Value::Histogram(pauses));
        }
        for class in &self.memstats.by_size {
            let size = class.size.0.to_string();
            emit(
                rows,
                EntityKind::Server,
                &[("size", &size)],
                SIZE_CLASS,
                class,
            );
        }
    }
}

/// Pauses of one process, counted since the first look at it.
#[derive(Clone, Debug)]
struct Pauses {
    /// Collections of the process up to the latest look.
    cycles: u64,
    histogram: Histogram,
}

impl Pauses {
    /// Counts what is new since the look before; also gives how many pauses the ring had lost by now.
    fn after(before: Option<&Self>, memstats: &Memstats) -> (Self, u64) {
        let ring = &memstats.pause_ns;
        let cycles = memstats.num_gc.or_zero();
        let (mut histogram, new) = match before {
            Some(before) if before.cycles <= cycles => {
                (before.histogram.clone(), cycles - before.cycles)
            }
            // The first look at this process. A ring that has turned over is no longer the whole life, and a part of
            // a life as a jump from 0 would be a false rate: count from now on.
            _ if cycles > ring.len() as u64 => (Histogram::of_nanos(PAUSE_BOUNDS_NANOS), 0),
            _ => (Histogram::of_nanos(PAUSE_BOUNDS_NANOS), cycles),
        };
        let held = usize::try_from(new).map_or(ring.len(), |new| new.min(ring.len()));
        if held > 0 {
            // The oldest of the new ones, by its place in the ring.
            let first = (cycles - held as u64) % ring.len() as u64;
            let first = usize::try_from(first).unwrap_or(0);
            for pause in ring.iter().cycle().skip(first).take(held) {
                if let Count::Known(nanos) = *pause {
                    histogram.observe(nanos);
                }
            }
        }
        (Self { cycles, histogram }, new - held as u64)
    }
}

struct Decoder {
    splitter: Splitter,
    /// The process that `counted` belongs to; empty until it is known.
    server_id: String,
    /// As of the latest complete answer.
    counted: Option<Pauses>,
    answer: Answer,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            splitter: Splitter::new(&[]),
            server_id: String::new(),
            counted: None,
            answer: Answer::default(),
        }
    }
}

/// What the answer under way adds; dropped unless it ends well.
#[derive(Default)]
struct Answer {
    pauses: Option<Pauses>,
    missed: u64,
}

impl Collector for Decoder {
    fn path(&self, _context: &Context) -> Cow<'static, str> {
        "/debug/vars".into()
    }

    fn begin(&mut self, context: &Context) {
        self.splitter.reset();
        self.answer = Answer::default();
        if !context.server_id.is_empty() && self.server_id != context.server_id {
            if !self.server_id.is_empty() {
                self.counted = None;
            }
            self.server_id.clone_from(&context.server_id);
        }
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut dyn Records) -> Result<(), DecodeError> {
        let (before, answer) = (self.counted.as_ref(), &mut self.answer);
        let mut expvar = |bytes: &[u8], offset| {
            let Body { memstats } = decode::element(bytes, offset)?;
            if !memstats.pause_ns.is_empty() {
                let (pauses, missed) = Pauses::after(before, &memstats);
                *answer = Answer {
                    pauses: Some(pauses),
                    missed,
                };
            }
            out.record(Record::Expvar(&Expvar {
                memstats: &memstats,
                pauses: answer.pauses.as_ref().map(|pauses| &pauses.histogram),
            }));
            Ok(())
        };
        self.splitter.feed(bytes, &mut Root(&mut expvar))
    }

    fn finish(&mut self, _out: &mut dyn Records) -> Result<Facts, DecodeError> {
        self.splitter.finish()?;
        let answer = std::mem::take(&mut self.answer);
        self.counted = answer.pauses;
        let mut facts = Facts::default();
        if answer.missed > 0 {
            facts.dropped.push(("gc_pauses_missed", answer.missed));
        }
        Ok(facts)
    }
}
