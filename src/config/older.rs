//! The command line of prometheus-nats-exporter, for a binary under that name: Go's notation of flags, one dash or two.

use std::ffi::OsString;
use std::path::PathBuf;

use super::args::{Inputs, Invocation, UsageError};
use super::secret::{Secret, UrlText};
use super::settings::Flags;
use super::table::Key;

/// The name of the older binary.
pub const NAME: &str = "prometheus-nats-exporter";

/// What the older exporter's flags decide beside what has a setting of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Older {
    /// Endpoints by the names of their flags, such as `varz`.
    pub endpoints: Vec<&'static str>,
    /// How deep JetStream is shown.
    pub jsz: Option<JszDepth>,
    /// What the label `server_id` holds.
    pub server_id: ServerId,
    /// Keys of streams' metadata that become labels.
    pub stream_keys: Vec<String>,
    /// Keys of consumers' metadata that become labels.
    pub consumer_keys: Vec<String>,
    /// Where the page is served.
    pub path: Option<String>,
    /// Who may read the page, in the form of a web configuration file: TLS, and one user.
    pub web: Option<Secret>,
    /// Sentences about flags without effect.
    pub warnings: Vec<String>,
}

/// The words of `-jsz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JszDepth {
    /// `accounts`
    Accounts,
    /// `streams`
    Streams,
    /// `consumers` and `all`, which ask for the same.
    All,
}

/// What the label `server_id` holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ServerId {
    /// The monitoring URL.
    #[default]
    Url,
    /// The broker's id.
    Id,
    /// The broker's name.
    Name,
}

/// What a flag takes and does.
enum Takes {
    /// Nothing or a truth value: show this endpoint.
    Endpoint,
    /// Nothing or a truth value.
    Switch(Switch),
    /// A value.
    Text(Text),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Switch {
    UseId,
    UseName,
    Debug,
    Trace,
    Syslog,
    Version,
    Help,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Port,
    Address,
    Path,
    Retry,
    Log,
    RemoteSyslog,
    Jsz,
    StreamKeys,
    ConsumerKeys,
    Prefix,
    Right(Right),
}

/// Who may read the page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Right {
    Certificate,
    Key,
    ClientCa,
    User,
    Password,
}

/// Every flag of the older exporter (2fdbfd7).
const FLAGS: &[(&str, Takes)] = &[
    ("varz", Takes::Endpoint),
    ("connz", Takes::Endpoint),
    ("connz_detailed", Takes::Endpoint),
    ("healthz", Takes::Endpoint),
    ("healthz_js_enabled_only", Takes::Endpoint),
    ("healthz_js_server_only", Takes::Endpoint),
    ("routez", Takes::Endpoint),
    ("subz", Takes::Endpoint),
    ("gatewayz", Takes::Endpoint),
    ("leafz", Takes::Endpoint),
    ("accstatz", Takes::Endpoint),
    ("accountz", Takes::Endpoint),
    ("use_internal_server_id", Takes::Switch(Switch::UseId)),
    ("use_internal_server_name", Takes::Switch(Switch::UseName)),
    ("D", Takes::Switch(Switch::Debug)),
    ("V", Takes::Switch(Switch::Trace)),
    ("DV", Takes::Switch(Switch::Trace)),
    ("s", Takes::Switch(Switch::Syslog)),
    ("syslog", Takes::Switch(Switch::Syslog)),
    ("version", Takes::Switch(Switch::Version)),
    ("h", Takes::Switch(Switch::Help)),
    ("help", Takes::Switch(Switch::Help)),
    ("p", Takes::Text(Text::Port)),
    ("port", Takes::Text(Text::Port)),
    ("a", Takes::Text(Text::Address)),
    ("addr", Takes::Text(Text::Address)),
    ("path", Takes::Text(Text::Path)),
    ("ri", Takes::Text(Text::Retry)),
    ("l", Takes::Text(Text::Log)),
    ("log", Takes::Text(Text::Log)),
    ("r", Takes::Text(Text::RemoteSyslog)),
    ("remote_syslog", Takes::Text(Text::RemoteSyslog)),
    ("jsz", Takes::Text(Text::Jsz)),
    ("jsz_stream_meta_keys", Takes::Text(Text::StreamKeys)),
    ("jsz_consumer_meta_keys", Takes::Text(Text::ConsumerKeys)),
    ("prefix", Takes::Text(Text::Prefix)),
    ("tlscert", Takes::Text(Text::Right(Right::Certificate))),
    ("tlskey", Takes::Text(Text::Right(Right::Key))),
    ("tlscacert", Takes::Text(Text::Right(Right::ClientCa))),
    ("http_user", Takes::Text(Text::Right(Right::User))),
    ("http_pass", Takes::Text(Text::Right(Right::Password))),
];

