//! The built binary, run from outside: commands that end, and a sidecar that does not.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// Longest wait of a test for the program.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

fn program_as(name: &str, args: &[&str]) -> Command {
    let mut command = program(args, &[]);
    command.arg0(name);
    command
}

fn program(args: &[&str], env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_natsight"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("NATSIGHT_") {
            command.env_remove(name);
        }
    }
    command
        .args(args)
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a command to its end.
pub(crate) fn run(args: &[&str], env: &[(&str, &str)]) -> Ended {
    end_of(program(args, env), args)
}

/// The same under another name.
pub(crate) fn run_as(name: &str, args: &[&str]) -> Ended {
    end_of(program_as(name, args), args)
}

fn end_of(mut command: Command, args: &[&str]) -> Ended {
    let mut child = command.spawn().expect("the binary starts");
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let err = std::thread::spawn(move || whole(err.as_mut()));
    let out = std::thread::spawn(move || whole(out.as_mut()));
    let code = wait(&mut child, args).code().expect("it was not killed");
    Ended {
        code,
        out: out.join().expect("text"),
        err: err.join().expect("text"),
    }
}

fn whole(stream: Option<&mut impl Read>) -> String {
    let mut text = String::new();
    stream
        .expect("a pipe")
        .read_to_string(&mut text)
        .expect("text");
    text
}

fn wait(child: &mut Child, what: impl std::fmt::Debug) -> ExitStatus {
    let mut status = None;
    let ended = poll(|| {
        status = child.try_wait().expect("a child");
        status.is_some()
    });
    if !ended {
        let _ = child.kill();
        panic!("{what:?} did not end within {PATIENCE:?}");
    }
    status.expect("it ended")
}

fn poll(mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > end {
            return false;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    true
}

/// Asks again and again until it is so.
pub(crate) fn until(what: &str, condition: impl FnMut() -> bool) {
    assert!(poll(condition), "not within {PATIENCE:?}: {what}");
}

/// `natsight serve`, on free ports. Killed with its owner.
pub(crate) struct Sidecar {
    child: Child,
    log: Arc<Log>,
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
}

#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    grown: Condvar,
}

impl Sidecar {
    /// Starts it and waits until both listeners are there.
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut all = vec!["serve", "--listen", "127.0.0.1:0", "--admin-listen"];
        all.push("127.0.0.1:0");
        all.extend(args);
        let mut this = Self::spawned(program(&all, &[]));
        this.admin = this.listener("admin");
        this
    }

    /// Starts it under another name, with one listener, and waits until that is there.
    pub(crate) fn start_as(name: &str, args: &[&str]) -> Self {
        Self::spawned(program_as(name, args))
    }

    fn spawned(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the binary starts");
        let log = Arc::new(Log::default());
        let (of_thread, err) = (Arc::clone(&log), child.stderr.take().expect("a pipe"));
        std::thread::spawn(move || {
            for line in BufReader::new(err).lines().map_while(Result::ok) {
                of_thread.lines.lock().expect("a lock").push(line);
                of_thread.grown.notify_all();
            }
        });
        let mut this = Self {
            child,
            log,
            public: SocketAddr::from(([0; 4], 0)),
            admin: SocketAddr::from(([0; 4], 0)),
        };
        this.public = this.listener("public");
        this
    }

    fn listener(&self, name: &str) -> SocketAddr {
        let line = self.wait_for(&["listening", name]);
        let address = line.split("127.0.0.1:").nth(1).expect("an address");
        let end = address.find(|c: char| !c.is_ascii_digit());
        let port = address[..end.unwrap_or(address.len())].parse::<u16>();
        SocketAddr::from(([127, 0, 0, 1], port.expect("a port")))
    }

    /// Waits for a log line with all of these words.
    pub(crate) fn wait_for(&self, words: &[&str]) -> String {
        let end = Instant::now() + PATIENCE;
        let mut lines = self.log.lines.lock().expect("a lock");
        loop {
            let fits = |line: &&String| words.iter().all(|word| line.contains(word));
            if let Some(line) = lines.iter().find(fits) {
                return line.clone();
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {words:?} in\n{}", lines.join("\n"));
            lines = self.log.grown.wait_timeout(lines, left).expect("a lock").0;
        }
    }

    /// The log lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.log.lines.lock().expect("a lock").clone()
    }

    /// Its process.
    #[allow(dead_code, reason = "for tests that look at its memory")]
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal: TERM, HUP, INT.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }

    /// Waits for its end; gives the status, how long it took, and what it wrote to standard output.
    pub(crate) fn ended(&mut self) -> (ExitStatus, Duration, String) {
        let started = Instant::now();
        let status = wait(&mut self.child, "serve");
        (status, started.elapsed(), whole(self.child.stdout.as_mut()))
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
