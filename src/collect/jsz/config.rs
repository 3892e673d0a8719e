//! `/jsz` with configuration, raft groups and the consumers of mirrors and sources: what rarely changes, at most every ten
//! minutes, because it is the dearest answer of all (300 streams with 5 consumers each: 2.1 MB, 44 ms on 2.15.1).
//!
//! Told by the leader, like the state. Ephemeral consumers are left out. `direct_consumer_detail` of 2.11.11 and 2.12
//! repeats all other consumers of the stream; only those marked `direct` are shown. They have no raft group and live
//! where their stream is led.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;

use super::consumer_config::ConsumerConfig;
use super::stream_config::{ConfiguredStream, StreamConfig, StreamConfiguration, info};
use super::{ConsumerConfiguration, Lead, Place, Seen, TOTALS, Text, all_accounts, coverage, fits};
use crate::catalog::Metric;
use crate::collect::splitter::{Cut, Elements, Labels, Splitter};
use crate::collect::table::{cells, emit};
use crate::collect::{
    Collector, Context, DecodeError, Facts, Int, Options, Record, Records, decode,
};
use crate::state::{EntityKind, Rows};

/// What of JetStream this server leads.
#[derive(Debug)]
pub struct LeaderCounts<'a> {
    /// What the broker tells.
    pub root: &'a ConfigRoot<'a>,
}

/// The root of the answer.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct ConfigRoot<'a> {
    #[serde(borrow)]
    pub server_id: Text<'a>,
    pub streams: Int,
    pub consumers: Int,
    pub total: Option<Int>,
    /// 2.11.11, 2.12.1, as the next.
    pub streams_leader: Option<Int>,
    pub consumers_leader: Option<Int>,
}

/// The raft group of a durable consumer.
#[derive(Debug)]
pub struct RaftGroupName<'a> {
    /// The `account` label.
    pub account: &'a str,
    /// The `stream` label.
    pub stream: &'a str,
    /// The consumer and its group.
    pub detail: RaftGroupDetail<'a>,
}

/// An element of `consumer_raft_groups`.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct RaftGroupDetail<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub raft_group: Text<'a>,
}

const LED: cells!(ConfigRoot<'_>) = &[
    (Metric::JetstreamLedStreams, |r| {
        r.streams_leader.map(Int::value)
    }),
    (Metric::JetstreamLedConsumers, |r| {
        r.consumers_leader.map(Int::value)
    }),
];

impl LeaderCounts<'_> {
    /// Rows of the native view.
    pub fn native(&self, _context: &Context, rows: &mut dyn Rows) {
        emit(rows, EntityKind::Server, &[], LED, self.root);
    }
}

impl RaftGroupName<'_> {
    /// Rows of the native view.
    pub fn native(&self, _context: &Context, rows: &mut dyn Rows) {
        let labels = [
            ("account", self.account),
            ("stream", self.stream),
            ("consumer", &*self.detail.name),
            ("group", &*self.detail.raft_group),
        ];
        info(
            rows,
            EntityKind::Consumer,
            &labels,
            Metric::ConsumerRaftGroupInfo,
        );
    }
}

const CUTS: &[Cut] = &[Cut {
    key: "account_details",
    inside: &[Cut {
        key: "stream_detail",
        inside: &[
            Cut {
                key: CONSUMERS,
                inside: &[],
            },
            Cut {
                key: DIRECT,
                inside: &[],
            },
            Cut {
                key: RAFT_GROUPS,
                inside: &[],
            },
        ],
    }],
}];
const CONSUMERS: &str = "consumer_detail";
const DIRECT: &str = "direct_consumer_detail";
const RAFT_GROUPS: &str = "consumer_raft_groups";

pub(super) struct Decoder {
    splitter: Splitter,
    /// Whether streams and consumers are to be shown.
    wanted: (bool, bool),
    state: State,
}

#[derive(Default)]
struct State {
    place: Place,
    wanted: (bool, bool),
    broker_name: String,
    /// Durable consumers of the stream so far, and groups of its consumers that wait for the end of the stream.
    durable: HashSet<String>,
    groups: Vec<(String, String)>,
    beyond: u64,
    seen: Seen,
    facts: Facts,
}

impl Decoder {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            splitter: Splitter::new(CUTS),
            wanted: (options.streams, options.consumers),
            state: State::default(),
        }
    }
}