/// Whether the program was called by the older exporter's name.
pub(super) fn is_called_so(program: &OsString) -> bool {
    PathBuf::from(program)
        .file_stem()
        .is_some_and(|name| name == NAME)
}

/// Reads the older exporter's command line without the program's name.
pub(super) fn parse(
    args: impl IntoIterator<Item = OsString>,
    config: Option<PathBuf>,
) -> Result<Invocation, UsageError> {
    let mut line = Line::new();
    let mut args = args.into_iter().map(|arg| match arg.into_string() {
        Ok(arg) => Ok(arg),
        Err(arg) => Err(wrong(format!("{} is not UTF-8", arg.to_string_lossy()))),
    });
    let mut urls = Vec::new();
    // As in Go, what follows the first argument that is no flag is no flag either.
    while let Some(arg) = args.next().transpose()? {
        let flag = arg.strip_prefix("--").or(arg.strip_prefix('-'));
        match flag {
            Some("") if arg == "--" => break,
            Some(flag) if !flag.is_empty() => line.flag(flag, &mut args)?,
            _ => {
                urls.push(arg);
                break;
            }
        }
    }
    for arg in args {
        let arg = arg?;
        if arg.starts_with('-') {
            return Err(wrong(format!(
                "{arg:?} comes after a URL; put flags before the URLs"
            )));
        }
        urls.push(arg);
    }
    line.finish(&urls, config)
}

fn wrong(text: String) -> UsageError {
    UsageError { text }
}

/// Reads what Go reads as a truth value.
fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// The command line so far.
struct Line {
    older: Older,
    port: String,
    address: String,
    prefix: String,
    rights: Vec<(Right, Secret)>,
    level: Option<&'static str>,
    say: Option<String>,
}

impl Line {
    fn new() -> Self {
        Self {
            older: Older::default(),
            port: "7777".to_owned(),
            address: "0.0.0.0".to_owned(),
            prefix: String::new(),
            rights: Vec::new(),
            level: None,
            say: None,
        }
    }

