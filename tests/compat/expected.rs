//! What a page of nats-surveyor's names should say, from the recorded JSON alone.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Fleet;

/// A series as the tests name it.
pub(super) fn key(family: &str, mut labels: Vec<(&str, &str)>) -> String {
    labels.sort_unstable();
    let labels: Vec<_> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    format!("{family}{{{}}}", labels.join(","))
}

type Labels<'l> = Vec<(&'l str, &'l str)>;

/// Values by series, and what servers tell of accounts together.
#[derive(Default)]
struct Sheet {
    values: BTreeMap<String, f64>,
    accounts: BTreeMap<String, Account>,
    /// Whether jsz with details was there.
    jetstream: bool,
}

#[derive(Default)]
struct Account {
    name: String,
    usage: [f64; 4],
    enabled: f64,
    streams: BTreeMap<String, Stream>,
    tiers: BTreeMap<(String, String), f64>,
}

#[derive(Default)]
struct Stream {
    group: String,
    replicas: f64,
    consumers: BTreeSet<String>,
}

impl Sheet {
    fn put(&mut self, family: &str, labels: &[(&str, &str)], value: f64) {
        let old = self.values.insert(key(family, labels.to_vec()), value);
        assert!(old.is_none(), "{family} {labels:?} twice");
    }

    /// Families `PREFIX` + name, each with the number at a path.
    fn puts(&mut self, prefix: &str, labels: &[(&str, &str)], from: &Value, table: &[[&str; 2]]) {
        for [name, path] in table {
            self.put(&format!("{prefix}{name}"), labels, at(from, path));
        }
    }
}

/// The number at a path such as `stats/api/total`; 0 where there is none.
fn at(json: &Value, path: &str) -> f64 {
    match json.pointer(&format!("/{path}")) {
        Some(Value::Bool(on)) => f64::from(u8::from(*on)),
        Some(number) => number.as_f64().unwrap_or_default(),
        None => 0.0,
    }
}

fn text<'j>(json: &'j Value, path: &str) -> &'j str {
    let found = json.pointer(&format!("/{path}"));
    found.and_then(Value::as_str).unwrap_or_default()
}

fn list<'j>(json: &'j Value, path: &str) -> impl Iterator<Item = &'j Value> {
    let found = json.pointer(&format!("/{path}"));
    found.and_then(Value::as_array).into_iter().flatten()
}

fn members<'j>(json: &'j Value, path: &str) -> impl Iterator<Item = (&'j str, &'j Value)> {
    let found = json.pointer(&format!("/{path}")).and_then(Value::as_object);
    found
        .into_iter()
        .flatten()
        .map(|(name, one)| (&**name, one))
}

fn nanos(time: &str) -> f64 {
    let time: jiff::Timestamp = time.parse().expect("a time");
    #[allow(clippy::cast_precision_loss, reason = "as the page does")]
    let nanos = time.as_nanosecond() as f64;
    nanos
}

/// Seconds of `147µs`, `6s` and the like: one number, one unit.
fn seconds(text: &str) -> f64 {
    let digits = text.trim_end_matches(|c: char| c.is_alphabetic());
    let number: f64 = digits.parse().expect("a number");
    number
        * match &text[digits.len()..] {
            "s" => 1.0,
            "ms" => 1e-3,
            "µs" => 1e-6,
            other => panic!("{other}"),
        }
}

