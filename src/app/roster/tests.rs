//! Files that are half written, huge or gone; names that flap; brokers that tell of others.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Mutex;

use futures_util::future::BoxFuture;

use super::*;
use crate::config::{self, Flags};

const MINUTE: Duration = Duration::from_secs(60);

/// Answers as told; a name that nobody told of has none.
#[derive(Default)]
struct Resolver(Mutex<HashMap<String, Vec<IpAddr>>>);

impl Resolver {
    fn say(&self, name: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|one| one.parse().unwrap()).collect();
        self.0.lock().unwrap().insert(name.to_owned(), addresses);
    }

    fn fail(&self, name: &str) {
        self.0.lock().unwrap().remove(name);
    }
}

impl Lookup for Resolver {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let found = self.0.lock().unwrap().get(&name).cloned();
        Box::pin(async move { found.ok_or_else(|| io::Error::other("no such name")) })
    }
}

struct Scene {
    roster: Roster,
    resolver: Arc<Resolver>,
    monitor: SelfMonitor,
}

impl Scene {
    fn new(text: &str) -> Self {
        let (resolver, monitor) = (Arc::new(Resolver::default()), SelfMonitor::new().unwrap());
        let lookup = Arc::clone(&resolver) as Arc<dyn Lookup>;
        let mut scene = Self {
            roster: Roster::new(lookup, monitor.clone()),
            resolver,
            monitor,
        };
        scene.plan(text);
        scene
    }

    fn plan(&mut self, text: &str) {
        let (plan, _) = config::load(Some(("test", text)), &[], &Flags::default()).unwrap();
        self.roster.adopt(&plan);
    }

    /// Lets the roster do what it does in this time.
    async fn pass(&mut self, span: Duration) {
        let end = Instant::now() + span;
        while tokio::time::timeout_at(end, self.roster.event())
            .await
            .is_ok()
        {}
    }

    fn wanted(&mut self, seen: &[Seen]) -> Vec<String> {
        let wanted = self.roster.wanted(seen, Instant::now()).into_iter();
        wanted.map(|one| one.target.display().to_owned()).collect()
    }