    fn flag(
        &mut self,
        flag: &str,
        args: &mut dyn Iterator<Item = Result<String, UsageError>>,
    ) -> Result<(), UsageError> {
        let (name, given) = match flag.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (flag, None),
        };
        let Some((name, takes)) = FLAGS.iter().find(|(known, _)| *known == name) else {
            let shown: String = name.chars().take(60).collect();
            return Err(wrong(format!(
                "-{shown} is not a flag of {NAME}; see {NAME} -help"
            )));
        };
        if let Takes::Text(text) = takes {
            let value = match given {
                Some(value) => value,
                None => args.next().transpose()?.ok_or_else(|| {
                    wrong(format!("-{name} needs a value, such as -{name}=VALUE"))
                })?,
            };
            return self.text(name, *text, value);
        }
        let on = match &given {
            None => true,
            Some(value) => truth(value)
                .ok_or_else(|| wrong(format!("-{name} is {value:?}; write true or false")))?,
        };
        match takes {
            Takes::Endpoint => {
                self.older.endpoints.retain(|endpoint| endpoint != name);
                self.older.endpoints.extend(on.then_some(*name));
            }
            Takes::Switch(switch) if on => self.switch(name, *switch),
            Takes::Switch(_) | Takes::Text(_) => {}
        }
        Ok(())
    }

    fn switch(&mut self, name: &str, switch: Switch) {
        match switch {
            Switch::UseId => self.older.server_id = ServerId::Id,
            // There the id wins over the name.
            Switch::UseName if self.older.server_id == ServerId::Id => {}
            Switch::UseName => self.older.server_id = ServerId::Name,
            Switch::Debug if self.level.is_none() => self.level = Some("debug"),
            Switch::Debug => {}
            Switch::Trace => self.level = Some("trace"),
            Switch::Syslog => self.no_effect(name),
            Switch::Version => {
                self.say = Some(format!(
                    "{NAME} version natsight {}\n",
                    env!("CARGO_PKG_VERSION")
                ));
            }
            Switch::Help => self.say = Some(help()),
        }
    }

    fn no_effect(&mut self, name: &str) {
        self.older.warnings.push(format!(
            "-{name} has no effect; natsight logs to standard error"
        ));
    }

    fn text(&mut self, name: &str, text: Text, value: String) -> Result<(), UsageError> {
        match text {
            Text::Port => self.port = value,
            Text::Address => self.address = value,
            Text::Path => {
                if !value.starts_with('/') || value.contains(['{', '}', '*', '?', '#']) {
                    return Err(wrong(format!(
                        "-{name} is {value:?}; write a path such as /metrics"
                    )));
                }
                self.older.path = Some(value);
            }
            Text::Retry if value.parse::<u32>().is_err() => {
                return Err(wrong(format!(
                    "-{name} is {value:?}; write seconds, such as 30"
                )));
            }
            // natsight asks again in each round.
            Text::Retry => {}
            Text::Log | Text::RemoteSyslog if value.is_empty() => {}
            Text::Log | Text::RemoteSyslog => self.no_effect(name),
            Text::Jsz => self.older.jsz = depth(name, &value)?,
            Text::StreamKeys => self.older.stream_keys = keys(name, &value)?,
            Text::ConsumerKeys => self.older.consumer_keys = keys(name, &value)?,
            Text::Prefix => self.prefix = value,
            Text::Right(right) => {
                self.rights.retain(|(known, _)| *known != right);
                if !value.is_empty() {
                    self.rights.push((right, Secret::new(value)));
                }
            }
        }
        Ok(())
    }

    fn finish(
        mut self,
        urls: &[String],
        config: Option<PathBuf>,
    ) -> Result<Invocation, UsageError> {
        if let Some(text) = self.say {
            return Ok(Invocation::Say(text));
        }
        if urls.is_empty() {
            return Err(wrong(format!(
                "a URL is missing; try {NAME} -varz http://localhost:8222"
            )));
        }
        // There a line with -jsz alone shows varz too.
        let only_jsz = self
            .older
            .endpoints
            .iter()
            .all(|name| *name == "connz_detailed");
        if self.older.endpoints.is_empty() || (self.older.jsz.is_some() && only_jsz) {
            self.older.endpoints.push("varz");
        }
        self.older.web = web(&self.rights)?;
        if urls.len() > 1 {
            // There the broker's own id and name count with one URL only.
            self.older.server_id = ServerId::Url;
        }
        let address = match self.address.as_str() {
            "" => "0.0.0.0".to_owned(),
            address if address.contains(':') && !address.starts_with('[') => {
                format!("[{address}]")
            }
            address => address.to_owned(),
        };
        let compat = match self.prefix.as_str() {
            "" => "exporter".to_owned(),
            prefix => format!("exporter={prefix}"),
        };
        let detailed = self.older.endpoints.contains(&"connz_detailed");
        let word = |on: bool| on.to_string();
        let mut values = vec![
            (Key::Listen, format!("{address}:{}", self.port)),
            // The older exporter has one port, and two of them may run on one machine.
            (Key::AdminListen, "off".to_owned()),
            (Key::Compat, compat),
            (
                Key::CollectConnections,
                if detailed { "all" } else { "off" }.to_owned(),
            ),
            (Key::CollectStreams, word(self.older.jsz.is_some())),
            (
                Key::CollectConsumers,
                word(self.older.jsz == Some(JszDepth::All)),
            ),
        ];
        values.extend(self.level.map(|level| (Key::LogLevel, level.to_owned())));
        let named = urls.iter().map(|url| match url.rsplit_once(',') {
            Some((name, url)) => (Some(name.to_owned()), url),
            None => (None, url.as_str()),
        });
        let (names, urls): (Vec<_>, Vec<_>) = named.unzip();
        Ok(Invocation::Serve(Inputs {
            config,
            flags: Flags {
                values,
                urls: urls.into_iter().map(UrlText::new).collect(),
                names,
            },
            older: Some(self.older),
        }))
    }
}

