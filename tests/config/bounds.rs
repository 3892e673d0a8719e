//! Values at the edges of what is allowed, alone and against each other.

use std::time::Duration;

use natsight::config::Pid;

use super::{check, lines, load, plan};

#[test]
fn a_thousand_servers_are_fine_and_one_more_is_not() {
    let list = |count: usize| -> String {
        (0..count).fold("servers:\n".to_owned(), |text, n| {
            format!(
                "{text}- {{url: 'http://n{n}:8222', name: n{n}, pid: {}}}\n",
                n + 1
            )
        })
    };
    let plan = plan(&list(1000));
    assert_eq!(
        (plan.servers.len(), plan.servers[999].pid),
        (1000, Pid::Number(1000))
    );
    check(
        &list(1001),
        "natsight.yml:1002:3: these are 1001 servers; 1000 is the most for one natsight",
    );
}

#[test]
fn names_may_hold_anything_that_a_label_may() {
    let plan = plan("servers: [{url: a, name: \"q\\\"u\\\\o\\nte 🦀\"}, {url: b, name: 'null'}]\n");
    assert_eq!(plan.servers[0].name.as_deref(), Some("q\"u\\o\nte 🦀"));
    assert_eq!(plan.servers[1].name.as_deref(), Some("null"));
    check(
        "servers: [{url: a, name: \"x\\n🦀\"}, {url: b, name: \"x\\n🦀\"}]",
        r#"natsight.yml:1:50: servers[1].name is "x\n🦀"; it is listed before, in line 1; keep one"#,
    );
    let long = format!("servers: [{{url: a, name: {}}}]", "x".repeat(10_000));
    let wrong = lines(&load(&long).unwrap_err());
    assert!(
        wrong.ends_with("…\"; it is 10000 bytes long; 256 is the most") && wrong.len() < 160,
        "{wrong}"
    );
    check(
        "servers: [{url: a, name: ''}]",
        "natsight.yml:1:26: servers[0].name is empty; write something, or leave the key out",
    );
}

#[test]
fn bounds_hold_at_their_edges() {
    for (fine, wrong) in [
        ("poll: {light: 2s}", "poll: {light: 999ms}"),
        ("poll: {light: 1h}", "poll: {light: 3601s}"),
        ("poll: {health: 1s}", "poll: {health: 0.999s}"),
        ("poll: {config: 24h}", "poll: {config: 24h1s}"),
        ("poll: {timeout: 100ms}", "poll: {timeout: 99ms}"),
        ("probes: {connect: 0}", "probes: {connect: 1ms}"),
        (
            "poll: {broker_cpu_max: 0.0001}",
            "poll: {broker_cpu_max: 0.00009}",
        ),
        ("poll: {broker_cpu_max: 1}", "poll: {broker_cpu_max: 1.01}"),
        (
            "poll: {broker_cpu_max: 1.0}",
            "poll: {broker_cpu_max: .nan}",
        ),
        (
            "poll: {broker_cpu_max: 1e-2}",
            "poll: {broker_cpu_max: inf}",
        ),
        ("poll: {body_max: 4GiB}", "poll: {body_max: 4294967297}"),
        ("poll: {body_max: 99MB}", "poll: {body_max: -1}"),
        ("collect: {top: 1000}", "collect: {top: 1001}"),
        (
            "collect: {top: 1}",
            "collect: {top: 99999999999999999999999}",
        ),
        (
            "servers: [{url: a, pid: 4194304}]",
            "servers: [{url: a, pid: 4194305}]",
        ),
        (
            "servers: [{url: a, pid: off}]",
            "servers: [{url: a, pid: 0}]",
        ),
        ("compat: exporter=gnatsd", "compat: exporter=9x"),
        ("listen: '[::1]:0'", "listen: '::1:7777'"),
        ("listen: localhost:7", "listen: 'off'"),
        ("listen: '*:7'", "listen: ':65536'"),
        ("listen: 0.0.0.0:7", "listen: example.com:80"),
        ("admin_listen: off", "admin_listen: no"),
    ] {
        plan(fine);
        let mistakes = load(wrong).expect_err(wrong);
        assert_eq!(mistakes.len(), 1, "{wrong}\n{}", lines(&mistakes));
    }
    check(
        "probes: {connect: 2h}",
        "natsight.yml:1:19: probes.connect is 2h; it must be 0 for off, or 1s to 1h, for example 10s",
    );
    assert_eq!(plan("probes: {connect: 0s}").probe_connect, None);
}

#[test]
fn values_are_checked_against_each_other() {
    check(
        "poll: {timeout: 6s}",
        "natsight.yml:1:17: poll.timeout is 6s; it must not exceed poll.light (5s)",
    );
    check(
        "poll: {timeout: 6s, light: x}",
        r#"natsight.yml:1:28: poll.light is "x"; write a duration such as 5s"#,
    );
    assert_eq!(
        plan("poll: {light: 1s}").poll.timeout,
        Duration::from_secs(1)
    );
    check(
        "poll: {body_max: 1MiB}",
        "natsight.yml:1:18: poll.body_max is 1MiB; it must not be below poll.light_body_max (16MiB); lower that too",
    );
    check(
        "poll: {light_body_max: 1GiB}",
        "natsight.yml:1:24: poll.light_body_max is 1GiB; it must not exceed poll.body_max (256MiB)",
    );
    check(
        "tls: {cert_file: /c}",
        r#"natsight.yml:1:18: tls.cert_file is "/c"; it needs tls.key_file beside it"#,
    );
    check(
        "tls: {key_file: /c}",
        r#"natsight.yml:1:17: tls.key_file is "/c"; it needs tls.cert_file beside it"#,
    );
    let clash = "it must not take the port of the other listener; give each its own";
    check(
        "admin_listen: 127.0.0.1:7777",
        &format!("natsight.yml:1:15: admin_listen is \"127.0.0.1:7777\"; {clash}"),
    );
    check(
        "listen: ':7778'",
        &format!("natsight.yml:1:9: listen is \":7778\"; {clash}"),
    );
    plan("listen: 127.0.0.2:7778");
    plan("listen: 0.0.0.0:1\nadmin_listen: '[::1]:1'");
    assert!(load("listen: 0.0.0.0:1\nadmin_listen: 10.0.0.1:1").is_err());
    plan("listen: ':0'\nadmin_listen: ':0'");
    check(
        "servers:\n- url: http://u:hunter2@N1:8222/\n- url: n1:8222\n",
        r#"natsight.yml:3:8: servers[1].url is "n1:8222"; it is listed before, in line 2; keep one"#,
    );
}
