//! What natsight can reach of one broker, and a capture with everything that explains it: locks, garbage collection, the verdict.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use super::dump::Dump;
use super::engine::{Capture, Engine, EngineName, Kind, Watch, best};
use super::gc::{self, Gc};
use super::locks::Locks;
use super::native::kallsyms::KernelNames;
use super::native::{self, Native};
use super::port::ProfilingPort;
use super::profilez::Profilez;
use super::stacksz::{DUMPS_MAX, Stacksz};
use super::top::Top;
use super::verdict::{Known, Schedule, Usage, Verdict};
use super::{About, Captured, ProfileError};
use crate::source::http::Client;
use crate::source::{process, system};

/// What can be reached of a broker. Nothing of it comes from a request.
#[derive(Clone)]
pub struct Access {
    /// Its name, for titles.
    pub name: String,
    /// Its process, where that is on this machine.
    pub pid: Option<u32>,
    /// Its monitoring port.
    pub monitoring: Option<Arc<Client>>,
    /// Its profiling port.
    pub port: Option<Arc<Client>>,
    /// The system account, and the server's id.
    pub system: Option<(Arc<system::Access>, String)>,
    /// Names of kernel functions, which take longest to read.
    pub names: Arc<Mutex<KernelNames>>,
}

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// The profile.
    pub capture: Capture,
    /// The one engine to use; `None` for the best that works.
    pub engine: Option<EngineName>,
    /// Whether three goroutine dumps are taken beside.
    pub locks: bool,
    /// Whether garbage collection is told of: reading `memstats` stops the broker's world for a moment, twice.
    pub gc: bool,
}

/// A profile with what explains it.
#[derive(Debug)]
pub struct Taken {
    /// What it tells of.
    pub kind: Kind,
    /// When it began.
    pub at: SystemTime,
    /// The profile, and how it came to be.
    pub captured: Captured,
    /// Who waits for which lock, where dumps were taken.
    pub locks: Option<Locks>,
    /// What the kernel counted meanwhile, where the process can be seen.
    pub usage: Option<Usage>,
    /// Garbage collection meanwhile, where the broker tells.
    pub gc: Option<Gc>,
}

impl Access {
    /// The engines at hand, best first. `only` leaves all others out.
    #[must_use]
    pub fn engines(&self, only: Option<EngineName>) -> Vec<Box<dyn Engine>> {
        let mut engines: Vec<Box<dyn Engine>> = Vec::new();
        if let Some(pid) = self.pid {
            engines.push(Box::new(Native::new(pid, Arc::clone(&self.names))));
        }
        if let Some((access, server_id)) = &self.system {
            engines.push(Box::new(Profilez::new(
                Arc::clone(access),
                server_id.clone(),
            )));
        }
        if let Some(client) = &self.port {
            engines.push(Box::new(ProfilingPort::new(Arc::clone(client))));
        }
        if let Some(client) = &self.monitoring {
            engines.push(Box::new(Stacksz::new(Arc::clone(client))));
        }
        engines.retain(|engine| only.is_none_or(|only| engine.name() == only));
        engines
    }

    /// Takes what is asked for.
    ///
    /// # Errors
    ///
    /// When no engine gives the profile. Dumps that fail are told in the story.
    pub async fn take(&self, ask: &Ask, watch: &Arc<Watch>) -> Result<Taken, ProfileError> {
        let at = SystemTime::now();
        let begin = Instant::now();
        let (before, memory) = tokio::join!(self.schedule(), self.memory(ask.gc));
        let (mut captured, locks) = self.profile_and_locks(ask, watch).await?;
        let (after, memory_after) = tokio::join!(self.schedule(), self.memory(ask.gc));
        let usage = match (before, after) {
            (Some(before), Some(after)) if ask.capture.kind == Kind::Cpu => {
                let cores = self.cores_max().await;
                Some(after.usage(before, begin.elapsed(), cores))
            }
            _ => None,
        };
        let gc = memory
            .zip(memory_after)
            .map(|(before, after)| Gc::between(&before, &after));
        let locks = match locks {
            Some(Ok(locks)) => Some(locks),
            Some(Err(error)) => {
                captured.about.missing.push(format!("locks: {error}"));
                None
            }
            None => None,
        };
        Ok(Taken {
            kind: ask.capture.kind,
            at,
            captured,
            locks,
            usage,
            gc,
        })
    }

    async fn profile_and_locks(
        &self,
        ask: &Ask,
        watch: &Arc<Watch>,
    ) -> Result<(Captured, Option<Result<Locks, ProfileError>>), ProfileError> {
        let engines = self.engines(ask.engine);
        if let [only] = &engines[..]
            && ask.engine.is_some()
            && !only.tells_of(ask.capture.kind)
        {
            let engine = only.name();
            let (word, kind) = (engine.word(), ask.capture.kind.word());
            return Err(ProfileError::Refused {
                engine,
                why: format!("the engine {word} does not tell of {kind}; leave --engine out"),
            });
        }
        let mut able = engines
            .iter()
            .filter(|engine| engine.tells_of(ask.capture.kind));
        // A goroutine profile out of dumps, and locks, are one and the same few dumps.
        let from_dumps = ask.capture.kind == Kind::Goroutine
            && (ask.locks || able.all(|engine| engine.name() == EngineName::Stacksz));
        if from_dumps && self.monitoring.is_some() && ask.engine != Some(EngineName::Port) {
            let (dumps, missing) = self.dumps(ask, watch).await?;
            let locks = Locks::of(&dumps);
            return Ok((captured_of(&dumps, missing), Some(Ok(locks))));
        }
        let capture = best(&engines, &ask.capture, watch);
        if !ask.locks {
            return Ok((capture.await?, None));
        }
        let (captured, dumps) = tokio::join!(capture, self.dumps(ask, watch));
        let locks = dumps.map(|(dumps, _)| Locks::of(&dumps));
        Ok((captured?, Some(locks)))
    }

