//! An incident's bundle: everything that tells why, of one moment, in one archive. Nothing of it holds a secret: no command line, no
//! configuration, no arguments of functions.

use std::io;
use std::time::SystemTime;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::download::ARCHIVE;
use super::{Begin, Captures, Failure, facts, findings, packed, unix};
use crate::profile::access::{Access, Ask, Taken, longest};
use crate::profile::store::Facts;
use crate::profile::top::Top;
use crate::profile::{Capture, Kind, ProfileError};

/// What the kernel says of pressure on the whole machine.
const PRESSURE: [&str; 3] = ["cpu", "io", "memory"];
/// Bytes of such a file.
const PRESSURE_MAX: usize = 4096;

/// Files of the archive.
type Files = Vec<(String, Vec<u8>)>;

impl Captures {
    pub(super) async fn bundle(&self, begin: &Begin, access: &Access) -> Result<Facts, Failure> {
        let running = &begin.running;
        // Before and after the rest, so that both ends are there.
        self.look_at_pages().await;
        let mut missing = Vec::new();
        let mut files = Files::new();
        let baseline = self.baseline(&running.server_name).await;
        let cpu = take(access, &begin.ask, running).await;
        let mut main = match cpu {
            Ok(taken) => Some(taken),
            Err(error) => {
                missing.push(format!("cpu: {error}"));
                None
            }
        };
        for kind in [Kind::Heap, Kind::Goroutine] {
            if running.watch.is_stopped() {
                break;
            }
            let ask = Ask {
                capture: Capture {
                    kind,
                    span: None,
                    ..begin.ask.capture
                },
                engine: None,
                locks: false,
                gc: false,
            };
            match take(access, &ask, running).await {
                Ok(taken) => {
                    add_taken(&mut files, &taken, access);
                    main = main.or(Some(taken));
                }
                Err(error) => missing.push(format!("{}: {error}", kind.word())),
            }
        }
        self.look_at_pages().await;
        let Some(mut main) = main else {
            let word = "nothing";
            return Err(Failure {
                text: missing.join("; "),
                word,
            });
        };
        main.captured.about.missing.extend(missing);
        if main.kind == Kind::Cpu {
            add_taken(&mut files, &main, access);
        }
        add_findings(&mut files, &main, baseline.as_ref());
        files.extend(pressure().await);
        for (at, page) in self.inner.pages.all() {
            let name = format!("metrics/{:.0}.prom.gz", unix(at));
            files.push((name, page.to_vec()));
        }
        let mut facts = facts(running, access, &main, baseline.as_ref(), ARCHIVE);
        facts.title = format!("Bundle of {}", access.name);
        let told = serde_json::to_vec_pretty(&facts).unwrap_or_default();
        files.insert(0, ("facts.json".to_owned(), told));
        let taken = main.at;
        self.keep(facts, move || archive(&files, taken)).await
    }

    async fn look_at_pages(&self) {
        let servers = self.inner.snapshots.borrow().clone();
        self.inner.pages.look(&servers).await;
    }
}

async fn take(access: &Access, ask: &Ask, running: &super::Running) -> Result<Taken, ProfileError> {
    let taking = tokio::time::timeout(longest(ask), access.take(ask, &running.watch));
    taking.await.unwrap_or(Err(ProfileError::Stopped))
}

fn add_taken(files: &mut Files, taken: &Taken, access: &Access) {
    let word = taken.kind.word();
    if let Ok(bytes) = packed(taken) {
        files.push((format!("{word}.pb.gz"), bytes));
    }
    let text = taken
        .top()
        .text(&taken.title(&access.name), &taken.captured.about);
    files.push((format!("{word}.top.txt"), text.into_bytes()));
}

fn add_findings(files: &mut Files, taken: &Taken, baseline: Option<&Top>) {
    let findings = findings(taken, baseline);
    let lines = taken.lines().join("\n") + "\n";
    files.push(("summary.txt".to_owned(), lines.into_bytes()));
    if let Ok(bytes) = serde_json::to_vec_pretty(&findings) {
        files.push(("findings.json".to_owned(), bytes));
    }
}

/// `/proc/pressure`; absent where the kernel keeps none.
async fn pressure() -> Files {
    let read = tokio::task::spawn_blocking(|| {
        let file = |name: &str| {
            let mut bytes = std::fs::read(format!("/proc/pressure/{name}")).ok()?;
            bytes.truncate(PRESSURE_MAX);
            Some((format!("pressure/{name}.txt"), bytes))
        };
        PRESSURE.iter().filter_map(|name| file(name)).collect()
    });
    read.await.unwrap_or_default()
}

fn archive(files: &Files, taken: SystemTime) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds since 1970"
        )]
        header.set_mtime(unix(taken) as u64);
        header.set_cksum();
        archive.append_data(&mut header, name, &bytes[..])?;
    }
    archive.into_inner()?.finish()
}
