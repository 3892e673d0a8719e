//! `/raftz`: raft groups, each member about itself. Without groups (stand-alone) and before 2.10.17 it is not there (404).
//!
//! An answer is of one account: without `acc` the system account, which has the meta group; the groups of streams and
//! consumers are those of the account that owns them. So the collector walks: at each round one request, for the system
//! account or for one of the accounts that have streams here as the answers of jsz with streams name them, whoever was
//! asked longest ago. What is known of the others is shown again, with the time at which it was read in
//! `nats_raft_read_timestamp_seconds`; with n such accounts each is read every n + 1 rounds. The walk takes in 20
//! accounts, which is ten minutes at the shortest interval; that others are left out shows in the coverage.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::jsz::StreamState;
use super::number::null_is_empty;
use super::splitter::{Cut, EACH, Elements, Labels, Splitter};
use super::table::{cells, emit};
use super::walk::{Walk, escaped};
use super::{
    Collector, Context, Count, DecodeError, Facts, GoDuration, Int, Lane, Moment, Record, Records,
    Spec, Version,
};
use super::{always, decode, never_idle, ok};
use crate::catalog::{Metric, Origin};
use crate::state::{EntityKind, Row, Rows, Value};

/// The collector of this endpoint.
pub static SPECS: &[Spec] = &[Spec {
    name: "raftz",
    origin: Origin::Raftz,
    handler: "/raftz",
    interval_min: Duration::from_secs(30),
    idle: never_idle,
    lane: Lane::Heavy,
    accept: ok,
    absent: |status| status == 404,
    wanted: always,
    make: |_| Box::new(Decoder::new()),
}];

/// Accounts that the walk takes in, beside the system account.
const ACCOUNTS_MAX: usize = 20;
/// Groups that are kept, about 600 bytes each.
const GROUPS_MAX: usize = 20_000;
/// Who is asked without `acc`.
const SYSTEM: &str = "";

/// A group that this server is a member of.
#[derive(Debug)]
pub struct RaftGroup<'a> {
    /// The `account` label.
    pub account: &'a str,
    /// The `group` label.
    pub group: &'a str,
    /// What the broker tells.
    pub detail: RaftDetail<'a>,
}

/// An account whose groups were read.
#[derive(Debug)]
pub struct RaftAccount<'a> {
    /// The `account` label.
    pub account: &'a str,
    /// When they were read, nanoseconds since 1970.
    pub read: i128,
}

/// A group (nats-server `server/monitor.go`, type `RaftzGroup`).
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct RaftDetail<'a> {
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    #[serde(borrow)]
    pub state: Cow<'a, str>,
    pub size: Int,
    pub quorum_needed: Int,
    #[serde(default)]
    pub observer: bool,
    #[serde(default)]
    pub paused: bool,
    pub committed: Count,
    pub applied: Count,
    #[serde(default)]
    pub catching_up: bool,
    /// A hash; left out when no leader is known.
    #[serde(borrow, default)]
    pub leader: Cow<'a, str>,
    /// 2.11.9, on the leader.
    #[serde(default)]
    pub leader_since: Moment,
    #[serde(default)]
    pub ever_had_leader: bool,
    pub term: Count,
    /// A hash.
    #[serde(borrow, default)]
    pub voted_for: Cow<'a, str>,
    pub pterm: Count,
    pub pindex: Count,
    /// 2.11.9, as the next.
    #[serde(default)]
    pub system_account: bool,
    #[serde(borrow, default)]
    pub traffic_account: Cow<'a, str>,
    pub ipq_proposal_len: Int,
    pub ipq_entry_len: Int,
    pub ipq_resp_len: Int,
    pub ipq_apply_len: Int,
    /// Left out when false; 2.14, as the next.
    #[serde(default)]
    pub overrun: bool,
    #[serde(default)]
    pub overrun_count: Count,
    pub wal: Option<StreamState>,
    /// A Go error, written as an empty object: that it is there is all it says.
    pub wal_error: Option<IgnoredAny>,
    /// By hash.
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    pub peers: BTreeMap<Cow<'a, str>, RaftPeer<'a>>,
}