/// The whole page.
pub(super) fn page(fleet: &Fleet) -> BTreeMap<String, f64> {
    let mut sheet = Sheet::default();
    #[allow(clippy::cast_precision_loss, reason = "a few")]
    let count = fleet.nodes.len() as f64;
    sheet.put("nats_survey_expected_count", &[], count);
    sheet.put("nats_survey_surveyed_count", &[], count);
    for node in fleet.nodes {
        let varz = fleet.json("varz", node).expect("varz");
        let server = Server {
            id: text(&varz, "server_id"),
            name: text(&varz, "server_name"),
            cluster: text(&varz, "cluster/name"),
            has_names: !matches!(fleet.version, "2.9.10" | "2.10.26"),
        };
        server.varz(&varz, &mut sheet);
        let collectors = ["routez", "gatewayz", "raftz", "accstatz", "jsz", "streams"];
        for collector in collectors {
            let Some(json) = fleet.json(collector, node) else {
                continue;
            };
            match collector {
                "routez" => server.routez(&json, &mut sheet),
                "gatewayz" => server.gatewayz(&json, &mut sheet),
                "raftz" => server.raftz(&json, &mut sheet),
                "accstatz" => server.accstatz(&json, &mut sheet),
                "jsz" => server.jsz(&json, &mut sheet),
                _ => server.details(&json, &mut sheet),
            }
        }
    }
    sheet.accounts();
    sheet.values
}

struct Server<'j> {
    id: &'j str,
    name: &'j str,
    cluster: &'j str,
    /// Whether accstatz of this version tells names.
    has_names: bool,
}

