//! `natsight profile`: one capture from the command line, into a file; and the comparison of two files.

mod diff;

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::reach::{self, Whom};
use super::{Exit, complain, load, sentences, sidecar};
use crate::config::{CaptureArgs, Pid, Plan, ProfileCommand, ServerPlan};
use crate::profile::access::{Access, Ask, Taken, longest};
use crate::profile::form::Form;
use crate::profile::{Capture, ProfileError, Watch};

/// How often the line that tells how far it is changes.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

pub(super) fn profile(
    command: &ProfileCommand,
    env: &[(String, String)],
    err: &mut dyn Write,
) -> Exit {
    match command {
        ProfileCommand::Capture(ask) => capture(ask, env, err),
        ProfileCommand::Diff(ask) => diff::diff(ask, err),
    }
}

fn capture(ask: &CaptureArgs, env: &[(String, String)], err: &mut dyn Write) -> Exit {
    let Some(form) = Form::of_path(&ask.output) else {
        return complain(err, &[wrong_ending(&ask.output, &Form::endings())]);
    };
    let plan = match load(&ask.inputs, env) {
        Ok((plan, _)) => plan,
        Err(mistakes) => return complain(err, &sentences(&mistakes)),
    };
    let runtime = match sidecar::runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(err, "natsight: the runtime did not start: {error}");
            return Exit::Failed;
        }
    };
    let taken = runtime.block_on(async {
        let (access, said) = access(ask, &plan).await.map_err(Failure::Wrong)?;
        for sentence in said {
            let _ = writeln!(err, "{sentence}");
        }
        let taken = watched(ask, &access, err).await.map_err(Failure::Profile)?;
        Ok((access.name, taken))
    });
    // A blocking thread of the engine ends with the process.
    runtime.shutdown_background();
    match taken {
        Ok((name, taken)) => finish(&ask.output, form, &taken, &name, err),
        Err(Failure::Wrong(text)) => complain(err, &[text]),
        Err(Failure::Profile(error)) => {
            let _ = writeln!(err, "natsight: {error}");
            Exit::Failed
        }
    }
}

enum Failure {
    /// Wrong before any contact.
    Wrong(String),
    Profile(ProfileError),
}

fn wrong_ending(path: &Path, endings: &str) -> String {
    format!(
        "-o is {:?}; its ending picks the form, one of {endings}",
        path.to_string_lossy()
    )
}

/// What can be reached of the broker that the command line names; and what to say of what cannot.
async fn access(ask: &CaptureArgs, plan: &Plan) -> Result<(Access, Vec<String>), String> {
    let server = server(ask, plan);
    let monitoring = server.as_ref();
    let monitoring = monitoring.map(|server| reach::client(plan, &server.url));
    let configured = || server.as_ref()?.profiling_url.clone();
    let whom = Whom {
        pid: ask.pid,
        choice: server.as_ref().map_or(Pid::Off, |server| server.pid),
        monitoring: monitoring.transpose()?,
        profiling_url: ask.profiling_url.clone().or_else(configured),
        names: Arc::default(),
    };
    reach::reach(plan, whom).await
}

/// The server of the configuration that is meant by its name or URL, or the one at the URL.
fn server(ask: &CaptureArgs, plan: &Plan) -> Option<ServerPlan> {
    let Some(target) = &ask.target else {
        ask.inputs.config.as_ref()?;
        return plan.servers.first().cloned();
    };
    let text = target.expose();
    let known = ask.inputs.config.as_ref().and_then(|_| {
        plan.servers
            .iter()
            .find(|server| server.name.as_deref() == Some(text) || server.url == *target)
    });
    Some(known.cloned().unwrap_or_else(|| ServerPlan {
        url: target.clone(),
        by_dns: false,
        name: None,
        pid: Pid::Auto,
        profiling_url: None,
    }))
}

/// Takes the profile, tells how far it is, and ends early on a signal with what there is.
async fn watched(
    ask: &CaptureArgs,
    access: &Access,
    err: &mut dyn Write,
) -> Result<Taken, ProfileError> {
    let watch = Arc::new(Watch::default());
    let wanted = Ask {
        capture: Capture {
            kind: ask.kind,
            span: ask.span,
            rate: ask.rate,
            large: ask.large,
        },
        engine: ask.engine,
        locks: ask.locks,
        gc: true,
    };
    let begin = Instant::now();
    // Each line over the one before; in a log, which keeps them all, one is enough.
    let over = if io::stderr().is_terminal() { "\r" } else { "" };
    let mut said = false;
    let mut timer = tokio::time::interval(PROGRESS_EVERY);
    timer.tick().await;
    let taking = tokio::time::timeout(longest(&wanted), access.take(&wanted, &watch));
    tokio::pin!(taking);
    let taken = loop {
        tokio::select! {
            taken = &mut taking => break taken,
            _ = timer.tick(), if !said || !over.is_empty() => {
                said = true;
                let _ = write!(err, "{over}{}", line(access, &wanted, begin.elapsed(), &watch));
                let _ = err.flush();
            }
            _ = tokio::signal::ctrl_c() => watch.stop(),
        }
    };
    if said {
        let _ = writeln!(err);
    }
    taken.unwrap_or(Err(ProfileError::Stopped))
}

fn line(access: &Access, ask: &Ask, elapsed: Duration, watch: &Watch) -> String {
    let mut text = format!("{}: {:.1}", access.name, elapsed.as_secs_f64());
    let length = ask.capture.length();
    if !length.is_zero() {
        text += &format!(" of {:.0}", length.as_secs_f64());
    }
    text += " s";
    if watch.samples() > 0 {
        text += &format!(", {} samples", watch.samples());
    }
    text
}

fn finish(path: &Path, form: Form, taken: &Taken, name: &str, err: &mut dyn Write) -> Exit {
    let title = taken.title(name);
    if let Err(error) = write_whole(path, |file| {
        form.write(&taken.captured, &title, taken.at, file)
    }) {
        return unwritten(path, &error, err);
    }
    for line in taken.lines() {
        let _ = writeln!(err, "{line}");
    }
    let _ = writeln!(err, "written to {}", path.display());
    Exit::Fine
}

fn unwritten(path: &Path, error: &io::Error, err: &mut dyn Write) -> Exit {
    let _ = writeln!(
        err,
        "natsight: {} cannot be written: {error}",
        path.display()
    );
    Exit::Failed
}

/// Writes beside the file and renames: a full disk leaves what was there before.
fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = PathBuf::from(beside);
    let mut file = BufWriter::new(File::create_new(&beside)?);
    let written = write(&mut file)
        .and_then(|()| file.flush())
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}