    async fn dumps(
        &self,
        ask: &Ask,
        watch: &Watch,
    ) -> Result<(Vec<Dump>, Vec<String>), ProfileError> {
        let Some(client) = &self.monitoring else {
            return Err(ProfileError::Refused {
                engine: EngineName::Stacksz,
                why: "goroutine dumps need the broker's monitoring URL".to_owned(),
            });
        };
        let stacksz = Stacksz::new(Arc::clone(client));
        let span = ask.capture.length();
        let taken = stacksz
            .dumps(DUMPS_MAX, span, ask.capture.large, watch)
            .await?;
        Ok((taken.dumps, taken.missing))
    }

    async fn schedule(&self) -> Option<Schedule> {
        let pid = self.pid?;
        let look = tokio::task::spawn_blocking(move || native::schedule(pid));
        look.await.ok().flatten()
    }

    async fn memory(&self, wanted: bool) -> Option<gc::MemStats> {
        if !wanted {
            return None;
        }
        gc::look(self.monitoring.as_deref()?).await
    }

    /// Processors of the machine, or of the broker's control group where that has fewer.
    async fn cores_max(&self) -> f64 {
        let machine = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let machine = u32::try_from(machine).map_or(1.0, f64::from);
        let Some(pid) = self.pid.and_then(|pid| i32::try_from(pid).ok()) else {
            return machine;
        };
        let look = tokio::task::spawn_blocking(move || process::read(pid).ok());
        let quota = look
            .await
            .ok()
            .flatten()
            .and_then(|sample| sample.cgroup.cpu_quota)
            .map(crate::source::CpuQuota::cores);
        quota.map_or(machine, |quota: f64| quota.min(machine))
    }
}

fn captured_of(dumps: &[Dump], missing: Vec<String>) -> Captured {
    let last = dumps.last();
    let about = About {
        samples: last.map_or(0, |dump| dump.goroutines),
        lost: last.map_or(0, |dump| dump.left_out),
        missing,
        ..About::by(EngineName::Stacksz)
    };
    Captured {
        profile: last.map(Dump::profile).unwrap_or_default(),
        about,
    }
}

impl Taken {
    /// The table of what the profile shows.
    #[must_use]
    pub fn top(&self) -> Top {
        let profile = &self.captured.profile;
        Top::of(profile, profile.shown())
    }

    /// The verdict, where there is something to judge by. `baseline` is a table of a time when all was well.
    #[must_use]
    pub fn verdict(&self, baseline: Option<&Top>) -> Option<Verdict> {
        let top = (self.kind == Kind::Cpu).then(|| self.top());
        if top.is_none() && self.locks.is_none() {
            return None;
        }
        Some(Verdict::of(&Known {
            top: top.as_ref(),
            baseline,
            locks: self.locks.as_ref(),
            usage: self.usage,
        }))
    }

    /// What a picture or a table is called.
    #[must_use]
    pub fn title(&self, of: &str) -> String {
        let what = match self.kind {
            Kind::Cpu => "CPU time",
            Kind::Heap => "Memory in use",
            Kind::Allocs => "Memory allocated",
            Kind::Goroutine => "Goroutines",
            Kind::Mutex => "Time that locks were held while others waited",
            Kind::Block => "Time that goroutines waited",
        };
        format!("{what} of {of}")
    }

    /// Lines for a terminal: how it came to be, what is missing, what it says.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let about = &self.captured.about;
        let mut lines = vec![about.sentence()];
        lines.extend(
            about
                .passed_over
                .iter()
                .map(|said| format!("passed over: {said}")),
        );
        lines.extend(about.missing.iter().map(|what| format!("missing: {what}")));
        if self.captured.profile.samples().is_empty() {
            lines.push(match self.kind {
                Kind::Cpu => "the process used no CPU time that could be sampled".to_owned(),
                Kind::Mutex => "nothing: nats-server does not record how long locks are held; block profiles and --locks tell of waiting".to_owned(),
                Kind::Block => "nothing: the broker records waiting only with prof_block_rate in its configuration".to_owned(),
                _ => "nothing was seen".to_owned(),
            });
        } else {
            let top = self.top();
            let total = super::top::amount(top.total, &top.unit);
            lines.push(match top.total {
                0 => format!("{}: no change", top.value),
                _ => format!("{}: {total}: {}", top.value, top.parts()),
            });
        }
        if let Some(locks) = &self.locks {
            lines.extend(locks.text().lines().map(str::to_owned));
        }
        if let Some(gc) = &self.gc {
            lines.push(format!("garbage collection: {}", gc.sentence()));
        }
        if let Some(verdict) = self.verdict(None) {
            lines.push(format!("verdict: {}", verdict.sentence()));
            lines.extend(
                verdict
                    .unknown
                    .iter()
                    .map(|what| format!("not known: {what}")),
            );
        }
        lines
    }
}

/// How long a capture may take at most, all engines tried one after the other.
#[must_use]
pub fn longest(ask: &Ask) -> Duration {
    ask.capture.length() * 3 + super::port::SLACK * 4
}
