//! The configuration from outside: texts in, plan or mistakes out. No process, no network.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use natsight::config::{
    self, Connections, Flags, Key, Kind, LEAVES, Listen, LogFormat, LogLevel, Mistake, Pid, Place,
    Plan, StandardNames, UrlText, Warning,
};

use command_line::{parse, serve_inputs};

#[path = "config/bounds.rs"]
mod bounds;
#[path = "config/command_line.rs"]
mod command_line;
#[path = "config/older.rs"]
mod older;
#[path = "config/shape.rs"]
mod shape;
#[path = "config/web.rs"]
mod web;

type Env = Vec<(String, String)>;

fn env(pairs: &[(&str, &str)]) -> Env {
    pairs
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

fn flags(pairs: &[(Key, &str)]) -> Flags {
    let values = pairs
        .iter()
        .map(|(key, text)| (*key, (*text).to_owned()))
        .collect();
    Flags {
        values,
        ..Flags::default()
    }
}

fn load(text: &str) -> Result<(Plan, Vec<Warning>), Vec<Mistake>> {
    config::load(Some(("natsight.yml", text)), &[], &Flags::default())
}

fn plan(text: &str) -> Plan {
    load(text)
        .unwrap_or_else(|mistakes| panic!("{text}\n{}", lines(&mistakes)))
        .0
}

fn lines(mistakes: &[Mistake]) -> String {
    mistakes
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The mistakes of a file, one a line.
fn check(text: &str, expected: &str) {
    let found = match load(text) {
        Ok(_) => String::new(),
        Err(mistakes) => lines(&mistakes),
    };
    assert_eq!(found, expected, "of the file\n{text}");
}

/// A token file given by mistake, and a password one level too high.
#[test]
fn what_may_be_a_secret_is_not_repeated() {
    for text in [
        "hunter2token",
        "system: hunter2",
        "a:$6$hunter2: 1",
        "hunter2/+: {b: c}",
    ] {
        let mistakes = lines(&load(text).unwrap_err());
        assert!(!mistakes.contains("hunter2"), "{mistakes}");
    }
}

#[test]
fn nothing_written_is_the_documented_default() {
    let plan = plan("");
    assert_eq!(plan, config::load(None, &[], &Flags::default()).unwrap().0);
    assert_eq!(plan.listen, Listen::Everywhere { port: 7777 });
    let addresses: Vec<String> = plan
        .listen
        .addresses()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(addresses, ["[::]:7777", "0.0.0.0:7777"]);
    assert_eq!(
        plan.admin_listen,
        Some(Listen::On("127.0.0.1:7778".parse().unwrap()))
    );
    assert_eq!(
        (plan.admin_hosts.len(), plan.external_url.clone()),
        (0, None)
    );
    assert_eq!(plan.standard_names, StandardNames::Auto);
    assert_eq!(plan.servers.len(), 1);
    assert_eq!(plan.servers[0].url.expose(), "http://127.0.0.1:8222");
    assert_eq!(
        (plan.servers[0].name.clone(), plan.servers[0].pid),
        (None, Pid::Auto)
    );
    assert_eq!(
        (plan.tls.ca_file.clone(), plan.tls.client.clone()),
        (None, None)
    );
    let seconds = Duration::from_secs;
    let poll = &plan.poll;
    assert_eq!(
        [poll.light, poll.health, poll.connections],
        [seconds(5), seconds(10), seconds(15)]
    );
    assert_eq!(
        [poll.streams, poll.consumers, poll.config],
        [seconds(15), seconds(30), seconds(600)]
    );
    assert_eq!(
        [poll.timeout, poll.heavy_timeout],
        [seconds(2), seconds(20)]
    );
    assert_eq!([poll.body_max, poll.light_body_max], [256 << 20, 16 << 20]);
    assert!((poll.broker_cpu_max - 0.01).abs() < 1e-12);
    assert_eq!(
        (plan.collect.connections, plan.collect.top),
        (Connections::Off, 20)
    );
    assert!(plan.collect.streams && plan.collect.consumers && !plan.collect.gateway_accounts);
    assert_eq!(plan.probe_connect, Some(seconds(10)));
    assert_eq!(
        (plan.log.format, plan.log.level),
        (LogFormat::Text, LogLevel::Info)
    );
}

#[test]
fn flag_beats_variable_beats_file_beats_default() {
    let file = "poll: {light: 6s}\nlog: {level: warn}\ncollect: {top: 7}\n";
    let env = env(&[
        ("NATSIGHT_POLL_LIGHT", "7s"),
        ("NATSIGHT_LOG_LEVEL", "debug"),
    ]);
    let flags = flags(&[(Key::PollLight, "8s")]);
    let (plan, warnings) = config::load(Some(("f", file)), &env, &flags).unwrap();
    assert_eq!(plan.poll.light, Duration::from_secs(8));
    assert_eq!(plan.log.level, LogLevel::Debug);
    assert_eq!(plan.collect.top, 7);
    assert_eq!(plan.collect.connections, Connections::Off);
    assert_eq!(warnings, []);
}

#[test]
fn an_empty_variable_is_unset_except_where_it_means_off() {
    let env = env(&[("NATSIGHT_LISTEN", ""), ("NATSIGHT_ADMIN_LISTEN", "")]);
    let (plan, _) = config::load(None, &env, &Flags::default()).unwrap();
    assert_eq!(plan.listen, Listen::Everywhere { port: 7777 });
    assert_eq!(plan.admin_listen, None);
}

#[test]
fn there_is_one_way_to_log_in_to_the_system_account() {
    let read = |text: &str| {
        let file = format!("system: {{{text}}}\n");
        let loaded = config::load(Some(("f", &file)), &[], &Flags::default());
        loaded
            .map(|(plan, _)| plan.system)
            .map_err(|mistakes| mistakes[0].to_string())
    };
    let plan = read("urls: [nats://n1:4222], user: sys, password: s3cret").unwrap();
    assert!(!format!("{plan:?}").contains("s3cret"));
    assert!(matches!(
        plan.login,
        Some(config::SystemLogin::Password { user, .. }) if user == "sys"
    ));
    let keys = "/run/secrets/sys.nk";
    assert_eq!(
        read(&format!("nkey_file: {keys}")).unwrap().login,
        Some(config::SystemLogin::Nkey(keys.into()))
    );
    for (text, words) in [
        ("user: sys", "needs system.password_file beside it"),
        (
            "user: sys, password: s3cret, password_file: /x",
            "stands beside system.password",
        ),
        (
            "user: sys, password: s3cret, token_file: /x",
            "keep one way to log in",
        ),
    ] {
        let mistake = read(text).unwrap_err();
        assert!(
            mistake.contains(words) && !mistake.contains("s3cret"),
            "{mistake}"
        );
    }
}

#[test]
fn arguments_replace_the_servers_of_the_file() {
    let file = "servers: [{url: http://a:1, name: x, cpu_limit: 2}, {url: http://b:1}]\n";
    let flags = Flags {
        urls: vec![UrlText::new("http://c:1")],
        ..Flags::default()
    };
    let (plan, warnings) = config::load(Some(("f", file)), &[], &flags).unwrap();
    assert_eq!(plan.servers.len(), 1);
    assert_eq!(
        (plan.servers[0].url.expose(), plan.servers[0].name.clone()),
        ("http://c:1", None)
    );
    assert_eq!(warnings, []);
}

#[test]
fn every_leaf_has_its_flag_and_its_variable() {
    let mut names = std::collections::BTreeSet::new();
    for leaf in LEAVES {
        assert_eq!(leaf.key.leaf().path, leaf.path);
        let (Some(flag), Some(variable)) = (leaf.flag(), leaf.variable()) else {
            assert!(
                leaf.path.contains("[]") || matches!(leaf.kind, Kind::Secret),
                "{}",
                leaf.path
            );
            continue;
        };
        assert!(
            names.insert(flag.clone()) && names.insert(variable.clone()),
            "{flag} twice"
        );
        let given = serve_inputs(&["serve", &flag, "\u{1}bad\0"], &vec![]).flags;
        assert_eq!(given.values, [(leaf.key, "\u{1}bad\0".to_owned())]);
        // The sample is taken from each place, and a wrong text is refused in the words of that place.
        let sample = serve_inputs(&["scrape", &flag, leaf.sample()], &vec![]).flags;
        let lone = matches!(
            leaf.key,
            Key::TlsCertFile | Key::TlsKeyFile | Key::SystemUser
        );
        assert_eq!(config::load(None, &[], &sample).is_ok(), !lone, "{flag}");
        let sample = env(&[(&variable, leaf.sample())]);
        assert_eq!(
            config::load(None, &sample, &Flags::default()).is_ok(),
            !lone,
            "{variable}"
        );
        let wrong = config::load(None, &env(&[(&variable, "\u{1}bad\0")]), &given).unwrap_err();
        assert!(
            wrong[0].text.starts_with(&format!("{flag} is \"")),
            "{}",
            wrong[0]
        );
        assert_eq!(wrong[0].place, Place::Flag);
        let wrong =
            config::load(None, &env(&[(&variable, "\u{1}bad\0")]), &Flags::default()).unwrap_err();
        assert!(
            wrong[0].text.starts_with(&format!("{variable} is \"")),
            "{}",
            wrong[0]
        );
        assert_eq!(
            (wrong[0].place.clone(), wrong.len()),
            (Place::Variable, 1 + usize::from(lone))
        );
    }
    assert!(names.contains("--poll-light") && names.contains("NATSIGHT_SYSTEM_PASSWORD_FILE"));
}

#[test]
fn the_example_of_the_design_is_accepted_and_names_what_is_idle() {
    let text = include_str!("data/config/product.yml");
    let (plan, warnings) = load(text).unwrap_or_else(|mistakes| panic!("{}", lines(&mistakes)));
    assert_eq!(plan.servers[0].name.as_deref(), Some("n1"));
    assert_eq!(
        plan.external_url.map(|url| url.to_string()).as_deref(),
        Some("https://natsight.example")
    );
    let said: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert!(said.contains(
        &"warning: servers[].cpu_limit is set but has no effect in this version".to_owned()
    ));
    assert_eq!(
        said.len(),
        said.iter().collect::<std::collections::BTreeSet<_>>().len()
    );
    // The example writes every idle leaf but these.
    let missing = [
        "system.password",
        "system.creds_file",
        "system.nkey_file",
        "system.token_file",
        "collect.deny[]",
    ];
    for leaf in config::not_yet() {
        let expected = !missing
            .iter()
            .any(|path| leaf.path == *path || leaf.path.starts_with("collect.deny[]"));
        let found = said
            .iter()
            .any(|line| line.contains(&format!(": {} is set", leaf.path)));
        assert_eq!(found, expected, "{}", leaf.path);
    }
}

#[test]
fn every_mistake_is_told_at_once_with_its_place() {
    check(
        "listen: nowhere\npoll:\n  light: abc\n  ligth: 5s\n  health: 0\n  timeout: 5\n  body_max: 1KiB\n\
         servers:\n  - url: nats://n1:4222\n  - name: n2\n  - http://n3:8222\n\
         collect: {top: 1.5, streams: yes, connections: some}\nlog: text\nadmin_hosts: a\nlisten: :1\n",
        &[
            r#"natsight.yml:3:10: poll.light is "abc"; write a duration such as 5s"#,
            r#"natsight.yml:4:3: "ligth" in poll is not a key; did you mean light?"#,
            "natsight.yml:5:11: poll.health is 0; it must be 1s to 1h, for example 10s",
            "natsight.yml:6:12: poll.timeout is 5; write a duration with its unit, such as 2s",
            "natsight.yml:7:13: poll.body_max is 1KiB; it must be 64KiB to 4GiB, for example 256MiB",
            r#"natsight.yml:9:10: servers[0].url is "nats://n1:4222"; that is the client port, and the monitoring port (http) is needed; write it such as http://127.0.0.1:8222"#,
            "natsight.yml:10:5: servers[1] has no url; write one such as url: http://127.0.0.1:8222",
            r#"natsight.yml:11:5: servers[2] is "http://n3:8222"; write keys below it: url, name, pid, memory_limit, cpu_limit, profiling_url"#,
            "natsight.yml:12:16: collect.top is 1.5; write a whole number such as 20",
            r#"natsight.yml:12:30: collect.streams is "yes"; write true or false"#,
            r#"natsight.yml:12:48: collect.connections is "some"; write one of off, top, all"#,
            r#"natsight.yml:13:6: log is "text"; write keys below it: format, level"#,
            r#"natsight.yml:14:14: admin_hosts is "a"; write a list, such as ["natsight.internal"]"#,
            "natsight.yml:15:1: listen is written twice, first in line 1; keep one",
        ]
        .join("\n"),
    );
}

#[test]
fn mistakes_of_all_layers_come_together() {
    let env = env(&[("NATSIGHT_LOG_LEVEL", "loud")]);
    let flags = Flags {
        urls: vec![UrlText::new("htp://n1")],
        ..flags(&[(Key::CollectTop, "0")])
    };
    let wrong = config::load(Some(("f", "listen: x\n")), &env, &flags).unwrap_err();
    let expected = [
        r#"f:1:9: listen is "x"; write an address and a port such as 127.0.0.1:7777, or :7777 for all interfaces"#,
        r#"NATSIGHT_LOG_LEVEL is "loud"; write one of error, warn, info, debug, trace"#,
        "--collect-top is 0; it must be 1 to 1000, for example 20",
        r#"URL is "htp://n1"; it must begin with http:// or https://; write it such as http://127.0.0.1:8222"#,
    ];
    assert_eq!(lines(&wrong), expected.join("\n"));
}

#[test]
fn unknown_variables_are_warnings_with_a_suggestion() {
    let env = env(&[
        ("NATSIGHT_POLL_LIGTH", "5s"),
        ("NATSIGHT_SERVERS", "x"),
        ("NATSIGHT_SYSTEM_PASSWORD", "hunter2"),
        ("NATSIGHT_QWERTZUIOP", "x"),
        ("NATSIGHT_PORT", "tcp://10.0.0.1:7777"),
        ("NATSIGHT_PORT_7777_TCP", "tcp://10.0.0.1:7777"),
        ("NATSIGHT_SERVICE_HOST", "10.0.0.1"),
        ("NATSIGHT_CONFIG", "/x"),
        ("NATS_URL", "x"),
    ]);
    let (_, warnings) = config::load(None, &env, &Flags::default()).unwrap();
    let said: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "warning: NATSIGHT_POLL_LIGTH is not known and has no effect; did you mean NATSIGHT_POLL_LIGHT?",
            "warning: NATSIGHT_SERVERS has no effect; servers[].url is set in the configuration file only",
            "warning: NATSIGHT_SYSTEM_PASSWORD has no effect; system.password is set in the configuration file only",
            "warning: NATSIGHT_QWERTZUIOP is not known and has no effect; docs/config.md lists the variables",
        ]
    );
}

