//! `/jsz` without details. What varz tells as well (usage, API, settings, meta group) is shown from there.

use std::borrow::Cow;

use serde::Deserialize;

use super::Text;
use crate::catalog::Metric;
use crate::collect::splitter::{Root, Splitter};
use crate::collect::table::{cells, emit, one};
use crate::collect::varz::{META_SNAPSHOT, MetaSnapshot};
use crate::collect::{
    Collector, Context, Count, DecodeError, Facts, Int, Record, Records, Version, decode,
};
use crate::state::{EntityKind, Rows};

/// The answer of `/jsz` (nats-server `server/monitor.go`, type `JSInfo`).
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct JetstreamTotals<'a> {
    #[serde(borrow)]
    pub server_id: Text<'a>,
    /// Left out when false.
    #[serde(default)]
    pub disabled: bool,
    pub streams: Int,
    pub consumers: Int,
    pub messages: Count,
    pub bytes: Count,
    #[serde(default)]
    pub limits: Limits,
    #[serde(borrow)]
    pub meta_cluster: Option<MetaCluster<'a>>,
    #[serde(borrow, default)]
    pub config: TotalsConfig<'a>,
}

/// What another view needs of `config` of jsz; all zero where JetStream is off.
#[derive(Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct TotalsConfig<'a> {
    #[serde(default)]
    pub max_memory: Int,
    #[serde(default)]
    pub max_storage: Int,
    #[serde(borrow, default)]
    pub domain: Text<'a>,
}

/// `meta_cluster` of jsz: what varz lacks.
#[derive(Debug, Deserialize)]
pub struct MetaCluster<'a> {
    /// Its name.
    #[serde(borrow, default)]
    pub name: Text<'a>,
    /// Its leader; left out while there is none.
    #[serde(borrow, default)]
    pub leader: Text<'a>,
    /// 2.11.11 and 2.12.2; in varz from 2.14 on (nats-server `server/monitor.go`, `updateJszVarz` and `Jsz` by tag).
    pub snapshot: Option<MetaSnapshot>,
}

/// `limits` of jsz; a limit that is not configured is left out.
#[derive(Debug, Default, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct Limits {
    pub max_request_batch: Option<Int>,
    pub max_ack_pending: Option<Int>,
    pub max_ha_assets: Option<Int>,
    pub max_duplicate_window: Option<Int>,
    pub max_batch_inflight_per_stream: Option<Int>,
    pub max_batch_inflight_total: Option<Int>,
    pub max_batch_size: Option<Int>,
    pub max_batch_timeout: Option<Int>,
    pub default_max_consumers: Option<Int>,
}

const TOTALS: cells!(JetstreamTotals<'_>) = &[
    (Metric::JetstreamStreams, |t| Some(t.streams.value())),
    (Metric::JetstreamConsumers, |t| Some(t.consumers.value())),
    (Metric::JetstreamMessages, |t| Some(t.messages.value())),
    (Metric::JetstreamBytes, |t| Some(t.bytes.value())),
];

const LIMITS: cells!(Limits) = &[
    (Metric::JetstreamMaxRequestBatch, |l| {
        l.max_request_batch.map(Int::value)
    }),
    (Metric::JetstreamMaxAckPending, |l| {
        l.max_ack_pending.map(Int::value)
    }),
    (Metric::JetstreamMaxHaAssets, |l| {
        l.max_ha_assets.map(Int::value)
    }),
    (Metric::JetstreamMaxDuplicateWindow, |l| {
        l.max_duplicate_window.map(Int::nanos)
    }),
    (Metric::JetstreamMaxBatchInflightPerStream, |l| {
        l.max_batch_inflight_per_stream.map(Int::value)
    }),
    (Metric::JetstreamMaxBatchInflight, |l| {
        l.max_batch_inflight_total.map(Int::value)
    }),
    (Metric::JetstreamMaxBatchSize, |l| {
        l.max_batch_size.map(Int::value)
    }),
    (Metric::JetstreamMaxBatchTimeout, |l| {
        l.max_batch_timeout.map(Int::nanos)
    }),
    (Metric::JetstreamDefaultMaxConsumers, |l| {
        l.default_max_consumers.map(Int::value)
    }),
];

/// From here on varz tells of the meta group's snapshot.
const VARZ_HAS_SNAPSHOT: Version = Version(2, 14, 0);

impl JetstreamTotals<'_> {
    /// Rows of the native view.
    pub fn native(&self, context: &Context, rows: &mut dyn Rows) {
        one(rows, &[], Metric::JetstreamEnabled, (!self.disabled).into());
        if self.disabled {
            // The rest is there, all zero, and means nothing.
            return;
        }
        emit(rows, EntityKind::Server, &[], TOTALS, self);
        emit(rows, EntityKind::Server, &[], LIMITS, &self.limits);
        let meta = self.meta_cluster.as_ref();
        if let Some(snapshot) = meta.and_then(|meta| meta.snapshot.as_ref())
            && context.version < VARZ_HAS_SNAPSHOT
        {
            emit(rows, EntityKind::Server, &[], META_SNAPSHOT, snapshot);
        }
    }
}

pub(super) struct Decoder {
    splitter: Splitter,
    facts: Facts,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            splitter: Splitter::new(&[]),
            facts: Facts::default(),
        }
    }
}

impl Collector for Decoder {
    fn path(&self, _context: &Context) -> Cow<'static, str> {
        "/jsz".into()
    }

    fn begin(&mut self, _context: &Context) {
        self.splitter.reset();
        self.facts = Facts::default();
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut dyn Records) -> Result<(), DecodeError> {
        let facts = &mut self.facts;
        let mut totals = |bytes: &[u8], offset| {
            let totals: JetstreamTotals<'_> = decode::element(bytes, offset)?;
            facts.server_id = Some(totals.server_id.to_string());
            facts.streams = u64::try_from(totals.streams.0).ok();
            facts.consumers = u64::try_from(totals.consumers.0).ok();
            out.record(Record::JetstreamTotals(&totals));
            Ok(())
        };
        self.splitter.feed(bytes, &mut Root(&mut totals))
    }

    fn finish(&mut self, _out: &mut dyn Records) -> Result<Facts, DecodeError> {
        self.splitter.finish()?;
        Ok(std::mem::take(&mut self.facts))
    }
}
