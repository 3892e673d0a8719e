//! Profiles of real brokers by the built binary.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use async_nats::Client;
use natsight::profile::native::image::Machine;
use natsight::profile::native::perf::{Attach, Sampler};
use natsight::profile::native::record::Record;
use natsight::profile::{Profile, folded, pprof};
use tempfile::TempDir;

use crate::broker::{Broker, Options};
use crate::load;

const PAYLOAD_BYTES: usize = 512;
/// Published before each look at the clock.
const BURST: usize = 500;

/// Publishes to a subscriber of its own for as long as `running` runs.
async fn keep_busy(
    client: &Client,
    mut running: tokio::task::JoinHandle<Result<Output>>,
) -> Result<Output> {
    let _ears = client.subscribe("busy").await?;
    let payload = bytes::Bytes::from(vec![b'x'; PAYLOAD_BYTES]);
    loop {
        for _ in 0..BURST {
            client.publish("busy", payload.clone()).await?;
        }
        client.flush().await?;
        if running.is_finished() {
            return (&mut running).await?;
        }
    }
}

fn natsight(pid: u32, seconds: &str, output: &Path) -> Result<Output> {
    let pid = pid.to_string();
    Command::new(env!("CARGO_BIN_EXE_natsight"))
        .args([
            "profile", "cpu", "--pid", &pid, "-d", seconds, "--rate", "499", "-o",
        ])
        .arg(output)
        .stdin(Stdio::null())
        .output()
        .context("natsight does not start")
}

/// What it said on standard error, if it went well.
fn checked(ended: &Output) -> Result<String> {
    let text = String::from_utf8_lossy(&ended.stderr).into_owned();
    ensure!(
        ended.status.success(),
        "natsight ended with {}: {text}",
        ended.status
    );
    Ok(text)
}

/// Share of the samples whose stack fulfils `wanted`, given its names from the leaf on.
fn share(profile: &Profile, wanted: impl Fn(&[&str]) -> bool) -> f64 {
    let part = profile.samples().iter().filter(|sample| {
        let names: Vec<_> = sample
            .stack
            .iter()
            .map(|id| &*profile.frame(*id).function)
            .collect();
        wanted(&names)
    });
    let part: i64 = part.map(|sample| sample.values[0]).sum();
    part as f64 / profile.total(0).max(1) as f64
}

pub(crate) async fn a_busy_broker_is_named_and_an_idle_one_is_empty(version: &str) -> Result<()> {
    let broker = Broker::start(version, &Options::default())?;
    let (pid, folder) = (broker.pid()?, TempDir::new()?);
    let client = broker.client().await?;
    let path = folder.path().join("busy é.pb.gz");
    let output = path.clone();
    let running = tokio::task::spawn_blocking(move || natsight(pid, "2s", &output));
    let said = checked(&keep_busy(&client, running).await?)?;
    let (profile, _) = pprof::read(&std::fs::read(&path)?)?;
    ensure!(
        profile.total(0) > 50,
        "a busy broker had {} samples: {said}",
        profile.total(0)
    );
    let whole = share(&profile, |names| {
        names
            .last()
            .is_some_and(|root| root.starts_with("runtime."))
    });
    ensure!(
        whole > 0.98,
        "{:.1} % of stacks are whole: {said}",
        whole * 100.0
    );
    let unknown = share(&profile, |names| {
        names.iter().any(|name| name.starts_with('['))
    });
    ensure!(
        unknown < 0.02,
        "{:.1} % of stacks have a frame without a name: {said}",
        unknown * 100.0
    );
    // Debian builds it without v2 in its path.
    let reading = "server.(*client).readLoop";
    let reads = share(&profile, |names| {
        names.iter().any(|name| name.ends_with(reading))
    });
    ensure!(
        reads > 0.2,
        "readLoop has {:.1} % of a busy broker: {said}",
        reads * 100.0
    );

    drop(client);
    let path = folder.path().join("idle.folded");
    let said = checked(&natsight(pid, "1s", &path)?)?;
    let idle = folded::read(&*std::fs::read(&path)?)?;
    ensure!(
        idle.total(0) < profile.total(1) / 4,
        "an idle broker used {} ns: {said}",
        idle.total(0)
    );
    Ok(())
}

