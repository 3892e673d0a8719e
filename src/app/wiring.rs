//! From the plan to what the other modules take: clients, rules, choices.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::collect::{Checks, Connections, Options, Pattern, Scope};
use crate::compat::exporter::{Depth, Exporter, Identity, Settings, Shown};
use crate::compat::surveyor::Surveyor;
use crate::config::{
    self, JszDepth, PasswordPlan, Pid, Plan, ServerId, StandardNames, SystemLogin, TlsVersion,
};
use crate::expose::Wish;
use crate::poll::{Intervals, ProcessChoice, Rules};
use crate::source::http::{Client, Limits, Target, Tls};
use crate::source::system;
use crate::state::Tool;

/// Servers whose first round is under way at once.
const FIRST_ROUNDS_MAX: usize = 8;

/// Checks what only shows when clients are made: a sentence for each server that cannot be asked.
pub(super) fn check(plan: &Plan) -> Result<(), Vec<String>> {
    let (tls, mut wrong) = (tls(plan), Vec::new());
    for server in &plan.servers {
        let client = Target::parse(server.url.expose())
            .map_err(|error| error.to_string())
            .and_then(|target| Client::new(target, &tls).map_err(|error| error.to_string()));
        wrong.extend(client.err());
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

/// TLS towards the brokers.
pub(super) fn tls(plan: &Plan) -> Tls {
    let client_files = plan.tls.client.as_ref();
    Tls {
        ca_file: plan.tls.ca_file.clone(),
        cert_file: client_files.map(|files| files.cert_file.clone()),
        key_file: client_files.map(|files| files.key_file.clone()),
        server_name: plan.tls.server_name.clone(),
        tls13_only: plan.tls.min_version == TlsVersion::Tls13,
    }
}

/// How the system account is reached; `None` where nobody says who natsight is there. `elsewhere` is where, unless that is written.
pub(super) fn system(
    plan: &Plan,
    elsewhere: impl FnOnce() -> Option<String>,
) -> Result<Option<system::Access>, String> {
    let secret = |key: &str, path: &Path| {
        config::read_secret(key, path).map(|secret| secret.expose().to_owned())
    };
    let login = match &plan.system.login {
        Some(SystemLogin::Password { user, password }) => system::Login::Password {
            user: user.clone(),
            password: match password {
                PasswordPlan::Written(password) => password.expose().to_owned(),
                PasswordPlan::File(path) => secret("system.password_file", path)?,
            },
        },
        Some(SystemLogin::Credentials(path)) => {
            system::Login::Credentials(secret("system.creds_file", path)?)
        }
        Some(SystemLogin::Nkey(path)) => system::Login::Nkey(secret("system.nkey_file", path)?),
        Some(SystemLogin::Token(path)) => system::Login::Token(secret("system.token_file", path)?),
        // User and password may stand in the URL.
        None if !plan.system.urls.is_empty() => system::Login::Url,
        None => return Ok(None),
    };
    let mut urls: Vec<_> = plan
        .system
        .urls
        .iter()
        .map(|url| url.expose().to_owned())
        .collect();
    if urls.is_empty() {
        urls.extend(elsewhere());
    }
    Ok((!urls.is_empty()).then(|| system::Access {
        urls,
        login,
        tls: tls(plan),
    }))
}

/// How targets of `/probe` are watched: as all others, but only on the port that was allowed. The page of a probe has one
/// server.
pub(super) fn probe_rules(plan: &Plan, wish: &Arc<Wish>) -> Rules {
    Rules {
        probe: None,
        twins: plan.standard_names != StandardNames::Off,
        ..rules(plan, wish)
    }
}

/// How servers are watched by this plan.
pub(super) fn rules(plan: &Plan, wish: &Arc<Wish>) -> Rules {
    let poll = &plan.poll;
    let connections = match plan.collect.connections {
        config::Connections::Off => Connections::Off,
        config::Connections::Top => Connections::Top,
        config::Connections::All => Connections::All,
    };
    let exporter = exporter(plan);
    Rules {
        options: Options {
            connections,
            top: plan.collect.top,
            streams: plan.collect.streams,
            consumers: plan.collect.consumers,
            gateway_accounts: plan.collect.gateway_accounts,
            scope: Arc::new(scope(&plan.collect)),
            series_new_max: plan.collect.series_new_max,
            checks: exporter.shown.checks,
        },
        series_max: plan.collect.series_max,
        every: Intervals {
            light: poll.light,
            health: poll.health,
            connections: poll.connections,
            streams: poll.streams,
            consumers: poll.consumers,
            config: poll.config,
        },
        light: Limits {
            deadline: poll.timeout,
            body_max: poll.light_body_max,
        },
        heavy: Limits {
            deadline: poll.heavy_timeout,
            body_max: poll.body_max,
        },
        broker_cpu_max: poll.broker_cpu_max,
        probe: plan.probe_connect,
        twins: twins(plan),
        views: vec![
            Arc::new(Exporter::new(exporter)),
            Arc::new(Surveyor::default()),
        ],
        wish: Arc::clone(wish),
        first_rounds: Arc::new(Semaphore::new(FIRST_ROUNDS_MAX)),
    }
}

/// Which entities the operator wants to see.
fn scope(plan: &config::CollectPlan) -> Scope {
    let patterns = |plans: &[config::PatternPlan]| {
        let pattern = |plan: &config::PatternPlan| Pattern {
            account: plan.account.clone(),
            stream: plan.stream.clone(),
            consumer: plan.consumer.clone(),
        };
        plans.iter().map(pattern).collect()
    };
    Scope {
        allow: patterns(&plan.allow),
        deny: patterns(&plan.deny),
    }
}

/// Whether one server is watched, and no other can join it.
fn is_alone(plan: &Plan) -> bool {
    let alone = matches!(&plan.servers[..], [server] if !server.by_dns);
    alone && plan.targets_file.is_none() && !plan.discover
}

/// Whether families are repeated under standard names.
pub(super) fn twins(plan: &Plan) -> bool {
    match plan.standard_names {
        StandardNames::On => true,
        StandardNames::Off => false,
        StandardNames::Auto => is_alone(plan),
    }
}

/// The view that `/metrics` serves by itself.
pub(super) fn tool(plan: &Plan) -> Option<Tool> {
    if plan.surveyor {
        return Some(Tool::Surveyor);
    }
    plan.exporter.as_ref().map(|_| Tool::Exporter)
}

/// The older exporter's view: by its own flags, else all that natsight collects.
pub(super) fn exporter(plan: &Plan) -> Settings {
    let written = plan.exporter.clone().unwrap_or_default();
    let Some(older) = written.older else {
        return Settings {
            prefix: written.prefix,
            shown: Shown {
                connz_detailed: plan.collect.connections == config::Connections::All,
                jsz: Some(match (plan.collect.streams, plan.collect.consumers) {
                    (_, true) => Depth::All,
                    (true, false) => Depth::Streams,
                    (false, false) => Depth::Accounts,
                }),
                ..Shown::default()
            },
            ..Settings::default()
        };
    };
    let has = |name: &str| older.endpoints.contains(&name);
    Settings {
        prefix: written.prefix,
        identity: match older.server_id {
            // Names may be given twice, and there too they count with one URL only.
            _ if !is_alone(plan) => Identity::Url,
            ServerId::Url => Identity::Url,
            ServerId::Id => Identity::Id,
            ServerId::Name => Identity::Name,
        },
        shown: Shown {
            varz: has("varz"),
            connz: has("connz") || has("connz_detailed"),
            connz_detailed: has("connz_detailed"),
            healthz: has("healthz"),
            checks: Checks {
                enabled_only: has("healthz_js_enabled_only"),
                server_only: has("healthz_js_server_only"),
            },
            own_check: false,
            routez: has("routez"),
            subsz: has("subz"),
            gatewayz: has("gatewayz"),
            leafz: has("leafz"),
            accstatz: has("accstatz"),
            accountz: has("accountz"),
            jsz: older.jsz.map(|depth| match depth {
                JszDepth::Accounts => Depth::Accounts,
                JszDepth::Streams => Depth::Streams,
                JszDepth::All => Depth::All,
            }),
        },
        stream_keys: older.stream_keys,
        consumer_keys: older.consumer_keys,
    }
}

/// Which process belongs to a server: by itself only where the server is on this machine.
pub(super) fn process(pid: Pid, target: &Target) -> ProcessChoice {
    match pid {
        Pid::Off => ProcessChoice::Off,
        Pid::Number(pid) => i32::try_from(pid).map_or(ProcessChoice::Off, ProcessChoice::Given),
        Pid::Auto if target.is_loopback() => ProcessChoice::Find,
        Pid::Auto => ProcessChoice::Off,
    }
}
