//! Command lines of the older exporter in, plans or one sentence out.

use std::ffi::OsString;

use natsight::config::{
    self, ClientAuth, Connections, Invocation, JszDepth, Listen, LogLevel, OLDER_NAME, Older, Plan,
    ServerId,
};

fn parse(args: &str) -> Result<Invocation, String> {
    let program = format!("/usr/bin/{OLDER_NAME}");
    let args = std::iter::once(program.as_str()).chain(args.split_whitespace());
    config::parse(args.map(OsString::from), &[]).map_err(|error| error.to_string())
}

fn plan(args: &str) -> (Plan, Older) {
    match parse(args) {
        Ok(Invocation::Serve(inputs)) => {
            let (plan, _) = config::load(None, &[], &inputs.flags)
                .unwrap_or_else(|mistakes| panic!("{args}: {mistakes:?}"));
            (plan, inputs.older.expect("the older exporter's flags"))
        }
        other => panic!("{args}: {other:?}"),
    }
}

#[test]
fn the_charts_arguments_are_understood() {
    let (plan, older) = plan(
        "-port=7777 -connz -routez -subz -varz -prefix=nats -use_internal_server_id -jsz=all -leafz -gatewayz \
         http://monitor:8222/",
    );
    assert_eq!(plan.listen, Listen::On(([0, 0, 0, 0], 7777).into()));
    assert_eq!(plan.admin_listen, None);
    let exporter = plan.exporter.expect("the view");
    assert_eq!(exporter.prefix.as_deref(), Some("nats"));
    assert_eq!(plan.servers.len(), 1);
    assert_eq!(plan.servers[0].url.expose(), "http://monitor:8222/");
    assert_eq!(plan.collect.connections, Connections::Off);
    assert!(plan.collect.streams && plan.collect.consumers);
    assert_eq!(older.server_id, ServerId::Id);
    assert_eq!(older.jsz, Some(JszDepth::All));
    assert_eq!(
        older.endpoints,
        ["connz", "routez", "subz", "varz", "leafz", "gatewayz"]
    );
}

#[test]
fn flags_are_read_as_go_reads_them() {
    let (first, older) = plan(
        "--varz -connz_detailed=true -healthz=false -jsz streams -p 9000 -a 127.0.0.1 -path /m -ri 5 -DV \
         -jsz_stream_meta_keys a,b -use_internal_server_name -- http://a:1",
    );
    assert_eq!(older.endpoints, ["varz", "connz_detailed"]);
    assert_eq!(older.jsz, Some(JszDepth::Streams));
    assert_eq!(older.stream_keys, ["a", "b"]);
    assert_eq!(older.server_id, ServerId::Name);
    assert_eq!(older.path.as_deref(), Some("/m"));
    assert_eq!(first.listen, Listen::On(([127, 0, 0, 1], 9000).into()));
    assert_eq!(first.log.level, LogLevel::Trace);
    assert_eq!(first.collect.connections, Connections::All);
    assert!(first.collect.streams && !first.collect.consumers);
    let (two, older) = plan("-varz -use_internal_server_id east,http://a:1 http://b:1");
    assert_eq!(older.server_id, ServerId::Url);
    let names: Vec<_> = two.servers.iter().map(|one| one.name.as_deref()).collect();
    assert_eq!(names, [Some("east"), None]);
    for (line, endpoints) in [
        ("http://a:1", &["varz"][..]),
        ("-jsz=all http://a:1", &["varz"]),
        ("-jsz=all -connz http://a:1", &["connz"]),
    ] {
        assert_eq!(plan(line).1.endpoints, endpoints, "{line}");
    }
    let (_, older) = plan("-l /var/log/x -s -r udp://h:514 http://a:1");
    assert_eq!(older.warnings.len(), 3);
}

#[test]
fn wrong_lines_are_refused_in_one_sentence() {
    for (line, start) in [
        ("", "a URL is missing"),
        ("-varz", "a URL is missing"),
        ("-nope http://a:1", "-nope is not a flag"),
        ("-varz=perhaps http://a:1", "-varz is \"perhaps\""),
        ("-jsz=some http://a:1", "-jsz is \"some\""),
        ("-port", "-port needs a value"),
        ("http://a:1 -varz", "\"-varz\" comes after a URL"),
        ("-path metrics http://a:1", "-path is \"metrics\""),
        ("-ri soon http://a:1", "-ri is \"soon\""),
        (
            "-jsz_stream_meta_keys a-b http://a:1",
            "-jsz_stream_meta_keys has \"a-b\"",
        ),
        (
            "-http_pass x http://a:1",
            "-http_pass is given without -http_user",
        ),
    ] {
        let text = parse(line).unwrap_err();
        assert!(text.starts_with(start), "{line}: {text}");
    }
    assert!(matches!(parse("-version"), Ok(Invocation::Say(text)) if text.starts_with(OLDER_NAME)));
    assert!(matches!(parse("-help"), Ok(Invocation::Say(text)) if text.contains("-gatewayz")));
}

#[test]
fn rights_are_those_of_a_web_configuration_file() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let path = file.path().to_str().expect("text");
    let line = format!(
        "-tlscert {path} -tlskey={path} -tlscacert {path} -http_user u:1 -http_user alice -http_pass wonder http://a:1"
    );
    let (_, older) = plan(&line);
    assert!(!format!("{older:?}").contains("alice"));
    let read = config::read_web_flags(&older.web.expect("rights"));
    assert_eq!(read.files.len(), 3, "so that changes are seen");
    let (web, warnings) = read.outcome.expect("no mistake");
    assert!(warnings.is_empty());
    let tls = web.tls.expect("TLS");
    assert_eq!(tls.client_auth, ClientAuth::RequireAndVerify);
    let [user] = &web.users[..] else {
        panic!("{:?}", web.users)
    };
    assert_eq!(user.name, "alice");
    assert!(bcrypt::verify("wonder", user.hash.expose()).expect("a hash"));

    let hash = user.hash.expose();
    let (_, older) = plan(&format!("-http_user bob -http_pass {hash} http://a:1"));
    let read = config::read_web_flags(&older.web.expect("rights"));
    let (web, _) = read.outcome.expect("no mistake");
    assert_eq!(web.users[0].hash.expose(), hash, "a hash is taken as it is");
    assert!(web.tls.is_none());

    let (_, older) = plan("-http_user= -http_pass= -tlscert= http://a:1");
    assert_eq!(older.web, None);
    let (_, older) = plan("-tlscacert /none http://a:1");
    let read = config::read_web_flags(&older.web.expect("rights"));
    let text = read.outcome.expect_err("no certificate")[0].to_string();
    assert!(
        text.contains("client_ca_file") || text.contains("cert_file"),
        "{text}"
    );
    let long = "x".repeat(73);
    let text = parse(&format!("-http_user a -http_pass {long} http://a:1")).unwrap_err();
    assert!(
        text.starts_with("-http_pass has more than 72 bytes"),
        "{text}"
    );
}