impl<'j> Server<'j> {
    fn core(&self) -> Labels<'j> {
        vec![
            ("server_cluster", self.cluster),
            ("server_name", self.name),
            ("server_id", self.id),
        ]
    }

    fn js(&self) -> Labels<'j> {
        vec![
            ("server_id", self.id),
            ("server_name", self.name),
            ("cluster_name", self.cluster),
        ]
    }

    fn varz(&self, varz: &Value, sheet: &mut Sheet) {
        let core = self.core();
        let start = nanos(text(varz, "start"));
        sheet.put("nats_core_start_time", &core, start);
        sheet.put("nats_core_uptime", &core, uptime(varz));
        sheet.puts(
            "nats_core_",
            &core,
            varz,
            &[
                ["mem_bytes", "mem"],
                ["go_memlimit_bytes", "gomemlimit"],
                ["core_count", "cores"],
                ["cpu_percentage", "cpu"],
                ["connection_count", "connections"],
                ["total_connection_count", "total_connections"],
                ["subs_count", "subscriptions"],
                ["sent_msgs_count", "out_msgs"],
                ["sent_bytes", "out_bytes"],
                ["recv_msgs_count", "in_msgs"],
                ["recv_bytes", "in_bytes"],
                ["slow_consumer_count", "slow_consumers"],
                ["route_count", "routes"],
            ],
        );
        let version = ("server_version", text(varz, "version"));
        let mut info = core.clone();
        info.push(version);
        sheet.put("nats_core_info", &info, 1.0);
        let domain = match text(varz, "jetstream/config/domain") {
            "" => "Default",
            domain => domain,
        };
        info.extend([
            ("server_host", text(varz, "host")),
            ("server_domain", domain),
            ("server_jetstream", "true"),
        ]);
        sheet.put("nats_core_jetstream_info", &info, 1.0);
        let js = self.js();
        sheet.put("nats_core_jetstream_enabled", &js, 1.0);
        sheet.puts(
            "nats_core_jetstream_",
            &js,
            &varz["jetstream"],
            &[
                ["filestore_size_bytes", "config/max_storage"],
                ["memstore_size_bytes", "config/max_memory"],
                ["filestore_used_bytes", "stats/storage"],
                ["filestore_reserved_bytes", "stats/reserved_storage"],
                ["memstore_used_bytes", "stats/memory"],
                ["memstore_reserved_bytes", "stats/reserved_memory"],
                ["accounts", "stats/accounts"],
                ["ha_assets", "stats/ha_assets"],
                ["api_requests", "stats/api/total"],
                ["api_errors", "stats/api/errors"],
            ],
        );
        self.meta(varz.pointer("/jetstream/meta"), domain, sheet);
    }

    fn meta(&self, meta: Option<&Value>, domain: &str, sheet: &mut Sheet) {
        let family = "nats_core_jetstream_cluster_raft_group_info";
        let mut info = vec![("server_id", self.id), ("server_name", self.name)];
        let Some(meta) = meta else {
            for label in ["jetstream_domain", "raft_group", "cluster_name", "leader"] {
                info.push((label, ""));
            }
            return sheet.put(family, &info, 0.0);
        };
        info.extend([
            ("jetstream_domain", domain),
            ("raft_group", "_meta_"),
            ("cluster_name", text(meta, "name")),
            ("leader", text(meta, "leader")),
        ]);
        sheet.put(family, &info, 1.0);
        let (js, prefix) = (self.js(), "nats_core_jetstream_cluster_raft_group_");
        let leads = f64::from(u8::from(text(meta, "leader") == self.name));
        sheet.put(&format!("{prefix}leader"), &js, leads);
        sheet.puts(prefix, &js, meta, &[["size", "cluster_size"]]);
        sheet.puts(
            "nats_core_jetstream_",
            &js,
            meta,
            &[["api_pending", "pending"]],
        );
        let mut replicas = 0.0;
        for peer in list(meta, "replicas") {
            replicas += 1.0;
            let mut labels = js.clone();
            labels.push(("peer", text(peer, "name")));
            sheet.puts(
                &format!("{prefix}replica_peer_"),
                &labels,
                peer,
                &[
                    ["active", "active"],
                    ["current", "current"],
                    ["offline", "offline"],
                ],
            );
        }
        sheet.put(&format!("{prefix}replicas"), &js, replicas);
    }

    fn routez(&self, routez: &Value, sheet: &mut Sheet) {
        for route in list(routez, "routes") {
            let rid = route["rid"].to_string();
            let mut labels = self.core();
            labels.push(("server_route_name", text(route, "remote_name")));
            labels.push(("server_route_name_id", &rid));
            sheet.puts(
                "nats_core_route_",
                &labels,
                route,
                &[
                    ["sent_msg_count", "out_msgs"],
                    ["sent_bytes", "out_bytes"],
                    ["recv_msg_count", "in_msgs"],
                    ["recv_bytes", "in_bytes"],
                    ["pending_bytes", "pending_size"],
                ],
            );
        }
    }

    fn gatewayz(&self, gatewayz: &Value, sheet: &mut Sheet) {
        let own = text(gatewayz, "name");
        let mut count = 0.0;
        for (peer, remote) in members(gatewayz, "outbound_gateways") {
            count += 1.0;
            self.gateway("outbound", own, peer, remote, sheet);
            let inbound: Vec<&Value> =
                list(gatewayz, &format!("inbound_gateways/{peer}")).collect();
            let sum = |path: &str| inbound.iter().map(|one| at(one, path)).sum::<f64>();
            let cid = remote["connection"]["cid"].to_string();
            let mut labels = self.core();
            labels.push(("server_gateway_name", peer));
            labels.push(("server_gateway_name_id", &cid));
            #[allow(clippy::cast_precision_loss, reason = "a few")]
            let connections = inbound.len() as f64;
            for (name, value) in [
                ("sent_msgs_count", at(remote, "connection/out_msgs")),
                ("sent_bytes", at(remote, "connection/out_bytes")),
                ("recv_msg_count", sum("connection/in_msgs")),
                ("recv_bytes", sum("connection/in_bytes")),
                ("inbound_msg_count", connections),
            ] {
                sheet.put(&format!("nats_core_gateway_{name}"), &labels, value);
            }
        }
        for (peer, _) in members(gatewayz, "inbound_gateways") {
            for remote in list(gatewayz, &format!("inbound_gateways/{peer}")) {
                self.gateway("inbound", own, peer, remote, sheet);
            }
        }
        sheet.put("nats_core_gateway_count", &self.core(), count);
    }

    fn gateway(&self, way: &str, own: &str, peer: &str, remote: &Value, sheet: &mut Sheet) {
        let one = &remote["connection"];
        let cid = one["cid"].to_string();
        let labels = [
            ("server_id", self.id),
            ("server_name", self.name),
            ("gateway_name", own),
            ("remote_gateway_name", peer),
            ("gateway_id", text(one, "name")),
            ("cid", &cid),
        ];
        let prefix = format!("nats_core_gatewayz_{way}_gateway_");
        let activity = (nanos(text(one, "last_activity")) / 1e9).floor();
        for (name, value) in [
            ("configured", at(remote, "configured")),
            ("conn_last_activity_seconds", activity),
            ("conn_uptime_seconds", seconds(text(one, "uptime"))),
            ("conn_idle_seconds", seconds(text(one, "idle"))),
            ("conn_rtt", seconds(text(one, "rtt"))),
        ] {
            sheet.put(&format!("{prefix}{name}"), &labels, value);
        }
        for name in [
            "in_msgs",
            "out_msgs",
            "in_bytes",
            "out_bytes",
            "subscriptions",
        ] {
            sheet.put(&format!("{prefix}conn_{name}"), &labels, at(one, name));
        }
        sheet.puts(
            &prefix,
            &labels,
            one,
            &[["conn_pending_bytes", "pending_bytes"]],
        );
    }

    /// Cluster and id stand in each other's labels, as there.
    fn raftz(&self, raftz: &Value, sheet: &mut Sheet) {
        let meta = members(raftz, "SYS").find(|(group, _)| *group == "_meta_");
        let labels = [
            ("server_id", self.cluster),
            ("server_name", self.name),
            ("cluster_name", self.id),
        ];
        let (_, meta) = meta.expect("the meta group");
        for name in ["committed", "applied", "pindex"] {
            let family = format!("nats_core_raftz_meta_{name}");
            sheet.put(&family, &labels, at(meta, name));
        }
    }

    fn accstatz(&self, accstatz: &Value, sheet: &mut Sheet) {
        let mut active = 0.0;
        for account in list(accstatz, "account_statz") {
            let (id, name) = (text(account, "acc"), text(account, "name"));
            sheet.accounts.entry(id.to_owned()).or_default().name = name.to_owned();
            active += f64::from(u8::from(at(account, "total_conns") > 0.0));
            let mut labels = self.core();
            labels.extend([("account", id), ("account_name", name)]);
            sheet.puts(
                "nats_core_account_",
                &labels,
                account,
                &[
                    ["conn_count", "conns"],
                    ["total_conn_count", "total_conns"],
                    ["leaf_count", "leafnodes"],
                    ["sub_count", "num_subscriptions"],
                    ["slow_consumer_count", "slow_consumers"],
                    ["bytes_sent", "sent/bytes"],
                    ["bytes_recv", "received/bytes"],
                    ["msgs_sent", "sent/msgs"],
                    ["msgs_recv", "received/msgs"],
                ],
            );
            for (way, word) in [("sent", "sent"), ("received", "recv")] {
                let traffic = &account[way];
                if traffic.get("routes").is_none() {
                    continue;
                }
                for unit in ["msgs", "bytes"] {
                    let mut left = at(traffic, unit);
                    for (kind, path) in [
                        ("leaf", "leafs"),
                        ("route", "routes"),
                        ("gateway", "gateways"),
                    ] {
                        let value = at(traffic, &format!("{path}/{unit}"));
                        left -= value;
                        let family = format!("nats_core_account_{kind}_{unit}_{word}");
                        sheet.put(&family, &labels, value);
                    }
                    sheet.put(
                        &format!("nats_core_account_client_{unit}_{word}"),
                        &labels,
                        left,
                    );
                }
            }
        }
        sheet.put("nats_core_active_account_count", &self.core(), active);
    }

    fn jsz(&self, jsz: &Value, sheet: &mut Sheet) {
        let js = self.js();
        sheet.puts(
            "nats_core_jetstream_server_",
            &js,
            jsz,
            &[
                ["jetstream_disabled", "disabled"],
                ["total_streams", "streams"],
                ["total_consumers", "consumers"],
                ["total_messages", "messages"],
                ["total_message_bytes", "bytes"],
                ["max_memory", "config/max_memory"],
                ["max_storage", "config/max_storage"],
            ],
        );
        let Some(snapshot) = jsz.pointer("/meta_cluster/snapshot") else {
            return;
        };
        let prefix = "nats_core_jetstream_meta_snapshot_";
        let table = [
            ["pending_entries", "pending_entries"],
            ["pending_bytes", "pending_size"],
        ];
        sheet.puts(prefix, &js, snapshot, &table);
        let took = at(snapshot, "last_duration") / 1e9;
        sheet.put(&format!("{prefix}last_duration_seconds"), &js, took);
        let last = match text(snapshot, "last_time") {
            "0001-01-01T00:00:00Z" => 0.0,
            time => (nanos(time) / 1e9).floor(),
        };
        sheet.put(&format!("{prefix}last_timestamp_seconds"), &js, last);
    }

    /// jsz with streams and consumers.
    fn details(&self, jsz: &Value, sheet: &mut Sheet) {
        sheet.jetstream = true;
        let mut leads = [0.0; 2];
        for account in list(jsz, "account_details") {
            let id = text(account, "id");
            let known = sheet.accounts.entry(id.to_owned()).or_default();
            if self.has_names {
                known.name = text(account, "name").to_owned();
            }
            known.enabled = 1.0;
            for (place, path) in ["memory", "storage", "reserved_memory", "reserved_storage"]
                .into_iter()
                .enumerate()
            {
                known.usage[place] = known.usage[place].max(at(account, path));
            }
            for stream in list(account, "stream_detail") {
                leads[0] += self.stream(id, stream, sheet);
                for consumer in list(stream, "consumer_detail") {
                    leads[1] += self.leads(consumer);
                    self.consumer(id, stream, consumer, sheet);
                }
            }
        }
        let js = self.js();
        let prefix = "nats_core_jetstream_server_total_";
        // A server tells of leaders only where there are streams whose consumers it was asked for.
        sheet.put(&format!("{prefix}stream_leaders"), &js, leads[0]);
        if list(jsz, "account_details").any(|one| list(one, "stream_detail").next().is_some()) {
            sheet.put(&format!("{prefix}consumer_leaders"), &js, leads[1]);
        }
    }

    fn leads(&self, one: &Value) -> f64 {
        let leader = one.get("cluster").map(|group| text(group, "leader"));
        f64::from(u8::from(leader.is_none_or(|leader| leader == self.name)))
    }

    fn labels<'l>(&'l self, id: &'l str, name: &'l str, stream: &'l Value) -> Labels<'l> {
        vec![
            ("account", id),
            ("account_name", name),
            ("cluster_name", self.cluster),
            ("server_id", self.id),
            ("server_name", self.name),
            ("stream", text(stream, "name")),
            ("stream_leader", text(stream, "cluster/leader")),
        ]
    }

    fn stream(&self, id: &str, stream: &Value, sheet: &mut Sheet) -> f64 {
        let account = sheet.accounts.get_mut(id).expect("its account");
        let name = account.name.clone();
        let known = account
            .streams
            .entry(text(stream, "name").to_owned())
            .or_default();
        known.group = text(stream, "stream_raft_group").to_owned();
        known.replicas = at(stream, "config/num_replicas");
        let consumers = list(stream, "consumer_detail").map(|one| text(one, "name").to_owned());
        known.consumers.extend(consumers);
        let leads = self.leads(stream);
        if leads > 0.0 {
            let tier = format!("R{}", stream["config"]["num_replicas"]);
            let kind = match text(stream, "config/storage") {
                "memory" => "memory",
                _ => "storage",
            };
            let reserved = at(stream, "config/max_bytes").max(0.0);
            for (word, value) in [("used", at(stream, "state/bytes")), ("reserved", reserved)] {
                let place = (format!("{kind}_{word}"), tier.clone());
                *account.tiers.entry(place).or_default() += value;
            }
        }
        let mut labels = self.labels(id, &name, stream);
        labels.push(("raft_group", text(stream, "stream_raft_group")));
        sheet.puts(
            "nats_stream_",
            &labels,
            stream,
            &[
                ["total_messages", "state/messages"],
                ["total_bytes", "state/bytes"],
                ["first_seq", "state/first_seq"],
                ["last_seq", "state/last_seq"],
                ["consumer_count", "state/consumer_count"],
                ["subject_count", "state/num_subjects"],
            ],
        );
        leads
    }

    fn consumer(&self, id: &str, stream: &Value, consumer: &Value, sheet: &mut Sheet) {
        let account = sheet.accounts[id].name.clone();
        let name = text(consumer, "name");
        let listed = list(stream, "consumer_raft_groups").find(|one| text(one, "name") == name);
        let group = match text(consumer, "cluster/raft_group") {
            "" => listed.map_or("", |one| text(one, "raft_group")),
            group => group,
        };
        let mut labels = self.labels(id, &account, stream);
        labels.extend([
            ("raft_group", group),
            ("consumer_name", name),
            ("consumer_leader", text(consumer, "cluster/leader")),
        ]);
        sheet.puts(
            "nats_consumer_",
            &labels,
            consumer,
            &[
                ["delivered_consumer_seq", "delivered/consumer_seq"],
                ["delivered_stream_seq", "delivered/stream_seq"],
                ["num_ack_pending", "num_ack_pending"],
                ["num_redelivered", "num_redelivered"],
                ["num_waiting", "num_waiting"],
                ["num_pending", "num_pending"],
                ["ack_floor_stream_seq", "ack_floor/stream_seq"],
                ["ack_floor_consumer_seq", "ack_floor/consumer_seq"],
            ],
        );
    }
}

