//! Texts that must not be shown: secrets whole, URLs without their user info.

use std::fmt;

/// A secret. `Debug` and `Display` print `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A URL as written. `Debug` and `Display` replace the user info by `***`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct UrlText(String);

impl UrlText {
    /// Wraps a URL, with white space around it removed.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The URL with its user info, for the module that connects.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UrlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", redacted(&self.0))
    }
}

impl fmt::Display for UrlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redacted(&self.0))
    }
}

/// Replaces what may be user info. Passwords hold `/`, `#` and `@` unescaped more often than paths hold `@`,
/// so everything up to the last `@` goes.
pub fn redacted(text: &str) -> String {
    let Some((before, host)) = text.rsplit_once('@') else {
        return text.to_owned();
    };
    match before.split_once("://") {
        Some((scheme, _)) if is_scheme(scheme) => format!("{scheme}://***@{host}"),
        _ => format!("***@{host}"),
    }
}

fn is_scheme(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_info_is_never_shown() {
        for (text, shown) in [
            ("http://u:hunter2@h:8222/x", "http://***@h:8222/x"),
            ("u:hunter2@h:8222", "***@h:8222"),
            ("http://u:hun/ter2@#x@h", "http://***@h"),
            ("hunter2://u:hunter2://@h", "hunter2://***@h"),
            ("p w://hunter2@h", "***@h"),
            ("http://h:8222", "http://h:8222"),
        ] {
            assert_eq!(redacted(text), shown);
            assert_eq!(UrlText::new(text).to_string(), shown);
            assert_eq!(format!("{:?}", UrlText::new(text)), format!("{shown:?}"));
        }
    }

    #[test]
    fn a_secret_prints_stars() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.expose(), "hunter2");
    }
}
