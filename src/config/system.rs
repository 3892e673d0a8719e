//! The system account: where it is reached, and who natsight is there.

use std::path::PathBuf;

use super::plan::Reader;
use super::secret::{Secret, UrlText};
use super::settings::{Item, Written};
use super::table::Key;
use super::token;

/// How the system account is reached. The files are not opened here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SystemPlan {
    /// Client URLs; without any, the client port of the server that is asked about.
    pub urls: Vec<UrlText>,
    /// Who natsight is there; nobody where nothing is written.
    pub login: Option<SystemLogin>,
}

/// One of the ways to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SystemLogin {
    /// User and password.
    Password {
        /// The user.
        user: String,
        /// The password, or its file.
        password: PasswordPlan,
    },
    /// A credentials file.
    Credentials(PathBuf),
    /// The file of an NKey seed.
    Nkey(PathBuf),
    /// The file of a token.
    Token(PathBuf),
}

/// Where a password stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PasswordPlan {
    /// In the configuration.
    Written(Secret),
    /// In a file.
    File(PathBuf),
}

/// The ways to log in, each by the key that decides for it.
const WAYS: [Key; 4] = [
    Key::SystemUser,
    Key::SystemCredsFile,
    Key::SystemNkeyFile,
    Key::SystemTokenFile,
];

pub(super) fn plan(reader: &mut Reader) -> SystemPlan {
    let entries = reader.settings.items("system.urls[]");
    let urls = (0..entries.map_or(0, <[Item]>::len))
        .filter_map(|index| reader.settings.item(Key::SystemUrls, index))
        .map(|written| UrlText::new(&written.text))
        .collect();
    SystemPlan {
        urls,
        login: login(reader),
    }
}

fn login(reader: &mut Reader) -> Option<SystemLogin> {
    let written: Vec<Written> = WAYS
        .iter()
        .filter_map(|key| reader.settings.get(*key).cloned())
        .collect();
    if let [first, second, ..] = &written[..] {
        let advice = format!(
            "stands beside {}; keep one way to log in",
            first.key.leaf().path
        );
        reader.mistake(second, &advice);
    }
    let passwords =
        [Key::SystemPassword, Key::SystemPasswordFile].map(|key| reader.settings.get(key).cloned());
    if let [Some(_), Some(file)] = &passwords {
        let advice = "stands beside system.password; keep one of the two";
        reader.mistake(file, advice);
    }
    let first = written.first()?;
    if first.key != Key::SystemUser {
        let path = PathBuf::from(&first.text);
        return Some(match first.key {
            Key::SystemCredsFile => SystemLogin::Credentials(path),
            Key::SystemNkeyFile => SystemLogin::Nkey(path),
            _ => SystemLogin::Token(path),
        });
    }
    let password = match passwords {
        [Some(text), _] => PasswordPlan::Written(Secret::new(text.text)),
        [None, Some(file)] => PasswordPlan::File(PathBuf::from(file.text)),
        [None, None] => {
            reader.mistake(first, "needs system.password_file beside it");
            return None;
        }
    };
    Some(SystemLogin::Password {
        user: first.text.clone(),
        password,
    })
}

/// Reads a secret that may have spaces and lines in it: a password, a credentials file.
///
/// # Errors
///
/// A sentence with the key and the path.
pub fn read_secret(key: &str, path: &std::path::Path) -> Result<Secret, String> {
    let bytes = token::read_bytes(key, path).map_err(|mistake| mistake.to_string())?;
    let text = String::from_utf8(bytes)
        .map_err(|_| format!("{key} {} is no text; check the path", path.display()))?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(format!("{key} {} is empty", path.display()));
    }
    Ok(Secret::new(text))
}