/// Another member of a group.
#[derive(Debug, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the broker's own; their meaning stands in the catalog"
)]
pub struct RaftPeer<'a> {
    #[serde(borrow, default)]
    pub name: Cow<'a, str>,
    #[serde(default)]
    pub known: bool,
    pub last_replicated_index: Option<Count>,
    /// A Go duration; left out when never.
    #[serde(borrow, default)]
    pub last_seen: Cow<'a, str>,
}

const GROUP: cells!(RaftDetail<'_>) = &[
    (Metric::RaftHasLeader, |g| {
        Some((!g.leader.is_empty()).into())
    }),
    (Metric::RaftEverHadLeader, |g| {
        Some(g.ever_had_leader.into())
    }),
    (Metric::RaftLeaderSince, |g| g.leader_since.value()),
    (Metric::RaftMembers, |g| Some(g.size.value())),
    (Metric::RaftQuorum, |g| Some(g.quorum_needed.value())),
    (Metric::RaftObserver, |g| Some(g.observer.into())),
    (Metric::RaftPaused, |g| Some(g.paused.into())),
    (Metric::RaftCatchingUp, |g| Some(g.catching_up.into())),
    (Metric::RaftCommitted, |g| Some(g.committed.value())),
    (Metric::RaftApplied, |g| Some(g.applied.value())),
    (Metric::RaftTerm, |g| Some(g.term.value())),
    (Metric::RaftLogTerm, |g| Some(g.pterm.value())),
    (Metric::RaftLogIndex, |g| Some(g.pindex.value())),
    (Metric::RaftLogError, |g| Some(g.wal_error.is_some().into())),
];

const OVERRUN: cells!(RaftDetail<'_>) = &[
    (Metric::RaftOverrun, |g| Some(g.overrun.into())),
    (Metric::RaftOverruns, |g| Some(g.overrun_count.value())),
];

const LOG: cells!(StreamState) = &[
    (Metric::RaftLogEntries, |s| Some(s.messages.value())),
    (Metric::RaftLogBytes, |s| Some(s.bytes.value())),
    (Metric::RaftLogFirst, |s| Some(s.first_seq.value())),
    (Metric::RaftLogLast, |s| Some(s.last_seq.value())),
    (Metric::RaftLogFirstTime, |s| s.first_ts.value()),
    (Metric::RaftLogLastTime, |s| s.last_ts.value()),
    (Metric::RaftLogDeleted, |s| Some(s.num_deleted.value())),
    (Metric::RaftLogSubjects, |s| Some(s.num_subjects.value())),
    (Metric::RaftLogConsumers, |s| Some(s.consumer_count.value())),
    (Metric::RaftLogLost, |s| {
        Some(Value::U64(s.lost.msgs.len() as u64))
    }),
    (Metric::RaftLogLostBytes, |s| Some(s.lost.bytes.value())),
];

const PEER: cells!(RaftPeer<'_>) = &[
    (Metric::RaftPeerKnown, |p| Some(p.known.into())),
    (Metric::RaftPeerIndex, |p| {
        p.last_replicated_index.map(Count::value)
    }),
    (Metric::RaftPeerSeen, |p| {
        let seen = GoDuration::parse(&p.last_seen)?;
        Some(Value::Nanos(seen.0.into()))
    }),
];

