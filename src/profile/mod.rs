//! Profiles of a broker: engines that take them, one model that they end in, writers that know no engine.

pub mod access;
pub mod change;
pub mod dump;
pub mod engine;
pub mod flame;
pub mod folded;
pub mod form;
pub mod gc;
pub mod locks;
pub mod model;
pub mod native;
#[cfg(feature = "self-profile")]
pub mod own;
pub mod port;
pub mod pprof;
pub mod profilez;
pub mod speedscope;
pub mod stacksz;
pub mod store;
pub mod subsystem;
pub mod top;
pub mod verdict;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use engine::{Capture, Engine, EngineName, Kind, Watch};
pub use model::{Frame, FrameId, Label, Profile, Sample, ValueType};

/// How a profile came to be, and what it lacks: every picture says so.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct About {
    /// The engine; `None` for a profile that was read from a file.
    pub engine: Option<EngineName>,
    /// Engines that were tried before, and what they said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<String>,
    /// How long it watched; `span_seconds` in JSON.
    #[serde(rename = "span_seconds", with = "seconds")]
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
    #[serde(rename = "cpu_seconds", with = "seconds::maybe", default)]
    pub cpu: Option<Duration>,
    /// What the engine's parts took, where it knows.
    #[serde(
        default,
        rename = "costs_seconds",
        skip_serializing_if = "Option::is_none"
    )]
    pub costs: Option<Costs>,
    /// What is missing, and how to get it, one sentence each.
    pub missing: Vec<String>,
}

/// What the native engine's parts took, apart from the sampling itself.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Costs {
    /// Finding and checking the program's symbol table.
    #[serde(with = "seconds")]
    pub table: Duration,
    /// Events and rings of all threads.
    #[serde(with = "seconds")]
    pub attach: Duration,
    /// Names of kernel functions; known ones are kept.
    #[serde(with = "seconds")]
    pub kernel_names: Duration,
    /// All other names.
    #[serde(with = "seconds")]
    pub names: Duration,
}

/// Durations in JSON: seconds with a fraction.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(span: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(span.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(from)?).map_err(de::Error::custom)
    }

    pub(super) mod maybe {
        use std::time::Duration;

        use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

        #[allow(clippy::ref_option, reason = "serde passes it so")]
        pub(in super::super) fn serialize<S: Serializer>(
            span: &Option<Duration>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            span.map(|span| span.as_secs_f64()).serialize(to)
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<Duration>, D::Error> {
            Option::<f64>::deserialize(from)?
                .map(|seconds| Duration::try_from_secs_f64(seconds).map_err(de::Error::custom))
                .transpose()
        }
    }
}

impl About {
    /// The story of a capture that begins.
    #[must_use]
    pub fn by(engine: EngineName) -> Self {
        Self {
            engine: Some(engine),
            ..Self::default()
        }
    }

    /// One line for a picture or a terminal.
    #[must_use]
    pub fn sentence(&self) -> String {
        let percent = |part: u64, all: u64| 100.0 * part as f64 / all.max(1) as f64;
        let mut text = format!("engine {}", self.engine.map_or("unknown", EngineName::word));
        if !self.span.is_zero() {
            text += &format!(", {:.1} s", self.span.as_secs_f64());
        }
        if let Some(rate) = self.rate {
            text += &format!(", {rate} Hz");
        }
        // All else than CPU time is counted in values of its own.
        if self.rate.is_some() {
            text += &format!(", {} samples", self.samples);
        }
        // Of the broker's own profiles nobody knows.
        if self.engine == Some(EngineName::Native) {
            text += &format!(", {} lost", self.lost);
        }
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
    /// A broker or its profiling port cannot be reached, or refuses.
    #[error("{why}")]
    Refused {
        /// The engine.
        engine: EngineName,
        /// What was said, and the next step.
        why: String,
    },
    /// What came is no profile.
    #[error("{from} sent what is no profile: {why}; see whether the port is the broker's")]
    Garbage {
        /// Where it came from.
        from: String,
        /// What is wrong with it.
        why: String,
    },
    /// Whoever wanted it wants it no more.
    #[error("the capture was ended before it was whole")]
    Stopped,
    /// Somebody else takes one just now.
    #[error("another CPU profile of this broker is under way; try again when it has ended")]
    Busy,
    /// A dump would stop the broker for too long.
    #[error(
        "the broker has about {count} goroutines, and a dump of them stops it for a moment: above {most} natsight asks twice; \
         add --large (\"large\": true) to take it"
    )]
    TooManyGoroutines {
        /// About so many.
        count: u64,
        /// So many are dumped without a further word.
        most: u64,
    },
    /// No engine at hand.
    #[error("no {} profile could be taken: {}", kind.word(), no_engine(*kind, said))]
    NoEngine {
        /// What was wanted.
        kind: Kind,
        /// What engines said.
        said: Vec<String>,
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

impl ProfileError {
    /// Whether no other engine would do better.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::TooManyGoroutines { .. } | Self::Stopped)
    }

    /// Bounded label value.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Gone { .. } => "gone",
            Self::NoProgram { .. } => "no_program",
            Self::NotGo { .. } => "not_go",
            Self::Forbidden { .. } => "forbidden",
            Self::Refused { .. } => "refused",
            Self::Garbage { .. } => "garbage",
            Self::Stopped => "stopped",
            Self::Busy => "busy",
            Self::TooManyGoroutines { .. } => "too_many_goroutines",
            Self::NoEngine { .. } => "no_engine",
            Self::Attach { .. } => "attach",
        }
    }
}

fn no_engine(kind: Kind, said: &[String]) -> String {
    let mut parts = said.to_vec();
    if parts.is_empty() {
        let native = if kind == Kind::Cpu {
            "the broker's process (--pid) on this machine, "
        } else {
            ""
        };
        parts.push(format!(
            "natsight needs {native}its profiling port (--profiling-url, servers[].profiling_url), or a user of the system account \
             (--system-user, system.user)"
        ));
    }
    parts.join("; ")
}