#[test]
fn a_secret_is_shown_nowhere() {
    let text = "system: {password: hunter2, urls: ['nats://u:hunter2@n1']}\n\
                external_url: https://u:hunter2@x\nservers: [{url: 'http://u:hunter2@n1:8222'}]\n";
    let (plan, warnings) = load(text).unwrap_or_else(|mistakes| panic!("{}", lines(&mistakes)));
    assert_eq!(plan.servers[0].url.expose(), "http://u:hunter2@n1:8222");
    let shown = format!("{plan:?} {plan:#?} {warnings:?}");
    assert!(
        shown.contains("http://***@n1:8222") && !shown.contains("hunter2"),
        "{shown}"
    );
    let settings = config::Settings::read("f", text).unwrap();
    let shown = format!("{settings:?} {settings:#?}");
    assert!(
        shown.contains("system.password ***") && !shown.contains("hunter2"),
        "{shown}"
    );
    for wrong in [
        "system: {password: [hunter2]}",
        "system: {password: ' '}\nlisten: http://u:hunter2@x",
        "servers: [{url: 'ftp://u:hunter2@n1'}, 'http://u:hunter2@n2']",
        "'http://u:hunter2@n1': 1",
        "poll: u:hunter2@n1",
    ] {
        let mistakes = load(wrong).unwrap_err();
        let shown = format!("{}{mistakes:?}", lines(&mistakes));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    for args in [
        &[
            "serve",
            "http://u:hunter2@n1",
            "--external-url",
            "http://u:hunter2@n1",
        ][..],
        &["check-config", "a", "http://u:hunter2@n1"],
        &["serve", "--poll-lihgt=http://u:hunter2@n1"],
        &["metrics", "--format=u:hunter2@x"],
        &["u:hunter2@n1"],
    ] {
        let shown = format!("{:?}", parse(args, &vec![]));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn a_file_is_read_within_bounds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("natsight.yml");
    let says = |path: &Path| config::read_file(path).unwrap_err().to_string();
    assert!(
        says(&path).contains("natsight.yml cannot be read: No such file"),
        "{}",
        says(&path)
    );
    assert!(says(folder.path()).contains("cannot be read: Is a directory"));
    assert!(says(Path::new("/dev/zero")).contains("/dev/zero is larger than 1048576 bytes"));
    std::fs::write(&path, b"listen: ':1'\nx: \xff\n").unwrap();
    assert!(says(&path).contains("is not UTF-8 text in line 2"));
    std::fs::write(&path, "\u{feff}listen: ':1'\r\n").unwrap();
    assert_eq!(
        plan(&config::read_file(&path).unwrap()).listen,
        Listen::Everywhere { port: 1 }
    );
}

#[test]
fn variables_are_picked_from_the_process() {
    let all = [("NATSIGHT_B", "2"), ("PATH", "x"), ("NATSIGHT_A", "1")];
    let all = all.map(|(name, text)| (OsString::from(name), OsString::from(text)));
    assert_eq!(
        config::variables(all.into_iter()),
        env(&[("NATSIGHT_A", "1"), ("NATSIGHT_B", "2")])
    );
}

#[test]
fn the_documentation_is_current_and_its_example_is_valid() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/config.md");
    let text = config::markdown();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == text,
        "docs/config.md is not current; BLESS=1 cargo test --test config rewrites it"
    );
    // As it stands the example says what is so anyway; with all keys it names each leaf once.
    let example = config::example();
    assert_eq!(load(&example), load(""));
    // Of the ways to log in to the system account there can be one.
    let other_way = |line: &&str| {
        line.contains("/run/secrets/sys.")
            || line.trim_start_matches('#').starts_with("  password: ")
    };
    let full: String = example
        .lines()
        .filter(|line| !other_way(line))
        .map(|line| line.strip_prefix('#').unwrap_or(line).to_owned() + "\n")
        .collect();
    let (_, warnings) =
        load(&full).unwrap_or_else(|mistakes| panic!("{full}\n{}", lines(&mistakes)));
    assert_eq!(warnings.len(), config::not_yet().count(), "{full}");
}
