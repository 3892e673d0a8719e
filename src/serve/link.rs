//! Links to captures that work without a token, for a while: a signature (HMAC-SHA256) over path and end, with a key made from the token, so
//! that another token ends them.

use std::time::{SystemTime, UNIX_EPOCH};

use ring::hmac::{self, Key};

/// Before what is signed, so that a signature is good for nothing else.
const PURPOSE: &[u8] = b"natsight link 1\n";

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// The query of a link to `path` that holds until `expires`.
pub(super) fn query(token: &[u8], path: &str, expires: u64) -> String {
    let tag = hmac::sign(&key(token), &signed(path, expires));
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("expires={expires}&signature={hex}")
}

/// Whether `query` is one that was made for `path` and holds at `now`.
pub(super) fn holds(token: &[u8], path: &str, query: &str, now: u64) -> bool {
    let part = |name: &str| {
        query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    };
    let (Some(expires), Some(signature)) = (part("expires"), part("signature")) else {
        return false;
    };
    let (Ok(expires), Some(signature)) = (expires.parse::<u64>(), bytes(signature)) else {
        return false;
    };
    // The comparison takes the same time whatever differs.
    expires >= now && hmac::verify(&key(token), &signed(path, expires), &signature).is_ok()
}

fn key(token: &[u8]) -> Key {
    Key::new(hmac::HMAC_SHA256, token)
}

fn signed(path: &str, expires: u64) -> Vec<u8> {
    [PURPOSE, path.as_bytes(), b"\n", &expires.to_be_bytes()].concat()
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes().as_chunks::<2>();
    if !digits.1.is_empty() {
        return None;
    }
    let byte = |pair: &[u8; 2]| {
        let text = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(text, 16).ok()
    };
    digits.0.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_holds_for_its_path_and_until_its_end() {
        let path = "/api/v1/profiles/00/svg";
        let made = query(b"token", path, 1_000);
        let check = |token: &[u8], path: &str, query: &str, now| holds(token, path, query, now);
        assert!(check(b"token", path, &made, 1_000));
        assert!(!check(b"token", path, &made, 1_001));
        assert!(!check(b"other", path, &made, 1_000));
        assert!(!check(b"token", "/api/v1/profiles/00/pb.gz", &made, 1_000));
        let longer = made.replace("expires=1000", "expires=9000");
        assert!(!check(b"token", path, &longer, 1_000));
        for wrong in [
            "",
            "expires=1000",
            "expires=1000&signature=",
            "expires=1000&signature=zz",
            "expires=x&signature=00",
        ] {
            assert!(!check(b"token", path, wrong, 1), "{wrong}");
        }
    }
}
