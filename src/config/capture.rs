//! `natsight profile`: what to capture, of whom, and where to; `natsight profile diff`: what to compare.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};

use super::args::{self, Inputs, UsageError};
use super::secret::UrlText;
use super::units::{duration, show_duration};
use crate::profile::{EngineName, Kind};

/// Longest capture.
const SPAN_MAX: Duration = Duration::from_secs(60);
/// Most samples in a second of CPU time; above it a broker could feel them.
const RATE_MAX: u32 = 999;
const SPAN_MIN: Duration = Duration::from_secs(1);
/// How long CPU time is watched where nobody says.
const SPAN_DEFAULT: Duration = Duration::from_secs(10);
/// Sections of the configuration whose flags `profile` takes, and whose values it uses.
const SECTIONS: [&str; 2] = ["tls.", "system."];

/// What `natsight profile` is to do.
#[derive(Debug, Clone, PartialEq)]
pub enum ProfileCommand {
    /// Capture.
    Capture(Box<CaptureArgs>),
    /// Compare two files.
    Diff(DiffArgs),
}

/// A capture as the command line asks for it.
#[derive(Debug, Clone, PartialEq)]
pub struct CaptureArgs {
    /// What to tell of.
    pub kind: Kind,
    /// The process, where it is named.
    pub pid: Option<u32>,
    /// How long to watch: 1 to 60 s. `None` for what is there at the moment.
    pub span: Option<Duration>,
    /// Samples in a second of CPU time: 1 to 999.
    pub rate: u32,
    /// The one engine to use; `None` takes the best that works.
    pub engine: Option<EngineName>,
    /// The broker's profiling port.
    pub profiling_url: Option<UrlText>,
    /// Whether goroutine dumps may be taken of a broker that has very many.
    pub large: bool,
    /// Whether goroutine dumps are taken beside, to see locks.
    pub locks: bool,
    /// The file to write; its ending picks the form.
    pub output: PathBuf,
    /// The broker: its monitoring URL, or its name or URL in the configuration file.
    pub target: Option<UrlText>,
    /// The configuration file, and how to reach the system account.
    pub inputs: Inputs,
}

/// Two profiles to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffArgs {
    /// The first.
    pub before: PathBuf,
    /// The second.
    pub after: PathBuf,
    /// Whether shares are compared instead of amounts.
    pub normalize: bool,
    /// The file to write.
    pub output: PathBuf,
}

pub(super) fn command() -> Command {
    let kinds = PossibleValuesParser::new(Kind::ALL.map(Kind::word));
    let kind = Arg::new("kind")
        .value_name("KIND")
        .required(true)
        .value_parser(kinds)
        .help("What to tell of");
    let target = Arg::new("target")
        .value_name("TARGET")
        .value_hint(ValueHint::Url)
        .help("The broker: its monitoring URL, or its name in --config [default: the first server of --config]");
    Command::new("profile")
        .about("See where a broker's CPU time and memory go: a flame graph, from outside where possible")
        .args([kind, target])
        .args(how())
        .args([output(".svg .icicle.svg .folded .pb.gz .speedscope.json .top.txt .top.json")])
        .arg(args::config_flag())
        .args(args::flags_of(&SECTIONS))
        .subcommand(diff())
        .subcommand_negates_reqs(true)
        .args_conflicts_with_subcommands(true)
        .after_help(
            "Examples:\n  natsight profile cpu --pid 4711 -d 10s -o hot.svg\n  \
             natsight profile cpu http://127.0.0.1:8222 --locks -o hot.svg\n  \
             natsight profile heap http://127.0.0.1:8222 --profiling-url http://127.0.0.1:65432 -o heap.pb.gz\n  \
             natsight profile goroutine http://127.0.0.1:8222 -o goroutines.top.txt\n  \
             natsight profile diff before.pb.gz after.pb.gz -o what-changed.svg",
        )
}

