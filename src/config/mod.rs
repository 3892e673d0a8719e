//! What the operator decides: one table of leaves, the file, variables and flags that write them, and the plan
//! that comes out. Nothing here starts anything; the only I/O is reading the configuration and the files that it names.

mod args;
mod capture;
mod kind;
mod leaf;
mod manual;
mod mistake;
mod older;
mod patterns;
mod plan;
mod probe;
mod secret;
mod servers;
mod settings;
mod system;
mod table;
mod targets;
mod token;
mod units;
mod url;
mod web;
mod words;
mod yaml;

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use args::{Inputs, Invocation, MetricsFormat, Shell, UsageError, command, completions, parse};
pub use capture::{CaptureArgs, DiffArgs, ProfileCommand};
pub use kind::{Listen, Pid};
pub use leaf::{Effect, Given, Kind, Leaf, TEXT_BYTES_MAX, VARIABLE_PREFIX, not_yet};
pub use manual::{example, man, markdown};
pub use mistake::{Mistake, Place, Warning};
pub use older::{JszDepth, NAME as OLDER_NAME, Older, ServerId};
pub use patterns::{PATTERNS_MAX, PatternPlan};
pub use plan::{
    ClientCertificate, CollectPlan, ExporterPlan, LogPlan, Plan, PollPlan, ProbePlan, ProfilesPlan,
    ServerPlan, TlsPlan,
};
pub use probe::{ProbeHost, ProbeRule};
pub use secret::{Secret, UrlText, redacted};
pub use servers::SERVERS_MAX;
pub use settings::{Flags, Settings};
pub use system::{PasswordPlan, SystemLogin, SystemPlan, read_secret};
pub use table::{Key, LEAVES};
pub use targets::{Targets, targets};
pub use token::{TOKEN_BYTES_MAX, read_token};
pub use web::{
    BCRYPT_COST_MAX, CURVES, Pem, Rate, SUITES, WebPlan, WebRead, WebTls, WebUser, read_web,
    read_web_flags,
};
pub use words::{ClientAuth, Connections, LogFormat, LogLevel, StandardNames, TlsVersion};
pub use yaml::FILE_BYTES_MAX;

/// The variable that names the configuration file.
pub const CONFIG_VARIABLE: &str = "NATSIGHT_CONFIG";

/// Puts file, variables and flags together: flag beats variable beats file beats default. Pure, so that a reload
/// can call it again. `file` is the name to show and the text.
pub fn load(
    file: Option<(&str, &str)>,
    env: &[(String, String)],
    flags: &Flags,
) -> Result<(Plan, Vec<Warning>), Vec<Mistake>> {
    let mut settings = Settings::default();
    let mut mistakes = Vec::new();
    if let Some((name, text)) = file {
        settings.read_file(name, text, &mut mistakes);
    }
    let mut warnings = settings.read_variables(env);
    settings.read_flags(flags);
    warnings.extend(settings.idle());
    warnings.extend(patterns::warnings(&settings));
    let (plan, wrong) = settings.plan_and_mistakes();
    mistakes.extend(wrong);
    if mistakes.is_empty() {
        return Ok((plan, warnings));
    }
    // In the order of the file, then variables, flags and arguments.
    mistakes.sort_by(|a, b| a.place.cmp(&b.place));
    Err(mistakes)
}

/// Reads the configuration file, at most [`FILE_BYTES_MAX`] bytes of it.
pub fn read_file(path: &Path) -> Result<String, Mistake> {
    let name = path.display();
    let wrong = |text: String| Mistake::new(Place::Nowhere, text);
    let cannot = |error: std::io::Error| {
        wrong(format!(
            "{name} cannot be read: {error}; check the path and its rights"
        ))
    };
    let file = File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    let limit = FILE_BYTES_MAX as u64 + 1;
    file.take(limit).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(wrong(format!(
            "{name} is larger than {FILE_BYTES_MAX} bytes; name a configuration file"
        )));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
        wrong(format!(
            "{name} is not UTF-8 text in line {line}; save it as UTF-8"
        ))
    })
}

/// Picks our variables out of the process's (`std::env::vars_os`), as [`load`] and [`parse`] take them.
pub fn variables(all: impl Iterator<Item = (OsString, OsString)>) -> Vec<(String, String)> {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    let mut ours: Vec<_> = all
        .map(|(name, value)| (text(name), value))
        .filter(|(name, _)| name.starts_with(VARIABLE_PREFIX))
        .map(|(name, value)| (name, text(value)))
        .collect();
    ours.sort();
    ours
}
