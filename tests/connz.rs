//! `/connz`: totals over all open connections, single ones by configuration, closed ones counted once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, VecDeque};

use natsight::collect::{
    self, BodyMax, Collector, Connections, Context, DecodeError, Facts, Options, Record, Select,
    Sizes, Version,
};
use natsight::state::{Row, Value};

const NOW: i128 = 1_795_331_292_000_000_000;
const SECOND: i128 = 1_000_000_000;

/// Series by name and labels.
type Page = BTreeMap<String, String>;

fn make(name: &str, connections: Connections) -> Box<dyn Collector> {
    let spec = collect::specs().find(|spec| spec.name == name).unwrap();
    let options = Options {
        connections,
        ..Options::default()
    };
    assert!((spec.wanted)(&options));
    (spec.make)(&options)
}

fn open() -> Box<dyn Collector> {
    make("connz", Connections::Off)
}

fn context() -> Context {
    Context {
        server_id: "A".to_owned(),
        version: Version(2, 15, 1),
        started: Some(NOW - 3_600 * SECOND),
        ..Context::default()
    }
}

fn shown(value: &Value<'_>) -> String {
    match value {
        Value::U64(number) => number.to_string(),
        Value::I64(number) => number.to_string(),
        Value::F64(number) => number.to_string(),
        Value::Nanos(nanos) => format!("{nanos}ns"),
        Value::Negative => "negative".to_owned(),
        Value::Histogram(histogram) => {
            let buckets: Vec<_> = histogram
                .bounds()
                .iter()
                .map(u64::to_string)
                .chain(["inf".to_owned()])
                .zip(histogram.cumulative())
                .map(|(bound, count)| format!("{bound}:{count}"))
                .collect();
            format!("sum {} {}", histogram.sum(), buckets.join(" "))
        }
    }
}

fn add(page: &mut Page, row: &Row<'_>) {
    let labels: Vec<_> = row
        .labels
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    for (metric, value) in row.values {
        for (label, _) in row.labels {
            assert!(metric.def().labels.contains(label), "{metric:?} {label}");
        }
        let key = format!("{}{{{}}}", metric.name(), labels.join(","));
        assert!(page.insert(key.clone(), shown(value)).is_none(), "{key}");
    }
}

/// Feeds a body in pieces of `size` bytes.
fn feed(
    collector: &mut dyn Collector,
    context: &Context,
    body: &[u8],
    size: usize,
) -> Result<(Page, Facts), DecodeError> {
    let mut page = Page::new();
    let mut take = |record: Record<'_>| {
        record.native(context, &mut |row: &Row<'_>| add(&mut page, row));
    };
    collector.begin(context);
    for piece in body.chunks(size.max(1)) {
        collector.chunk(piece, &mut take)?;
    }
    let facts = collector.finish(&mut take)?;
    Ok((page, facts))
}

fn page(collector: &mut dyn Collector, body: &str) -> Page {
    feed(collector, &context(), body.as_bytes(), 1 << 14)
        .unwrap()
        .0
}

fn time(nanos: i128) -> String {
    jiff::Timestamp::from_nanosecond(nanos).unwrap().to_string()
}

/// A body with these elements; `total` is how many there are.
fn body(elements: &[String], total: usize) -> String {
    format!(
        r#"{{"server_id":"A","now":"{}","num_connections":{},"total":{total},"offset":0,"limit":1024,"connections":[{}]}}"#,
        time(NOW),
        elements.len(),
        elements.join(",")
    )
}

/// An element with `more` fields besides the usual ones.
fn client(cid: u64, more: &str) -> String {
    let comma = if more.is_empty() { "" } else { "," };
    format!(
        r#"{{"cid":{cid},"kind":"Client","ip":"10.0.0.1","port":4000,"start":"{}","last_activity":"{}","uptime":"1m","idle":"2s","in_msgs":1,"out_msgs":2,"in_bytes":3,"out_bytes":4{comma}{more}}}"#,
        time(NOW - 60 * SECOND),
        time(NOW - 2 * SECOND),
    )
}

/// The page of one element, and the page of `Connections::All`.
fn single(more: &str, version: Version) -> Page {
    let context = Context {
        version,
        ..context()
    };
    let body = body(&[client(7, more)], 1);
    let mut all = make("connz", Connections::All);
    feed(all.as_mut(), &context, body.as_bytes(), 1 << 14)
        .unwrap()
        .0
}

