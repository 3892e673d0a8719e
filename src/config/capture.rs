//! `natsight profile`: what to capture, of whom, and where to.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};

use super::args::UsageError;
use super::units::{duration, show_duration};

/// Longest capture.
const SPAN_MAX: Duration = Duration::from_secs(60);
/// Most samples in a second of CPU time; above it a broker could feel them.
const RATE_MAX: u32 = 999;
const SPAN_MIN: Duration = Duration::from_secs(1);

/// A capture as the command line asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureArgs {
    /// The process.
    pub pid: u32,
    /// How long to watch: 1 to 60 s.
    pub span: Duration,
    /// Samples in a second of CPU time: 1 to 999.
    pub rate: u32,
    /// The file to write; its ending picks the form.
    pub output: PathBuf,
}

pub(super) fn command() -> Command {
    let kind = Arg::new("kind")
        .value_name("KIND")
        .required(true)
        .value_parser(["cpu"])
        .help("What to tell of");
    let pid = Arg::new("pid")
        .long("pid")
        .value_name("PID")
        .required(true)
        .value_parser(value_parser!(u32).range(1..=i64::from(i32::MAX)))
        .help("The broker's process id");
    let span = Arg::new("duration")
        .short('d')
        .long("duration")
        .value_name("DURATION")
        .default_value("10s")
        .help("How long to watch, 1s to 60s");
    let rate = Arg::new("rate")
        .long("rate")
        .value_name("NUMBER")
        .default_value("99")
        .value_parser(value_parser!(u32).range(1..=i64::from(RATE_MAX)))
        .help("Samples in a second of CPU time, 1 to 999");
    let output = Arg::new("output")
        .short('o')
        .long("output")
        .value_name("FILE")
        .required(true)
        .value_parser(value_parser!(PathBuf))
        .value_hint(ValueHint::FilePath)
        .help("The file to write; its ending picks the form: .svg .folded .pb.gz");
    Command::new("profile")
        .about("See where a broker's CPU time goes, from outside: a flame graph, without any setting of the broker")
        .args([kind, pid, span, rate, output])
        .after_help(
            "Examples:\n  natsight profile cpu --pid 4711 -d 10s -o hot.svg\n  \
             natsight profile cpu --pid 4711 --rate 999 -o hot.pb.gz",
        )
}

pub(super) fn read(matches: &ArgMatches) -> Result<CaptureArgs, UsageError> {
    let span = matches
        .get_one::<String>("duration")
        .map_or("", String::as_str);
    let span = match duration(span) {
        Some(known) if (SPAN_MIN..=SPAN_MAX).contains(&known) => known,
        _ => {
            let (least, most) = (show_duration(SPAN_MIN), show_duration(SPAN_MAX));
            let text = format!("--duration is {span:?}; it must be {least} to {most}, such as 10s");
            return Err(UsageError { text });
        }
    };
    Ok(CaptureArgs {
        pid: matches.get_one("pid").copied().unwrap_or(1),
        span,
        rate: matches.get_one("rate").copied().unwrap_or(1),
        output: matches
            .get_one::<PathBuf>("output")
            .cloned()
            .unwrap_or_default(),
    })
}
