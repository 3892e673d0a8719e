//! What somebody asks for, checked: one sentence for each thing that is wrong.

use std::time::Duration;

use super::{BUNDLE, Captures, server_name};
use crate::app::fleet::Shown;
use crate::profile::access::Ask;
use crate::profile::store::Class;
use crate::profile::{Capture, EngineName, Kind};
use crate::serve::{CaptureAsk, CaptureRefusal};

const RATE_DEFAULT: u32 = 99;

/// How long to watch.
pub(super) fn span(seconds: Option<f64>) -> Result<Duration, CaptureRefusal> {
    let seconds = seconds.unwrap_or(Capture::SPAN.as_secs_f64());
    if !(1.0..=60.0).contains(&seconds) {
        let text = format!("seconds is {seconds}; it must be 1 to 60");
        return Err(CaptureRefusal::Wrong(text));
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Samples in a second of CPU time.
pub(super) fn rate(rate: Option<u32>) -> Result<u32, CaptureRefusal> {
    let rate = rate.unwrap_or(RATE_DEFAULT);
    if !(1..=999).contains(&rate) {
        let text = format!("rate is {rate}; it must be 1 to 999");
        return Err(CaptureRefusal::Wrong(text));
    }
    Ok(rate)
}

impl Captures {
    /// The server of a name, or the only one.
    fn server(&self, name: Option<&str>) -> Result<Shown, CaptureRefusal> {
        let servers = self.inner.snapshots.borrow().clone();
        let Some(name) = name else {
            return match &servers[..] {
                [one] => Ok(one.clone()),
                all => Err(CaptureRefusal::Wrong(format!(
                    "server_name is missing; name one of the {} servers of /api/v1/servers",
                    all.len()
                ))),
            };
        };
        let found = servers.into_iter().find(|shown| server_name(shown) == name);
        found.ok_or_else(|| {
            let short: String = name.chars().take(100).collect();
            CaptureRefusal::Wrong(format!(
                "server_name is {short:?}, which is no server that natsight watches; see /api/v1/servers"
            ))
        })
    }

    fn ask(&self, ask: &CaptureAsk) -> Result<(Option<Kind>, Ask), CaptureRefusal> {
        let wrong = |text: String| Err(CaptureRefusal::Wrong(text));
        let kind = Kind::of_word(&ask.kind);
        if kind.is_none() && ask.kind != BUNDLE {
            let short: String = ask.kind.chars().take(40).collect();
            let known = Kind::ALL.map(Kind::word).join(", ");
            return wrong(format!(
                "kind is {short:?}; it must be one of {known}, {BUNDLE}"
            ));
        }
        let (span, rate) = (span(ask.seconds)?, rate(ask.rate)?);
        let engine = match ask.engine.as_deref() {
            None | Some("auto") => None,
            Some(word) => match EngineName::of_word(word) {
                Some(engine) => Some(engine),
                None => {
                    let known = EngineName::ALL.map(EngineName::word).join(", ");
                    let short: String = word.chars().take(40).collect();
                    return wrong(format!(
                        "engine is {short:?}; it must be auto or one of {known}"
                    ));
                }
            },
        };
        let is_cpu = matches!(kind, Some(Kind::Cpu) | None);
        Ok((
            kind,
            Ask {
                capture: Capture {
                    kind: kind.unwrap_or(Kind::Cpu),
                    span: (ask.seconds.is_some() || is_cpu).then_some(span),
                    rate,
                    large: ask.large,
                },
                engine,
                locks: ask.locks || kind.is_none(),
                gc: true,
            },
        ))
    }

    pub(super) fn start_now(&self, ask: &CaptureAsk) -> Result<String, CaptureRefusal> {
        let (kind, wanted) = self.ask(ask)?;
        let shown = self.server(ask.server_name.as_deref())?;
        let reason = ask.reason.as_deref().unwrap_or("request");
        let begin = self.begin(shown, kind, wanted, reason, Class::Asked)?;
        let id = begin.running.id.clone();
        self.spawn(begin);
        Ok(id)
    }
}