#[test]
fn totals_are_exact_over_all_connections() {
    let elements = [
        client(
            1,
            r#""type":"nats","pending_bytes":1024,"subscriptions":3,"lang":"go","tls_version":"1.3","rtt":"181µs""#,
        ),
        client(
            2,
            r#""type":"nats","pending_bytes":1025,"subscriptions":4,"lang":"go","rtt":"1.0018ms""#,
        ),
        client(3, r#""type":"websocket","lang":"rust","rtt":"0s""#),
        client(
            4,
            r#""type":"mqtt","pending_bytes":70000000,"mqtt_client":"m""#,
        ),
        client(5, r#""type":"","rtt":"3s""#).replace("Client", "Leafnode"),
        client(6, r#""type":"carrier-pigeon""#),
    ];
    let shown = page(open().as_mut(), &body(&elements, 6));
    for (key, value) in [
        ("nats_connections_open{}", "6"),
        ("nats_connections_by_kind{kind=nats}", "2"),
        ("nats_connections_by_kind{kind=websocket}", "1"),
        ("nats_connections_by_kind{kind=mqtt}", "1"),
        ("nats_connections_by_kind{kind=leafnode}", "1"),
        ("nats_connections_by_kind{kind=other}", "1"),
        ("nats_connections_by_language{lang=go}", "2"),
        ("nats_connections_by_language{lang=rust}", "1"),
        // Leaf nodes have no language.
        ("nats_connections_by_language{lang=unknown}", "2"),
        ("nats_connections_by_tls{tls=1.3}", "1"),
        ("nats_connections_by_tls{tls=none}", "5"),
        ("nats_connections_subscriptions{}", "7"),
        (
            "nats_connections_pending_bytes{}",
            "sum 70002049 0:3 1024:4 4096:5 16384:5 65536:5 262144:5 1048576:5 4194304:5 16777216:5 67108864:5 \
             268435456:6 inf:6",
        ),
    ] {
        assert_eq!(shown.get(key).map(String::as_str), Some(value), "{key}");
    }
    let age = &shown["nats_connections_age_seconds{}"];
    assert!(
        age.starts_with("sum 360000000000 1000000000:0 10000000000:0 60000000000:6 "),
        "{age}"
    );
    let idle = &shown["nats_connections_idle_seconds{}"];
    assert!(
        idle.starts_with("sum 12000000000 1000000000:0 10000000000:6 "),
        "{idle}"
    );
}

#[test]
fn a_page_without_connections_shows_zeros() {
    for connections in ["[]", "null"] {
        let body = format!(
            r#"{{"server_id":"A","now":"{}","total":0,"connections":{connections}}}"#,
            time(NOW)
        );
        let shown = page(open().as_mut(), &body);
        assert_eq!(shown["nats_connections_open{}"], "0");
        assert_eq!(shown["nats_connections_by_kind{kind=mqtt}"], "0");
        assert!(shown["nats_connections_pending_bytes{}"].ends_with("inf:0"));
    }
}

#[test]
fn an_unknown_account_gives_no_server_id() {
    let body = format!(
        r#"{{"server_id":"","now":"{}","total":0,"connections":null}}"#,
        time(NOW)
    );
    let (_, facts) = feed(open().as_mut(), &context(), body.as_bytes(), 99).unwrap();
    assert_eq!(facts.server_id, None);
}

#[test]
fn trap_01_rtt_zero_is_unknown() {
    let shown = single(r#""rtt":"0s""#, Version(2, 15, 1));
    assert!(shown["nats_connections_rtt_seconds{}"].ends_with("inf:0"));
    assert!(
        !shown
            .keys()
            .any(|key| key.starts_with("nats_connection_rtt_seconds"))
    );
    let shown = single(r#""rtt":"1.0018ms""#, Version(2, 15, 1));
    assert!(shown["nats_connections_rtt_seconds{}"].starts_with("sum 1001800 "));
    let (_, rtt) = shown
        .iter()
        .find(|(key, _)| key.starts_with("nats_connection_rtt_seconds"))
        .unwrap();
    assert_eq!(rtt, "1001800ns");
}

#[test]
fn trap_10_leafnodes_are_in_the_total_and_told_apart() {
    let leaf = client(2, "").replace("Client", "Leafnode");
    let shown = page(
        open().as_mut(),
        &body(&[client(1, r#""type":"nats""#), leaf], 2),
    );
    assert_eq!(shown["nats_connections_open{}"], "2");
    assert_eq!(shown["nats_connections_by_kind{kind=nats}"], "1");
    assert_eq!(shown["nats_connections_by_kind{kind=leafnode}"], "1");
}

#[test]
fn trap_13_more_than_1024_are_asked_for_and_a_cut_shows() {
    let mut context = context();
    for (connections, path) in [
        (0, "/connz?limit=1000000"),
        (10_000, "/connz?limit=1000000"),
        (3_000_000, "/connz?limit=6000000"),
    ] {
        context.sizes.connections = connections;
        assert_eq!(open().path(&context), path);
    }
    let elements: Vec<_> = (0..1_500).map(|cid| client(cid, "")).collect();
    let whole = body(&elements, 1_500);
    let (shown, facts) = feed(open().as_mut(), &context, whole.as_bytes(), 1_000).unwrap();
    assert_eq!(shown["nats_connections_by_kind{kind=other}"], "1500");
    assert_eq!(facts.coverage, Some((1_500, 1_500)));
    assert_eq!(facts.server_id.as_deref(), Some("A"));
    let cut = body(&elements[..1_024], 1_500);
    let (_, facts) = feed(open().as_mut(), &context, cut.as_bytes(), 1_000).unwrap();
    assert_eq!(facts.coverage, Some((1_024, 1_500)));
}

#[test]
fn trap_14_account_absent_is_global() {
    let account = |more: &str| {
        let shown = single(more, Version(2, 15, 1));
        let key = shown
            .keys()
            .find(|key| key.starts_with("nats_connection_pending_bytes"));
        key.unwrap()
            .split(',')
            .find(|label| label.starts_with("account="))
            .unwrap()
            .to_owned()
    };
    assert_eq!(account(""), "account=$G");
    assert_eq!(account(r#""account":"APP""#), "account=APP");
}

#[test]
fn auth_is_asked_for_only_where_users_are_shown() {
    for (connections, path) in [
        (Connections::Off, "/connz?limit=1000000"),
        (Connections::Top, "/connz?limit=1000000&auth=1"),
        (Connections::All, "/connz?limit=1000000&auth=1"),
    ] {
        assert_eq!(make("connz", connections).path(&context()), path);
    }
    let path = |connections| make("closed", connections).path(&context()).into_owned();
    let plain = "/connz?state=closed&sort=stop&limit=1024";
    assert_eq!(path(Connections::Off), plain);
    for shown in [Connections::Top, Connections::All] {
        assert_eq!(path(shown), format!("{plain}&auth=1"));
    }
}

#[test]
fn one_connection_has_all_its_series() {
    let shown = single(
        r#""type":"mqtt","pending_bytes":5,"subscriptions":6,"rtt":"2ms","stalls":7,"name":"n","lang":"l","version":"v","authorized_user":"u","account":"a","name_tag":"t","mqtt_client":"m","tls_version":"1.2","tls_cipher_suite":"c""#,
        Version(2, 15, 1),
    );
    let labels = "{cid=7,name=n,account=a,user=u,kind=mqtt,lang=l,version=v,ip=10.0.0.1,tls_version=1.2,tls_cipher_suite=c,mqtt_client=m}";
    let facts = labels.replace('}', ",name_tag=t,port=4000}");
    let start = format!("{}ns", NOW - 60 * SECOND);
    let activity = format!("{}ns", NOW - 2 * SECOND);
    let expected = [
        ("in_bytes_total", "3"),
        ("in_messages_total", "1"),
        ("last_activity_timestamp_seconds", &activity),
        ("out_bytes_total", "4"),
        ("out_messages_total", "2"),
        ("pending_bytes", "5"),
        ("rtt_seconds", "2000000ns"),
        ("stalls_total", "7"),
        ("start_time_seconds", &start),
        ("subscriptions", "6"),
    ]
    .map(|(name, value)| (format!("nats_connection_{name}{labels}"), value.to_owned()));
    let mut expected = expected.to_vec();
    expected.insert(2, (format!("nats_connection_info{facts}"), "1".to_owned()));
    let single: Vec<_> = shown
        .into_iter()
        .filter(|(key, _)| key.starts_with("nats_connection_"))
        .collect();
    assert_eq!(single, expected);
}

#[test]
fn without_configuration_no_connection_is_shown() {
    let shown = page(open().as_mut(), &body(&[client(1, "")], 1));
    assert!(!shown.keys().any(|key| key.starts_with("nats_connection_")));
}

#[test]
fn stalls_are_zero_since_2_12_and_absent_before() {
    let stalls = |version| {
        single("", version)
            .into_iter()
            .find(|(key, _)| key.starts_with("nats_connection_stalls_total"))
            .map(|(_, value)| value)
    };
    assert_eq!(stalls(Version(2, 12, 0)).as_deref(), Some("0"));
    assert_eq!(stalls(Version(2, 11, 11)), None);
}

#[test]
fn the_top_are_those_with_the_most_pending_bytes() {
    let mut collector = make("connz", Connections::Top);
    let elements: Vec<_> = [5, 900, 70, 1_000]
        .iter()
        .zip(1..)
        .map(|(pending, cid)| client(cid, &format!(r#""pending_bytes":{pending}"#)))
        .collect();
    let context = context();
    let mut select = Select::top(2);
    select.begin(natsight::collect::Terms::default());
    let mut shown = Page::new();
    let mut out = |row: &Row<'_>| add(&mut shown, row);
    let mut take = |record: Record<'_>| {
        record.native(&context, &mut |row: &Row<'_>| select.row(row, &mut out));
    };
    collector.begin(&context);
    collector
        .chunk(body(&elements, 4).as_bytes(), &mut take)
        .unwrap();
    collector.finish(&mut take).unwrap();
    let left = select.finish(&mut out);
    let pending: Vec<_> = shown
        .iter()
        .filter(|(key, _)| key.starts_with("nats_connection_pending_bytes"))
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!((pending, left.top), (vec!["900", "1000"], 2));
    let series = shown
        .keys()
        .filter(|key| key.starts_with("nats_connection_"))
        .count();
    assert_eq!(series, 2 * 10);
}

#[test]
fn secrets_of_clients_are_never_shown() {
    let secrets = r#""jwt":"eyJ0eXAi-secret","issuer_key":"AKEY-secret","tags":["tag-secret"],"tls_peer_certs":[{"subject":"s-secret"}],"nkey":"SUASEED-secret","subscriptions_list":["sub-secret"]"#;
    for version in [Version(2, 9, 10), Version(2, 15, 1)] {
        for (key, _) in single(secrets, version) {
            assert!(!key.contains("secret"), "{key}");
        }
    }
}

#[test]
fn a_token_in_place_of_a_user_is_not_shown() {
    let public = "UAB2C3D4E5F6G7HIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQ";
    let user = |version, user: &str| {
        single(&format!(r#""authorized_user":"{user}""#), version)
            .keys()
            .any(|key| key.contains(&format!("user={user},")))
    };
    for (version, redacts) in [
        (Version(0, 0, 0), false),
        (Version(2, 9, 25), false),
        (Version(2, 10, 27), false),
        (Version(2, 10, 28), true),
        (Version(2, 11, 1), false),
        (Version(2, 11, 2), true),
        (Version(2, 15, 1), true),
    ] {
        assert_eq!(user(version, "s3cr3t-token"), redacts, "{version:?}");
        assert!(user(version, public), "{version:?}");
        assert_eq!(user(version, &public.replace('U', "S")), redacts);
    }
}

#[test]
fn languages_are_bounded() {
    let mut elements: Vec<_> = (0..40)
        .map(|n| client(n, &format!(r#""lang":"lang{n}""#)))
        .collect();
    let long = "x".repeat(10_000);
    elements.insert(0, client(40, &format!(r#""lang":"{long}""#)));
    elements.push(client(41, r#""lang":"other""#));
    elements.push(client(42, r#""lang":"lang3""#));
    let shown = page(open().as_mut(), &body(&elements, 43));
    let languages: Vec<_> = shown
        .iter()
        .filter(|(key, _)| key.contains("{lang="))
        .collect();
    assert_eq!(languages.len(), 33);
    assert_eq!(shown["nats_connections_by_language{lang=other}"], "10");
    assert_eq!(shown["nats_connections_by_language{lang=lang3}"], "2");
    assert!(languages.iter().all(|(key, _)| key.len() < 200));
}

#[test]
fn odd_numbers_are_exact_dropped_or_refused() {
    let shown = |more| single(more, Version(2, 15, 1));
    let value = |page: &Page, name: &str| {
        page.iter()
            .find(|(key, _)| key.starts_with(name))
            .map(|(_, value)| value.clone())
            .unwrap()
    };
    let huge = shown(r#""pending_bytes":18446744073709551615"#);
    assert_eq!(
        value(&huge, "nats_connection_pending_bytes"),
        "18446744073709551615"
    );
    let negative = shown(r#""pending_bytes":-1,"subscriptions":-5"#);
    assert_eq!(
        value(&negative, "nats_connection_pending_bytes"),
        "negative"
    );
    assert!(value(&negative, "nats_connections_pending_bytes").starts_with("sum 0 0:1 "));
    assert_eq!(value(&negative, "nats_connections_subscriptions"), "0");
    for wrong in [
        r#""pending_bytes":"5""#,
        r#""pending_bytes":1.5"#,
        r#""rtt":5"#,
        r#""rtt":"soon""#,
        r#""name":null"#,
    ] {
        let body = body(&[client(1, wrong)], 1);
        let error = feed(open().as_mut(), &context(), body.as_bytes(), 99).unwrap_err();
        assert_eq!(error.reason(), "element", "{wrong}");
    }
}

#[test]
fn a_connection_that_began_after_the_clock_was_read_has_age_zero() {
    let body = body(&[client(1, "")], 1).replace(&time(NOW), &time(NOW - 100 * SECOND));
    let shown = page(open().as_mut(), &body);
    assert!(shown["nats_connections_age_seconds{}"].starts_with("sum 0 1000000000:1"));
    assert!(shown["nats_connections_idle_seconds{}"].starts_with("sum 0 1000000000:1"));
}

#[test]
fn the_clock_may_stand_after_the_connections() {
    let element = client(1, "");
    let body = format!(
        r#"{{"connections":[{element}],"total":1,"now":"{}"}}"#,
        time(NOW)
    );
    let shown = page(open().as_mut(), &body);
    assert!(shown["nats_connections_age_seconds{}"].starts_with("sum 60000000000 "));
    let without = format!(r#"{{"connections":[{element}],"total":1}}"#);
    assert!(feed(open().as_mut(), &context(), without.as_bytes(), 99).is_err());
}

#[test]
fn any_cut_gives_the_same_and_an_end_in_the_middle_is_an_error() {
    let elements = [
        client(1, r#""name":"a \"b\"\n 🦀","jwt":"}]""#),
        client(2, ""),
    ];
    let body = body(&elements, 2);
    let whole = page(make("connz", Connections::All).as_mut(), &body);
    let mut collector = make("connz", Connections::All);
    for size in 1..80 {
        let (shown, _) = feed(collector.as_mut(), &context(), body.as_bytes(), size).unwrap();
        assert_eq!(shown, whole, "pieces of {size}");
    }
    for name in ["connz", "closed"] {
        let mut collector = make(name, Connections::Off);
        for end in 0..body.len() {
            let cut = &body.as_bytes()[..end];
            assert!(
                feed(collector.as_mut(), &context(), cut, 50).is_err(),
                "{name}, {end}"
            );
        }
        assert!(feed(collector.as_mut(), &context(), body.as_bytes(), 50).is_ok());
    }
}

#[test]
fn an_answer_begins_from_zero_whatever_became_of_the_one_before() {
    let mut collector = open();
    let body = body(&[client(1, r#""lang":"go""#), client(2, "")], 2);
    let first = page(collector.as_mut(), &body);
    let cut = &body.as_bytes()[..body.len() - 20];
    assert!(feed(collector.as_mut(), &context(), cut, 50).is_err());
    assert_eq!(page(collector.as_mut(), &body), first);
}

/// The closed connections of one broker.
struct Broker {
    id: &'static str,
    started: i128,
    now: i128,
    capacity: usize,
    /// cid, stop, reason; in the order of closing.
    ring: VecDeque<(u64, i128, String)>,
    closed: u64,
}

impl Broker {
    fn new(id: &'static str, started: i128) -> Self {
        Self {
            id,
            started,
            now: started + 60 * SECOND,
            capacity: 10_000,
            ring: VecDeque::new(),
            closed: 0,
        }
    }

    fn enter(&mut self, cid: u64, stop: i128, reason: &str) {
        self.closed += 1;
        self.ring.push_back((cid, stop, reason.to_owned()));
        if self.ring.len() > self.capacity {
            self.ring.pop_front();
        }
    }

    /// Closes `count` connections in the next `seconds`.
    fn close(&mut self, count: u64, seconds: i128, reason: &str) {
        let from = self.now;
        self.now += seconds * SECOND;
        for n in 1..=count {
            let stop = from + seconds * SECOND * i128::from(n) / i128::from(count);
            self.enter(self.closed + 1, stop, reason);
        }
    }

    fn context(&self) -> Context {
        Context {
            server_id: self.id.to_owned(),
            started: Some(self.started),
            sizes: Sizes {
                connections: 7,
                connections_opened: 7 + self.closed,
                ..Sizes::default()
            },
            ..Context::default()
        }
    }

    fn body(&self, path: &str) -> String {
        let (rest, limit) = path.rsplit_once("&limit=").unwrap();
        assert_eq!(rest, "/connz?state=closed&sort=stop");
        let mut newest: Vec<_> = self.ring.iter().collect();
        newest.sort_by_key(|(_, stop, _)| std::cmp::Reverse(*stop));
        let elements: Vec<_> = newest
            .iter()
            .take(limit.parse().unwrap())
            .map(|(cid, stop, reason)| {
                let reason = serde_json::to_string(reason).unwrap();
                format!(
                    r#"{{"cid":{cid},"kind":"Client","stop":"{}","reason":{reason},"jwt":"secret"}}"#,
                    time(*stop)
                )
            })
            .collect();
        format!(
            r#"{{"server_id":"{}","now":"{}","num_connections":{},"total":{},"connections":[{}]}}"#,
            self.id,
            time(self.now),
            elements.len(),
            self.ring.len(),
            elements.join(",")
        )
    }

    fn poll(&self, collector: &mut dyn Collector) -> (Page, Facts) {
        let context = self.context();
        let body = self.body(&collector.path(&context));
        feed(collector, &context, body.as_bytes(), 1 << 14).unwrap()
    }

    /// Closings counted, and gaps.
    fn counted(&self, collector: &mut dyn Collector) -> (u64, u64) {
        let (shown, _) = self.poll(collector);
        let number = |text: &String| text.parse::<u64>().unwrap();
        let closed = shown
            .iter()
            .filter(|(key, _)| key.starts_with("nats_connections_closed_total"))
            .map(|(_, value)| number(value))
            .sum();
        (
            closed,
            number(&shown["nats_connections_closed_gaps_total{}"]),
        )
    }
}

fn closed() -> Box<dyn Collector> {
    make("closed", Connections::Off)
}

fn reason(page: &Page, slug: &str) -> Option<String> {
    page.get(&format!("nats_connections_closed_total{{reason={slug}}}"))
        .cloned()
}

#[test]
fn all_known_reasons_are_zero_from_the_start() {
    let (shown, facts) = Broker::new("A", NOW).poll(closed().as_mut());
    let reasons: Vec<_> = shown
        .iter()
        .filter(|(key, _)| key.starts_with("nats_connections_closed_total"))
        .collect();
    assert_eq!(reasons.len(), 39);
    assert!(reasons.iter().all(|(_, value)| *value == "0"));
    assert_eq!(shown["nats_connections_closed_kept{}"], "0");
    assert_eq!(facts.server_id.as_deref(), Some("A"));
}

#[test]
fn every_reason_of_the_broker_has_its_slug() {
    let texts = [
        "Client Closed",
        "Authentication Timeout",
        "Authentication Failure",
        "TLS Handshake Failure",
        "Slow Consumer (Pending Bytes)",
        "Slow Consumer (Write Deadline)",
        "Write Error",
        "Read Error",
        "Parse Error",
        "Stale Connection",
        "Protocol Violation",
        "Bad Client Protocol Version",
        "Incorrect Port",
        "Maximum Connections Exceeded",
        "Maximum Account Connections Exceeded",
        "Maximum Message Payload Exceeded",
        "Maximum Control Line Exceeded",
        "Maximum Subscriptions Exceeded",
        "Duplicate Route",
        "Route Removed",
        "Server Shutdown",
        "Authentication Expired",
        "Wrong Gateway",
        "Missing Account",
        "Credentials Revoked",
        "Internal Client",
        "Message Header Violation",
        "No Responders Requires Headers",
        "Cluster Name Conflict",
        "Duplicate Remote LeafNode Connection",
        "Duplicate Client ID",
        "Duplicate Server Name",
        "Minimum Version Required",
        "Cluster Names Identical",
        "Kicked",
        "Proxy Not Trusted",
        "Proxy Required",
        "Unknown State",
    ];
    let mut broker = Broker::new("A", NOW);
    let mut collector = closed();
    let (before, _) = broker.poll(collector.as_mut());
    for text in texts {
        broker.close(1, 1, text);
    }
    let (after, _) = broker.poll(collector.as_mut());
    assert_eq!(before.len(), after.len());
    let ones = after
        .iter()
        .filter(|(key, value)| key.contains("reason=") && *value == "1")
        .count();
    assert_eq!(ones, texts.len());
    assert_eq!(reason(&after, "other").as_deref(), Some("0"));
    assert_eq!(
        reason(&after, "slow_consumer_pending_bytes").as_deref(),
        Some("1")
    );
}

#[test]
fn unknown_reasons_are_slugged_and_bounded() {
    let mut broker = Broker::new("A", NOW);
    let mut collector = closed();
    broker.poll(collector.as_mut());
    broker.close(2, 1, "Eaten (by a Dog!)");
    broker.close(1, 1, "🦀🦀");
    broker.close(1, 1, "");
    broker.close(1, 1, "Other");
    broker.close(1, 1, &"Very long ".repeat(1_000));
    let (shown, _) = broker.poll(collector.as_mut());
    assert_eq!(reason(&shown, "eaten_by_a_dog").as_deref(), Some("2"));
    assert_eq!(reason(&shown, "other").as_deref(), Some("3"));
    assert!(shown.keys().all(|key| key.len() < 120));
    for n in 0..50 {
        broker.close(1, 1, &format!("New {n}"));
    }
    let (shown, _) = broker.poll(collector.as_mut());
    // 38 known, 32 unknown, `other`, gaps and kept, kinds, sums, lifetimes.
    assert_eq!(shown.len(), 38 + 32 + 1 + 2 + 5 + 5 + 1);
    assert_eq!(broker.counted(collector.as_mut()), (56, 0));
}

#[test]
fn what_was_closed_before_the_first_look_is_not_counted() {
    for before in [5, 1_024, 1_025, 10_000] {
        let mut broker = Broker::new("A", NOW);
        broker.close(before, 2, "Client Closed");
        let mut collector = closed();
        assert_eq!(broker.counted(collector.as_mut()), (0, 0), "{before}");
        broker.close(3, 2, "Client Closed");
        assert_eq!(broker.counted(collector.as_mut()), (3, 0), "{before}");
        broker.close(2_000, 10, "Client Closed");
        assert_eq!(broker.counted(collector.as_mut()).1, 0, "{before}");
        assert_eq!(
            broker.counted(collector.as_mut()),
            (2_003, 0),
            "{before}: counted once more was asked for"
        );
    }
}

#[test]
fn each_closing_is_counted_once() {
    let mut broker = Broker::new("A", NOW);
    let mut collector = closed();
    broker.counted(collector.as_mut());
    let mut sum = 0;
    for (count, seconds) in [
        (1, 15),
        (0, 15),
        (200, 15),
        (7, 1),
        (0, 0),
        (500, 15),
        (3, 15),
    ] {
        sum += count;
        if count == 0 {
            broker.now += seconds * SECOND;
        } else {
            broker.close(count, seconds, "Read Error");
        }
        assert_eq!(broker.counted(collector.as_mut()), (sum, 0));
    }
    let (shown, _) = broker.poll(collector.as_mut());
    assert_eq!(reason(&shown, "read_error"), Some(sum.to_string()));
    assert_eq!(shown["nats_connections_closed_kept{}"], sum.to_string());
}

#[test]
fn a_closing_that_enters_late_is_counted() {
    let mut broker = Broker::new("A", NOW);
    let mut collector = closed();
    broker.close(10, 100, "Read Error");
    broker.counted(collector.as_mut());
    let stop = broker.now;
    broker.now += SECOND;
    broker.enter(1_000, stop - SECOND, "Read Error");
    broker.enter(1_001, stop, "Read Error");
    assert_eq!(broker.counted(collector.as_mut()), (2, 0));
    assert_eq!(broker.counted(collector.as_mut()), (2, 0));
}

#[test]
fn more_are_asked_for_when_all_were_new() {
    let mut broker = Broker::new("A", NOW);
    let mut collector = closed();
    broker.close(10, 100, "Read Error");
    broker.counted(collector.as_mut());
    broker.close(6_000, 15, "Read Error");
    let (_, facts) = broker.poll(collector.as_mut());
    assert_eq!(facts.coverage, Some((1_024, 6_010)));
    assert!(collector.path(&broker.context()).ends_with("&limit=65536"));
    let (_, facts) = broker.poll(collector.as_mut());
    assert_eq!(facts.coverage, Some((6_010, 6_010)));
    assert_eq!(broker.counted(collector.as_mut()), (6_000, 0));
    broker.now += 60 * SECOND;
    broker.close(1, 1, "Read Error");
    broker.counted(collector.as_mut());
    broker.counted(collector.as_mut());
    assert!(collector.path(&broker.context()).ends_with("&limit=1024"));
}

#[test]
fn an_overwritten_ring_is_a_gap() {
    let mut broker = Broker::new("A", NOW);
    let mut collector = closed();
    broker.close(10, 100, "Read Error");
    broker.counted(collector.as_mut());
    broker.close(25_000, 15, "Read Error");
    broker.counted(collector.as_mut());
    assert_eq!(broker.counted(collector.as_mut()), (10_000, 1));
    broker.close(5, 15, "Read Error");
    assert_eq!(broker.counted(collector.as_mut()), (10_005, 1));
}

#[test]
fn a_gap_shows_even_when_the_ring_was_empty() {
    let mut broker = Broker::new("A", NOW);
    let mut collector = closed();
    broker.counted(collector.as_mut());
    broker.close(25_000, 15, "Read Error");
    broker.counted(collector.as_mut());
    assert_eq!(broker.counted(collector.as_mut()), (10_000, 1));
}

#[test]
fn a_gap_between_two_halves_of_one_look_shows() {
    let mut broker = Broker::new("A", NOW);
    let mut collector = closed();
    broker.close(10, 100, "Read Error");
    broker.counted(collector.as_mut());
    broker.close(9_000, 15, "Read Error");
    broker.counted(collector.as_mut());
    broker.close(9_500, 15, "Read Error");
    assert_eq!(broker.counted(collector.as_mut()).1, 1);
}

#[test]
fn a_restarted_broker_counts_from_zero_and_all_of_its_own() {
    let mut first = Broker::new("A", NOW);
    let mut collector = closed();
    first.close(10, 10, "Read Error");
    first.counted(collector.as_mut());
    first.close(4, 10, "Read Error");
    assert_eq!(first.counted(collector.as_mut()), (4, 0));
    let mut second = Broker::new("B", first.now + SECOND);
    second.close(3, 10, "Read Error");
    assert_eq!(second.counted(collector.as_mut()), (3, 0));
    second.close(2_500, 10, "Read Error");
    second.counted(collector.as_mut());
    assert_eq!(second.counted(collector.as_mut()), (2_503, 0));
}

#[test]
fn a_second_broker_behind_the_address_makes_no_jump() {
    let mut collector = closed();
    let mut one = Broker::new("A", NOW);
    let mut two = Broker::new("B", NOW);
    one.close(100, 10, "Read Error");
    two.close(100, 10, "Read Error");
    for _ in 0..3 {
        assert_eq!(one.counted(collector.as_mut()), (0, 0));
        assert_eq!(two.counted(collector.as_mut()), (0, 0));
    }
}

#[test]
fn an_answer_of_another_server_than_varz_changes_nothing() {
    let mut first = Broker::new("A", NOW);
    let mut collector = closed();
    first.counted(collector.as_mut());
    first.close(4, 10, "Read Error");
    let mut second = Broker::new("B", first.now);
    second.close(3, 10, "Read Error");
    let body = second.body(&collector.path(&first.context()));
    let (shown, facts) = feed(collector.as_mut(), &first.context(), body.as_bytes(), 99).unwrap();
    assert!(shown.is_empty());
    assert_eq!(facts.server_id.as_deref(), Some("B"));
    assert_eq!(first.counted(collector.as_mut()), (4, 0));
}

#[test]
fn a_body_cut_anywhere_counts_nothing() {
    let mut broker = Broker::new("A", NOW);
    let mut collector = closed();
    broker.counted(collector.as_mut());
    broker.close(5, 10, "Read Error");
    let context = broker.context();
    let body = broker.body(&collector.path(&context));
    for end in 0..body.len() {
        let cut = &body.as_bytes()[..end];
        assert!(feed(collector.as_mut(), &context, cut, 64).is_err());
    }
    let wrong = body.replace(r#""cid":1,"#, r#""cid":"1","#);
    assert!(feed(collector.as_mut(), &context, wrong.as_bytes(), 64).is_err());
    let (_, facts) = feed(collector.as_mut(), &context, body.as_bytes(), 64).unwrap();
    assert_eq!(facts.coverage, Some((5, 5)));
    assert_eq!(broker.counted(collector.as_mut()), (5, 0));
}

#[test]
fn a_clock_that_goes_back_costs_one_look_and_no_jump() {
    let mut broker = Broker::new("A", NOW);
    let mut collector = closed();
    broker.close(3_000, 100, "Read Error");
    broker.counted(collector.as_mut());
    broker.now -= 3_600 * SECOND;
    assert_eq!(broker.counted(collector.as_mut()), (0, 1));
    assert_eq!(broker.counted(collector.as_mut()), (0, 1));
    broker.close(3, 10, "Read Error");
    broker.counted(collector.as_mut());
    assert_eq!(broker.counted(collector.as_mut()), (3, 1));
    broker.close(4, 10, "Read Error");
    broker.counted(collector.as_mut());
    assert_eq!(broker.counted(collector.as_mut()), (7, 1));
}

#[test]
fn what_is_not_closed_is_dropped_and_said() {
    let mut collector = closed();
    let body = body(&[client(1, ""), client(2, "")], 2);
    let (_, facts) = feed(collector.as_mut(), &context(), body.as_bytes(), 99).unwrap();
    assert_eq!(facts.dropped, [("no_stop", 2)]);
}

#[test]
fn counts_are_exact_over_any_traffic_that_the_ring_holds() {
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..5 {
        let mut broker = Broker::new("A", NOW);
        let mut collector = closed();
        broker.close(random.u64(1..3_000), 30, "Read Error");
        broker.now += 20 * SECOND;
        broker.counted(collector.as_mut());
        let before = broker.closed;
        for _ in 0..15 {
            let most = [30, 900, 4_000][random.usize(0..3)];
            let count = random.u64(1..most);
            broker.close(count, random.i128(1..30), "Read Error");
            // Some enter late.
            let late = broker.now - random.i128(0..4 * SECOND);
            broker.enter(1_000_000 + broker.closed, late, "Kicked");
            assert_eq!(broker.counted(collector.as_mut()).1, 0);
        }
        broker.counted(collector.as_mut());
        let counted = broker.counted(collector.as_mut());
        assert_eq!(counted, (broker.closed - before, 0), "round {round}");
    }
}

/// An element of the closed list: `client` with its end.
fn gone(cid: u64, ago: i128, reason: &str, more: &str) -> String {
    let stop = time(NOW - ago * SECOND);
    client(
        cid,
        &format!(r#""type":"nats","stop":"{stop}","reason":"{reason}"{more}"#),
    )
}

#[test]
fn what_closed_connections_carried_is_summed_once() {
    let mut collector = closed();
    let old = gone(1, 40, "Client Closed", "");
    let before = page(collector.as_mut(), &body(std::slice::from_ref(&old), 1));
    assert_eq!(before["nats_connections_closed_in_messages_total{}"], "0");
    assert!(before["nats_connections_closed_lifetime_seconds{}"].ends_with("inf:0"));
    let elements = [
        gone(3, 10, "Kicked", r#","pending_bytes":-5,"stalls":9"#).replace("nats\"", "mqtt\""),
        gone(
            2,
            20,
            "Slow Consumer (Pending Bytes)",
            r#","pending_bytes":70,"stalls":1"#,
        ),
        old,
    ];
    for _ in 0..2 {
        let shown = page(collector.as_mut(), &body(&elements, 3));
        for (key, value) in [
            ("by_kind_total{kind=nats}", "1"),
            ("by_kind_total{kind=mqtt}", "1"),
            ("by_kind_total{kind=leafnode}", "0"),
            ("in_messages_total{}", "2"),
            ("out_messages_total{}", "4"),
            ("in_bytes_total{}", "6"),
            ("out_bytes_total{}", "8"),
            // A negative one is nonsense.
            ("pending_bytes_total{}", "70"),
            ("stalls_total{}", "10"),
        ] {
            assert_eq!(
                shown[&format!("nats_connections_closed_{key}")],
                value,
                "{key}"
            );
        }
        let lifetime = &shown["nats_connections_closed_lifetime_seconds{}"];
        assert!(
            lifetime.starts_with("sum 90000000000 1000000000:0 10000000000:0 60000000000:2 "),
            "{lifetime}"
        );
        assert!(!shown.keys().any(|key| key.starts_with("nats_closed_")));
    }
}

/// What is shown of an answer of closed connections when `top` of them may be.
fn latest(top: usize, connections: Connections, elements: &[String], context: &Context) -> Page {
    let mut collector = make("closed", connections);
    let mut select = Select::top(top);
    select.begin(natsight::collect::Terms::default());
    let mut shown = Page::new();
    let mut out = |row: &Row<'_>| add(&mut shown, row);
    let mut take = |record: Record<'_>| {
        select.record();
        record.native(context, &mut |row: &Row<'_>| select.row(row, &mut out));
    };
    collector.begin(context);
    let body = body(elements, elements.len());
    collector.chunk(body.as_bytes(), &mut take).unwrap();
    collector.finish(&mut take).unwrap();
    select.finish(&mut out);
    shown.retain(|key, _| key.starts_with("nats_closed_connection_"));
    shown
}

#[test]
fn the_latest_closed_connections_tell_who_and_why() {
    let more = r#","name":"a \"b\" 🚀","lang":"go","version":"1.2","authorized_user":"u","account":"A","name_tag":"T","rtt":"2ms","pending_bytes":5,"subscriptions":6,"stalls":7,"jwt":"secret""#;
    let elements = [gone(7, 30, "Stale Connection", more)];
    let facts = r#"{cid=7,name=a "b" 🚀,account=A,user=u,kind=nats,lang=go,version=1.2,ip=10.0.0.1,name_tag=T,port=4000,reason=stale_connection}"#;
    let nanos = |ago: i128| format!("{}ns", NOW - ago * SECOND);
    let expected = [
        ("in_bytes{cid=7}", "3".to_owned()),
        ("in_messages{cid=7}", "1".to_owned()),
        (&format!("info{facts}"), "1".to_owned()),
        ("last_activity_timestamp_seconds{cid=7}", nanos(2)),
        ("out_bytes{cid=7}", "4".to_owned()),
        ("out_messages{cid=7}", "2".to_owned()),
        ("pending_bytes{cid=7}", "5".to_owned()),
        ("rtt_seconds{cid=7}", "2000000ns".to_owned()),
        ("stalls{cid=7}", "7".to_owned()),
        ("start_time_seconds{cid=7}", nanos(60)),
        ("stop_timestamp_seconds{cid=7}", nanos(30)),
        ("subscriptions{cid=7}", "6".to_owned()),
    ]
    .map(|(key, value)| (format!("nats_closed_connection_{key}"), value));
    for connections in [Connections::Top, Connections::All] {
        let shown = latest(5, connections, &elements, &context());
        assert_eq!(shown.into_iter().collect::<Vec<_>>(), expected);
    }
    let none = latest(5, Connections::Off, &elements, &context());
    assert_eq!(none, Page::new());
    let old = Context {
        version: Version(2, 9, 10),
        ..context()
    };
    let shown = latest(5, Connections::Top, &elements, &old);
    // A user may be a token there, and stalls are not counted.
    assert_eq!(shown.len(), expected.len() - 1);
    assert!(!shown.keys().any(|key| key.contains("user=")));
}

#[test]
fn those_that_broke_come_before_those_that_ended_and_the_newest_first() {
    let named = r#","name":"x""#;
    let elements = [
        gone(10, 1, "Read Error", ""),
        gone(9, 1, "Client Closed", ""),
        gone(8, 2, "Client Closed", named),
        gone(7, 3, "Client Closed", named),
        gone(6, 4, "Authentication Timeout", ""),
        gone(5, 5, "Read Error", named),
        gone(4, 6, "Read Error", named),
    ];
    let cids = |top| -> Vec<String> {
        let shown = latest(top, Connections::All, &elements, &context());
        let stops = shown.keys().filter(|key| key.contains("_stop_"));
        stops
            .map(|key| key.rsplit_once("cid=").unwrap().1.replace('}', ""))
            .collect()
    };
    assert_eq!(cids(2), ["5", "6"]);
    assert_eq!(cids(4), ["4", "5", "6", "8"]);
    // 9 and 10 never said who they are: checks of the port.
    assert_eq!(cids(20), ["4", "5", "6", "7", "8"]);
}

#[test]
fn one_that_was_refused_has_no_account() {
    let account = |reason: &str, more: &str| {
        let elements = [gone(1, 1, reason, &format!(r#","name":"x"{more}"#))];
        let shown = latest(5, Connections::All, &elements, &context());
        let info = shown.keys().find(|key| key.contains("_info{")).unwrap();
        let (_, rest) = info.split_once("account=")?;
        Some(rest.split(',').next()?.to_owned())
    };
    assert_eq!(account("Authentication Failure", ""), None);
    assert_eq!(account("Stale Connection", "").as_deref(), Some("$G"));
    let known = account("Authentication Failure", r#","account":"A""#);
    assert_eq!(known.as_deref(), Some("A"));
}

#[test]
fn of_more_connections_than_an_answer_may_hold_the_slowest_readers_are_asked_for() {
    let mut context = context();
    context.sizes.connections = 10_000;
    for (connections, body_max, path) in [
        (Connections::Off, 5_000_000, "/connz?limit=1000000"),
        (
            Connections::Off,
            1_000_000,
            "/connz?sort=pending&limit=2000",
        ),
        (Connections::All, 6_000_000, "/connz?limit=1000000&auth=1"),
        (
            Connections::All,
            5_999_999,
            "/connz?sort=pending&limit=9999&auth=1",
        ),
        (Connections::All, 1, "/connz?sort=pending&limit=1&auth=1"),
    ] {
        context.body_max = BodyMax(body_max);
        assert_eq!(make("connz", connections).path(&context), path);
    }
}
