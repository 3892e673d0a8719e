//! `natsight profile`: one capture from the command line, into a file; and the comparison of two files.

mod diff;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{Exit, complain, load, sentences, sidecar, wiring};
use crate::config::{CaptureArgs, Plan, ProfileCommand, ServerPlan, UrlText};
use crate::poll::ProcessChoice;
use crate::profile::access::{Access, Ask, Taken, longest};
use crate::profile::form::Form;
use crate::profile::{Capture, ProfileError, Watch};
use crate::source::http::{Client, Limits, Target};
use crate::source::process;

/// How often the line that tells how far it is changes.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);
const IDENTITY: Limits = Limits {
    deadline: Duration::from_secs(5),
    body_max: 4 << 20,
};

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

/// What varz says of who it is.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Identity {
    server_id: String,
    server_name: String,
    version: String,
    port: u16,
}

/// What can be reached of the broker that the command line names; and what to say of what cannot.
async fn access(ask: &CaptureArgs, plan: &Plan) -> Result<(Access, Vec<String>), String> {
    let mut said = Vec::new();
    let tls = wiring::tls(plan);
    let client = |url: &UrlText| {
        let target = Target::parse(url.expose()).map_err(|error| error.to_string())?;
        Client::new(target, &tls)
            .map(Arc::new)
            .map_err(|error| error.to_string())
    };
    let server = server(ask, plan);
    let monitoring = server.as_ref().map(|server| client(&server.url));
    let monitoring = monitoring.transpose()?;
    let port = ask.profiling_url.as_ref();
    let port = port.or(server
        .as_ref()
        .and_then(|server| server.profiling_url.as_ref()));
    let port = port.map(client).transpose()?;
    let mut identity = Identity::default();
    if let Some(client) = &monitoring {
        match identify(client).await {
            Ok(known) => identity = known,
            Err(error) => said.push(format!("the broker cannot be asked who it is: {error}")),
        }
    }
    let host = monitoring
        .as_ref()
        .map(|client| client.target().host().to_owned());
    let at_its_port = || {
        let host = host.filter(|_| identity.port > 0)?;
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host
        };
        Some(format!("nats://{host}:{}", identity.port))
    };
    let system = wiring::system(plan, at_its_port)?;
    if system.is_some() && identity.server_id.is_empty() {
        said.push("the system account cannot be used: the server's id is not known".to_owned());
    }
    let system = system
        .filter(|_| !identity.server_id.is_empty())
        .map(|access| (Arc::new(access), identity.server_id.clone()));
    let (pid, why) = pid(ask, server.as_ref(), monitoring.as_deref()).await;
    said.extend(why);
    let access = Access {
        name: name(&identity, monitoring.as_deref(), pid),
        pid,
        monitoring,
        port,
        system,
        names: Arc::default(),
    };
    Ok((access, said))
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
        pid: crate::config::Pid::Auto,
        profiling_url: None,
    }))
}

fn name(identity: &Identity, monitoring: Option<&Client>, pid: Option<u32>) -> String {
    if !identity.server_name.is_empty() && identity.server_name != identity.server_id {
        return format!("{} ({})", identity.server_name, identity.version);
    }
    match (monitoring, pid) {
        (Some(client), _) => client.target().host_port(),
        (None, Some(pid)) => format!("process {pid}"),
        (None, None) => "a broker".to_owned(),
    }
}

async fn identify(client: &Client) -> Result<Identity, String> {
    let mut body = Vec::new();
    let mut take = |chunk: &[u8]| {
        body.extend_from_slice(chunk);
        ControlFlow::Continue(())
    };
    client
        .get("/varz", IDENTITY, |status| status == 200, &mut take)
        .await
        .map_err(|error| error.to_string())?;
    serde_json::from_slice(&body)
        .map_err(|error| format!("{} answers no varz: {error}", client.target().host_port()))
}

/// The process that is named, or the one that listens; and why there is none.
async fn pid(
    ask: &CaptureArgs,
    server: Option<&ServerPlan>,
    monitoring: Option<&Client>,
) -> (Option<u32>, Option<String>) {
    if ask.pid.is_some() {
        return (ask.pid, None);
    }
    let (Some(server), Some(client)) = (server, monitoring) else {
        return (None, None);
    };
    match wiring::process(server.pid, client.target()) {
        ProcessChoice::Off => (None, None),
        ProcessChoice::Given(pid) => (u32::try_from(pid).ok(), None),
        ProcessChoice::Find => {
            let port = client.target().port();
            let found = tokio::task::spawn_blocking(move || process::find_listener(port)).await;
            match found {
                Ok(Ok(pid)) => (u32::try_from(pid).ok(), None),
                Ok(Err(error)) => (None, Some(format!("passed over: native: {error}"))),
                Err(_) => (None, None),
            }
        }
    }
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
    };
    let begin = Instant::now();
    let mut said = false;
    let mut timer = tokio::time::interval(PROGRESS_EVERY);
    timer.tick().await;
    let taking = tokio::time::timeout(longest(&wanted), access.take(&wanted, &watch));
    tokio::pin!(taking);
    let taken = loop {
        tokio::select! {
            taken = &mut taking => break taken,
            _ = timer.tick() => {
                said = true;
                let _ = write!(err, "\r{}", line(access, &wanted, begin.elapsed(), &watch));
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
