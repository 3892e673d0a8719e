//! Profiles of a broker: engines that take them, one model that they end in, writers that know no engine.

pub mod flame;
pub mod folded;
pub mod form;
pub mod model;
pub mod native;
pub mod pprof;
pub mod subsystem;

use std::time::Duration;

pub use model::{Frame, FrameId, Label, Profile, Sample, ValueType};

/// What somebody wants to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capture {
    /// How long to watch.
    pub span: Duration,
    /// Samples in a second of CPU time.
    pub rate: u32,
}

/// How a profile came to be, and what it lacks: every picture says so.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct About {
    /// Name of the engine.
    pub engine: &'static str,
    /// How long it watched.
    pub span: Duration,
    /// Samples in a second of CPU time, where there is a rate.
    pub rate: Option<u32>,
    /// Samples taken.
    pub samples: u64,
    /// Samples that found no room.
    pub lost: u64,
    /// Samples whose stack reaches a root; `None` where the engine does not know.
    pub whole: Option<u64>,
    /// Frames, and those of them without a name.
    pub frames: Option<(u64, u64)>,
    /// CPU time that the process had meanwhile, as the kernel counts it.
    pub cpu: Option<Duration>,
    /// What is missing, and how to get it, one sentence each.
    pub missing: Vec<String>,
}

impl About {
    /// One line for a picture or a terminal.
    #[must_use]
    pub fn sentence(&self) -> String {
        let percent = |part: u64, all: u64| 100.0 * part as f64 / all.max(1) as f64;
        let mut text = format!("engine {}, {:.1} s", self.engine, self.span.as_secs_f64());
        if let Some(rate) = self.rate {
            text += &format!(", {rate} Hz");
        }
        text += &format!(", {} samples, {} lost", self.samples, self.lost);
        if let Some(whole) = self.whole.filter(|_| self.samples > 0) {
            text += &format!(", {:.1} % whole stacks", percent(whole, self.samples));
        }
        if let Some((frames, unresolved)) = self.frames.filter(|(frames, _)| *frames > 0) {
            text += &format!(
                ", {:.2} % of frames without a name",
                percent(unresolved, frames)
            );
        }
        if let (Some(cpu), Some(rate)) = (self.cpu, self.rate) {
            let sampled = self.samples as f64 / f64::from(rate.max(1));
            text += &format!(
                ", {sampled:.2} s of CPU sampled, {:.2} s by the kernel's count",
                cpu.as_secs_f64()
            );
        }
        text
    }
}

/// A profile with its story.
#[derive(Debug, Clone)]
pub struct Captured {
    /// Stacks and values; may be empty, which is what an idle broker gives.
    pub profile: Profile,
    /// How it came to be.
    pub about: About,
}

/// Why there is no profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// No such process, or it ended before anything was seen.
    #[error("there is no process {pid}; the broker may have restarted: ask for its PID again")]
    Gone {
        /// Process id.
        pid: u32,
    },
    /// Its program cannot be opened.
    #[error(
        "the program of process {pid} cannot be read ({why}); run natsight as the broker's user, or grant CAP_SYS_PTRACE"
    )]
    NoProgram {
        /// Process id.
        pid: u32,
        /// What the system said.
        why: String,
    },
    /// It is no Go program that we can read.
    #[error(
        "process {pid} cannot be read as a Go program: {why}; take the PID of nats-server itself"
    )]
    NotGo {
        /// Process id.
        pid: u32,
        /// What was missing.
        why: String,
    },
    /// The kernel refuses to sample.
    #[error(
        "the kernel does not let natsight sample process {pid} ({why}; kernel.perf_event_paranoid is {paranoid}): \
         run natsight as the broker's user, or grant CAP_PERFMON (in a container also allow perf_event_open in the seccomp profile)"
    )]
    Forbidden {
        /// Process id.
        pid: u32,
        /// What the system said.
        why: String,
        /// `kernel.perf_event_paranoid`, or `unknown`.
        paranoid: String,
    },
    /// The kernel lacks something else.
    #[error("sampling of process {pid} cannot begin: {why}")]
    Attach {
        /// Process id.
        pid: u32,
        /// What the system said, and what to change.
        why: String,
    },
}
