//! Short printable pieces of what came from outside, safe for one line of a log.

/// The first `bytes_max` bytes as text. Control characters become spaces: an answer must not be able to start a new log
/// line or to move the cursor of whoever reads it.
pub(super) fn excerpt(bytes: &[u8], bytes_max: usize) -> String {
    let head = &bytes[..bytes.len().min(bytes_max)];
    let text = String::from_utf8_lossy(head);
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    plain.trim().to_owned()
}

/// `value` without user info, query and fragment, all of which may hold secrets.
///
/// It also takes what no parser accepts, so it cuts at the last `@`: a password may hold an unescaped `/` or `?`. A path
/// with an `@` is shown wrongly by that, which is the smaller harm.
pub(super) fn without_secrets(value: &str) -> String {
    let (scheme, rest) = match value.split_once("://") {
        Some((scheme, rest)) if scheme.chars().all(is_scheme_char) => (Some(scheme), rest),
        _ => (None, value),
    };
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let shown = match scheme {
        Some(scheme) => format!("{scheme}://{rest}"),
        None => rest.to_owned(),
    };
    excerpt(shown.as_bytes(), SHOWN_BYTES_MAX)
}

const SHOWN_BYTES_MAX: usize = 200;

fn is_scheme_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(excerpt(b"404 page not found\n", 200), "404 page not found");
        assert_eq!(excerpt(b"a\r\nb\x1b[2Jc", 200), "a  b [2Jc");
        assert_eq!(excerpt(b"abc\xff", 200), "abc\u{fffd}");
        assert_eq!(excerpt("aé".as_bytes(), 2), "a\u{fffd}");
        assert_eq!(excerpt(&[b'x'; 500], 200).len(), 200);
    }

    #[test]
    fn secrets_are_cut_out_of_whatever_was_written() {
        let check =
            |value: &str, expected: &str| assert_eq!(without_secrets(value), expected, "{value}");
        check("http://h:8222/x", "http://h:8222/x");
        check("http://u:pw@h:8222", "http://h:8222");
        check("u:pw@h", "h");
        check("http://u:p/w?x#y@z@h:1", "http://h:1");
        check("u:p://w@h", "h");
        check("http://h?token=pw", "http://h");
        check("http://h#pw", "http://h");
    }
}
