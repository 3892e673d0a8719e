//! The command line: which command, with which inputs. Flags of leaves are made from the table; their texts are
//! only collected here, so that all mistakes are reported together with those of the file.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser, ValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};

pub use clap_complete::Shell;

use super::capture::{self, ProfileCommand};
use super::leaf::{Effect, Given, Kind, Leaf};
use super::older::{self, Older};
use super::secret::{UrlText, redacted};
use super::settings::Flags;
use super::table::LEAVES;

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Invocation {
    /// Run the sidecar.
    Serve(Inputs),
    /// Poll everything once, print the page.
    Scrape(Inputs),
    /// Profile a broker, or compare profiles.
    Profile(ProfileCommand),
    /// Print the catalog.
    Metrics(MetricsFormat),
    /// Check a configuration file.
    CheckConfig {
        /// The file.
        file: PathBuf,
    },
    /// Print the completions of a shell.
    Completions(Shell),
    /// Print the manual page.
    Man,
    /// Print this text to standard output and end with 0: help or version.
    Say(String),
}

/// Where the plan of a command comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs {
    /// The configuration file, from `--config` or `NATSIGHT_CONFIG`.
    pub config: Option<PathBuf>,
    /// Flags and URLs.
    pub flags: Flags,
    /// Under the name of the older exporter: what its flags decide.
    pub older: Option<Older>,
}

/// The form of the catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsFormat {
    /// A table for people.
    Markdown,
    /// An array of objects.
    Json,
}

/// A command line that cannot be understood: exit code 64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageError {
    /// One sentence with the value and the next step.
    pub text: String,
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for UsageError {}

/// Reads a command line; the first argument is the program's name. `env` holds the process's variables.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
    env: &[(String, String)],
) -> Result<Invocation, UsageError> {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some((_, rest)) = args
        .split_first()
        .filter(|(name, _)| older::is_called_so(name))
    {
        return older::parse(rest.iter().cloned(), config_variable(env));
    }
    let matches = match command().try_get_matches_from(&args) {
        Ok(matches) => matches,
        Err(error) => return refusal(&error, &args),
    };
    let invocation = match matches.subcommand() {
        Some(("serve", matches)) => Invocation::Serve(inputs(matches, env)),
        Some(("scrape", matches)) => Invocation::Scrape(inputs(matches, env)),
        Some(("profile", matches)) => Invocation::Profile(capture::read(matches, env)?),
        Some(("metrics", matches)) => match matches.get_one::<String>("format").map(String::as_str)
        {
            Some("json") => Invocation::Metrics(MetricsFormat::Json),
            _ => Invocation::Metrics(MetricsFormat::Markdown),
        },
        Some(("check-config", matches)) => Invocation::CheckConfig {
            file: matches
                .get_one::<PathBuf>("file")
                .cloned()
                .unwrap_or_default(),
        },
        Some(("completions", matches)) => match matches.get_one::<Shell>("shell") {
            Some(shell) => Invocation::Completions(*shell),
            None => return Err(no_command()),
        },
        Some(("man", _)) => Invocation::Man,
        _ => return Err(no_command()),
    };
    Ok(invocation)
}

/// The whole command line, for parsing, completions and the manual page.
pub fn command() -> Command {
    Command::new("natsight")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Stands beside NATS servers: what is happening, why, and where in the code")
        .subcommand_required(true)
        .after_help(
            "Examples:\n  natsight serve http://127.0.0.1:8222\n  natsight check-config /etc/natsight/natsight.yml\n\n\
             Exit codes: 0 fine; 1 warning found; 2 critical found, or it failed; 64 wrong before any contact.",
        )
        .subcommands([serve(), scrape(), capture::command(), metrics(), check_config(), completions_command(), man_command()])
}

fn serve() -> Command {
    planned(Command::new("serve"))
        .about("Run the sidecar: poll the servers, serve /metrics")
        .after_help(
            "Examples:\n  natsight serve\n  natsight serve http://n1:8222 http://n2:8222 --listen 127.0.0.1:7777\n  \
             natsight serve --config /etc/natsight/natsight.yml --poll-light 2s\n  \
             NATSIGHT_LOG_FORMAT=json natsight serve n1:8222",
        )
}

fn scrape() -> Command {
    planned(Command::new("scrape"))
        .about("Poll everything once, print the page, exit")
        .after_help(
            "Examples:\n  natsight scrape http://n1:8222\n  natsight scrape n1:8222 --collect-connections top --collect-top 5",
        )
}

