//! Which entities the operator wants to see: patterns of accounts, streams and consumers.

/// Entities to show and to hide. Nothing in it shows everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// When there are any, only what one of them matches is shown.
    pub allow: Vec<Pattern>,
    /// What one of them matches is hidden, allowed or not.
    pub deny: Vec<Pattern>,
}

/// Names, each perhaps with `*` for any part. What is left out matches every name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern {
    /// The `account` label.
    pub account: Option<String>,
    /// The `stream` label.
    pub stream: Option<String>,
    /// The `consumer` label.
    pub consumer: Option<String>,
}

impl Scope {
    /// Whether an entity with these labels is shown. An entity without a stream or consumer is shown when what is
    /// inside of it may be allowed, and hidden only by patterns that ask for nothing inside of it.
    pub fn shows(&self, labels: &[(&'static str, &str)]) -> bool {
        let allowed = || self.allow.iter().any(|one| one.matches(labels, true));
        (self.allow.is_empty() || allowed())
            && !self.deny.iter().any(|one| one.matches(labels, false))
    }
}

impl Pattern {
    /// Whether all names match; `absent` is for names that the entity does not have.
    fn matches(&self, labels: &[(&'static str, &str)], absent: bool) -> bool {
        let parts = [
            ("account", &self.account),
            ("stream", &self.stream),
            ("consumer", &self.consumer),
        ];
        parts.into_iter().all(|(label, pattern)| {
            let Some(pattern) = pattern else { return true };
            match labels.iter().find(|(name, _)| *name == label) {
                // A label without a value is no label.
                Some((_, value)) if !value.is_empty() => glob(pattern.as_bytes(), value.as_bytes()),
                _ => absent,
            }
        })
    }
}

/// Whether `text` is `pattern` with something, or nothing, in place of each `*`. Never slower than the product of
/// their lengths: only the latest `*` is tried again.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut star = None;
    while at < text.len() {
        match pattern.get(place) {
            Some(b'*') => {
                star = Some((place, at));
                place += 1;
            }
            Some(byte) if *byte == text[at] => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((before, from)) = star else {
                    return false;
                };
                star = Some((before, from + 1));
                (place, at) = (before + 1, from + 1);
            }
        }
    }
    pattern[place..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_anything_or_nothing() {
        for (pattern, text, matches) in [
            ("APP", "APP", true),
            ("APP", "APPS", false),
            ("APP", "app", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("ORDERS*", "ORDERS", true),
            ("ORDERS*", "ORDERS_eu", true),
            ("*_eu", "ORDERS_eu", true),
            ("*_eu", "ORDERS_eu_old", false),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXcXb", false),
            ("**x**", "x", true),
            ("é*", "éa", true),
        ] {
            let found = glob(pattern.as_bytes(), text.as_bytes());
            assert_eq!(found, matches, "{pattern} {text}");
        }
    }

    #[test]
    fn a_bad_pattern_ends_soon() {
        let (pattern, text) = ("*a".repeat(120), "a".repeat(60_000) + "b");
        assert!(!glob(pattern.as_bytes(), text.as_bytes()));
    }

    fn pattern(account: &str, stream: &str, consumer: &str) -> Pattern {
        let part = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Pattern {
            account: part(account),
            stream: part(stream),
            consumer: part(consumer),
        }
    }

    const ACCOUNT: &[(&str, &str)] = &[("account", "APP")];
    const STREAM: &[(&str, &str)] = &[("account", "APP"), ("stream", "KV_x")];
    const CONSUMER: &[(&str, &str)] = &[("account", "APP"), ("stream", "KV_x"), ("consumer", "c")];

    fn shown(scope: &Scope) -> [bool; 3] {
        [ACCOUNT, STREAM, CONSUMER].map(|labels| scope.shows(labels))
    }

    #[test]
    fn what_contains_something_allowed_is_shown_and_what_contains_something_denied_too() {
        for (allow, expected) in [
            (pattern("APP", "", ""), [true, true, true]),
            (pattern("APP", "ORDERS", ""), [true, false, false]),
            (pattern("", "KV_*", ""), [true, true, true]),
            (pattern("A*", "KV_*", "d*"), [true, true, false]),
            (pattern("OPS", "", ""), [false, false, false]),
        ] {
            let scope = Scope {
                allow: vec![allow],
                deny: Vec::new(),
            };
            assert_eq!(shown(&scope), expected, "{scope:?}");
        }
        for (deny, expected) in [
            (pattern("APP", "", ""), [false, false, false]),
            (pattern("", "KV_*", ""), [true, false, false]),
            (pattern("", "", "c"), [true, true, false]),
            (pattern("OPS", "KV_*", ""), [true, true, true]),
        ] {
            let scope = Scope {
                allow: Vec::new(),
                deny: vec![deny],
            };
            assert_eq!(shown(&scope), expected, "{scope:?}");
        }
        assert_eq!(shown(&Scope::default()), [true; 3]);
        let scope = Scope {
            allow: vec![pattern("APP", "", "")],
            deny: Vec::new(),
        };
        assert!(scope.shows(&[("peer", "n2"), ("account", "")]), "a route");
    }

    #[test]
    fn what_is_denied_is_not_shown_though_allowed() {
        let scope = Scope {
            allow: vec![pattern("OPS", "", ""), pattern("APP", "", "")],
            deny: vec![pattern("", "KV_x", "")],
        };
        assert_eq!(shown(&scope), [true, false, false]);
    }
}
