//! What other tools read of `/gatewayz`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::collect::{Int, Moment};

type Text<'a> = Cow<'a, str>;

/// The answer.
#[derive(Deserialize)]
pub(super) struct Gatewayz<'a> {
    #[serde(borrow, default)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) outbound_gateways: Option<BTreeMap<Text<'a>, Remote<'a>>>,
    #[serde(borrow)]
    pub(super) inbound_gateways: Option<BTreeMap<Text<'a>, Option<Vec<Remote<'a>>>>>,
}

/// One end of a gateway.
#[derive(Deserialize)]
pub(super) struct Remote<'a> {
    #[serde(default)]
    pub(super) configured: bool,
    #[serde(borrow)]
    pub(super) connection: Option<Connection<'a>>,
}

/// Its connection.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Connection<'a> {
    pub(super) cid: u64,
    pub(super) start: Moment,
    pub(super) last_activity: Moment,
    #[serde(borrow)]
    pub(super) rtt: Text<'a>,
    #[serde(borrow)]
    pub(super) uptime: Text<'a>,
    #[serde(borrow)]
    pub(super) idle: Text<'a>,
    pub(super) pending_bytes: Int,
    pub(super) in_msgs: Int,
    pub(super) out_msgs: Int,
    pub(super) in_bytes: Int,
    pub(super) out_bytes: Int,
    pub(super) subscriptions: Int,
    /// The id of the server at the other end.
    #[serde(borrow)]
    pub(super) name: Text<'a>,
}
