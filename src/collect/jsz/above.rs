//! What an answer says above the accounts, streams and consumers in it. The native view has no use for it; that of an
//! older exporter repeats it in the labels of each series.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Text;
use crate::collect::number::null_is_empty;
use crate::collect::splitter::Labels;
use crate::collect::{DecodeError, Moment, decode};

/// Names by key, as configuration has them.
pub type Metadata = BTreeMap<String, String>;

/// See the module.
#[derive(Debug, Default)]
pub struct Above {
    /// When the broker answered.
    pub now: Moment,
    /// JetStream domain.
    pub domain: String,
    /// Name and leader of the meta group; nothing outside a cluster.
    pub meta: Option<(String, String)>,
    /// Name of the account.
    pub account_name: String,
    /// Its id.
    pub account_id: String,
    /// Leader of the stream; nothing where it has no raft group.
    pub stream_leader: Option<String>,
    /// Its raft group; empty unless asked for.
    pub stream_raft_group: String,
    /// Its metadata; empty unless asked for.
    pub stream_metadata: Metadata,
    /// Raft groups of its consumers by their names; empty unless asked for.
    pub consumer_raft_groups: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Root<'a> {
    #[serde(default)]
    now: Moment,
    #[serde(borrow, default)]
    config: Config<'a>,
    #[serde(borrow)]
    meta_cluster: Option<Meta<'a>>,
}

#[derive(Default, Deserialize)]
struct Config<'a> {
    #[serde(borrow, default)]
    domain: Text<'a>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    leader: Text<'a>,
}

#[derive(Deserialize)]
struct Stream<'a> {
    #[serde(borrow)]
    cluster: Option<Group<'a>>,
    #[serde(borrow)]
    stream_raft_group: Option<Text<'a>>,
    config: Option<StreamConfig>,
    #[serde(borrow, default, deserialize_with = "null_is_empty")]
    consumer_raft_groups: Vec<ConsumerGroup<'a>>,
}

#[derive(Deserialize)]
struct ConsumerGroup<'a> {
    #[serde(borrow, default)]
    name: Text<'a>,
    #[serde(borrow, default)]
    raft_group: Text<'a>,
}

#[derive(Deserialize)]
struct Group<'a> {
    #[serde(borrow, default)]
    leader: Text<'a>,
}

#[derive(Deserialize)]
struct StreamConfig {
    #[serde(default, deserialize_with = "null_is_empty")]
    metadata: Metadata,
}

impl Above {
    /// Takes what the answer says before its accounts.
    pub(super) fn root(&mut self, head: &[u8], offset: u64) -> Result<(), DecodeError> {
        let root: Root<'_> = decode::element(head, offset)?;
        self.now = root.now;
        self.domain = root.config.domain.into_owned();
        self.meta = root
            .meta_cluster
            .map(|meta| (meta.name.into_owned(), meta.leader.into_owned()));
        Ok(())
    }

    /// Takes what a stream says before its consumers; the raft group may be missing there.
    pub(super) fn stream(&mut self, head: &[u8], offset: u64) -> Result<Labels, DecodeError> {
        let stream: Stream<'_> = decode::element(head, offset)?;
        self.stream_leader = stream.cluster.map(|group| group.leader.into_owned());
        self.stream_metadata = stream
            .config
            .map(|config| config.metadata)
            .unwrap_or_default();
        let groups = stream.consumer_raft_groups.into_iter();
        let pair = |group: ConsumerGroup<'_>| (group.name.into(), group.raft_group.into());
        self.consumer_raft_groups = groups.map(pair).collect();
        let group = stream.stream_raft_group;
        let labels = match group {
            Some(_) => Labels::Known,
            None => Labels::Missing,
        };
        self.stream_raft_group = group.unwrap_or_default().into_owned();
        Ok(labels)
    }
}
