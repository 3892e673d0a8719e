//! What fires begins a bundle: once in a while for each rule and server, and not too often in all.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::{CaptureAsk, Captures, lock};
use crate::serve::{Alert, AlertOutcome, CaptureRefusal, Webhook};

/// Between two bundles of one rule and server.
const COOLDOWN: Duration = Duration::from_secs(600);
/// Bundles of alerts in an hour.
const HOURLY_MAX: usize = 6;
const HOUR: Duration = Duration::from_secs(3600);
/// Alerts of one request that are looked at.
const ALERTS_MAX: usize = 100;
/// Letters of a rule's name.
const NAME_MAX: usize = 100;

/// What fired lately.
#[derive(Debug, Default)]
pub(super) struct Cooldown {
    last: HashMap<(String, String), Instant>,
    /// Newest last.
    begun: VecDeque<Instant>,
}

impl Cooldown {
    /// Why nothing may begin now.
    fn refuses(&mut self, rule: &str, server: &str, now: Instant) -> Option<String> {
        self.last
            .retain(|_, last| now.saturating_duration_since(*last) < COOLDOWN);
        self.begun
            .retain(|begun| now.saturating_duration_since(*begun) < HOUR);
        if self
            .last
            .contains_key(&(rule.to_owned(), server.to_owned()))
        {
            let minutes = COOLDOWN.as_secs() / 60;
            return Some(format!("captured within the last {minutes} minutes"));
        }
        (self.begun.len() >= HOURLY_MAX)
            .then(|| format!("{HOURLY_MAX} captures of alerts within the last hour"))
    }

    fn begun(&mut self, rule: &str, server: &str, now: Instant) {
        self.last.insert((rule.to_owned(), server.to_owned()), now);
        self.begun.push_back(now);
    }
}

impl Captures {
    pub(super) fn fired(&self, hook: &Webhook) -> Vec<AlertOutcome> {
        let firing = hook.alerts.iter().filter(|alert| alert.status == "firing");
        firing
            .take(ALERTS_MAX)
            .map(|alert| self.fires(alert))
            .collect()
    }

    fn fires(&self, alert: &Alert) -> AlertOutcome {
        let label = |name: &str| -> String {
            let text = alert.labels.get(name).map_or("", String::as_str);
            text.chars().take(NAME_MAX).collect()
        };
        let (rule, server) = (label("alertname"), label("server_name"));
        let begun = self.begin_for(&rule, &server);
        AlertOutcome {
            alert: rule,
            server_name: server,
            id: begun.as_ref().ok().cloned(),
            passed_over: begun.err(),
        }
    }

    fn begin_for(&self, rule: &str, server: &str) -> Result<String, String> {
        if server.is_empty() {
            return Err("the alert has no label server_name".to_owned());
        }
        let now = Instant::now();
        let mut cooldown = lock(&self.inner.cooldown);
        if let Some(why) = cooldown.refuses(rule, server, now) {
            return Err(why);
        }
        let ask = CaptureAsk {
            server_name: Some(server.to_owned()),
            kind: super::BUNDLE.to_owned(),
            seconds: None,
            rate: None,
            engine: None,
            locks: true,
            large: false,
            reason: Some(format!("alert {rule}")),
        };
        let id = self.start_now(&ask).map_err(|refusal| match refusal {
            CaptureRefusal::Wrong(text)
            | CaptureRefusal::Unknown(text)
            | CaptureRefusal::Busy(text)
            | CaptureRefusal::Failed(text)
            | CaptureRefusal::NotBuilt(text) => text,
        })?;
        cooldown.begun(rule, server, now);
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_captures_a_server_once_in_ten_minutes_and_six_an_hour_in_all() {
        let (mut cooldown, start) = (Cooldown::default(), Instant::now());
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut fires = |rule: &str, server: &str, seconds: u64| {
            let now = at(seconds);
            let refused = cooldown.refuses(rule, server, now);
            if refused.is_none() {
                cooldown.begun(rule, server, now);
            }
            refused.is_none()
        };
        assert!(fires("a", "n1", 0));
        assert!(!fires("a", "n1", 599));
        assert!(fires("a", "n1", 600) && fires("b", "n1", 600) && fires("a", "n2", 600));
        assert!(fires("c", "n1", 700) && fires("d", "n1", 700));
        assert!(!fires("e", "n1", 701));
        // The first is an hour old.
        assert!(fires("e", "n1", 3600) && !fires("f", "n1", 3600));
    }
}
