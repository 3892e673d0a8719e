//! What other tools read of `/gatewayz`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;

use crate::collect::{GoDuration, Int, Moment};
use crate::state::Value;

const NANOS_PER_SECOND: i128 = 1_000_000_000;

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

/// The families of one direction that the views have in common, by each one's own handles.
pub(super) struct Families<F> {
    pub(super) configured: F,
    pub(super) activity: F,
    pub(super) uptime: F,
    pub(super) idle: F,
    pub(super) rtt: F,
    pub(super) pending: F,
    pub(super) in_msgs: F,
    pub(super) out_msgs: F,
    pub(super) in_bytes: F,
    pub(super) out_bytes: F,
    pub(super) subscriptions: F,
}

impl<F: Copy> Families<F> {
    /// What these families say of a connection. The tools read uptimes each in its own way.
    pub(super) fn values(
        &self,
        is_configured: bool,
        one: &Connection<'_>,
        span: fn(&str) -> Value<'static>,
    ) -> [(F, Value<'static>); 11] {
        let rtt = GoDuration::parse(&one.rtt).map_or(0, |rtt| i128::from(rtt.0));
        [
            (self.configured, is_configured.into()),
            (self.activity, seconds(one.last_activity)),
            (self.uptime, span(&one.uptime)),
            (self.idle, span(&one.idle)),
            (self.rtt, Value::Nanos(rtt)),
            (self.pending, one.pending_bytes.value()),
            (self.in_msgs, one.in_msgs.value()),
            (self.out_msgs, one.out_msgs.value()),
            (self.in_bytes, one.in_bytes.value()),
            (self.out_bytes, one.out_bytes.value()),
            (self.subscriptions, one.subscriptions.value()),
        ]
    }
}

/// Whole seconds since 1970; 0 where there is no time.
pub(super) fn seconds(time: Moment) -> Value<'static> {
    let seconds = time.nanos().unwrap_or(0).div_euclid(NANOS_PER_SECOND);
    Value::I64(i64::try_from(seconds).unwrap_or(i64::MAX))
}
