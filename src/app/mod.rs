//! Puts everything together: reads the plan, starts tasks, owns them, and ends them.

mod captures;
mod files;
mod fleet;
mod heap;
mod log;
mod probe;
mod profile;
mod reach;
mod rights;
mod roster;
mod scrape;
mod sidecar;
mod wiring;

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use crate::catalog;
use crate::config::{self, Inputs, Invocation, MetricsFormat, Mistake, Plan, Warning};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All is well.
    Fine,
    /// Something is missing, though every broker answered.
    Warned,
    /// A broker, a right or a process failed.
    Failed,
    /// Wrong before any contact: usage or configuration.
    Usage,
}

impl Exit {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Warned => 1,
            Self::Failed => 2,
            Self::Usage => 64,
        }
    }
}

/// Runs one command. Data go to `out`, everything else to `err`.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    variables: impl Iterator<Item = (OsString, OsString)>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    let env = config::variables(variables);
    let invocation = match config::parse(args, &env) {
        Ok(invocation) => invocation,
        Err(error) => return complain(err, &[error.to_string()]),
    };
    let written_now = match invocation {
        Invocation::Say(text) => out.write_all(text.as_bytes()),
        Invocation::Metrics(MetricsFormat::Markdown) => {
            out.write_all(catalog::manual::markdown().as_bytes())
        }
        Invocation::Metrics(MetricsFormat::Json) => {
            serde_json::to_writer_pretty(&mut *out, &catalog::manual::json())
                .map_err(Into::into)
                .and_then(|()| out.write_all(b"\n"))
        }
        Invocation::Completions(shell) => config::completions(shell, out),
        Invocation::Man => config::man(out),
        Invocation::CheckConfig { file } => return check_config(&file, out, err),
        Invocation::Serve(inputs) => return sidecar::serve(inputs, env, err),
        Invocation::Profile(ask) => return profile::profile(&ask, &env, err),
        Invocation::Scrape(inputs) => return scrape::scrape(&inputs, &env, out, err),
    };
    written(written_now.and_then(|()| out.flush()))
}

/// How writing the data ended. A reader that went away, such as `head`, has what it wanted.
fn written(result: std::io::Result<()>) -> Exit {
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Exit::Failed,
        _ => Exit::Fine,
    }
}

fn check_config(file: &Path, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let inputs = Inputs {
        config: Some(file.to_owned()),
        ..Inputs::default()
    };
    let (plan, warnings) = match load(&inputs, &[]) {
        Ok(loaded) => loaded,
        Err(mistakes) => return complain(err, &sentences(&mistakes)),
    };
    let rights = rights::read(&plan, None).outcome;
    let mut wrong = rights
        .as_ref()
        .map_or_else(|mistakes| sentences(mistakes), |_| Vec::new());
    wrong.extend(wiring::check(&plan).err().into_iter().flatten());
    if !wrong.is_empty() {
        return complain(err, &wrong);
    }
    let said = rights.map(|fresh| fresh.warnings).unwrap_or_default();
    for warning in warnings.into_iter().chain(said) {
        let _ = writeln!(err, "{warning}");
    }
    let _ = writeln!(out, "{}: fine", file.display());
    Exit::Fine
}

/// Reads the file, if any, and puts it together with variables and flags.
fn load(inputs: &Inputs, env: &[(String, String)]) -> Result<(Plan, Vec<Warning>), Vec<Mistake>> {
    let (mut plan, mut warnings) = match &inputs.config {
        None => config::load(None, env, &inputs.flags)?,
        Some(path) => {
            let text = config::read_file(path).map_err(|mistake| vec![mistake])?;
            config::load(Some((&path.to_string_lossy(), &text)), env, &inputs.flags)?
        }
    };
    if let Some(older) = &inputs.older {
        let texts = older.warnings.iter().cloned();
        warnings.extend(texts.map(|text| Warning { text }));
        plan.exporter.get_or_insert_default().older = Some(older.clone());
    }
    Ok((plan, warnings))
}

fn sentences(mistakes: &[Mistake]) -> Vec<String> {
    mistakes.iter().map(ToString::to_string).collect()
}

fn complain(err: &mut dyn Write, sentences: &[String]) -> Exit {
    for sentence in sentences {
        let _ = writeln!(err, "natsight: {sentence}");
    }
    Exit::Usage
}
