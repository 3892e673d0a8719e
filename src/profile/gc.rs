//! Garbage collection in a sentence, from `memstats` of `/debug/vars` (nats-server 2.11.11, 2.12.2 and newer) at the begin and the end of a capture.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::source::http::{Client, Limits};

/// Pauses that the runtime remembers.
const PAUSES: usize = 256;
const BODY_MAX: u64 = 4 << 20;
const DEADLINE: Duration = Duration::from_secs(2);

/// What `memstats` says at one moment; the names are Go's (`runtime.MemStats`).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct MemStats {
    heap_alloc: u64,
    heap_inuse: u64,
    heap_idle: u64,
    heap_released: u64,
    #[serde(rename = "NextGC")]
    next_gc: u64,
    sys: u64,
    #[serde(rename = "NumGC")]
    cycles: u64,
    pause_total_ns: u64,
    /// A ring; the newest is at `(NumGC + 255) % 256`.
    pause_ns: Vec<u64>,
}

#[derive(Deserialize)]
struct Vars {
    memstats: MemStats,
}

/// A summary.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Gc {
    /// Collections since the first look.
    pub cycles: u64,
    /// Of these, those whose pauses are known: the runtime remembers 256.
    pub pauses_known: usize,
    /// Time that the world stood still since the first look, in seconds.
    pub pause_seconds: f64,
    /// The median of the known pauses, in seconds.
    pub pause_p50_seconds: f64,
    /// The longest of them.
    pub pause_max_seconds: f64,
    /// Bytes of live and not yet swept objects.
    pub heap_alloc_bytes: u64,
    /// Bytes in spans in use.
    pub heap_inuse_bytes: u64,
    /// Bytes at which the next collection begins.
    pub next_gc_bytes: u64,
    /// Bytes that are idle and not given back to the system.
    pub heap_held_bytes: u64,
    /// Bytes obtained from the system.
    pub sys_bytes: u64,
}

/// Asks for `memstats`; nothing where the broker's version has none, or does not answer in time.
pub async fn look(client: &Client) -> Option<MemStats> {
    let limits = Limits {
        deadline: DEADLINE,
        body_max: BODY_MAX,
    };
    read(&client.whole("/debug/vars", limits).await.ok()?)
}

/// Reads the answer of `/debug/vars`.
#[must_use]
pub fn read(body: &[u8]) -> Option<MemStats> {
    Some(serde_json::from_slice::<Vars>(body).ok()?.memstats)
}

impl Gc {
    /// What came between two looks.
    #[must_use]
    pub fn between(before: &MemStats, after: &MemStats) -> Self {
        let cycles = after.cycles.saturating_sub(before.cycles);
        let mut pauses = newest(after, cycles);
        pauses.sort_unstable();
        let seconds = |nanoseconds: u64| Duration::from_nanos(nanoseconds).as_secs_f64();
        Self {
            cycles,
            pauses_known: pauses.len(),
            pause_seconds: seconds(after.pause_total_ns.saturating_sub(before.pause_total_ns)),
            pause_p50_seconds: seconds(pauses.get(pauses.len() / 2).copied().unwrap_or(0)),
            pause_max_seconds: seconds(pauses.last().copied().unwrap_or(0)),
            heap_alloc_bytes: after.heap_alloc,
            heap_inuse_bytes: after.heap_inuse,
            next_gc_bytes: after.next_gc,
            heap_held_bytes: after.heap_idle.saturating_sub(after.heap_released),
            sys_bytes: after.sys,
        }
    }

    /// One line for a terminal.
    #[must_use]
    pub fn sentence(&self) -> String {
        let bytes =
            |bytes: u64| super::top::amount(i64::try_from(bytes).unwrap_or(i64::MAX), "bytes");
        format!(
            "{} collections, {:.1} ms of pauses (median {:.2} ms, longest {:.2} ms); heap {} in use, next collection at {}, {} held from the system",
            self.cycles,
            self.pause_seconds * 1e3,
            self.pause_p50_seconds * 1e3,
            self.pause_max_seconds * 1e3,
            bytes(self.heap_inuse_bytes),
            bytes(self.next_gc_bytes),
            bytes(self.heap_held_bytes)
        )
    }
}

/// The pauses of the newest collections, as far as the ring holds them.
fn newest(stats: &MemStats, cycles: u64) -> Vec<u64> {
    let known = usize::try_from(cycles.min(stats.cycles)).map_or(PAUSES, |known| known.min(PAUSES));
    let at = |back: usize| {
        let place = (stats.cycles % PAUSES as u64 + PAUSES as u64 - 1) as usize % PAUSES;
        (place + PAUSES - back) % PAUSES
    };
    (0..known)
        .filter_map(|back| stats.pause_ns.get(at(back)).copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stats(cycles: u64, total: u64) -> MemStats {
        let mut pause_ns = vec![0; PAUSES];
        for cycle in cycles.saturating_sub(PAUSES as u64) + 1..=cycles {
            pause_ns[(cycle as usize + PAUSES - 1) % PAUSES] = cycle * 1_000;
        }
        MemStats {
            cycles,
            pause_total_ns: total,
            pause_ns,
            heap_idle: 10,
            heap_released: 4,
            ..MemStats::default()
        }
    }

    #[test]
    fn pauses_between_two_looks_are_the_newest_of_the_ring() {
        let gc = Gc::between(&stats(300, 1_000_000), &stats(303, 1_906_000));
        assert_eq!((gc.cycles, gc.pauses_known), (3, 3));
        assert_eq!(gc.pause_p50_seconds, 302e-6);
        assert_eq!(gc.pause_max_seconds, 303e-6);
        assert_eq!((gc.pause_seconds, gc.heap_held_bytes), (906e-6, 6));
    }

    #[test]
    fn more_collections_than_the_ring_holds_are_counted_all_the_same() {
        let gc = Gc::between(&stats(1, 0), &stats(1_000, 0));
        assert_eq!((gc.cycles, gc.pauses_known), (999, 256));
        let none = Gc::between(&stats(5, 0), &stats(5, 0));
        assert_eq!((none.cycles, none.pause_max_seconds), (0, 0.0));
    }

    #[test]
    fn a_broker_without_memstats_tells_nothing() {
        assert!(read(b"404 page not found").is_none());
        assert!(read(b"{}").is_none());
        let read = read(
            br#"{"cmdline":[],"memstats":{"HeapInuse":7,"NextGC":9,"NumGC":2,"PauseNs":[1,2]}}"#,
        );
        let gc = Gc::between(&MemStats::default(), &read.unwrap());
        assert_eq!(
            (gc.heap_inuse_bytes, gc.next_gc_bytes, gc.pauses_known),
            (7, 9, 2)
        );
    }
}
