//! Goroutine dumps of the monitoring port (`/stacksz`), which stop the broker's world while they are made: few, far between, and not of a
//! broker with very many goroutines unless that is asked for twice.
//!
//! Measured on 2.15.1 with 6,200 goroutines: 5.8 MB and 0.15 to 0.43 s a dump, the worst ping of a client 228 ms.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Deserialize;

use super::dump::{Dump, Reader};
use super::engine::{Capture, Engine, EngineName, Kind, Watch};
use super::port::unless_stopped;
use super::{About, Captured, ProfileError};
use crate::source::http::{Client, FetchError, Limits};

/// Dumps in one capture.
pub const DUMPS_MAX: u32 = 3;
/// Goroutines from which on a dump must be asked for twice.
pub const GOROUTINES_ASK: u64 = 20_000;
/// Bytes that are read of one dump; what is beyond is left out, and said.
const DUMP_BYTES_MAX: u64 = 256 << 20;
/// From the request to the end of a dump.
const DEADLINE: Duration = Duration::from_secs(20);
const VARZ: Limits = Limits {
    deadline: Duration::from_secs(5),
    body_max: 4 << 20,
};
/// Between dumps of a capture without a duration.
const GAP: Duration = Duration::from_millis(300);
/// Goroutines of a broker that has nothing to do, and of each of its connections.
const IDLE: u64 = 150;
const EACH: u64 = 2;

/// The engine.
pub struct Stacksz {
    client: Arc<Client>,
}

/// Some dumps, and what is missing of them.
#[derive(Debug, Default)]
pub struct Dumps {
    /// In the order in which they were taken.
    pub dumps: Vec<Dump>,
    /// Sentences.
    pub missing: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Counts {
    connections: u64,
    routes: u64,
    remotes: u64,
    leafnodes: u64,
}

impl Stacksz {
    /// Over a client of the monitoring port.
    #[must_use]
    pub fn new(client: Arc<Client>) -> Self {
        Self { client }
    }

    /// Takes `count` dumps, at most [`DUMPS_MAX`], spread over `span`.
    ///
    /// # Errors
    ///
    /// When the broker refuses, has too many goroutines and `large` is not set, or sends something else.
    pub async fn dumps(
        &self,
        count: u32,
        span: Duration,
        large: bool,
        watch: &Watch,
    ) -> Result<Dumps, ProfileError> {
        if !large {
            self.check().await?;
        }
        let count = count.clamp(1, DUMPS_MAX);
        let gap = (span / count).max(GAP);
        let mut all = Dumps::default();
        for at in 0..count {
            if at > 0 {
                let wait = async {
                    tokio::time::sleep(gap).await;
                    Ok(())
                };
                unless_stopped(watch, wait).await?;
            }
            let (dump, cut) = unless_stopped(watch, self.dump()).await?;
            let left_out = dump.left_out;
            if cut || left_out > 0 {
                all.missing.push(format!(
                    "a dump was larger than natsight reads ({} goroutines read, {left_out} left out{})",
                    dump.goroutines,
                    if cut { ", and the end of its text" } else { "" }
                ));
            }
            all.dumps.push(dump);
        }
        Ok(all)
    }

    /// By counts of connections, which cost the broker nothing.
    async fn check(&self) -> Result<(), ProfileError> {
        let body = self
            .client
            .whole("/varz", VARZ)
            .await
            .map_err(|error| refused(&error))?;
        // Unknown counts are no leave to stop the broker.
        let counts: Counts =
            serde_json::from_slice(&body).map_err(|error| ProfileError::Garbage {
                from: self.client.target().host_port(),
                why: format!("its varz cannot be read: {error}"),
            })?;
        let peers = counts.connections + counts.routes + counts.remotes + counts.leafnodes;
        let count = IDLE + EACH * peers;
        if count > GOROUTINES_ASK {
            return Err(ProfileError::TooManyGoroutines {
                count,
                most: GOROUTINES_ASK,
            });
        }
        Ok(())
    }

    async fn dump(&self) -> Result<(Dump, bool), ProfileError> {
        let mut reader = Reader::default();
        let cut = self
            .stream("/stacksz", DUMP_BYTES_MAX, |chunk| reader.feed(chunk))
            .await?;
        let dump = reader.finish().map_err(|error| ProfileError::Garbage {
            from: self.client.target().host_port(),
            why: error.to_string(),
        })?;
        Ok((dump, cut))
    }

    /// Gives whether the end was left out.
    async fn stream(
        &self,
        path: &str,
        most: u64,
        mut take: impl FnMut(&[u8]) + Send,
    ) -> Result<bool, ProfileError> {
        let limits = Limits {
            deadline: DEADLINE,
            body_max: u64::MAX,
        };
        let mut bytes = 0;
        let mut on_chunk = |chunk: &[u8]| {
            bytes += chunk.len() as u64;
            take(chunk);
            if bytes >= most {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let answer = self
            .client
            .get(path, limits, |status| status == 200, &mut on_chunk)
            .await
            .map_err(|error| refused(&error))?;
        Ok(answer.stopped)
    }
}

fn refused(error: &FetchError) -> ProfileError {
    ProfileError::Refused {
        engine: EngineName::Stacksz,
        why: error.to_string(),
    }
}

impl Engine for Stacksz {
    fn name(&self) -> EngineName {
        EngineName::Stacksz
    }

    fn tells_of(&self, kind: Kind) -> bool {
        kind == Kind::Goroutine
    }

    fn capture<'a>(
        &'a self,
        ask: &'a Capture,
        watch: &'a Arc<Watch>,
    ) -> BoxFuture<'a, Result<Captured, ProfileError>> {
        async move {
            let mut all = self.dumps(1, Duration::ZERO, ask.large, watch).await?;
            let dump = all.dumps.pop().unwrap_or_default();
            let about = About {
                samples: dump.goroutines,
                lost: dump.left_out,
                missing: all.missing,
                ..About::by(EngineName::Stacksz)
            };
            Ok(Captured {
                profile: dump.profile(),
                about,
            })
        }
        .boxed()
    }
}
