//! Command lines in, invocations or one sentence out.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use natsight::config::{self, Inputs, Invocation, LEAVES, MetricsFormat, Shell, UrlText};

use super::{Env, env};

pub(super) fn parse(args: &[&str], env: &Env) -> Result<Invocation, String> {
    let args = ["natsight"].iter().chain(args).map(OsString::from);
    config::parse(args, env).map_err(|error| error.to_string())
}

pub(super) fn serve_inputs(args: &[&str], env: &Env) -> Inputs {
    match parse(args, env) {
        Ok(Invocation::Serve(inputs) | Invocation::Scrape(inputs)) => inputs,
        other => panic!("{args:?} gave {other:?}"),
    }
}

#[test]
fn commands_are_read() {
    let none = vec![];
    assert_eq!(parse(&["man"], &none), Ok(Invocation::Man));
    assert_eq!(
        parse(&["metrics"], &none),
        Ok(Invocation::Metrics(MetricsFormat::Markdown))
    );
    assert_eq!(
        parse(&["metrics", "--format", "json"], &none),
        Ok(Invocation::Metrics(MetricsFormat::Json))
    );
    let file = PathBuf::from("x.yml");
    assert_eq!(
        parse(&["check-config", "x.yml"], &none),
        Ok(Invocation::CheckConfig { file })
    );
    assert_eq!(
        parse(&["completions", "zsh"], &none),
        Ok(Invocation::Completions(Shell::Zsh))
    );
    let inputs = serve_inputs(&["serve", "a:1", "--poll-light", "6s", "b:2"], &none);
    assert_eq!(
        inputs.flags.urls,
        [UrlText::new("a:1"), UrlText::new("b:2")]
    );
    assert_eq!(inputs.config, None);
    let set = env(&[("NATSIGHT_CONFIG", "/env.yml")]);
    assert_eq!(
        serve_inputs(&["scrape"], &set).config.as_deref(),
        Some(Path::new("/env.yml"))
    );
    assert_eq!(
        serve_inputs(&["serve", "--config", "/f.yml"], &set)
            .config
            .as_deref(),
        Some(Path::new("/f.yml"))
    );
    let empty = env(&[("NATSIGHT_CONFIG", "")]);
    assert_eq!(serve_inputs(&["serve"], &empty).config, None);
}

#[test]
fn help_and_version_are_no_mistakes_and_help_has_examples() {
    let say = |args: &[&str]| match parse(args, &vec![]) {
        Ok(Invocation::Say(text)) => text,
        other => panic!("{args:?} gave {other:?}"),
    };
    assert_eq!(
        say(&["--version"]),
        format!("natsight {}\n", env!("CARGO_PKG_VERSION"))
    );
    for command in [
        "serve",
        "scrape",
        "metrics",
        "check-config",
        "completions",
        "man",
    ] {
        assert!(say(&["--help"]).contains(command));
        let help = say(&[command, "--help"]);
        assert!(
            help.contains("Examples:\n  natsight ") && help.contains(command),
            "{help}"
        );
    }
    let help = say(&["serve", "--help"]);
    for leaf in LEAVES.iter().filter(|leaf| !leaf.file_only()) {
        assert!(
            help.contains(&leaf.flag().unwrap()) && help.contains(&leaf.variable().unwrap()),
            "{}",
            leaf.path
        );
    }
}

#[test]
fn a_wrong_command_line_is_one_sentence_with_the_next_step() {
    let wrong = |args: &[&str]| parse(args, &vec![]).unwrap_err();
    assert_eq!(
        wrong(&["serve", "--pol-light", "5s"]),
        "unexpected argument '--pol-light' found; a similar argument exists: '--poll-light'; see natsight serve --help"
    );
    assert_eq!(
        wrong(&["serv"]),
        "unrecognized subcommand 'serv'; a similar subcommand exists: 'serve'; see natsight --help"
    );
    assert_eq!(
        wrong(&[]),
        "a command is missing; try natsight serve http://127.0.0.1:8222, or natsight --help"
    );
    assert_eq!(
        wrong(&["check-config"]),
        "the following required arguments were not provided: <FILE>; see natsight check-config --help"
    );
    assert_eq!(
        wrong(&["metrics", "--format", "xml"]),
        "invalid value 'xml' for '--format <FORMAT>' [possible values: markdown, json]; see natsight metrics --help"
    );
    assert!(
        wrong(&["serve", "--poll-light"])
            .starts_with("a value is required for '--poll-light <DURATION>'")
    );
    assert!(
        wrong(&["serve", "--poll-light", "1s", "--poll-light", "2s"])
            .contains("cannot be used multiple times")
    );
    assert!(wrong(&["man", &"x".repeat(10_000)]).len() < 500);
}

#[test]
fn completions_and_manual_name_every_flag() {
    for shell in [
        Shell::Bash,
        Shell::Zsh,
        Shell::Fish,
        Shell::Elvish,
        Shell::PowerShell,
    ] {
        let mut out = Vec::new();
        config::completions(shell, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.contains("poll-light") && text.contains("check-config"),
            "{shell}"
        );
    }
    let mut out = Vec::new();
    config::man(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap().replace("\\-", "-");
    for leaf in LEAVES.iter().filter(|leaf| !leaf.file_only()) {
        assert!(text.contains(&leaf.flag().unwrap()), "{}", leaf.path);
    }
    assert!(
        text.starts_with(".ie") || text.starts_with(".TH"),
        "{}",
        &text[..80]
    );
    assert!(text.contains("natsight serve") && text.contains("64 wrong before any contact"));
}
