//! natsight's own CPU time, by the signal of a timer (crate `pprof`). Built in by the feature `self-profile` alone: a handler that walks stacks
//! in the middle of anything is no guest of a sidecar that nobody wants to look into.
//!
//! Stacks are followed by frame pointers and named by the program's symbols, so a build that is to be looked at keeps both; see docs/profiling.md.

use std::time::Instant;

use ::pprof::{ProfilerGuard, ProfilerGuardBuilder};

use super::{About, Captured, Frame, Profile, ValueType};

/// A handler must not walk through code that may be in the middle of loading or unwinding.
const BLOCKED: [&str; 4] = ["libc", "libgcc", "pthread", "vdso"];

/// Runs until it is finished; there is but one timer, so there can be but one.
pub struct Sampler {
    guard: ProfilerGuard<'static>,
    rate: u32,
    begin: Instant,
}

impl Sampler {
    /// Begins, so often in a second of CPU time.
    ///
    /// # Errors
    ///
    /// When another one runs.
    pub fn start(rate: u32) -> Result<Self, String> {
        let guard = ProfilerGuardBuilder::default()
            .frequency(i32::try_from(rate).unwrap_or(i32::MAX))
            .blocklist(&BLOCKED)
            .build()
            .map_err(|error| format!("natsight cannot profile itself now: {error}"))?;
        Ok(Self {
            guard,
            rate,
            begin: Instant::now(),
        })
    }

    /// Ends, and tells what was seen; blocks while names are looked up.
    ///
    /// # Errors
    ///
    /// What the library says.
    pub fn finish(self) -> Result<Captured, String> {
        let report = self
            .guard
            .report()
            .build()
            .map_err(|error| error.to_string())?;
        let mut about = About {
            span: self.begin.elapsed(),
            rate: Some(self.rate),
            ..About::default()
        };
        let mut profile = Profile::new(vec![
            ValueType::new("samples", "count"),
            ValueType::new("cpu", "nanoseconds"),
        ]);
        let period = 1_000_000_000 / i64::from(self.rate.max(1));
        let mut ids = Vec::new();
        for (stack, count) in &report.data {
            ids.clear();
            // Each place has its inlined functions first.
            for symbols in &stack.frames {
                for (at, symbol) in symbols.iter().enumerate() {
                    ids.extend(profile.intern(Frame {
                        function: symbol.name().into(),
                        file: symbol.filename().into(),
                        line: symbol.lineno(),
                        inlined: at + 1 < symbols.len(),
                    }));
                }
            }
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            about.samples += count.unsigned_abs();
            profile.add(&ids, &[count, count.saturating_mul(period)], Vec::new());
        }
        Ok(Captured { profile, about })
    }
}
