//! `http_server_config`, `basic_auth_users` and `rate_limit`.

use super::super::mistake::shown;
use super::super::secret::Secret;
use super::super::units;
use super::super::yaml::{Entry, Node};
use super::walk::Walk;
use super::{Rate, WebUser};

/// The headers that may be set, each with the values that it takes; none listed is any.
const HEADERS: &[(&str, &[&str])] = &[
    ("Content-Security-Policy", &[]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-XSS-Protection", &[]),
    ("Strict-Transport-Security", &[]),
];

/// Most users.
const USERS_MAX: usize = 1000;
/// The most that a check of a password may cost, as the exponent in a bcrypt hash: 2.6 s of a core.
pub const BCRYPT_COST_MAX: u32 = 15;
const BCRYPT_COST_MIN: u32 = 4;
/// `$2y$10$`, 22 characters of salt, 31 of hash.
const BCRYPT_LENGTH: usize = 60;

/// Reads `http_server_config`.
pub(super) fn headers(walk: &mut Walk, node: &Node) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for (key, entry) in walk.map("http_server_config", node, &["http2", "headers"]) {
        if key == "http2" {
            if walk.switch("http_server_config.http2", &entry.value) == Some(true) {
                let text = "http_server_config.http2 has no effect: natsight speaks HTTP/1.1";
                walk.warn(entry.value.mark, text);
            }
            continue;
        }
        let names: Vec<&'static str> = HEADERS.iter().map(|(name, _)| *name).collect();
        for (name, entry) in walk.map("http_server_config.headers", &entry.value, &names) {
            let path = format!("http_server_config.headers.{name}");
            let Some(value) = walk.text(&path, &entry.value).map(str::trim) else {
                continue;
            };
            match refused(name, value) {
                None => found.push((name, value.to_owned())),
                Some(advice) => {
                    let text = format!("{path} is {}; {advice}", shown(value));
                    walk.mistake(entry.value.mark, text);
                }
            }
        }
    }
    found
}

fn refused(name: &str, value: &str) -> Option<String> {
    if !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Some("write it in one line of printable ASCII".to_owned());
    }
    let (_, words) = HEADERS.iter().find(|(known, _)| *known == name)?;
    let fits = words.is_empty() || words.iter().any(|word| word.eq_ignore_ascii_case(value));
    (!fits).then(|| format!("write one of {}", words.join(", ")))
}

/// Reads `basic_auth_users`.
pub(super) fn users(walk: &mut Walk, node: &Node) -> Vec<WebUser> {
    let mut users = Vec::new();
    let entries = walk.entries("basic_auth_users", node, "a user each, with a bcrypt hash");
    if let Some(entry) = entries.get(USERS_MAX) {
        let text = format!(
            "basic_auth_users has {} users; {USERS_MAX} is the most",
            entries.len()
        );
        walk.mistake(entry.mark, text);
    }
    for entry in entries.iter().take(USERS_MAX) {
        if let Some(user) = user(walk, entry) {
            users.push(user);
        }
    }
    users
}

fn user(walk: &mut Walk, entry: &Entry) -> Option<WebUser> {
    let name = &entry.key;
    let subject = format!("basic_auth_users.{}", shown(name).trim_matches('"'));
    if name.is_empty() || name.contains(':') || name.chars().any(char::is_control) {
        let text =
            format!("{subject} is no name for a user; take colons and control characters out");
        walk.mistake(entry.mark, text);
    }
    let make = "make one with: htpasswd -nBC 10 USER";
    let hash = walk.text(&subject, &entry.value).map(str::trim);
    let advice = match hash.map(cost) {
        Some(Some(cost)) if (BCRYPT_COST_MIN..=BCRYPT_COST_MAX).contains(&cost) => {
            let hash = Secret::new(hash.unwrap_or_default());
            let name = name.clone();
            return Some(WebUser { name, hash });
        }
        Some(Some(cost)) => format!(
            "has a bcrypt hash of cost {cost}; the cost must be {BCRYPT_COST_MIN} to {BCRYPT_COST_MAX}, for a check must end; {make}"
        ),
        // The value itself may be a password.
        Some(None) => format!("is not a bcrypt hash; {make}"),
        None => format!("has no hash; {make}"),
    };
    walk.mistake(entry.value.mark, format!("{subject} {advice}"));
    None
}

/// The cost of a bcrypt hash.
fn cost(hash: &str) -> Option<u32> {
    let rest = ["$2a$", "$2b$", "$2y$"]
        .iter()
        .find_map(|start| hash.strip_prefix(start))?;
    let (cost, rest) = rest.split_once('$')?;
    let salted = rest
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'));
    let digits = cost.len() == 2 && cost.bytes().all(|byte| byte.is_ascii_digit());
    (salted && digits && hash.len() == BCRYPT_LENGTH).then(|| cost.parse().ok())?
}

/// Reads `rate_limit`. An interval of 0 is no limit.
pub(super) fn rate(walk: &mut Walk, node: &Node) -> Option<Rate> {
    let (mut interval, mut burst) = (None, None);
    for (key, entry) in walk.map("rate_limit", node, &["interval", "burst"]) {
        let path = format!("rate_limit.{key}");
        let Some(word) = walk.text(&path, &entry.value).map(str::trim) else {
            continue;
        };
        let read = if key == "interval" {
            // Prometheus' durations are ours, but a bare 0 may stand for no limit.
            interval = units::duration(word).filter(|span| span.as_secs() <= 3600);
            interval
                .map(drop)
                .ok_or("write a duration of at most 1h such as 100ms, or 0s for no limit")
        } else {
            burst = word.parse::<u32>().ok().filter(|burst| *burst > 0);
            burst
                .map(drop)
                .ok_or("write a whole number from 1, such as 10")
        };
        if let Err(advice) = read {
            let text = format!("{path} is {}; {advice}", shown(word));
            walk.mistake(entry.value.mark, text);
        }
    }
    let interval = interval.filter(|interval| !interval.is_zero())?;
    if burst.is_none() && walk.mistakes.is_empty() {
        let text =
            "rate_limit has no burst; write how many requests may come at once, such as burst: 10";
        walk.mistake(node.mark, text);
    }
    burst.map(|burst| Rate { interval, burst })
}