/// Flags that say how a capture is made.
fn how() -> [Arg; 7] {
    let pid = Arg::new("pid")
        .long("pid")
        .value_name("PID")
        .value_parser(value_parser!(u32).range(1..=i64::from(i32::MAX)))
        .help("The broker's process id; without it the process that listens on TARGET's port");
    let span = Arg::new("duration")
        .short('d')
        .long("duration")
        .value_name("DURATION")
        .help("How long to watch, 1s to 60s: cpu 10s by default; all else what is there now, or with this what came within");
    let rate = Arg::new("rate")
        .long("rate")
        .value_name("NUMBER")
        .default_value("99")
        .value_parser(value_parser!(u32).range(1..=i64::from(RATE_MAX)))
        .help("Samples in a second of CPU time, 1 to 999");
    let engine = Arg::new("engine")
        .long("engine")
        .value_name("ENGINE")
        .default_value("auto")
        .value_parser(PossibleValuesParser::new(
            std::iter::once("auto").chain(EngineName::ALL.map(EngineName::word)),
        ))
        .help("The way to take it; auto takes the best that works");
    let profiling_url = Arg::new("profiling-url")
        .long("profiling-url")
        .value_name("URL")
        .value_hint(ValueHint::Url)
        .help("The broker's profiling port (prof_port), such as http://127.0.0.1:65432");
    let locks = Arg::new("locks")
        .long("locks")
        .action(ArgAction::SetTrue)
        .help("Take three goroutine dumps meanwhile, and say which locks are waited for");
    let large = Arg::new("large")
        .long("large")
        .action(ArgAction::SetTrue)
        .help(
            "Take goroutine dumps even of a broker that has very many: each stops it for a moment",
        );
    [pid, span, rate, engine, profiling_url, locks, large]
}

fn diff() -> Command {
    let file = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .value_name(if name == "before" { "BEFORE" } else { "AFTER" })
            .required(true)
            .value_parser(value_parser!(PathBuf))
            .value_hint(ValueHint::FilePath)
            .help(help)
    };
    let normalize = Arg::new("normalize")
        .long("normalize")
        .action(ArgAction::SetTrue)
        .help("Compare shares of the whole instead of amounts");
    Command::new("diff")
        .about("Compare two profiles: what grew is red, what shrank blue")
        .args([
            file("before", "The first profile, .pb.gz or .folded"),
            file("after", "The second profile"),
            normalize,
            output(".svg .folded .top.txt .top.json"),
        ])
        .after_help(
            "Examples:\n  natsight profile diff before.pb.gz after.pb.gz -o what-changed.svg",
        )
}

fn output(endings: &str) -> Arg {
    Arg::new("output")
        .short('o')
        .long("output")
        .value_name("FILE")
        .required(true)
        .value_parser(value_parser!(PathBuf))
        .value_hint(ValueHint::FilePath)
        .help(format!(
            "The file to write; its ending picks the form: {endings}"
        ))
}

pub(super) fn read(
    matches: &ArgMatches,
    env: &[(String, String)],
) -> Result<ProfileCommand, UsageError> {
    if let Some(matches) = matches.subcommand_matches("diff") {
        return Ok(ProfileCommand::Diff(DiffArgs {
            before: path(matches, "before"),
            after: path(matches, "after"),
            normalize: matches.get_flag("normalize"),
            output: path(matches, "output"),
        }));
    }
    let text = |name: &str| matches.get_one::<String>(name).map(String::as_str);
    let kind = text("kind").and_then(Kind::of_word).unwrap_or(Kind::Cpu);
    let target = text("target").map(UrlText::new);
    let inputs = args::inputs_for(matches, env, None, &SECTIONS);
    let ask = CaptureArgs {
        kind,
        pid: matches.get_one("pid").copied(),
        span: span(kind, text("duration"))?,
        rate: matches.get_one("rate").copied().unwrap_or(1),
        engine: text("engine").and_then(EngineName::of_word),
        profiling_url: text("profiling-url").map(UrlText::new),
        large: matches.get_flag("large"),
        locks: matches.get_flag("locks"),
        output: path(matches, "output"),
        target,
        inputs,
    };
    let named = ask.target.is_some() || ask.inputs.config.is_some();
    if ask.pid.is_none() && !named && ask.profiling_url.is_none() {
        let text = "a broker is missing; give its monitoring URL, such as http://127.0.0.1:8222, or --pid with its process id";
        return Err(UsageError {
            text: text.to_owned(),
        });
    }
    Ok(ProfileCommand::Capture(Box::new(ask)))
}

fn path(matches: &ArgMatches, name: &str) -> PathBuf {
    matches
        .get_one::<PathBuf>(name)
        .cloned()
        .unwrap_or_default()
}

fn span(kind: Kind, text: Option<&str>) -> Result<Option<Duration>, UsageError> {
    let Some(text) = text else {
        return Ok((kind == Kind::Cpu).then_some(SPAN_DEFAULT));
    };
    match duration(text) {
        Some(known) if (SPAN_MIN..=SPAN_MAX).contains(&known) => Ok(Some(known)),
        _ => {
            let (least, most) = (show_duration(SPAN_MIN), show_duration(SPAN_MAX));
            let text = format!("--duration is {text:?}; it must be {least} to {most}, such as 10s");
            Err(UsageError { text })
        }
    }
}
