//! The broker's profiling port (`prof_port`): Go's own profiles over HTTP, `net/http/pprof`.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::engine::{Capture, Engine, EngineName, Kind, Watch};
use super::{About, Captured, Profile, ProfileError, pprof};
use crate::source::http::{Client, FetchError, Limits};

/// Bytes of an answer, before unpacking.
pub const REPLY_MAX: u64 = 32 << 20;
/// What an answer may take beyond the time that was asked for.
pub const SLACK: Duration = Duration::from_secs(15);
/// How often a capture that waits looks whether it is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The engine.
pub struct ProfilingPort {
    client: Arc<Client>,
}

impl ProfilingPort {
    /// Over a client of the profiling port.
    #[must_use]
    pub fn new(client: Arc<Client>) -> Self {
        Self { client }
    }

    async fn fetch(&self, path: &str, span: Duration) -> Result<Vec<u8>, ProfileError> {
        let limits = Limits {
            deadline: span + SLACK,
            body_max: REPLY_MAX,
        };
        let body = self.client.whole(path, limits).await;
        body.map_err(|error| refused(&error))
    }

    async fn take(&self, ask: &Capture, watch: &Watch) -> Result<Captured, ProfileError> {
        let from = self.client.target().host_port();
        if ask.kind == Kind::Cpu {
            let seconds = ask.length().as_secs_f64().ceil();
            let path = format!("/debug/pprof/profile?seconds={seconds:.0}");
            let bytes = unless_stopped(watch, self.fetch(&path, ask.length())).await?;
            return captured(EngineName::Port, bytes, from).await;
        }
        let path = format!("/debug/pprof/{}", ask.kind.word());
        between(EngineName::Port, ask, watch, from, || {
            self.fetch(&path, Duration::ZERO)
        })
        .await
    }
}

impl Engine for ProfilingPort {
    fn name(&self) -> EngineName {
        EngineName::Port
    }

    fn tells_of(&self, _: Kind) -> bool {
        true
    }

    fn capture<'a>(
        &'a self,
        ask: &'a Capture,
        watch: &'a Arc<Watch>,
    ) -> BoxFuture<'a, Result<Captured, ProfileError>> {
        self.take(ask, watch).boxed()
    }
}

fn refused(error: &FetchError) -> ProfileError {
    match error {
        FetchError::Status {
            code: 500, text, ..
        } if text.contains("already in use") => ProfileError::Busy,
        error => ProfileError::Refused {
            engine: EngineName::Port,
            why: error.to_string(),
        },
    }
}

/// Ends a request that nobody wants any more: the connection closes, and the broker stops its profile.
pub(super) async fn unless_stopped<T>(
    watch: &Watch,
    request: impl Future<Output = Result<T, ProfileError>>,
) -> Result<T, ProfileError> {
    let stopped = async {
        while !watch.is_stopped() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        result = request => result,
        () = stopped => Err(ProfileError::Stopped),
    }
}

/// A profile that counts since the start, or of this moment: as it is, or what came within the time that was asked for.
pub(super) async fn between<F: Future<Output = Result<Vec<u8>, ProfileError>>>(
    engine: EngineName,
    ask: &Capture,
    watch: &Watch,
    from: String,
    fetch: impl Fn() -> F,
) -> Result<Captured, ProfileError> {
    let first = captured(engine, unless_stopped(watch, fetch()).await?, from.clone()).await?;
    let Some(span) = ask.span else {
        return Ok(first);
    };
    let wait = async {
        tokio::time::sleep(span).await;
        fetch().await
    };
    let mut last = captured(engine, unless_stopped(watch, wait).await?, from).await?;
    last.profile = last.profile.since(&first.profile);
    last.about.span = span;
    last.about.samples = samples(&last.profile);
    last.about.missing.push(format!(
        "only what changed within {:.0} s is shown",
        span.as_secs_f64()
    ));
    Ok(last)
}

/// Reads what a broker sent, on a thread that may block.
pub(super) async fn captured(
    engine: EngineName,
    bytes: Vec<u8>,
    from: String,
) -> Result<Captured, ProfileError> {
    let read = tokio::task::spawn_blocking(move || pprof::read(&bytes)).await;
    let garbage = |why: String| ProfileError::Garbage { from, why };
    let (profile, told) = match read {
        Ok(Ok(read)) => read,
        Ok(Err(error)) => return Err(garbage(error.to_string())),
        Err(error) => return Err(garbage(error.to_string())),
    };
    let about = About {
        span: told.span,
        rate: told.rate,
        samples: samples(&profile),
        lost: profile.left_out,
        ..About::by(engine)
    };
    Ok(Captured { profile, about })
}

/// The sum of the first type, which counts things in all profiles of Go.
fn samples(profile: &Profile) -> u64 {
    u64::try_from(profile.total(0)).unwrap_or(0)
}