    fn refreshes(&self, source: &str, result: &str) -> u64 {
        self.monitor
            .targets_refreshes
            .with_label_values(&[source, result])
            .get()
    }
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_half_written_huge_wrong_or_gone_keeps_the_targets_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("targets.json");
    write(&path, r#"[{"targets": ["n1:8222", "n2:8222"]}]"#);
    let mut scene = Scene::new(&format!("targets_file: {}", path.display()));
    assert!(scene.roster.is_pending());
    scene.pass(3 * TICK).await;
    let two = ["http://n1:8222", "http://n2:8222"];
    assert!(!scene.roster.is_pending());
    assert_eq!(scene.wanted(&[]), two);
    assert_eq!(scene.refreshes("file", "success"), 1, "it did not change");

    let huge = format!("[{{\"targets\": [\"{}\"]}}]", "n".repeat(1 << 20));
    for (text, result) in [
        (r#"[{"targets": ["n1:8222", "n"#, "malformed"),
        ("", "malformed"),
        (r#"{"targets": "n1"}"#, "malformed"),
        (r#"[{"targets": ["nats://n1:4222"]}]"#, "malformed"),
        (huge.as_str(), "too_large"),
    ] {
        let before = scene.refreshes("file", result);
        write(&path, text);
        scene.pass(2 * TICK).await;
        assert!(scene.refreshes("file", result) > before, "{result}");
        assert_eq!(scene.wanted(&[]), two);
    }
    std::fs::write(&path, b"- targets: [\xff\xff]").unwrap();
    let before = scene.refreshes("file", "malformed");
    scene.pass(2 * TICK).await;
    assert!(scene.refreshes("file", "malformed") > before);
    std::fs::remove_file(&path).unwrap();
    scene.pass(3 * TICK).await;
    assert!(scene.refreshes("file", "unreadable") > 1, "it is still so");
    std::fs::create_dir(&path).unwrap();
    scene.pass(2 * TICK).await;
    assert_eq!(scene.wanted(&[]), two);
    std::fs::remove_dir(&path).unwrap();

    write(&path, "- targets: ['n2:8222', 'n3:8222']\n");
    scene.pass(2 * TICK).await;
    assert_eq!(scene.wanted(&[]), ["http://n2:8222", "http://n3:8222"]);
    write(&path, "[]");
    scene.pass(2 * TICK).await;
    assert!(scene.wanted(&[]).is_empty(), "an empty list is a list");
    assert_eq!(scene.refreshes("file", "success"), 3);
}

#[tokio::test(start_paused = true)]
async fn configured_servers_take_precedence_over_those_of_the_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    write(
        file.path(),
        "- {targets: ['http://n1:8222'], labels: {name: other}}\n- {targets: [n2]}\n",
    );
    let text = format!(
        "servers: [{{url: n1, name: one}}]\ntargets_file: {}",
        file.path().display()
    );
    let mut scene = Scene::new(&text);
    assert_eq!(
        scene.wanted(&[]),
        ["http://n1:8222"],
        "before the file was read"
    );
    scene.pass(2 * TICK).await;
    let wanted = scene.roster.wanted(&[], Instant::now());
    let told: Vec<_> = wanted
        .iter()
        .map(|one| (one.origin, one.name.as_deref()))
        .collect();
    assert_eq!(
        told,
        [(Origin::Configured, Some("one")), (Origin::File, None)]
    );
    scene.plan("servers: [{url: n1, name: one}]");
    assert_eq!(
        scene.wanted(&[]),
        ["http://n1:8222"],
        "the file is not named any more"
    );
}

const NAME: &str = "servers: [{url: 'dns+http://nats:8222'}]\nforget_after: 10m";

#[tokio::test(start_paused = true)]
async fn each_address_of_a_name_is_a_server() {
    let mut scene = Scene::new(NAME);
    scene
        .resolver
        .say("nats", &["10.0.0.2", "10.0.0.1", "fd00::1", "10.0.0.1"]);
    assert!(scene.roster.is_pending() && scene.wanted(&[]).is_empty());
    scene.pass(TICK).await;
    let three = [
        "http://10.0.0.1:8222",
        "http://10.0.0.2:8222",
        "http://[fd00::1]:8222",
    ];
    assert!(!scene.roster.is_pending());
    assert_eq!(scene.wanted(&[]), three);
    scene.resolver.say("nats", &["10.0.0.3"]);
    scene.pass(Duration::from_secs(25)).await;
    assert_eq!(scene.wanted(&[]).len(), 3, "it is asked every 30 s");
    scene.pass(Duration::from_secs(10)).await;
    assert_eq!(
        scene.wanted(&[]).len(),
        4,
        "who was there stays for a while"
    );
    scene.pass(9 * MINUTE).await;
    assert_eq!(scene.wanted(&[]).len(), 4);
    scene.pass(2 * MINUTE).await;
    assert_eq!(scene.wanted(&[]), ["http://10.0.0.3:8222"]);
}

#[tokio::test(start_paused = true)]
async fn names_that_flap_or_have_no_address_keep_their_servers() {
    let mut scene = Scene::new(NAME);
    scene.pass(TICK).await;
    assert!(!scene.roster.is_pending(), "given up on for now");
    assert!(scene.refreshes("dns", "failure") > 0);
    scene.resolver.say("nats", &["10.0.0.1", "10.0.0.2"]);
    scene.pass(3 * TICK + Duration::from_secs(1)).await;
    let two = ["http://10.0.0.1:8222", "http://10.0.0.2:8222"];
    assert_eq!(scene.wanted(&[]), two, "after a failure it is asked sooner");
    for round in 0..20 {
        match round % 3 {
            0 => scene.resolver.fail("nats"),
            1 => scene.resolver.say("nats", &[]),
            _ => scene.resolver.say("nats", &["10.0.0.1", "10.0.0.2"]),
        }
        scene.pass(Duration::from_secs(35)).await;
        assert_eq!(scene.wanted(&[]), two, "round {round}");
    }
    assert!(scene.refreshes("dns", "empty") > 5 && scene.refreshes("dns", "success") > 5);
    scene.resolver.say("nats", &[]);
    scene.pass(5 * MINUTE).await;
    // One of them still answers: the resolver is wrong, not the server.
    let alive = seen(
        Origin::Dns,
        &Target::parse("nats").unwrap().at(ip("10.0.0.2")),
        "B",
        true,
    );
    assert_eq!(scene.wanted(std::slice::from_ref(&alive)), two);
    scene.pass(6 * MINUTE).await;
    assert_eq!(scene.wanted(&[alive]), ["http://10.0.0.2:8222"]);
    assert!(scene.wanted(&[]).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_name_with_too_many_addresses_is_bounded_and_counted() {
    let mut scene = Scene::new(&format!("{NAME}\n").replace("[{", "[{url: n1}, {"));
    let mut many: Vec<String> = (0..1500u32)
        .map(|number| Ipv4Addr::from_bits(0x0a00_0000 + number).to_string())
        .collect();
    let say = |scene: &Scene, many: &[String]| {
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        scene.resolver.say("nats", &many);
    };
    say(&scene, &many);
    scene.pass(TICK).await;
    let first = scene.wanted(&[]);
    assert_eq!(
        (first.len(), first[0].as_str()),
        (SERVERS_MAX, "http://n1:8222")
    );
    assert_eq!(scene.refreshes("dns", "too_many"), 1);
    let left_out = scene.monitor.targets_left_out.with_label_values(&["dns"]);
    assert_eq!(left_out.get(), 1, "of those that are kept at all");
    for _ in 0..5 {
        many.rotate_left(333);
        say(&scene, &many);
        scene.pass(Duration::from_secs(31)).await;
        assert!(
            scene.wanted(&[]) == first,
            "the order of an answer means nothing"
        );
    }
    // Other addresses each time.
    for round in 1..5u32 {
        let others: Vec<String> = (0..900)
            .map(|number| Ipv4Addr::from_bits(0x0b00_0000 + round * 0x10000 + number).to_string())
            .collect();
        say(&scene, &others);
        scene.pass(Duration::from_secs(31)).await;
        assert_eq!(scene.wanted(&[]).len(), SERVERS_MAX);
    }
    assert!(scene.roster.names.targets().count() <= SERVERS_MAX);
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn seen(origin: Origin, target: &Target, id: &str, up: bool) -> Seen {
    Seen {
        origin,
        target: target.clone(),
        up: Some(up),
        server_id: id.to_owned(),
        is_shown: true,
        server_name: format!("name-{id}"),
        nats_cluster: "C".to_owned(),
        answer_age: (up).then_some(Duration::ZERO),
        peers: Vec::new(),
    }
}

/// A seed that tells of these hosts.
fn seed(url: &str, hosts: &[&str]) -> Seen {
    let target = Target::parse(url).unwrap();
    let peer = |host: &&str| PeerAddress {
        host: (*host).to_owned(),
    };
    Seen {
        peers: hosts.iter().map(peer).collect(),
        ..seen(Origin::Configured, &target, "SEED", true)
    }
}

const DISCOVER: &str =
    "servers: [{url: 'http://u:hunter2@10.0.0.1:8222'}]\ndiscover: true\nforget_after: 10m";

#[tokio::test(start_paused = true)]
async fn who_is_told_of_is_watched_with_the_seeds_scheme_and_port_alone() {
    let mut scene = Scene::new(DISCOVER);
    let hosts = [
        "10.0.0.1",
        "10.0.0.2",
        "n3.example",
        "fd00::4",
        "[fd00::5]",
        "10.0.0.6:80",
        "http://10.0.0.7",
        "10.0.0.8/x",
        "u:p@10.0.0.9",
        "169.254.169.254",
        "127.0.0.1",
        "localhost",
        "0.0.0.0",
        "::",
        "fe80::1",
        "::ffff:127.0.0.1",
        "2130706433",
        "0x7f000001",
        "224.0.0.1",
        "100.100.100.200",
        "",
    ];
    let wanted = scene.wanted(&[seed("http://u:hunter2@10.0.0.1:8222", &hosts)]);
    assert_eq!(
        wanted,
        [
            "http://10.0.0.1:8222",
            "http://10.0.0.2:8222",
            "http://[fd00::4]:8222",
            "http://[fd00::5]:8222",
            "http://n3.example:8222",
        ]
    );
    let all = scene.roster.wanted(&[], Instant::now());
    let secret = |one: &&Wanted| one.target.has_user_info();
    assert_eq!(
        all.iter().filter(secret).count(),
        1,
        "the seed's own, and nobody else's"
    );
    assert_eq!(
        scene.wanted(&[]).len(),
        5,
        "they stay when the seed is silent"
    );

    scene.plan(&DISCOVER.replace("true", "false"));
    assert_eq!(
        scene.wanted(&[seed("http://10.0.0.1:8222", &hosts)]),
        ["http://10.0.0.1:8222"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_discovered_server_leaves_after_a_while_without_an_answer_and_a_configured_one_never() {
    let mut scene = Scene::new(DISCOVER);
    let with = [seed("http://10.0.0.1:8222", &["10.0.0.2"])];
    let both = ["http://10.0.0.1:8222", "http://10.0.0.2:8222"];
    assert_eq!(scene.wanted(&with), both);
    let other = Target::parse("10.0.0.2").unwrap();
    for minutes in [0u32, 9, 11] {
        let mut known = seen(Origin::Discovered, &other, "B", false);
        known.answer_age = Some(minutes * MINUTE);
        scene.pass(minutes * MINUTE).await;
        let mut silent = seed("http://10.0.0.1:8222", &[]);
        (silent.up, silent.answer_age) = (Some(false), Some(100 * MINUTE));
        let expected = if minutes > 10 { &both[..1] } else { &both[..] };
        assert_eq!(scene.wanted(&[silent, known]), expected, "{minutes}");
    }
    // Told of all the time, and never there: tried again, but rarely.
    assert_eq!(scene.wanted(&with), both);
    scene.pass(11 * MINUTE).await;
    assert_eq!(scene.wanted(&with), both[..1]);
    scene.pass(9 * MINUTE).await;
    assert_eq!(scene.wanted(&with), both[..1]);
    scene.pass(2 * MINUTE).await;
    assert_eq!(scene.wanted(&with), both);
}

#[tokio::test(start_paused = true)]
async fn a_server_under_two_addresses_is_watched_once() {
    let mut scene = Scene::new(DISCOVER);
    let mut first = seed("http://10.0.0.1:8222", &["10.0.0.2", "10.0.9.1"]);
    assert_eq!(scene.wanted(std::slice::from_ref(&first)).len(), 3);
    let same = seen(
        Origin::Discovered,
        &Target::parse("10.0.9.1").unwrap(),
        "SEED",
        true,
    );
    let all = [first.clone(), same];
    let both = ["http://10.0.0.1:8222", "http://10.0.0.2:8222"];
    assert_eq!(scene.wanted(&all), both);
    assert_eq!(scene.wanted(&all[..1]), both, "and does not come back");
    // The seed is gone for good under its first address.
    (first.up, first.answer_age) = (Some(false), None);
    assert_eq!(scene.wanted(std::slice::from_ref(&first)), both);
    scene.pass(11 * MINUTE).await;
    assert!(
        scene
            .wanted(&[first])
            .contains(&"http://10.0.9.1:8222".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_came_back_elsewhere_is_not_kept_where_it_was() {
    let mut scene = Scene::new(NAME);
    scene.resolver.say("nats", &["10.0.0.1"]);
    scene.pass(TICK).await;
    scene.resolver.say("nats", &["10.0.0.2"]);
    scene.pass(Duration::from_secs(31)).await;
    let template = Target::parse("nats").unwrap();
    let old = seen(Origin::Dns, &template.at(ip("10.0.0.1")), "A", false);
    let mut new = seen(Origin::Dns, &template.at(ip("10.0.0.2")), "B", true);
    assert_eq!(
        scene.wanted(&[old.clone(), new.clone()]).len(),
        2,
        "another name"
    );
    new.server_name.clone_from(&old.server_name);
    assert_eq!(scene.wanted(&[old, new]), ["http://10.0.0.2:8222"]);
}