/// What bcrypt takes of a password.
const PASSWORD_BYTES_MAX: usize = 72;
/// As common tools make it: some 50 ms for a check, once for each password.
const BCRYPT_COST: u32 = 10;

/// Rights in the form of a web configuration file, so that there is one reader for both. What does not make sense is
/// refused: going on without would open what was closed.
fn web(rights: &[(Right, Secret)]) -> Result<Option<Secret>, UsageError> {
    let given = |right| {
        let of_right = rights.iter().find(|(known, _)| *known == right);
        of_right.map(|(_, value)| value.expose())
    };
    let mut text = String::new();
    let tls = [
        ("cert_file", given(Right::Certificate)),
        ("key_file", given(Right::Key)),
        ("client_ca_file", given(Right::ClientCa)),
        // There a certificate is demanded of every client once it is known who signs them.
        (
            "client_auth_type",
            given(Right::ClientCa).map(|_| "RequireAndVerifyClientCert"),
        ),
    ];
    if tls.iter().any(|(_, value)| value.is_some()) {
        text.push_str("tls_server_config:\n");
    }
    for (key, value) in tls {
        if let Some(value) = value {
            text.push_str(&format!("  {key}: {}\n", quoted(value)));
        }
    }
    match (given(Right::User), given(Right::Password)) {
        (None, None) => {}
        (None, Some(_)) => {
            return Err(wrong(
                "-http_pass is given without -http_user; give both, or neither".to_owned(),
            ));
        }
        (Some(user), password) => {
            let hash = hash(password.unwrap_or_default())?;
            let (user, hash) = (quoted(user), quoted(&hash));
            text.push_str(&format!("basic_auth_users: {{{user}: {hash}}}\n"));
        }
    }
    Ok((!text.is_empty()).then(|| Secret::new(text)))
}

/// A double-quoted text of YAML, which takes JSON's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The password as it is kept: it may be given as a bcrypt hash, or itself.
fn hash(password: &str) -> Result<String, UsageError> {
    if password.starts_with("$2a$") || password.starts_with("$2b$") || password.starts_with("$2y$")
    {
        return Ok(password.to_owned());
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(wrong(format!(
            "-http_pass has more than {PASSWORD_BYTES_MAX} bytes; give its bcrypt hash, or take a shorter one"
        )));
    }
    bcrypt::hash(password, BCRYPT_COST)
        .map_err(|error| wrong(format!("-http_pass cannot be kept: {error}; take another")))
}

fn depth(name: &str, value: &str) -> Result<Option<JszDepth>, UsageError> {
    match value.to_ascii_lowercase().as_str() {
        "" => Ok(None),
        "account" | "accounts" => Ok(Some(JszDepth::Accounts)),
        "stream" | "streams" => Ok(Some(JszDepth::Streams)),
        "consumer" | "consumers" | "all" => Ok(Some(JszDepth::All)),
        _ => Err(wrong(format!(
            "-{name} is {value:?}; write accounts, streams, consumers or all"
        ))),
    }
}

/// Keys become names of labels, which hold letters, digits and underscores.
fn keys(name: &str, value: &str) -> Result<Vec<String>, UsageError> {
    let keys = value.split(',').filter(|key| !key.is_empty());
    let keys: Vec<String> = keys.map(str::to_owned).collect();
    let fits = |key: &&String| !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match keys.iter().find(fits) {
        Some(key) => Err(wrong(format!(
            "-{name} has {key:?}; keys are letters, digits and underscores"
        ))),
        None => Ok(keys),
    }
}

fn help() -> String {
    let mut text = format!(
        "natsight under the name {NAME} takes its arguments (docs/changing-over.md).\n\n\
         Usage: {NAME} <flags> URL...\n\nFlags:\n"
    );
    for (name, takes) in FLAGS {
        let value = match takes {
            Takes::Text(_) => " VALUE",
            Takes::Endpoint | Takes::Switch(_) => "",
        };
        text.push_str(&format!("  -{name}{value}\n"));
    }
    text
}