/// Both times are larger than a double can hold to the nanosecond; their difference is not.
fn uptime(varz: &Value) -> f64 {
    let time = |path| text(varz, path).parse::<jiff::Timestamp>().expect("a time");
    let nanos = time("now").as_nanosecond() - time("start").as_nanosecond();
    #[allow(clippy::cast_precision_loss, reason = "some seconds")]
    let nanos = nanos as f64;
    nanos / 1e9
}

impl Sheet {
    /// Series of accounts as wholes: one of each, whatever the number of servers.
    fn accounts(&mut self) {
        let accounts = std::mem::take(&mut self.accounts);
        if accounts.is_empty() {
            return;
        }
        #[allow(clippy::cast_precision_loss, reason = "a few")]
        let count = |count: usize| count as f64;
        self.put("nats_core_account_count", &[], count(accounts.len()));
        if !self.jetstream {
            return;
        }
        for (id, account) in &accounts {
            let labels = [("account", id.as_str()), ("account_name", &account.name)];
            let prefix = "nats_core_account_jetstream_";
            let streams = count(account.streams.len());
            let mut values = vec![("enabled", account.enabled), ("stream_count", streams)];
            let names = [
                "memory_used",
                "storage_used",
                "memory_reserved",
                "storage_reserved",
            ];
            values.extend(names.into_iter().zip(account.usage));
            for (name, value) in values {
                self.put(&format!("{prefix}{name}"), &labels, value);
            }
            for ((name, tier), value) in &account.tiers {
                let labels = [labels[0], labels[1], ("tier", tier)];
                self.put(&format!("{prefix}tiered_{name}"), &labels, *value);
            }
            for (name, stream) in &account.streams {
                let labels = [
                    labels[0],
                    labels[1],
                    ("stream", name),
                    ("raft_group", &stream.group),
                ];
                let consumers = count(stream.consumers.len());
                self.put(&format!("{prefix}consumer_count"), &labels, consumers);
                self.put(&format!("{prefix}replica_count"), &labels, stream.replicas);
            }
        }
    }
}
