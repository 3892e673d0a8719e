//! Token files: one token, never shown.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::mistake::{Mistake, Place};
use super::secret::Secret;

/// Largest token file.
pub const TOKEN_BYTES_MAX: usize = 64 << 10;

fn wrong(key: &str, path: &Path, text: &str) -> Mistake {
    let text = format!("{key} {} {text}", path.display());
    Mistake::new(Place::Nowhere, text)
}

/// What the file of `key` holds, if it is no larger than a secret can be.
pub(super) fn read_bytes(key: &str, path: &Path) -> Result<Vec<u8>, Mistake> {
    let mut bytes = Vec::new();
    let limit = TOKEN_BYTES_MAX as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|error| {
            let text = format!("cannot be read: {error}; check the path and its rights");
            wrong(key, path, &text)
        })?;
    if bytes.len() > TOKEN_BYTES_MAX {
        let text = format!("is larger than {TOKEN_BYTES_MAX} bytes; name a file with one token");
        return Err(wrong(key, path, &text));
    }
    Ok(bytes)
}

/// Reads the token of `key` from its file; white space around it does not count.
pub fn read_token(key: &str, path: &Path) -> Result<Secret, Mistake> {
    let wrong = |text: String| wrong(key, path, &text);
    let bytes = read_bytes(key, path)?;
    let token = bytes.trim_ascii();
    if token.is_empty() {
        return Err(wrong("is empty; write a token into it".to_owned()));
    }
    let before = &bytes[..bytes.len() - bytes.trim_ascii_start().len()];
    if let Some(at) = token.iter().position(|byte| !byte.is_ascii_graphic()) {
        let above = before.iter().chain(&token[..at]);
        let line = above.filter(|byte| **byte == b'\n').count() + 1;
        return Err(wrong(format!(
            "holds a space, a line end or a character beyond ASCII inside its token (line {line}); write one token into it, such as openssl rand -hex 32 gives"
        )));
    }
    Ok(Secret::new(String::from_utf8_lossy(token)))
}