fn metrics() -> Command {
    let format = Arg::new("format")
        .long("format")
        .value_name("FORMAT")
        .value_parser(["markdown", "json"])
        .default_value("markdown")
        .help("A table for people, or an array of JSON objects");
    Command::new("metrics")
        .about("Print the catalog: every metric family with type, unit, labels, tier and source")
        .arg(format)
        .after_help("Examples:\n  natsight metrics\n  natsight metrics --format json")
}

fn check_config() -> Command {
    let file = Arg::new("file")
        .value_name("FILE")
        .required(true)
        .value_parser(value_parser!(PathBuf))
        .value_hint(ValueHint::FilePath)
        .help("The configuration file");
    Command::new("check-config")
        .about("Check a configuration file: every mistake at once, with line and column")
        .arg(file)
        .after_help("Examples:\n  natsight check-config /etc/natsight/natsight.yml")
}

fn completions_command() -> Command {
    let shell = Arg::new("shell")
        .value_name("SHELL")
        .required(true)
        .value_parser(value_parser!(Shell))
        .help("The shell");
    Command::new("completions")
        .about("Print the completions of a shell")
        .arg(shell)
        .after_help("Examples:\n  natsight completions bash > /usr/share/bash-completion/completions/natsight")
}

fn man_command() -> Command {
    Command::new("man")
        .about("Print the manual page")
        .after_help(
            "Examples:\n  natsight man > /usr/share/man/man1/natsight.1\n  natsight man | man -l -",
        )
}

/// A command that needs a plan: URLs, the file, and a flag for each leaf of the table that is not of a list.
fn planned(command: Command) -> Command {
    let urls = Arg::new("urls")
        .value_name("URL")
        .num_args(0..)
        .value_hint(ValueHint::Url)
        .help("Monitoring URLs of servers; they replace those of the file [default: http://127.0.0.1:8222]");
    command.arg(urls).arg(config_flag()).args(flags_of(&[""]))
}

pub(super) fn config_flag() -> Arg {
    Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .value_hint(ValueHint::FilePath)
        .help(format!(
            "The configuration file [env: {}]",
            super::CONFIG_VARIABLE
        ))
}

/// A flag for each leaf whose path begins in one of these ways.
pub(super) fn flags_of(beginnings: &[&str]) -> Vec<Arg> {
    leaves_of(beginnings).map(flag).collect()
}

fn leaves_of<'b>(beginnings: &'b [&str]) -> impl Iterator<Item = &'static Leaf> + use<'b> {
    LEAVES.iter().filter(|leaf| {
        !leaf.file_only() && beginnings.iter().any(|start| leaf.path.starts_with(start))
    })
}

fn flag(leaf: &'static Leaf) -> Arg {
    let long = leaf.flag().unwrap_or_default();
    let arg = Arg::new(leaf.path)
        .long(long.trim_start_matches('-').to_owned())
        .value_name(value_name(leaf.kind))
        .value_parser(ValueParser::new(AnyText(leaf.kind)))
        .help(flag_help(leaf));
    let arg = match leaf.kind {
        Kind::Path => arg.value_hint(ValueHint::FilePath),
        Kind::Url { .. } => arg.value_hint(ValueHint::Url),
        _ => arg,
    };
    match leaf.path.split_once('.') {
        Some((section, _)) => arg.help_heading(heading(section)),
        None => arg,
    }
}

fn heading(section: &'static str) -> String {
    match section {
        "tls" => "TLS".to_owned(),
        _ => section[..1].to_ascii_uppercase() + &section[1..],
    }
}

/// The doc sentence of the table, the default and the variable.
fn flag_help(leaf: &Leaf) -> String {
    let mut text = super::manual::sentence(leaf.doc)
        .trim_end_matches('.')
        .to_owned();
    if leaf.effect == Effect::Later {
        text.push_str(" (no effect in this version)");
    }
    if let Given::Default(default) = leaf.given {
        text.push_str(&format!(" [default: {default}]"));
    }
    text.push_str(&format!(" [env: {}]", leaf.variable().unwrap_or_default()));
    text
}

fn value_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "TEXT",
        Kind::Pattern => "PATTERN",
        Kind::HostName => "NAME",
        Kind::Path => "PATH",
        Kind::Listen { .. } => "ADDRESS",
        Kind::Url { .. } => "URL",
        Kind::Duration { .. } => "DURATION",
        Kind::Size { .. } => "SIZE",
        Kind::Number { .. } | Kind::Count { .. } | Kind::Pid => "NUMBER",
        Kind::Switch => "true|false",
        Kind::Word(_) | Kind::Compat => "WORD",
        Kind::Secret => "SECRET",
    }
}

