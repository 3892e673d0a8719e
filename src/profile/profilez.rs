//! `PROFILEZ`: profiles by a request over the system account, to one server by its id. Never to all at once (`PING.PROFILEZ`).

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::engine::{Capture, Engine, EngineName, Kind, Watch};
use super::port::{REPLY_MAX, SLACK, between, captured, unless_stopped};
use super::{Captured, ProfileError};
use crate::source::system::{Access, System, SystemError};

/// Longest CPU profile that a broker takes by a request.
const SPAN_MAX: Duration = Duration::from_secs(15);

/// The engine.
pub struct Profilez {
    access: Arc<Access>,
    server_id: String,
}

#[derive(Serialize)]
struct Ask<'a> {
    name: &'a str,
    /// Nanoseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u128>,
}

/// Errors come in two places.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Reply {
    data: Data,
    error: Option<Outer>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Data {
    profile: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Outer {
    #[serde(default)]
    description: String,
}

impl Profilez {
    /// Over a connection that `access` makes, to the server of this id.
    #[must_use]
    pub fn new(access: Arc<Access>, server_id: String) -> Self {
        Self { access, server_id }
    }

    async fn take(&self, ask: &Capture, watch: &Watch) -> Result<Captured, ProfileError> {
        let system = System::connect(&self.access)
            .await
            .map_err(|error| refused(&error))?;
        let from = system.server();
        if ask.kind != Kind::Cpu {
            return between(EngineName::Profilez, ask, watch, from, || {
                self.request(&system, ask.kind, None)
            })
            .await;
        }
        let span = ask.length().min(SPAN_MAX);
        let request = self.request(&system, ask.kind, Some(span));
        let bytes = unless_stopped(watch, request).await?;
        let mut taken = captured(EngineName::Profilez, bytes, from).await?;
        if span < ask.length() {
            taken.about.missing.push(format!(
                "it was cut to {} s, the longest that a broker profiles by a request",
                SPAN_MAX.as_secs()
            ));
        }
        Ok(taken)
    }

    async fn request(
        &self,
        system: &System,
        kind: Kind,
        span: Option<Duration>,
    ) -> Result<Vec<u8>, ProfileError> {
        let ask = Ask {
            name: kind.word(),
            duration: span.map(|span| span.as_nanos()),
        };
        let ask = serde_json::to_vec(&ask).unwrap_or_default();
        let subject = format!("$SYS.REQ.SERVER.{}.PROFILEZ", self.server_id);
        let deadline = span.unwrap_or_default() + SLACK;
        // base64 adds a third.
        let reply = system
            .request(subject, ask, deadline, REPLY_MAX / 3 * 4)
            .await
            .map_err(|error| refused(&error))?;
        profile_of(&reply, &system.server())
    }
}

/// The profile's bytes in a reply, or what the broker says.
fn profile_of(reply: &[u8], from: &str) -> Result<Vec<u8>, ProfileError> {
    let garbage = |why: String| ProfileError::Garbage {
        from: from.to_owned(),
        why,
    };
    let reply: Reply = serde_json::from_slice(reply).map_err(|error| garbage(error.to_string()))?;
    let outer = reply.error.map(|outer| outer.description);
    let said = outer.or(reply.data.error).filter(|text| !text.is_empty());
    match said {
        Some(text) if text.contains("already in use") => Err(ProfileError::Busy),
        Some(text) => {
            let text: String = text.chars().take(200).collect();
            Err(ProfileError::Refused {
                engine: EngineName::Profilez,
                why: format!("the broker answers PROFILEZ with {text:?}"),
            })
        }
        None => {
            let neither = || garbage("the reply holds neither a profile nor an error".to_owned());
            let text = reply.data.profile.ok_or_else(neither)?;
            let decoded = BASE64_STANDARD.decode(text);
            decoded.map_err(|error| garbage(error.to_string()))
        }
    }
}

fn refused(error: &SystemError) -> ProfileError {
    ProfileError::Refused {
        engine: EngineName::Profilez,
        why: match error {
            SystemError::NoResponders => "no server of that id answers PROFILEZ to this user; it takes a user of the system account, \
                 and nats-server 2.10 or newer"
                .to_owned(),
            error => error.to_string(),
        },
    }
}

impl Engine for Profilez {
    fn name(&self) -> EngineName {
        EngineName::Profilez
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_found_in_both_places() {
        let said = |reply: &str| profile_of(reply.as_bytes(), "n1").unwrap_err();
        let inner =
            said(r#"{"server":{},"data":{"profile":null,"error":"Profile \"x\" not found"}}"#);
        assert!(inner.to_string().contains("not found"), "{inner}");
        let outer = said(r#"{"server":{},"error":{"code":400,"description":"json: cannot"}}"#);
        assert!(outer.to_string().contains("json: cannot"), "{outer}");
        let busy = said(
            r#"{"data":{"error":"Failed to start CPU profile: cpu profiling already in use"}}"#,
        );
        assert_eq!(busy, ProfileError::Busy);
        assert!(said("[]").to_string().contains("no profile"));
        assert!(
            said(r#"{"data":{"profile":"?!"}}"#)
                .to_string()
                .contains("no profile")
        );
    }

    #[test]
    fn the_bytes_are_decoded() {
        let reply = br#"{"server":{"name":"n1"},"data":{"profile":"aGVsbG8=","error":""}}"#;
        assert_eq!(profile_of(reply, "n1").unwrap(), b"hello");
    }

    #[test]
    fn a_snapshot_is_asked_for_without_a_duration() {
        let text = |duration| {
            serde_json::to_string(&Ask {
                name: "heap",
                duration,
            })
            .unwrap()
        };
        assert_eq!(text(None), r#"{"name":"heap"}"#);
        assert_eq!(text(Some(5)), r#"{"name":"heap","duration":5}"#);
    }
}
