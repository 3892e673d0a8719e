//! The view of prometheus-nats-exporter.

mod accounts;
mod connz;
mod flat;
mod healthz;
mod jsz;
mod links;
mod table;

use std::sync::Arc;

use table::{Family, Names};

use super::ForeignView;
use crate::collect::{Checks, Context, Extra, Record};
use crate::state::{ForeignFamily, ForeignRows, Tool, Value};

/// What the operator chose about this view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Stands in the place of `gnatsd` and of `jetstream`.
    pub prefix: Option<String>,
    /// What the label `server_id` holds.
    pub identity: Identity,
    /// Which families are shown.
    pub shown: Shown,
    /// Keys of streams' metadata that become labels.
    pub stream_keys: Vec<String>,
    /// Keys of consumers' metadata that become labels.
    pub consumer_keys: Vec<String>,
}

/// What the label `server_id` holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identity {
    /// Scheme, host and port of the monitoring URL.
    #[default]
    Url,
    /// The broker's own id, which changes at each start.
    Id,
    /// The broker's own name.
    Name,
}

/// Which families are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are the endpoints")]
pub struct Shown {
    pub varz: bool,
    pub connz: bool,
    pub connz_detailed: bool,
    pub healthz: bool,
    /// Health checks that are asked for by name; without them natsight's own check stands for what it asks.
    pub checks: Checks,
    /// Whether natsight's own cheap check is shown under the name of what it asks.
    pub own_check: bool,
    pub routez: bool,
    pub subsz: bool,
    pub gatewayz: bool,
    pub leafz: bool,
    pub accstatz: bool,
    pub accountz: bool,
    pub jsz: Option<Depth>,
}

impl Default for Shown {
    /// All that there is.
    fn default() -> Self {
        Self {
            varz: true,
            connz: true,
            connz_detailed: true,
            healthz: true,
            checks: Checks::default(),
            own_check: true,
            routez: true,
            subsz: true,
            gatewayz: true,
            leafz: true,
            accstatz: true,
            accountz: true,
            jsz: Some(Depth::All),
        }
    }
}

/// How deep JetStream is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// The server and its accounts.
    Accounts,
    /// Streams too, without their limits.
    Streams,
    /// Consumers and limits of streams too.
    All,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Exporter {
    settings: Settings,
    names: Names,
}

impl Exporter {
    /// A view with these settings.
    pub fn new(settings: Settings) -> Self {
        let names = Names::new(settings.prefix.as_deref());
        Self { settings, names }
    }
}

impl ForeignView for Exporter {
    fn tool(&self) -> Tool {
        Tool::Exporter
    }

    fn extra(&self) -> Extra {
        Extra {
            above: self.settings.shown.jsz.is_some(),
            config: self.settings.shown.jsz == Some(Depth::All),
        }
    }

    fn rows(&self, record: &Record<'_>, url: &str, context: &Context, rows: &mut dyn ForeignRows) {
        let shown = &self.settings.shown;
        let view = View {
            exporter: self,
            server_id: match self.settings.identity {
                Identity::Url => origin(url),
                Identity::Id => &context.server_id,
                Identity::Name => &context.broker_name,
            },
            context,
        };
        match record {
            Record::Varz(varz) if shown.varz => view.flat("varz", varz.body, rows),
            Record::OpenConnections(all) if shown.connz => view.connections(all, rows),
            Record::Connection(one) if shown.connz_detailed => view.connection(one, rows),
            Record::RoutesBody(routes) if shown.routez => view.flat("routez", routes.body, rows),
            Record::Sublists(sublists) if shown.subsz => view.flat("subsz", sublists.body, rows),
            Record::Gateways(gateways) if shown.gatewayz => view.gateways(gateways, rows),
            Record::Leafnode(leaf) if shown.leafz => view.leafnode(leaf, rows),
            Record::Leafnodes(all) if shown.leafz => view.leafnodes(all, rows),
            Record::AccountStat(stat) if shown.accstatz => view.traffic(stat, rows),
            Record::AccountDetails(account) if shown.accountz => view.account_detail(account, rows),
            Record::Healthz(healthz) => view.healthz(healthz, rows),
            Record::JetstreamTotals(totals) => view.jetstream(totals, rows),
            Record::Account(account) => view.account(account, rows),
            Record::Stream(stream) => view.stream(stream, rows),
            Record::Consumer(consumer) => view.consumer(consumer, rows),
            _ => {}
        }
    }
}

/// `scheme://host:port` of a URL: the path is no part of the older exporter's label.
fn origin(url: &str) -> &str {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url;
    };
    let host = rest.find('/').unwrap_or(rest.len());
    &url[..scheme.len() + "://".len() + host]
}

/// A family and its value for the labels of a row.
type Cell<'v> = (Arc<ForeignFamily>, Value<'v>);

/// One answer's rows in the making.
struct View<'a> {
    exporter: &'a Exporter,
    server_id: &'a str,
    context: &'a Context,
}

impl View<'_> {
    fn shown(&self) -> &Shown {
        &self.exporter.settings.shown
    }

    /// A family of the table with its value.
    fn cell<'v>(&self, family: Family, value: Value<'v>) -> Cell<'v> {
        (self.exporter.names.of(family), value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_scheme_host_and_port() {
        for (url, expected) in [
            ("http://localhost:8222", "http://localhost:8222"),
            ("http://localhost:8222/", "http://localhost:8222"),
            ("https://n1/monitor/", "https://n1"),
            ("east", "east"),
        ] {
            assert_eq!(origin(url), expected);
        }
    }
}