/// `natsight profile` with these arguments, and `-o` to this file.
fn profile(args: &[&str], output: &Path) -> Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_natsight"))
        .arg("profile")
        .args(args)
        .arg("-o")
        .arg(output)
        .stdin(Stdio::null())
        .output()
        .context("natsight does not start")
}

/// A load for some seconds, on a thread of its own.
fn loaded(
    broker: &Broker,
    ask: impl FnOnce(&mut load::Ask),
) -> std::thread::JoinHandle<Result<(u64, u64)>> {
    let mut wanted = load::Ask {
        at: format!("{}:{}", broker.host, broker.client_port),
        publishers: 4,
        subjects: 4,
        size: 16,
        batch: 64,
        rate: 0,
        lasts: Duration::from_secs(8),
    };
    ask(&mut wanted);
    std::thread::spawn(move || load::run(wanted))
}

/// What `natsight profile cpu --locks` says of a broker while it is under load.
fn verdict(broker: &Broker, folder: &TempDir) -> Result<String> {
    let url = format!("http://{}:{}", broker.host, broker.http_port);
    let output = folder.path().join("verdict.svg");
    let said = checked(&profile(&["cpu", &url, "-d", "4s", "--locks"], &output)?)?;
    let line = said.lines().find_map(|line| line.strip_prefix("verdict: "));
    line.map(str::to_owned).with_context(|| said.clone())
}

pub(crate) async fn a_contended_lock_a_busy_processor_and_jetstream_are_told_apart(
    version: &str,
) -> Result<()> {
    let broker = Broker::start(version, &Options::jetstream())?;
    let folder = TempDir::new()?;
    // Whichever lock's holder loses its processor has the others waiting; the outbound one is held longest, so it is named soon.
    let contention = loaded(&broker, |ask| {
        (ask.publishers, ask.subjects, ask.batch, ask.rate) = (40, 1, 8, 600_000);
        ask.lasts = Duration::from_secs(25);
    });
    let mut said = Vec::new();
    let named = |text: &String| {
        text.starts_with("a lock problem")
            && text.contains("the outbound lock of one connection, at message delivery")
    };
    while said.len() < 4 && !said.iter().any(named) {
        said.push(verdict(&broker, &folder)?);
    }
    contention
        .join()
        .map_err(|_| anyhow!("the load panicked"))??;
    ensure!(said.iter().any(named), "under contention: {said:?}");

    let busy = loaded(&broker, |_| {});
    let said = verdict(&broker, &folder)?;
    busy.join().map_err(|_| anyhow!("the load panicked"))??;
    ensure!(
        said.starts_with("a resource problem"),
        "all cores busy: {said}"
    );

    let stream = store(&broker).await?;
    let said = tokio::task::spawn_blocking(move || verdict(&broker, &folder)).await??;
    drop(stream);
    ensure!(
        !said.starts_with("a lock problem"),
        "with JetStream: {said}"
    );
    Ok(())
}

/// Publishes to a stream for as long as the task lives.
async fn store(broker: &Broker) -> Result<tokio::task::JoinSet<()>> {
    let context = async_nats::jetstream::new(broker.client().await?);
    let config = async_nats::jetstream::stream::Config {
        name: "S".to_owned(),
        subjects: vec!["s".to_owned()],
        ..Default::default()
    };
    context.create_stream(config).await?;
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move {
        let payload = bytes::Bytes::from(vec![b'x'; PAYLOAD_BYTES]);
        while let Ok(acknowledged) = context.publish("s", payload.clone()).await {
            let _ = acknowledged.await;
        }
    });
    Ok(tasks)
}

