//! Files of a wrong shape: each mistake at its place, in an operator's words, within a moment.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use natsight::config::{self, LogLevel, StandardNames};

use super::{check, lines, load, plan};

#[test]
fn unknown_keys_get_a_suggestion() {
    check(
        "poll: {heavy-timeout: 3s}",
        r#"natsight.yml:1:8: "heavy-timeout" in poll is not a key; did you mean heavy_timeout?"#,
    );
    check(
        "light: 3s",
        r#"natsight.yml:1:1: "light" is not a key; did you mean poll.light?"#,
    );
    check(
        "tls: {zzz: 1}",
        r#"natsight.yml:1:7: "zzz" in tls is not a key; known here: ca_file, cert_file, key_file, server_name, min_version"#,
    );
    check(
        "servers:\n- url: http://a\n  nmae: x\n",
        r#"natsight.yml:3:3: "nmae" in servers[0] is not a key; did you mean name?"#,
    );
    check(
        "<<: {listen: x}",
        &load("<<: 1").unwrap_err()[0].to_string(),
    );
}

#[test]
fn wrong_types_say_what_to_write() {
    check(
        "- a",
        "natsight.yml:1:1: the file is a list; write keys below it: listen, admin_listen, web_config_file, admin_token_file, admin_hosts, external_url, compat, standard_names, servers, targets_file, discover, forget_after, tls, system, poll, collect, probe, probes, clients, profiles, analyze, log",
    );
    check(
        "listen: [1]",
        "natsight.yml:1:9: listen is a list; write one value, such as :7777",
    );
    check(
        "poll: {light: {a: 1}}",
        "natsight.yml:1:15: poll.light is a group of keys; write one value, such as 5s",
    );
    check(
        "servers: {url: x}",
        "natsight.yml:1:10: servers is a group of keys; write a list, such as [{url: http://127.0.0.1:8222}]",
    );
    check(
        "servers: []",
        "natsight.yml:1:10: servers is empty; list at least one, or leave the key out for http://127.0.0.1:8222",
    );
    check(
        "probes: {urls: [~]}",
        "natsight.yml:1:17: probes.urls[0] is empty; write one value, such as nats://n1:4222",
    );
    check(
        "log: {level: ''}",
        "natsight.yml:1:14: log.level is empty; write one of error, warn, info, debug, trace",
    );
    // What YAML 1.1 would turn into other types is the text that stands there.
    let plan = plan(
        "standard_names: off\nlog: {level: 'error'}\ncollect: {streams: false}\nservers:\npoll:\n  light: ~\n",
    );
    assert_eq!(
        (plan.standard_names, plan.log.level, plan.collect.streams),
        (StandardNames::Off, LogLevel::Error, false)
    );
    assert_eq!(
        (plan.servers.len(), plan.poll.light),
        (1, Duration::from_secs(5))
    );
}

/// Broken YAML is one mistake with its place, found within a moment.
fn broken(text: &str, place: &str, says: &str) {
    let start = Instant::now();
    let Err(mistakes) = load(text) else {
        panic!("accepted: {:.80}", text);
    };
    let wrong = lines(&mistakes);
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    assert!(
        wrong.starts_with(&format!("natsight.yml:{place}: ")) && wrong.contains(says),
        "{wrong}"
    );
    assert!(wrong.len() < 400 && !wrong.contains('\n'), "{wrong}");
}

#[test]
fn broken_yaml_has_a_place_and_an_end() {
    broken("poll:\n\tlight: 5s\n", "2:2", "not valid YAML");
    broken("listen: \"x", "1:9", "not valid YAML");
    broken("a: b: c", "1:5", "not valid YAML");
    broken("poll: {light: 5s", "1:7", "not valid YAML");
    broken("listen: *nothing", "1:9", "not valid YAML");
    broken("listen: !include other.yml", "1:18", "the tag");
    broken(
        "listen: ':1'\n---\nlisten: ':2'\n",
        "2:1",
        "second document",
    );
    broken("? [a]\n: b", "1:3", "a key must be a word");
    broken("servers: &a [*a]", "1:14", "inside what it repeats");
    broken(&"[".repeat(100_000), "1:17", "not valid YAML");
    broken(&"- ".repeat(100_000), "1:33", "not valid YAML");
    broken(
        &" ".repeat(config::FILE_BYTES_MAX + 1),
        "1:1",
        "larger than 1048576 bytes",
    );
}

#[test]
fn a_key_of_a_megabyte_is_told_in_a_line() {
    let key = format!("? {}\n: 1\n", "x".repeat(900_000));
    broken(&key, "1:3", "is not a key; known here");
}

#[test]
fn an_alias_bomb_is_refused_at_once() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = format!("*a{}, ", level - 1).repeat(10);
        writeln!(
            bomb,
            "a{level}: &a{level} [{}]",
            below.trim_end_matches(", ")
        )
        .unwrap();
    }
    broken(&bomb, "5:58", "repeat less");
    let wide = format!(
        "a: &a {}\nb: [{}*a]\n",
        "x".repeat(500_000),
        "*a, ".repeat(10_000)
    );
    broken(&wide, "2:21", "repeat less");
    let chain: String = (1..20).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
        format!("{text}a{level}: &a{level} [*a{}]\n", level - 1)
    });
    broken(&chain, "16:12", "levels deep");
}

#[test]
fn an_honest_alias_is_followed() {
    let plan = plan("poll: {light: &often 7s, health: *often}\n");
    assert_eq!(plan.poll.health, Duration::from_secs(7));
}
