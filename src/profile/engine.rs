//! What an engine is: one way to take a profile of a broker. Engines end in the one model; whoever asks sees no difference but the story
//! that comes with it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{Captured, ProfileError};

macro_rules! words {
    ($( $(#[doc = $doc:literal])+ $name:ident { $( $(#[doc = $item_doc:literal])+ $item:ident = $word:literal ),+ $(,)? } )+) => { $(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $( $(#[doc = $item_doc])+ #[serde(rename = $word)] $item ),+ }

        impl $name {
            /// All of them.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$item),+];

            /// As on the command line, in JSON and in labels.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$item => $word),+ }
            }

            /// The one of a word.
            #[must_use]
            pub fn of_word(word: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|one| one.word() == word)
            }
        }
    )+ };
}

words! {
    /// What a profile tells of; the names of `runtime/pprof`.
    Kind {
        /// Where CPU time goes.
        Cpu = "cpu",
        /// Memory in use.
        Heap = "heap",
        /// All memory ever allocated.
        Allocs = "allocs",
        /// Where goroutines stand.
        Goroutine = "goroutine",
        /// Time that locks were held while others waited; empty unless the broker was built to record it.
        Mutex = "mutex",
        /// Time that goroutines waited; empty unless the broker has `prof_block_rate`.
        Block = "block",
    }
    /// The ways to take a profile.
    EngineName {
        /// The kernel samples the process from outside.
        Native = "native",
        /// A request over the system account.
        Profilez = "profilez",
        /// The broker's profiling port (`prof_port`).
        Port = "port",
        /// Goroutine dumps of the monitoring port (`/stacksz`).
        Stacksz = "stacksz",
    }
}

/// What somebody wants to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capture {
    /// What it tells of.
    pub kind: Kind,
    /// How long to watch. Without it: 10 s for CPU time, for all else what is there at the moment.
    pub span: Option<Duration>,
    /// Samples in a second of CPU time, for the native engine; the broker's own are at 100.
    pub rate: u32,
    /// Whether dumps may be taken of a broker that has very many goroutines.
    pub large: bool,
}

impl Capture {
    /// How long CPU time is watched where nobody says.
    pub const SPAN: Duration = Duration::from_secs(10);

    /// How long it takes, apart from overheads.
    #[must_use]
    pub fn length(&self) -> Duration {
        match (self.span, self.kind) {
            (Some(span), _) => span,
            (None, Kind::Cpu) => Self::SPAN,
            (None, _) => Duration::ZERO,
        }
    }
}

/// How far a capture has come, for whoever waits for it, and how to end it early.
#[derive(Debug, Default)]
pub struct Watch {
    samples: AtomicU64,
    stopped: AtomicBool,
}

impl Watch {
    /// Samples so far, where the engine knows.
    pub fn samples(&self) -> u64 {
        self.samples.load(Ordering::Relaxed)
    }

    /// Tells how many samples there are.
    pub fn set_samples(&self, samples: u64) {
        self.samples.store(samples, Ordering::Relaxed);
    }

    /// Ends the capture with what there is.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether somebody wants it to end.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// One way to take a profile of one broker.
pub trait Engine: Send + Sync {
    /// Its name in results.
    fn name(&self) -> EngineName;

    /// Whether it can tell of `kind` at all.
    fn tells_of(&self, kind: Kind) -> bool;

    /// Takes a profile. It has deadlines of its own, and never holds the thread.
    fn capture<'a>(
        &'a self,
        ask: &'a Capture,
        watch: &'a std::sync::Arc<Watch>,
    ) -> BoxFuture<'a, Result<Captured, ProfileError>>;
}

/// The first engine, in this order, that tells of the kind and works. What the ones before it said stands in the story.
///
/// # Errors
///
/// When none works: what each said; and the hints for kinds that no engine at hand tells of.
pub async fn best(
    engines: &[Box<dyn Engine>],
    ask: &Capture,
    watch: &std::sync::Arc<Watch>,
) -> Result<Captured, ProfileError> {
    let mut passed = Vec::new();
    for engine in engines.iter().filter(|engine| engine.tells_of(ask.kind)) {
        match engine.capture(ask, watch).await {
            Ok(mut captured) => {
                captured.about.passed_over = passed;
                return Ok(captured);
            }
            // Others would meet the same profile, or the same end.
            Err(error) if error.is_final() => return Err(error),
            Err(error) => passed.push(format!("{}: {error}", engine.name().word())),
        }
    }
    Err(ProfileError::NoEngine {
        kind: ask.kind,
        said: passed,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;

    use super::*;
    use crate::profile::{About, Profile};

    struct Fixed(EngineName, Option<ProfileError>);

    impl Engine for Fixed {
        fn name(&self) -> EngineName {
            self.0
        }

        fn tells_of(&self, kind: Kind) -> bool {
            kind == Kind::Cpu
        }

        fn capture<'a>(
            &'a self,
            _: &'a Capture,
            _: &'a Arc<Watch>,
        ) -> BoxFuture<'a, Result<Captured, ProfileError>> {
            let about = About::by(self.0);
            let captured = Captured {
                profile: Profile::default(),
                about,
            };
            let result = self.1.clone().map_or(Ok(captured), Err);
            async move { result }.boxed()
        }
    }

    fn best_of(engines: Vec<Fixed>, kind: Kind) -> Result<Captured, ProfileError> {
        let engines: Vec<_> = engines
            .into_iter()
            .map(|engine| Box::new(engine) as Box<dyn Engine>)
            .collect();
        let ask = Capture {
            kind,
            span: None,
            rate: 99,
            large: false,
        };
        best(&engines, &ask, &Arc::default())
            .now_or_never()
            .unwrap()
    }

    fn broken(why: &str) -> Option<ProfileError> {
        Some(ProfileError::Refused {
            engine: EngineName::Native,
            why: why.to_owned(),
        })
    }

    #[test]
    fn the_next_engine_is_taken_and_the_story_tells_of_the_one_before() {
        let engines = vec![
            Fixed(EngineName::Native, broken("no right")),
            Fixed(EngineName::Port, None),
        ];
        let captured = best_of(engines, Kind::Cpu).unwrap();
        assert_eq!(captured.about.engine, Some(EngineName::Port));
        assert_eq!(captured.about.passed_over.len(), 1);
        assert!(captured.about.passed_over[0].contains("no right"));
    }

    #[test]
    fn where_none_works_all_that_was_said_is_repeated() {
        let engines = vec![
            Fixed(EngineName::Native, broken("one")),
            Fixed(EngineName::Port, broken("two")),
        ];
        let text = best_of(engines, Kind::Cpu).unwrap_err().to_string();
        assert!(text.contains("one") && text.contains("two"), "{text}");
        let text = best_of(vec![], Kind::Heap).unwrap_err().to_string();
        assert!(text.contains("--profiling-url"), "{text}");
    }

    #[test]
    fn a_profile_that_is_too_large_is_not_asked_for_again() {
        let large = ProfileError::TooManyGoroutines {
            count: 30_000,
            most: 20_000,
        };
        let engines = vec![
            Fixed(EngineName::Native, Some(large.clone())),
            Fixed(EngineName::Port, None),
        ];
        assert_eq!(best_of(engines, Kind::Cpu).unwrap_err(), large);
    }
}