/// Each engine that a version has gives what it should, and says who it is.
pub(crate) async fn every_engine_gives_its_kinds(version: &str) -> Result<()> {
    let port = crate::ports::free()?;
    let options = Options {
        config: format!(
            "prof_port: {port}\naccounts {{ SYS {{ users: [{{user: sys, password: \"a b\"}}] }}, APP {{ users: [{{user: app, password: app}}] }} }}\n\
             system_account: SYS\nno_auth_user: app\n"
        ),
        ..Options::default()
    };
    let broker = Broker::start(version, &options)?;
    let folder = TempDir::new()?;
    let url = format!("http://{}:{}", broker.host, broker.http_port);
    let profiling = format!("http://{}:{port}", broker.host);
    let secret = folder.path().join("password");
    std::fs::write(&secret, "a b\n")?;
    let secret = secret.to_string_lossy().into_owned();
    let system = ["--system-user", "sys", "--system-password-file", &secret];
    // Of the oldest nobody answers PROFILEZ.
    let has_profilez = version != "2.9.10";
    for (engine, more) in [
        ("port", &["--profiling-url", &profiling][..]),
        ("profilez", &system),
        ("stacksz", &[]),
    ] {
        for kind in ["cpu", "heap", "allocs", "goroutine"] {
            if engine == "stacksz" && kind != "goroutine" || engine == "profilez" && !has_profilez {
                continue;
            }
            let output = folder.path().join(format!("{engine}-{kind}.pb.gz"));
            let mut args = vec![kind, &url, "--engine", engine];
            args.extend(more);
            args.extend(if kind == "cpu" {
                &["-d", "1s"][..]
            } else {
                &[]
            });
            let said = checked(&profile(&args, &output)?)?;
            ensure!(said.contains(&format!("engine {engine}")), "{said}");
            let (taken, _) = pprof::read(&std::fs::read(&output)?)?;
            let empty = taken.samples().is_empty();
            ensure!(!empty || kind == "cpu", "{engine} {kind} is empty: {said}");
        }
    }
    if !has_profilez {
        let mut args = vec!["heap", &url, "--engine", "profilez"];
        args.extend(&system);
        let ended = profile(&args, &folder.path().join("x.svg"))?;
        let said = String::from_utf8_lossy(&ended.stderr);
        ensure!(
            ended.status.code() == Some(2) && said.contains("nats-server 2.10 or newer"),
            "{said}"
        );
    }
    Ok(())
}

pub(crate) async fn a_broker_that_ends_in_the_middle_gives_what_was_seen(
    version: &str,
) -> Result<()> {
    let mut broker = Broker::start(version, &Options::default())?;
    let (pid, folder) = (broker.pid()?, TempDir::new()?);
    let path = folder.path().join("hot.svg");
    let output = path.clone();
    let running = tokio::task::spawn_blocking(move || natsight(pid, "60s", &output));
    // However early it ends, the answer is one of these two.
    broker.kill()?;
    let ended = running.await??;
    let said = String::from_utf8_lossy(&ended.stderr);
    let cut = ended.status.success()
        && said.contains("missing: the process ended after")
        && path.exists();
    let gone = ended.status.code() == Some(2)
        && said.contains(&format!("there is no process {pid}"))
        && !path.exists();
    ensure!(cut || gone, "{}: {said}", ended.status);
    Ok(())
}