impl RaftGroup<'_> {
    /// Rows of the native view.
    pub fn native(&self, context: &Context, rows: &mut dyn Rows) {
        let kind = EntityKind::RaftGroup;
        let detail = &self.detail;
        let labels = [("account", self.account), ("group", self.group)];
        self.facts(context, rows);
        emit(rows, kind, &labels, GROUP, detail);
        if context.version >= Version(2, 14, 0) {
            emit(rows, kind, &labels, OVERRUN, detail);
        }
        if let Some(log) = &detail.wal {
            emit(rows, kind, &labels, LOG, log);
        }
        for (queue, len) in [
            ("proposals", detail.ipq_proposal_len),
            ("entries", detail.ipq_entry_len),
            ("responses", detail.ipq_resp_len),
            ("apply", detail.ipq_apply_len),
        ] {
            let labels = [labels[0], labels[1], ("queue", queue)];
            let values = [(Metric::RaftQueue, len.value())];
            rows.row(&Row::new(kind, &labels, &values));
        }
        for (hash, peer) in &detail.peers {
            let name = if peer.name.is_empty() {
                hash
            } else {
                &peer.name
            };
            let labels = [labels[0], labels[1], ("peer", name)];
            emit(rows, EntityKind::RaftPeer, &labels, PEER, peer);
        }
    }

    fn facts(&self, context: &Context, rows: &mut dyn Rows) {
        let kind = EntityKind::RaftGroup;
        let detail = &self.detail;
        let [account, group] = [("account", self.account), ("group", self.group)];
        let system = if detail.system_account { "true" } else { "" };
        let info = [
            account,
            group,
            ("id", &*detail.id),
            ("leader", self.name(&detail.leader, context)),
            ("voted_for", self.name(&detail.voted_for, context)),
            (
                "traffic_account",
                context.accounts.label(&detail.traffic_account),
            ),
            ("system_account", system),
        ];
        let one = Value::U64(1);
        rows.row(&Row::new(kind, &info, &[(Metric::RaftGroupInfo, one)]));
        let state = detail.state.to_lowercase();
        let labels = [account, group, ("state", &*state)];
        rows.row(&Row::new(kind, &labels, &[(Metric::RaftState, one)]));
    }

    /// The name of a member; its hash where the group does not know the name.
    fn name<'t>(&'t self, hash: &'t str, context: &'t Context) -> &'t str {
        if hash == self.detail.id {
            return &context.broker_name;
        }
        match self.detail.peers.get(hash) {
            Some(peer) if !peer.name.is_empty() => &peer.name,
            _ => hash,
        }
    }
}

impl RaftAccount<'_> {
    /// Rows of the native view.
    pub fn native(&self, _context: &Context, rows: &mut dyn Rows) {
        let labels = [("account", self.account)];
        let values = [(Metric::RaftReadTime, Value::Nanos(self.read))];
        rows.row(&Row::new(EntityKind::Account, &labels, &values));
    }
}

/// Accounts, and in each its groups.
const CUTS: &[Cut] = &[Cut {
    key: EACH,
    inside: &[Cut {
        key: EACH,
        inside: &[],
    }],
}];

/// A group as it came, without blanks: half of what its records would take.
#[derive(Debug)]
struct Kept {
    account: String,
    group: String,
    json: Box<[u8]>,
}

struct Decoder {
    splitter: Splitter,
    walk: Walk<Vec<Kept>>,
    context: Context,
    arriving: Arriving,
}

#[derive(Default)]
struct Arriving {
    account: String,
    group: String,
    groups: Vec<Kept>,
    /// Groups beyond what may be kept.
    beyond: u64,
    room: usize,
}

impl Decoder {
    fn new() -> Self {
        Self {
            splitter: Splitter::new(CUTS),
            walk: Walk::default(),
            context: Context::default(),
            arriving: Arriving::default(),
        }
    }
}

/// Who is walked: the system account first.
fn ids(context: &Context) -> impl Iterator<Item = &str> {
    let accounts = context.accounts.with_streams.keys().take(ACCOUNTS_MAX);
    std::iter::once(SYSTEM).chain(accounts.map(String::as_str))
}