/// Takes any text, and tells shells which words there are. Refusing here would report one mistake at a time.
#[derive(Clone)]
struct AnyText(Kind);

impl TypedValueParser for AnyText {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        match self.0 {
            Kind::Word(words) => Some(Box::new(words.iter().map(|word| PossibleValue::new(*word)))),
            Kind::Switch => Some(Box::new(
                ["true", "false"].into_iter().map(PossibleValue::new),
            )),
            _ => None,
        }
    }
}

fn inputs(matches: &ArgMatches, env: &[(String, String)]) -> Inputs {
    let urls = matches.get_many::<String>("urls").unwrap_or_default();
    inputs_for(matches, env, urls.map(String::as_str), &[""])
}

/// Where the plan of a command comes from that watches `urls` and has the flags of [`flags_of`] the same `beginnings`.
pub(super) fn inputs_for<'u>(
    matches: &ArgMatches,
    env: &[(String, String)],
    urls: impl IntoIterator<Item = &'u str>,
    beginnings: &[&str],
) -> Inputs {
    let from_env = config_variable(env);
    let values = leaves_of(beginnings)
        .filter_map(|leaf| Some((leaf.key, matches.get_one::<String>(leaf.path)?.clone())));
    Inputs {
        config: matches.get_one::<PathBuf>("config").cloned().or(from_env),
        flags: Flags {
            values: values.collect(),
            urls: urls.into_iter().map(UrlText::new).collect(),
            names: Vec::new(),
        },
        older: None,
    }
}

fn config_variable(env: &[(String, String)]) -> Option<PathBuf> {
    env.iter()
        .find(|(name, text)| name == super::CONFIG_VARIABLE && !text.is_empty())
        .map(|(_, text)| PathBuf::from(text))
}

fn no_command() -> UsageError {
    let text = "a command is missing; try natsight serve http://127.0.0.1:8222, or natsight --help";
    UsageError {
        text: text.to_owned(),
    }
}

/// Longest message, so that a wrong argument of ten kilobytes does not fill a terminal.
const MESSAGE_CHARS_MAX: usize = 400;

/// Makes one sentence of clap's paragraphs, with the next step at its end.
fn refusal(error: &clap::Error, args: &[OsString]) -> Result<Invocation, UsageError> {
    let message = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => return Ok(Invocation::Say(message)),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return Err(no_command());
        }
        _ => {}
    }
    let hidden = hide_user_info(message, args);
    let mut paragraphs = hidden.split("\n\n");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut text = words(
        paragraphs
            .next()
            .unwrap_or_default()
            .trim_start_matches("error:"),
    );
    if let Some(tip) = paragraphs.find_map(|part| part.trim_start().strip_prefix("tip:")) {
        text = format!("{text}; {}", words(tip));
    }
    if text.chars().count() > MESSAGE_CHARS_MAX {
        text = text.chars().take(MESSAGE_CHARS_MAX).chain(['…']).collect();
    }
    let known = command();
    let step = args
        .get(1)
        .and_then(|name| {
            known
                .get_subcommands()
                .find(|command| name == command.get_name())
        })
        .map_or("natsight --help".to_owned(), |command| {
            format!("natsight {} --help", command.get_name())
        });
    Err(UsageError {
        text: format!("{text}; see {step}"),
    })
}

/// clap repeats arguments as they are; what looks like user info in one of them goes.
fn hide_user_info(message: String, args: &[OsString]) -> String {
    // Longest first: one argument may be part of another.
    let mut hidden: BTreeMap<(std::cmp::Reverse<usize>, String), String> = BTreeMap::new();
    for arg in args {
        let arg = arg.to_string_lossy();
        let value = arg.split_once('=').map(|(_, value)| value.to_owned());
        for text in [Some(arg.into_owned()), value].into_iter().flatten() {
            if text.contains('@') {
                let safe = redacted(&text);
                hidden.insert((std::cmp::Reverse(text.len()), text), safe);
            }
        }
    }
    let replace =
        |message: String, ((_, text), safe): ((_, String), String)| message.replace(&text, &safe);
    hidden.into_iter().fold(message, replace)
}

/// Writes the completions of a shell.
pub fn completions(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    // clap_complete panics when its writer fails, so it gets one that cannot.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "natsight", &mut script);
    out.write_all(&script)
}
