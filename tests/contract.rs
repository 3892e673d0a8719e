//! What natsight promises to the outside: its commands, its routes, the names of its metrics.

use std::path::Path;

use natsight::catalog::{CATALOG, manual};
use natsight::expose::reader::{self, Format};
use natsight::profile::form::Form;

use broker::Broker;
use http::{ask, get};
use program::{Ended, Sidecar, run, until};

#[path = "support/broker.rs"]
mod broker;
#[path = "support/http.rs"]
mod http;
#[allow(dead_code, reason = "each test uses its part")]
#[path = "support/program.rs"]
mod program;

#[path = "contract/names.rs"]
mod names;
#[path = "contract/older.rs"]
mod older;
#[path = "contract/routes.rs"]
mod routes;

/// Commands that there are. `diagnose`, `record`, `alerts` and `top` come later.
const COMMANDS: &[&str] = &[
    "serve",
    "scrape",
    "profile",
    "metrics",
    "check-config",
    "completions",
    "man",
];

fn fine(args: &[&str]) -> String {
    let ended = run(args, &[]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{args:?}");
    ended.out
}

#[test]
fn every_command_has_help_with_examples() {
    let known: Vec<_> = natsight::config::command()
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    assert_eq!(known, COMMANDS);
    let all = fine(&["--help"]);
    for command in COMMANDS {
        assert!(all.contains(command), "{command}");
        let help = fine(&[command, "--help"]);
        let (_, examples) = help.split_once("Examples:").expect("examples");
        assert!(examples.contains(&format!("natsight {command}")), "{help}");
    }
    assert!(fine(&["--version"]).starts_with("natsight "));
}

#[test]
fn examples_of_the_help_are_understood() {
    for command in COMMANDS {
        let help = fine(&[command, "--help"]);
        let (_, examples) = help.split_once("Examples:").expect("examples");
        for line in examples
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
        {
            let words = line.split(['>', '|']).next().unwrap_or_default();
            let args = words
                .split_whitespace()
                .skip_while(|word| word.contains("NATSIGHT_"));
            let parsed = natsight::config::parse(args.map(Into::into), &[]);
            assert!(parsed.is_ok(), "{line}: {parsed:?}");
        }
    }
}

#[test]
fn the_catalog_is_printed_for_people_and_programs() {
    assert_eq!(fine(&["metrics"]), manual::markdown());
    assert_eq!(
        fine(&["metrics", "--format", "markdown"]),
        manual::markdown()
    );
    let json: serde_json::Value =
        serde_json::from_str(&fine(&["metrics", "--format", "json"])).expect("JSON");
    let families = json.as_array().expect("an array");
    assert_eq!(families.len(), CATALOG.len());
    for (family, def) in families.iter().zip(CATALOG) {
        let word = |key: &str| {
            family[key]
                .as_str()
                .unwrap_or_else(|| panic!("{key}: {family}"))
        };
        assert_eq!(word("name"), def.name);
        assert_eq!(word("help"), def.help);
        assert!(["counter", "gauge", "histogram", "info"].contains(&word("type")));
        assert!(["", "seconds", "bytes", "ratio"].contains(&word("unit")));
        assert!(["core", "detail"].contains(&word("level")));
        let tiers = [
            "light",
            "health",
            "connections",
            "streams",
            "consumers",
            "config",
        ];
        assert!(tiers.contains(&word("tier")), "{family}");
        assert!(!word("source").is_empty());
        let labels = family["labels"].as_array().expect("labels");
        let of_a_server = labels.first().is_some_and(|label| label == "server_name");
        assert_eq!(of_a_server, !def.name.starts_with("natsight_"), "{family}");
    }
}

#[test]
fn completions_and_the_manual_page_name_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = fine(&["completions", shell]);
        for command in COMMANDS {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    let page = fine(&["man"]);
    assert!(page.contains(".TH natsight 1"), "{}", &page[..200]);
    for words in [
        "check\\-config",
        "NATSIGHT_CONFIG",
        "EXIT STATUS",
        "\\-\\-poll\\-light",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

fn written(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("it is written");
    file
}

fn path(file: &tempfile::NamedTempFile) -> &str {
    file.path().to_str().expect("text")
}

#[test]
fn check_config_says_every_mistake_at_once() {
    let good = written("servers:\n  - url: http://127.0.0.1:8222\npoll: {light: 2s}\n");
    assert_eq!(
        fine(&["check-config", path(&good)]),
        format!("{}: fine\n", path(&good))
    );
    let bad = written("poll:\n  light: 0s\n  helth: 5s\nlisten: nowhere\n");
    let ended = run(&["check-config", path(&bad)], &[]);
    let lines: Vec<_> = ended.err.lines().collect();
    assert_eq!(
        (ended.code, ended.out.as_str(), lines.len()),
        (64, "", 3),
        "{ended:?}"
    );
    for (line, place) in lines.iter().zip([":2:10: ", ":3:3: ", ":4:9: "]) {
        assert!(line.contains(&format!("{}{place}", path(&bad))), "{line}");
    }
    let later = written("clients: {services: true}\n");
    let ended = run(&["check-config", path(&later)], &[]);
    assert_eq!((ended.code, ended.err.lines().count()), (0, 1), "{ended:?}");
    assert!(ended.err.contains("clients.services"), "{}", ended.err);
}

/// One sentence with these words, nothing else.
fn refused(ended: &Ended, words: &[&str], what: &str) {
    assert_eq!(ended.code, 64, "{what}: {ended:?}");
    assert_eq!(ended.out, "", "{what}");
    assert_eq!(ended.err.lines().count(), 1, "{what}: {}", ended.err);
    assert!(ended.err.starts_with("natsight: "), "{what}: {}", ended.err);
    assert!(!ended.err.contains("hunter2"), "{what}: {}", ended.err);
    for word in words {
        assert!(
            ended.err.contains(word),
            "{what} lacks {word:?}: {}",
            ended.err
        );
    }
}

#[test]
fn a_wrong_capture_gets_one_sentence() {
    let profile = |rest: &[&str]| run(&[&["profile", "cpu"], rest].concat(), &[]);
    for (rest, words) in [
        (
            &["-o", "x.svg"][..],
            &["http://127.0.0.1:8222", "--pid"][..],
        ),
        (
            &["--pid", "1", "-o", "x.svg", "--engine", "magic"],
            &["magic", "native"],
        ),
        (&["ftp://n1", "-o", "x.svg"], &["ftp://n1"]),
        (&["--pid", "0", "-o", "x.svg"], &["'0'", "--pid"]),
        (&["--pid", "1", "-o", "x.png"], &["x.png", ".svg"]),
        (
            &["--pid", "1", "-d", "61s", "-o", "x.svg"],
            &["61s", "1s to 1m"],
        ),
        (
            &["--pid", "1", "--rate", "1000", "-o", "x.svg"],
            &["1000", "999"],
        ),
    ] {
        refused(&profile(rest), words, &format!("{rest:?}"));
    }
    // config does not know forms, so its help repeats the endings.
    let help = profile(&["--help"]).out;
    for ending in Form::endings().split(' ') {
        assert!(help.contains(ending), "{ending} is not in {help}");
    }
    let ended = profile(&["--pid", "2147483647", "-o", "x.svg"]);
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(
        ended.err.contains("there is no process 2147483647"),
        "{}",
        ended.err
    );
}

#[test]
fn two_profiles_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    std::fs::write(path("a.folded"), "main;hot 4\nmain;gone 3\n").unwrap();
    std::fs::write(path("b.folded"), "main;hot 9\n").unwrap();
    std::fs::write(path("c.pb.gz"), "no profile").unwrap();
    let diff = |names: [&str; 3]| {
        let [before, after, to] = names.map(path);
        run(&["profile", "diff", &before, &after, "-o", &to], &[])
    };
    for (to, words) in [
        ("d.svg", "red grew"),
        ("d.folded", "main;gone 3 0\nmain;hot 4 9\n"),
        ("d.top.txt", "hot"),
        ("d.top.json", "\"change\": 5"),
    ] {
        let done = diff(["a.folded", "b.folded", to]);
        assert_eq!(done.code, 0, "{}", done.err);
        assert!(done.err.contains("7 before, 9 after"), "{}", done.err);
        let text = std::fs::read_to_string(path(to)).unwrap();
        assert!(text.contains(words), "{to}: {text}");
    }
    let wrong = diff(["a.folded", "b.folded", "d.pb.gz"]);
    refused(
        &wrong,
        &["d.pb.gz", ".top.json"],
        "an ending that is no comparison",
    );
    for (wrong, words) in [
        ("none.folded", "cannot be read"),
        ("c.pb.gz", "no protobuf"),
    ] {
        let ended = diff([wrong, "b.folded", "d.svg"]);
        refused(&ended, &[wrong, words], "a file that is none");
    }
}

#[test]
fn a_wrong_command_line_gets_one_sentence_and_64() {
    for (args, words) in [
        (&[][..], &["command is missing", "natsight serve"][..]),
        (&["serv"], &["serv", "serve"]),
        (
            &["serve", "--no-such-flag"],
            &["--no-such-flag", "serve --help"],
        ),
        (
            &["serve", "--poll-light", "0s"],
            &["--poll-light", "0s", "1s"],
        ),
        (
            &["serve", "--listen", "nowhere"],
            &["nowhere", "127.0.0.1:7777"],
        ),
        (&["serve", "--log-level", "loud"], &["loud", "info"]),
        (
            &["serve", "nats://127.0.0.1:4222"],
            &["nats://127.0.0.1:4222", "monitoring port"],
        ),
        (
            &["scrape", "http://u:hunter2@n1:99999"],
            &["***@n1:99999", "65535"],
        ),
        (&["scrape", "http://u:hunter2@n 1"], &["***@n 1"]),
        (&["serve", "--hunter2@x"], &["***@x"]),
        (
            &["serve", "--config", "/nonexistent/n.yml"],
            &["/nonexistent/n.yml", "check the path"],
        ),
        (
            &["check-config", "/nonexistent/n.yml"],
            &["/nonexistent/n.yml", "check the path"],
        ),
        (&["check-config"], &["<FILE>", "check-config --help"]),
        (&["check-config", "/"], &["/", "cannot be read"]),
        (&["metrics", "--format", "xml"], &["xml", "json"]),
        (&["completions", "tcsh"], &["tcsh", "bash"]),
        (
            &[
                "serve",
                "https://n1:8222",
                "--tls-ca-file",
                "/nonexistent.pem",
            ],
            &["/nonexistent.pem"],
        ),
        (&["serve", "--tls-cert-file", "/c.pem"], &["/c.pem", "key"]),
        (&["serve", "n1", "n1"], &["n1", "keep one"]),
    ] {
        refused(&run(args, &[]), words, &format!("{args:?}"));
    }
    let ended = run(&["serve"], &[("NATSIGHT_POLL_LIGHT", "often")]);
    refused(&ended, &["NATSIGHT_POLL_LIGHT", "often", "5s"], "variable");
    let ended = run(&["serve", &"x".repeat(10_000)], &[]);
    assert!(ended.err.len() < 1000, "{}", ended.err);
}

#[test]
fn scrape_prints_a_page_and_ends() {
    let broker = Broker::start("n1");
    let ended = run(&["scrape", &broker.url(), "--probes-connect", "0"], &[]);
    // This broker lacks endpoints that every version has: natsight warns.
    assert_eq!(ended.code, 1, "{ended:?}");
    let page = reader::read(ended.out.as_bytes(), Format::Text004).expect("a page");
    assert_eq!(page.value("nats_up", &[("server_name", "n1")]), Some(1.0));
    // Beyond 2^53 a float would show another number.
    let messages = page
        .only("nats_server_in_messages_total", &[])
        .expect("one");
    assert_eq!(messages.text, "18446744073709551615");
    let messages = page
        .only("nats_server_out_messages_total", &[])
        .expect("one");
    assert_eq!(messages.text, "9007199254740993");
}

#[test]
fn a_broker_that_is_down_is_said_and_gives_2() {
    let broker = Broker::start("n1");
    broker.set_gone(true);
    let secret = broker.url().replace("http://", "http://admin:hunter2@");
    let ended = run(&["scrape", &secret], &[]);
    assert_eq!((ended.code, ended.err.lines().count()), (2, 1), "{ended:?}");
    assert!(
        ended
            .err
            .contains(broker.url().trim_start_matches("http://")),
        "{}",
        ended.err
    );
    assert!(!ended.err.contains("hunter2") && !ended.out.contains("hunter2"));
    let page = reader::read(ended.out.as_bytes(), Format::Text004).expect("a page");
    assert_eq!(page.value("nats_up", &[]), Some(0.0));
    assert!(page.family("nats_server_connections").is_none());
}

/// A body that belongs to git: compared, or written anew with `BLESS=1`.
fn blessed(path: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, text).expect("it is written");
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let hint = "BLESS=1 cargo test --test contract writes it anew";
    assert!(known == text, "{} is not current; {hint}", path.display());
}

#[test]
fn metrics_page_is_current() {
    blessed("docs/metrics.md", &manual::markdown());
}