impl Collector for Decoder {
    fn path(&self, context: &Context) -> Cow<'static, str> {
        match self.walk.turn(context, ids(context), 0) {
            None | Some(SYSTEM) => "/raftz".into(),
            Some(account) => format!("/raftz?acc={}", escaped(account)).into(),
        }
    }

    fn begin(&mut self, context: &Context) {
        self.splitter.reset();
        let turn = self.walk.turn(context, ids(context), 0);
        self.walk.begin(context, turn.unwrap_or(SYSTEM));
        self.context = context.clone();
        let asked = self.walk.asked();
        let others = self.walk.answers().filter(|(id, _)| *id != asked);
        let kept: usize = others.map(|(_, answer)| answer.content.len()).sum();
        self.arriving = Arriving {
            room: GROUPS_MAX.saturating_sub(kept),
            ..Arriving::default()
        };
    }

    fn chunk(&mut self, bytes: &[u8], out: &mut dyn Records) -> Result<(), DecodeError> {
        let mut emit = Emit {
            context: &self.context,
            arriving: &mut self.arriving,
            out,
        };
        self.splitter.feed(bytes, &mut emit)
    }

    fn finish(&mut self, out: &mut dyn Records) -> Result<Facts, DecodeError> {
        self.splitter.finish()?;
        let Arriving { groups, beyond, .. } = std::mem::take(&mut self.arriving);
        let context = std::mem::take(&mut self.context);
        let walked: Vec<&str> = ids(&context).collect();
        self.walk.end(&context, groups, &walked);
        for (id, answer) in self.walk.answers() {
            if id != self.walk.asked() {
                for kept in &answer.content {
                    show(&context, &kept.account, &kept.group, &kept.json, 0, out)?;
                }
            }
            // The system account has no name but in its own answer; an account may have no groups.
            let first = answer.content.first();
            let account = first.map_or(id, |kept| kept.account.as_str());
            if let (false, Some(read)) = (account.is_empty(), answer.read) {
                let account = context.accounts.label(account);
                out.record(Record::RaftAccount(&RaftAccount { account, read }));
            }
        }
        let read = self.walk.answers().count() as u64;
        let known = context.accounts.with_streams.len() as u64 + 1;
        Ok(Facts {
            coverage: Some((read, known)),
            dropped: vec![("raft_groups", beyond)],
            ..Facts::default()
        })
    }
}

/// Makes a record of a group.
fn show(
    context: &Context,
    account: &str,
    group: &str,
    json: &[u8],
    offset: u64,
    out: &mut dyn Records,
) -> Result<(), DecodeError> {
    let account = context.accounts.label(account);
    let detail: RaftDetail<'_> = decode::element(json, offset)?;
    out.record(Record::RaftGroup(&RaftGroup {
        account,
        group,
        detail,
    }));
    Ok(())
}

struct Emit<'a> {
    context: &'a Context,
    arriving: &'a mut Arriving,
    out: &'a mut dyn Records,
}

impl Elements for Emit<'_> {
    fn head(&mut self, _depth: usize, _head: &[u8], _offset: u64) -> Result<Labels, DecodeError> {
        Ok(Labels::Known)
    }

    fn member(&mut self, depth: usize, key: &str) {
        let name = match depth {
            1 => &mut self.arriving.account,
            _ => &mut self.arriving.group,
        };
        key.clone_into(name);
    }

    fn element(
        &mut self,
        depth: usize,
        _key: &'static str,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), DecodeError> {
        if depth < 2 {
            return decode::check(bytes, offset);
        }
        let Arriving {
            account,
            group,
            groups,
            beyond,
            room,
        } = &mut *self.arriving;
        if groups.len() == *room {
            *beyond += 1;
            return decode::check(bytes, offset);
        }
        show(self.context, account, group, bytes, offset, self.out)?;
        groups.push(Kept {
            account: account.clone(),
            group: group.clone(),
            json: without_blanks(bytes),
        });
        Ok(())
    }
}

fn without_blanks(json: &[u8]) -> Box<[u8]> {
    let (mut text, mut escaped) = (false, false);
    let kept = json.iter().copied().filter(|byte| {
        if text {
            (text, escaped) = (*byte != b'"' || escaped, *byte == b'\\' && !escaped);
            return true;
        }
        text = *byte == b'"';
        !byte.is_ascii_whitespace()
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_go_and_those_in_text_stay() {
        let json = b"{ \"a b\" :\n\t\"c \\\" d\\\\\" , \"e\": [ 1 ] }";
        let kept = without_blanks(json);
        assert_eq!(&*kept, b"{\"a b\":\"c \\\" d\\\\\",\"e\":[1]}");
    }
}