/// A ring of one page at 20,000 Hz overflows, and every sample that found no room is counted.
pub(crate) async fn samples_that_find_no_room_are_counted(version: &str) -> Result<()> {
    let broker = Broker::start(version, &Options::default())?;
    let busy = loaded(&broker, |ask| ask.lasts = Duration::from_secs(4));
    let attach = Attach {
        pid: broker.pid()?,
        rate: 20_000,
        kernel: false,
        pages: 1,
        machine: Machine::Amd64,
    };
    let mut sampler = match Sampler::attach(attach) {
        Ok(sampler) => sampler,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    std::thread::sleep(Duration::from_secs(2));
    let (mut samples, mut lost) = (0_u64, 0_u64);
    for _ in 0..2 {
        // The record of a loss is written with the next sample that finds room.
        sampler.drain(|record| match record {
            Record::Sample(_) => samples += 1,
            Record::Lost(records) => lost += records,
            Record::Throttled => {}
        });
        std::thread::sleep(Duration::from_millis(200));
    }
    busy.join().map_err(|_| anyhow!("the load panicked"))??;
    ensure!(
        samples > 0 && lost > samples,
        "{samples} samples, {lost} lost"
    );
    Ok(())
}

/// Refusals of the kernel: by a filter as containers have it, and by other users' rights. The latter take root to try.
pub(crate) async fn rights_that_are_missing_are_named(version: &str) -> Result<()> {
    let port = crate::ports::free()?;
    let options = Options {
        config: format!("prof_port: {port}\n"),
        ..Options::default()
    };
    let broker = Broker::start(version, &options)?;
    let pid = broker.pid()?.to_string();
    let folder = TempDir::new()?;
    let output = folder.path().join("x.svg").to_string_lossy().into_owned();
    let url = format!("http://{}:{}", broker.host, broker.http_port);
    let profiling = format!("http://{}:{port}", broker.host);
    let confine = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/confine.py");
    for errno in ["1", "13"] {
        let ended = said(Command::new("python3").args([
            confine,
            errno,
            env!("CARGO_BIN_EXE_natsight"),
            "profile",
            "cpu",
            "--pid",
            &pid,
            "-o",
            &output,
        ]))?;
        ensure!(ended.0 == Some(2), "{ended:?}");
        for words in ["CAP_PERFMON", "seccomp", "perf_event_paranoid"] {
            ensure!(ended.1.contains(words), "{words}: {ended:?}");
        }
    }
    // Another way is taken where there is one.
    let ended = said(Command::new("python3").args([
        confine,
        "1",
        env!("CARGO_BIN_EXE_natsight"),
        "profile",
        "cpu",
        &url,
        "--profiling-url",
        &profiling,
        "-d",
        "1s",
        "-o",
        &output,
    ]))?;
    ensure!(
        ended.0 == Some(0)
            && ended.1.contains("engine port")
            && ended.1.contains("passed over: native"),
        "{ended:?}"
    );
    other_users(&pid)
}

/// Another user with and without the rights; takes root to try.
fn other_users(pid: &str) -> Result<()> {
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let none = ["--inh-caps=-all"];
    let is_root = said(Command::new("id").arg("-u"))?.2.trim() == "0";
    if !is_root {
        return Ok(());
    }
    // The test's folders are root's alone, so the program lies elsewhere for nobody.
    let open = tempfile::Builder::new()
        .prefix("natsight-open")
        .tempdir_in("/tmp")?;
    std::fs::set_permissions(
        open.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o777),
    )?;
    let program = open.path().join("natsight");
    std::fs::copy(env!("CARGO_BIN_EXE_natsight"), &program)?;
    let output = open.path().join("x.svg").to_string_lossy().into_owned();
    let ended = said(
        Command::new("setpriv")
            .args(nobody)
            .args(none)
            .arg(&program)
            .args(["profile", "cpu", "--pid", pid, "-o", &output]),
    )?;
    ensure!(
        ended.0 == Some(2) && ended.1.contains("CAP_SYS_PTRACE"),
        "{ended:?}"
    );
    let both = [
        "--inh-caps=-all,+perfmon,+sys_ptrace",
        "--ambient-caps=+perfmon,+sys_ptrace",
    ];
    let ended = said(
        Command::new("setpriv")
            .args(nobody)
            .args(both)
            .arg(&program)
            .args(["profile", "cpu", "--pid", pid, "-d", "1s", "-o", &output]),
    )?;
    ensure!(ended.0 == Some(0), "{ended:?}");
    Ok(())
}

/// Exit code, standard error, standard output.
fn said(command: &mut Command) -> Result<(Option<i32>, String, String)> {
    let ended = command
        .stdin(Stdio::null())
        .output()
        .context("it does not start")?;
    Ok((
        ended.status.code(),
        String::from_utf8_lossy(&ended.stderr).into_owned(),
        String::from_utf8_lossy(&ended.stdout).into_owned(),
    ))
}
