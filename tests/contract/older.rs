//! The binary under the older exporter's name, and that exporter's page beside the native one.

use super::*;

const NAME: &str = "prometheus-nats-exporter";

#[test]
fn the_binary_under_the_older_name_takes_its_arguments() {
    let broker = Broker::start("n1");
    let url = format!("{}/", broker.url());
    let args = [
        "-port=0",
        "-addr",
        "127.0.0.1",
        "-connz",
        "-varz",
        "-prefix=nats",
        "-path=/old",
    ];
    let mut all = args.to_vec();
    all.extend(["-use_internal_server_id", "-jsz=all", &url]);
    let sidecar = Sidecar::start_as(NAME, &all);
    let page = |path: &str| {
        let reply = get(
            sidecar.public,
            path,
            &[("Accept", "application/openmetrics-text")],
        );
        assert_eq!(
            reply.header("content-type"),
            "text/plain; version=0.0.4; charset=utf-8"
        );
        reader::read(&reply.body, Format::Text004).expect("a page")
    };
    until("varz is shown", || {
        page("/metrics").family("nats_varz_cpu").is_some()
    });
    let shown = page("/old");
    let version = shown.find("nats_varz_version", &[]);
    assert_eq!(version[0].label("value"), Some("2.12.8"));
    assert_ne!(version[0].label("server_id"), Some(broker.url().as_str()));
    assert_eq!(shown.value("nats_up", &[]), Some(1.0));
    assert!(
        shown
            .families
            .iter()
            .all(|family| !family.name.starts_with("nats_healthz"))
    );
    let native = get(sidecar.public, "/metrics?names=native", &[]);
    let native = reader::read(&native.body, Format::Text004).expect("a page");
    assert!(native.family("nats_server_cpu_cores").is_some());
    assert!(native.family("nats_varz_cpu").is_none());
}

#[test]
fn user_and_password_of_the_older_line_are_demanded() {
    let broker = Broker::start("n1");
    let args = ["-port=0", "-addr=127.0.0.1", "-http_user", "alice"];
    let mut all = args.to_vec();
    let url = broker.url();
    all.extend(["-http_pass=wonder", &url]);
    let sidecar = Sidecar::start_as(NAME, &all);
    // "alice:wonder" and "alice:wander".
    for (header, status) in [
        (None, 401),
        (Some("Basic YWxpY2U6d29uZGVy"), 200),
        (Some("Basic YWxpY2U6d2FuZGVy"), 401),
    ] {
        let headers: Vec<_> = header
            .map(|text| ("Authorization", text))
            .into_iter()
            .collect();
        let reply = get(sidecar.public, "/metrics", &headers);
        assert_eq!(reply.status, status, "{header:?}");
    }
}

#[test]
fn a_wrong_line_under_the_older_name_ends_with_64() {
    let ended = program::run_as(NAME, &["-nope", "http://127.0.0.1:1"]);
    assert_eq!(ended.code, 64);
    assert_eq!(
        ended.err,
        format!("natsight: -nope is not a flag of {NAME}; see {NAME} -help\n")
    );
}

#[test]
fn names_of_the_page_are_chosen_by_the_query() {
    let broker = Broker::start("n1");
    let sidecar = Sidecar::start(&[
        &broker.url(),
        "--probes-connect",
        "0",
        "--compat",
        "exporter",
    ]);
    until("varz is shown", || {
        let reply = get(sidecar.public, "/metrics", &[]);
        reader::read(&reply.body, Format::Text004)
            .expect("a page")
            .family("gnatsd_varz_cpu")
            .is_some()
    });
    let reply = get(sidecar.public, "/metrics?names=statsd", &[]);
    assert_eq!(reply.status, 400);
    assert!(reply.error().starts_with("there are no names \"statsd\""));
}

#[test]
fn the_page_of_surveyor_is_one_of_all_servers() {
    let brokers = [Broker::start("n1"), Broker::start("n2")];
    let (one, two) = (brokers[0].url(), brokers[1].url());
    let args = [&one, &two, "--compat", "surveyor", "--probes-connect", "0"];
    let sidecar = Sidecar::start(&args);
    let page = |query: &str| {
        let accept = [("Accept", "application/openmetrics-text")];
        let reply = get(sidecar.public, &format!("/metrics{query}"), &accept);
        let version = "text/plain; version=0.0.4; charset=utf-8";
        assert_eq!(reply.header("content-type"), version);
        reader::read(&reply.body, Format::Text004).expect("a page")
    };
    let all = [("server_cluster", "")];
    until("both are shown", || {
        page("").find("nats_core_mem_bytes", &all).len() == 2
            && page("").value("nats_survey_surveyed_count", &[]) == Some(2.0)
    });
    let shown = page("");
    assert_eq!(shown.value("nats_survey_expected_count", &[]), Some(2.0));
    let up = shown.find("nats_up", &[]);
    assert_eq!(up.len(), 2, "natsight's own, not surveyor's");
    assert!(up.iter().all(|sample| sample.label("target").is_some()));
    assert!(shown.family("nats_server_connections").is_none());
    until("the other view is made", || {
        page("?names=exporter").family("gnatsd_varz_cpu").is_some()
    });
    assert!(page("").family("gnatsd_varz_cpu").is_none());
}
