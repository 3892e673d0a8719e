//! The view of nats-surveyor, as far as the monitoring port tells what that tool asks for by the system account.
//!
//! One page of that tool is of all servers. Most of its series name a server and come from that server's own answers;
//! those of an account as a whole name none, so each server gives its share in them (`state::Share`).

mod accounts;
mod jetstream;
mod links;
mod server;
mod table;

use std::sync::Arc;

use table::{Family, Names};

use super::ForeignView;
use crate::collect::{Context, Extra, Int, Record, Version};
use crate::state::{ForeignFamily, ForeignRows, Share, Tool, Value};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Surveyor {
    names: Names,
}

impl ForeignView for Surveyor {
    fn tool(&self) -> Tool {
        Tool::Surveyor
    }

    fn extra(&self) -> Extra {
        Extra {
            above: true,
            config: true,
        }
    }

    fn rows(&self, record: &Record<'_>, _url: &str, context: &Context, rows: &mut dyn ForeignRows) {
        let view = View {
            names: &self.names,
            context,
        };
        match record {
            Record::Varz(varz) => view.server(varz, rows),
            Record::Route(route) => view.route(route, rows),
            Record::Gateways(gateways) => view.gateways(gateways, rows),
            Record::RaftGroup(group) => view.meta_group(group, rows),
            Record::AccountStat(stat) => view.traffic(stat, rows),
            Record::JetstreamTotals(totals) => view.jetstream_totals(totals, rows),
            Record::Account(account) => view.account(account, rows),
            Record::Stream(stream) => view.stream(stream, rows),
            Record::Consumer(consumer) => view.consumer(consumer, rows),
            Record::Ephemerals(all) => view.consumers_of(all, rows),
            _ => {}
        }
    }

    fn watched(&self, is_up: bool, rows: &mut dyn ForeignRows) {
        let up = Share::Part(u64::from(is_up));
        rows.shared(
            &[],
            &[
                (self.names.of(Family::SurveyExpectedCount), Share::Part(1)),
                (self.names.of(Family::SurveySurveyedCount), up),
            ],
        );
    }
}

/// A family and its value for the labels of a row.
type Cell<'v> = (Arc<ForeignFamily>, Value<'v>);

/// From here on accstatz tells names of accounts. That tool knows no others for an account that accstatz tells of.
const ACCOUNTS_HAVE_NAMES: Version = Version(2, 11, 0);

/// One answer's rows in the making.
struct View<'a> {
    names: &'a Names,
    context: &'a Context,
}

impl<'a> View<'a> {
    /// A family with its value.
    fn cell<'v>(&self, family: Family, value: Value<'v>) -> Cell<'v> {
        (self.names.of(family), value)
    }

    /// A family with a share in its value.
    fn share<'v>(&self, family: Family, share: Share<'v>) -> (Arc<ForeignFamily>, Share<'v>) {
        (self.names.of(family), share)
    }

    /// Labels of what is about the server.
    fn core(&self) -> [(&'static str, &'a str); 3] {
        [
            ("server_cluster", &self.context.nats_cluster),
            ("server_name", &self.context.broker_name),
            ("server_id", &self.context.server_id),
        ]
    }

    /// Labels of what is about JetStream on the server.
    fn jetstream(&self) -> [(&'static str, &'a str); 3] {
        [
            ("server_id", &self.context.server_id),
            ("server_name", &self.context.broker_name),
            ("cluster_name", &self.context.nats_cluster),
        ]
    }

    /// Labels of an account as a whole.
    fn of_account<'l>(&self, id: &'l str, name: &'l str) -> [(&'static str, &'l str); 2] {
        let named = self.context.version >= ACCOUNTS_HAVE_NAMES;
        [
            ("account", id),
            ("account_name", if named { name } else { "" }),
        ]
    }
}

/// What a broker leaves out or does not know is 0 there.
fn int(number: Option<Int>) -> Value<'static> {
    number.unwrap_or_default().value()
}

/// A number that cannot be below zero.
fn unsigned(number: Option<Int>) -> u64 {
    u64::try_from(number.unwrap_or_default().0).unwrap_or(0)
}
