//! What went wrong, read from the types along an error's chain of sources: never from its text.

use std::error::Error;
use std::io::{self, ErrorKind};

/// The kinds of failure that an operator treats differently; the text is the innermost message that says something.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Refused,
    Timeout,
    Dns(String),
    Unreachable(String),
    Tls(String),
    Truncated(String),
    Protocol(String),
}

/// Marks a failed name lookup, which is an ordinary `io::Error` otherwise.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct LookupFailed(pub(super) io::Error);

/// The first link that decides, from the outside in.
pub(super) fn fault(error: &(dyn Error + 'static)) -> Fault {
    if let Some(found) = links(error).find_map(decide) {
        return found;
    }
    let text = links(error).last().unwrap_or(error).to_string();
    match never_left(error) {
        true => Fault::Truncated(text),
        false => Fault::Protocol(text),
    }
}

/// Whether the connection ended under the request before that was written, and nothing says why: the broker closed it in
/// that moment. If the broker spoke out of turn, the library says so.
pub(super) fn never_left(error: &(dyn Error + 'static)) -> bool {
    let mut hypers = links(error).filter_map(|link| link.downcast_ref::<hyper::Error>());
    hypers.next().is_some_and(hyper::Error::is_canceled) && hypers.next().is_none()
}

fn links<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |link| (**link).source())
}

fn decide(link: &(dyn Error + 'static)) -> Option<Fault> {
    if let Some(LookupFailed(cause)) = link.downcast_ref() {
        return Some(Fault::Dns(cause.to_string()));
    }
    if let Some(tls) = link.downcast_ref::<rustls::Error>() {
        return Some(Fault::Tls(tls.to_string()));
    }
    if let Some(hyper) = link.downcast_ref::<hyper::Error>() {
        return match hyper {
            e if e.is_parse() => Some(Fault::Protocol(e.to_string())),
            e if e.is_incomplete_message() => Some(Fault::Truncated(e.to_string())),
            _ => None,
        };
    }
    link.downcast_ref::<io::Error>().and_then(decide_io)
}

fn decide_io(error: &io::Error) -> Option<Fault> {
    // `io::Error::source` skips the error that it wraps, and TLS failures travel in exactly that place.
    let wrapped = error.get_ref().map(|inner| inner as &(dyn Error + 'static));
    if let Some(found) = wrapped.and_then(|inner| links(inner).find_map(decide)) {
        return Some(found);
    }
    let text = error.to_string();
    Some(match error.kind() {
        ErrorKind::ConnectionRefused => Fault::Refused,
        ErrorKind::TimedOut => Fault::Timeout,
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected
        | ErrorKind::UnexpectedEof => Fault::Truncated(text),
        ErrorKind::InvalidData | ErrorKind::InvalidInput => Fault::Protocol(text),
        _ => Fault::Unreachable(text),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Box<dyn Error + Send + Sync>);

    fn check(inner: impl Into<Box<dyn Error + Send + Sync>>, expected: &Fault) {
        let wrapped = Outer(Box::new(Outer(inner.into())));
        assert_eq!(&fault(&wrapped), expected);
    }

    #[test]
    fn io_kinds_decide() {
        check(
            io::Error::from(ErrorKind::ConnectionRefused),
            &Fault::Refused,
        );
        check(io::Error::from(ErrorKind::TimedOut), &Fault::Timeout);
        for kind in [
            ErrorKind::ConnectionReset,
            ErrorKind::BrokenPipe,
            ErrorKind::UnexpectedEof,
        ] {
            check(
                io::Error::new(kind, "cut"),
                &Fault::Truncated("cut".to_owned()),
            );
        }
        for kind in [
            ErrorKind::HostUnreachable,
            ErrorKind::NetworkUnreachable,
            ErrorKind::AddrNotAvailable,
        ] {
            check(
                io::Error::new(kind, "no way"),
                &Fault::Unreachable("no way".to_owned()),
            );
        }
        check(
            io::Error::from_raw_os_error(24),
            &Fault::Unreachable(io::Error::from_raw_os_error(24).to_string()),
        );
        check(
            io::Error::new(ErrorKind::InvalidData, "odd"),
            &Fault::Protocol("odd".to_owned()),
        );
    }

    #[test]
    fn a_wrapped_cause_wins_over_the_kind_of_its_wrapper() {
        let tls = rustls::Error::HandshakeNotComplete;
        let expected = Fault::Tls(tls.to_string());
        check(
            io::Error::new(ErrorKind::InvalidData, tls.clone()),
            &expected,
        );
        check(
            io::Error::other(io::Error::new(
                ErrorKind::UnexpectedEof,
                Outer(Box::new(tls)),
            )),
            &expected,
        );
        check(
            io::Error::other(io::Error::from(ErrorKind::ConnectionRefused)),
            &Fault::Refused,
        );
    }

    #[test]
    fn a_failed_lookup_is_told_from_other_io() {
        check(
            LookupFailed(io::Error::other("no such name")),
            &Fault::Dns("no such name".to_owned()),
        );
        check(
            io::Error::other(LookupFailed(io::Error::other("gone"))),
            &Fault::Dns("gone".to_owned()),
        );
    }

    #[test]
    fn what_nothing_explains_is_a_breach_of_protocol() {
        check("just text", &Fault::Protocol("just text".to_owned()));
    }
}
