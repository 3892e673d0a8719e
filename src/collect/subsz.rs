//! `/subsz` without subscriptions: statistics of the lists of subscriptions, all accounts together.
//!
//! The broker adds `num_inserts`, `num_removes` and `num_matches` over the accounts that it has now, so they fall when one
//! is removed or made anew (reference, section 11b). As counters each fall would look like a restart, and what is left of
//! the sum like new traffic: they are gauges.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use super::splitter::{Root, Splitter};
use super::table::{cells, emit};
use super::{
    Collector, Context, DecodeError, Facts, Int, Lane, Record, Records, Spec, always, decode,
    never_absent, never_idle, ok,
};
use crate::catalog::{Metric, Origin};
use crate::state::{EntityKind, Rows, Value};

/// The collector of this endpoint.
pub static SPECS: &[Spec] = &[Spec {
    name: "subsz",
    origin: Origin::Subsz,
    handler: "/subsz",
    interval_min: Duration::ZERO,
    idle: never_idle,
    lane: Lane::Light,
    accept: ok,
    absent: never_absent,
    wanted: always,
    make: |_| {
        Box::new(Decoder {
            splitter: Splitter::new(&[]),
            facts: Facts::default(),
        })
    },
}];

/// The answer of `/subsz` (nats-server `server/monitor.go`, type `Subsz`).
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Sublists<'a> {
    /// Left out before 2.12.
    #[serde(borrow)]
    pub server_id: Option<Cow<'a, str>>,
    pub num_subscriptions: Option<Int>,
    pub num_cache: Option<Int>,
    pub num_inserts: Option<Int>,
    pub num_removes: Option<Int>,
    pub num_matches: Option<Int>,
    pub cache_hit_rate: Option<f64>,
    pub max_fanout: Option<Int>,
    pub avg_fanout: Option<f64>,
    /// The whole answer, for the view that makes a family of every number in it.
    #[serde(skip)]
    pub body: &'a [u8],
}

const SUBLISTS: cells!(Sublists<'_>) = &[
    (Metric::SublistSubscriptions, |s| {
        s.num_subscriptions.map(Int::value)
    }),
    (Metric::SublistCache, |s| s.num_cache.map(Int::value)),
    (Metric::SublistInserts, |s| s.num_inserts.map(Int::value)),
    (Metric::SublistRemoves, |s| s.num_removes.map(Int::value)),
    (Metric::SublistMatches, |s| s.num_matches.map(Int::value)),
    (Metric::SublistCacheHits, |s| {
        s.cache_hit_rate.map(Value::F64)
    }),
    (Metric::SublistMaxFanout, |s| s.max_fanout.map(Int::value)),
    (Metric::SublistMeanFanout, |s| s.avg_fanout.map(Value::F64)),
];

impl Sublists<'_> {
    /// Rows of the native view.
    pub fn native(&self, _context: &Context, rows: &mut dyn Rows) {
        emit(rows, EntityKind::Server, &[], SUBLISTS, self);
    }
}

struct Decoder {
    splitter: Splitter,
    facts: Facts,
}

impl Collector for Decoder {
    fn path(&self, _context: &Context) -> Cow<'static, str> {
        "/subsz".into()
    }

    fn begin(&mut self, _context: &Context) {
        self.splitter.reset();
        self.facts = Facts::default();
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut dyn Records) -> Result<(), DecodeError> {
        let facts = &mut self.facts;
        let mut take = |bytes: &[u8], offset| {
            let mut sublists: Sublists<'_> = decode::element(bytes, offset)?;
            sublists.body = bytes;
            facts.server_id = sublists.server_id.as_deref().map(str::to_owned);
            out.record(Record::Sublists(&sublists));
            Ok(())
        };
        self.splitter.feed(bytes, &mut Root(&mut take))
    }

    fn finish(&mut self, _out: &mut dyn Records) -> Result<Facts, DecodeError> {
        self.splitter.finish()?;
        Ok(std::mem::take(&mut self.facts))
    }
}
