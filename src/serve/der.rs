//! What natsight reads of a certificate by itself: the names that a client's carries, the end of its own.
//! The structure is that of RFC 5280; everything else about certificates is rustls' business.

use std::net::IpAddr;
use std::time::SystemTime;

const SEQUENCE: u8 = 0x30;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[3]` of a certificate: its extensions.
const EXTENSIONS: u8 = 0xa3;
/// `[0]` of a certificate: its version.
const VERSION: u8 = 0xa0;
/// 2.5.29.17.
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// A tag with its content.
type Element<'a> = (u8, &'a [u8]);

/// Takes the first element off; gives the rest too.
fn element(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, mut rest) = rest.split_first()?;
    let mut length = usize::from(*first);
    if length >= 0x80 {
        let (digits, after) = rest.split_at_checked(length & 0x7f)?;
        if digits.len() > 4 {
            return None;
        }
        length = digits
            .iter()
            .fold(0, |length, digit| length << 8 | usize::from(*digit));
        rest = after;
    }
    let (content, rest) = rest.split_at_checked(length)?;
    Some(((*tag, content), rest))
}

/// The elements one after the other; ends where one is broken.
fn elements(mut bytes: &[u8]) -> impl Iterator<Item = Element<'_>> {
    std::iter::from_fn(move || {
        let (found, rest) = element(bytes)?;
        bytes = rest;
        Some(found)
    })
}

fn content_of(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let ((found, content), _) = element(bytes)?;
    (found == tag).then_some(content)
}

/// What is signed: the certificate proper.
fn to_be_signed(certificate: &[u8]) -> Option<&[u8]> {
    content_of(content_of(certificate, SEQUENCE)?, SEQUENCE)
}

/// DNS names, mail addresses, IP addresses and URIs of a certificate; none where it cannot be read.
pub(super) fn names(certificate: &[u8]) -> Vec<String> {
    subject_alt_names(certificate).unwrap_or_default()
}

fn subject_alt_names(certificate: &[u8]) -> Option<Vec<String>> {
    let fields = to_be_signed(certificate)?;
    let (_, extensions) = elements(fields).find(|(tag, _)| *tag == EXTENSIONS)?;
    let value = elements(content_of(extensions, SEQUENCE)?).find_map(|(_, extension)| {
        let is_ours = elements(extension).next() == Some((OBJECT, SUBJECT_ALT_NAME));
        let value = elements(extension).find(|(tag, _)| *tag == OCTETS);
        value.filter(|_| is_ours)
    })?;
    let names = elements(content_of(value.1, SEQUENCE)?);
    Some(names.filter_map(name).collect())
}

fn name((tag, content): Element<'_>) -> Option<String> {
    match tag {
        // Mail address, DNS name, URI.
        0x81 | 0x82 | 0x86 => Some(std::str::from_utf8(content).ok()?.to_owned()),
        0x87 => {
            let address = <[u8; 4]>::try_from(content)
                .map(IpAddr::from)
                .or_else(|_| <[u8; 16]>::try_from(content).map(IpAddr::from));
            Some(address.ok()?.to_string())
        }
        _ => None,
    }
}

/// When the certificate ends.
pub(super) fn not_after(certificate: &[u8]) -> Option<SystemTime> {
    // Version, serial, algorithm, issuer, validity.
    let validity = elements(to_be_signed(certificate)?)
        .filter(|(tag, _)| *tag != VERSION)
        .nth(3)?;
    let (tag, text) = elements(validity.1).nth(1)?;
    let text = std::str::from_utf8(text).ok()?;
    let text = match tag {
        // Two digits of the year: 50 to 99 are of the last century.
        UTC_TIME if text.get(..2)? >= "50" => format!("19{text}"),
        UTC_TIME => format!("20{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = jiff::civil::DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?;
    let zoned = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn certificate() -> Vec<u8> {
        let names = ["a.example", "*.b.example", "10.0.0.1", "::1"].map(str::to_owned);
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        let uri = rcgen::SanType::URI("spiffe://x/y".try_into().unwrap());
        let mail = rcgen::SanType::Rfc822Name("me@x.example".try_into().unwrap());
        params.subject_alt_names.extend([uri, mail]);
        params.not_after = rcgen::date_time_ymd(2049, 12, 31);
        let key = rcgen::KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn names_and_the_end_are_read() {
        let certificate = certificate();
        let expected = [
            "a.example",
            "*.b.example",
            "10.0.0.1",
            "::1",
            "spiffe://x/y",
            "me@x.example",
        ];
        assert_eq!(names(&certificate), expected);
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(2_524_521_600);
        assert_eq!(not_after(&certificate), Some(end));
    }

    #[test]
    fn what_is_cut_or_changed_never_panics_and_adds_no_name() {
        let whole = certificate();
        let all = names(&whole);
        for cut in 0..whole.len() {
            assert!(names(&whole[..cut]).is_empty(), "{cut}");
            assert_eq!(not_after(&whole[..cut]), None, "{cut}");
            let mut changed = whole.clone();
            changed[cut] ^= 0x80;
            let _ = not_after(&changed);
            assert!(names(&changed).len() <= all.len(), "{cut}");
        }
    }
}