impl Collector for Decoder {
    fn path(&self, context: &Context) -> Cow<'static, str> {
        if self.wanted.1 && fits(context, true, true) {
            all_accounts!("consumers=true&config=true&raft=true&direct-consumers=true").into()
        } else if fits(context, false, true) {
            all_accounts!("streams=true&config=true&raft=true").into()
        } else {
            TOTALS.into()
        }
    }

    fn begin(&mut self, context: &Context) {
        self.splitter.reset();
        let state = &mut self.state;
        context.broker_name.clone_into(&mut state.broker_name);
        state.place.names.begin();
        state.wanted = self.wanted;
        state.durable.clear();
        state.groups.clear();
        state.beyond = 0;
        state.seen = Seen::default();
        state.facts = Facts::default();
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut dyn Records) -> Result<(), DecodeError> {
        let state = &mut self.state;
        self.splitter.feed(bytes, &mut Emit { state, out })
    }

    fn finish(&mut self, _out: &mut dyn Records) -> Result<Facts, DecodeError> {
        self.splitter.finish()?;
        self.state.place.names.finish();
        let mut facts = std::mem::take(&mut self.state.facts);
        facts.dropped = vec![("elements", self.state.beyond)];
        Ok(facts)
    }
}

struct Emit<'a> {
    state: &'a mut State,
    out: &'a mut dyn Records,
}

impl Elements for Emit<'_> {
    fn head(&mut self, depth: usize, head: &[u8], offset: u64) -> Result<Labels, DecodeError> {
        self.state.place.head(depth, head, offset)
    }

    fn whole(
        &mut self,
        key: &'static str,
        text: &str,
        offset: u64,
    ) -> Result<Option<usize>, DecodeError> {
        if key == RAFT_GROUPS {
            return Ok(None);
        }
        let Some((consumer, used)) = decode::first(text) else {
            return Ok(None);
        };
        self.consumer(
            key,
            consumer,
            &text.as_bytes()[..used],
            offset + used as u64,
        )?;
        Ok(Some(used))
    }

    fn element(
        &mut self,
        depth: usize,
        key: &'static str,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), DecodeError> {
        match depth {
            3 if key == RAFT_GROUPS => {
                let group: RaftGroupDetail<'_> = decode::element(bytes, offset)?;
                let pair = (group.name.into_owned(), group.raft_group.into_owned());
                self.state.groups.push(pair);
            }
            3 => self.consumer(key, decode::element(bytes, offset)?, bytes, offset)?,
            2 => self.stream(decode::element(bytes, offset)?),
            1 => {
                decode::check(bytes, offset)?;
                self.state.seen.accounts += 1;
            }
            _ => {
                let root: ConfigRoot<'_> = decode::element(bytes, offset)?;
                let root = &root;
                self.out
                    .record(Record::LeaderCounts(&LeaderCounts { root }));
                let State {
                    seen,
                    facts,
                    wanted,
                    ..
                } = &mut *self.state;
                facts.server_id = Some(root.server_id.to_string());
                let accounts = root.total.map(|total| (seen.accounts, total));
                let streams = Some((seen.streams, root.streams));
                let consumers = wanted.1.then_some((seen.consumers, root.consumers));
                facts.coverage = coverage(&[consumers, streams, accounts]);
            }
        }
        Ok(())
    }
}

impl Emit<'_> {
    /// `bytes` is all that is told of the consumer.
    fn consumer(
        &mut self,
        key: &str,
        consumer: ConsumerConfig<'_>,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), DecodeError> {
        let state = &mut *self.state;
        let direct = key == DIRECT;
        if !direct {
            state.seen.consumers += 1;
        }
        if !consumer.is_shown(direct) {
            return Ok(());
        }
        state.beyond += consumer.beyond();
        if !direct {
            state.durable.insert(consumer.name.to_string());
        }
        let place = &state.place;
        let detail = direct.then(|| decode::element(bytes, offset)).transpose()?;
        self.out
            .record(Record::ConsumerConfiguration(&ConsumerConfiguration {
                account: &place.account,
                stream: &place.stream,
                consumer,
                direct: detail,
            }));
        Ok(())
    }

    fn stream(&mut self, detail: ConfiguredStream<'_>) {
        let state = &mut *self.state;
        state.seen.streams += 1;
        state.beyond += detail.config.as_ref().map_or(0, StreamConfig::beyond);
        let (account, stream) = (&state.place.account, &state.place.stream);
        let led = Lead::of(detail.cluster.as_ref(), &state.broker_name) == Lead::Here;
        state
            .groups
            .retain(|(name, _)| led && state.durable.contains(name));
        state.durable.clear();
        for (name, raft_group) in state.groups.drain(..) {
            let detail = RaftGroupDetail {
                name: name.into(),
                raft_group: raft_group.into(),
            };
            self.out.record(Record::RaftGroupName(&RaftGroupName {
                account,
                stream,
                detail,
            }));
        }
        if state.wanted.0 {
            self.out
                .record(Record::StreamConfiguration(&StreamConfiguration {
                    account,
                    detail,
                }));
        }
    }
}
