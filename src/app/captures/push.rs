//! Captures sent to Pyroscope: each once, when it has been kept. What does not get there is still here, and a series counts it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{BUNDLE, Captures, lock};
use crate::config::UrlText;
use crate::profile::store::Facts;
use crate::source::http::{Client, FetchError, Limits, Target, Tls};

/// The name under which Pyroscope shows them.
const APPLICATION: &str = "nats-server";
/// Of an answer nothing is needed.
const LIMITS: Limits = Limits {
    deadline: Duration::from_secs(10),
    body_max: 64 << 10,
};

/// Pushes at once; more means that Pyroscope is slower than captures are taken.
const PUSHES_MAX: usize = 8;

/// The Pyroscope of the plan in force.
pub(super) type Known = Option<(String, Arc<Client>)>;

impl Captures {
    /// Begins to send a capture, where that is wanted and it is a profile. Nobody waits for it, the end of natsight neither.
    pub(super) fn push(&self, facts: &Facts) {
        let Some(url) = self.plan().profiles.pyroscope_url.clone() else {
            return;
        };
        if facts.kind == BUNDLE {
            return;
        }
        let (this, facts) = (self.clone(), facts.clone());
        let mut pushes = lock(&self.inner.pushes);
        while pushes.try_join_next().is_some() {}
        if pushes.len() >= PUSHES_MAX {
            self.pushed("busy");
            return;
        }
        pushes.spawn(async move { this.push_to(&url, &facts).await });
    }

    async fn push_to(&self, url: &UrlText, facts: &Facts) {
        let sent = match self.pyroscope(url.expose()) {
            Ok(client) => self.send(&client, facts).await,
            Err(text) => Err(("wrong", text)),
        };
        let word = match sent {
            Ok(()) => "success",
            Err((word, text)) => {
                tracing::warn!(id = facts.id, server = facts.server_name, "{text}");
                word
            }
        };
        self.pushed(word);
    }

    fn pushed(&self, word: &str) {
        let pushed = &self.inner.monitor.captures.pushed;
        pushed.with_label_values(&[word]).inc();
    }

    /// Made once for each URL: it keeps its connection, and certificates are read but once.
    fn pyroscope(&self, url: &str) -> Result<Arc<Client>, String> {
        let mut known = lock(&self.inner.pyroscope);
        if let Some((of, client)) = known.as_ref()
            && of == url
        {
            return Ok(Arc::clone(client));
        }
        let wrong = |error: &dyn std::fmt::Display| {
            format!("profiles.pyroscope_url cannot be used: {error}")
        };
        let target = Target::parse_web(url).map_err(|error| wrong(&error))?;
        let client = Client::new(target, &Tls::default()).map_err(|error| wrong(&error))?;
        let client = Arc::new(client);
        *known = Some((url.to_owned(), Arc::clone(&client)));
        Ok(client)
    }

    async fn send(&self, client: &Client, facts: &Facts) -> Result<(), (&'static str, String)> {
        let store = self
            .known_store()
            .ok_or(("not_kept", "the capture is not kept".to_owned()))?;
        let kept = facts.clone();
        let read = tokio::task::spawn_blocking(move || store.read(&kept)).await;
        let bytes = match read {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(error)) => return Err(("not_kept", error.to_string())),
            Err(error) => return Err(("not_kept", error.to_string())),
        };
        client
            .post(&ingest(facts), Bytes::from(bytes), LIMITS)
            .await
            .map_err(|error| (error.reason(), said(client, &error)))
    }
}

/// In words of its own: those of the error are about brokers.
fn said(client: &Client, error: &FetchError) -> String {
    let at = client.target();
    match error {
        FetchError::Status { code, text, .. } => {
            format!("Pyroscope at {at} did not take a capture: status {code} and {text:?}")
        }
        _ => format!(
            "a capture did not reach Pyroscope at {at} ({}); check profiles.pyroscope_url and that it runs",
            error.reason()
        ),
    }
}

/// Path and query of Pyroscope's `POST /ingest` (its server's HTTP API): the body is pprof as it is kept.
fn ingest(facts: &Facts) -> String {
    let from = facts.taken_timestamp_seconds;
    let until = from + facts.about.span.as_secs_f64();
    // These end a value there, and cannot be escaped.
    let server = facts.server_name.replace([',', '}'], "_");
    let name = encoded(&format!("{APPLICATION}{{server_name={server}}}"));
    let rate = facts.about.rate.map(|rate| format!("&sampleRate={rate}"));
    format!(
        "/ingest?name={name}&from={from:.0}&until={until:.0}&format=pprof&spyName=natsight{}",
        rate.unwrap_or_default()
    )
}

/// Percent-encoded as a value of a query (RFC 3986, 2.3).
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded += &format!("%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_plain_letters_is_encoded() {
        assert_eq!(encoded("a-._~Z9"), "a-._~Z9");
        assert_eq!(encoded("n {\"1\"}&é=%"), "n%20%7B%221%22%7D%26%C3%A9%3D%25");
    }
}
