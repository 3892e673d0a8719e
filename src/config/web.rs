//! The web configuration file, in the format of exporter-toolkit: TLS, client certificates, headers, users, rate.
//! Read with every mistake at its line and column; certificates and keys are read here and understood by `serve`.

mod http;
mod tls;
mod walk;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::mistake::{Mistake, Place, Warning};
use super::secret::Secret;
use super::words::{ClientAuth, TlsVersion};
use super::yaml;
use walk::Walk;

pub use http::BCRYPT_COST_MAX;
pub use tls::{CURVES, SUITES};

/// What the web configuration file says. The default is what no file at all means: open, plain HTTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebPlan {
    /// TLS of the listeners; `None` is plain HTTP.
    pub tls: Option<WebTls>,
    /// Headers of every answer that does not set them itself.
    pub headers: Vec<(&'static str, String)>,
    /// Users and the bcrypt hashes of their passwords; none is no basic auth.
    pub users: Vec<WebUser>,
    /// Requests that each listener lets through.
    pub rate: Option<Rate>,
}

/// One user of basic auth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebUser {
    /// The name.
    pub name: String,
    /// The bcrypt hash of the password.
    pub hash: Secret,
}

/// A rate limit: a request each interval on average, so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Time in which one more request may come.
    pub interval: Duration,
    /// Requests that may come at once; at least 1.
    pub burst: u32,
}

/// TLS of the listeners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebTls {
    /// The chain that is shown, our own certificate first.
    pub certificate: Pem,
    /// Its key.
    pub key: Pem,
    /// Who may have signed certificates of clients.
    pub client_ca: Option<Pem>,
    /// What is asked of clients.
    pub client_auth: ClientAuth,
    /// Names of which a client's certificate must carry one; empty is any.
    pub allowed_sans: Vec<String>,
    /// The oldest version.
    pub min_version: TlsVersion,
    /// The newest version.
    pub max_version: TlsVersion,
    /// Cipher suites by their names in Go, of [`SUITES`]; empty is all that are safe.
    pub suites: Vec<&'static str>,
    /// Whether our order of suites counts.
    pub prefer_server_suites: bool,
    /// Groups of the key exchange by their names in Go, of [`CURVES`]; empty is all.
    pub curves: Vec<&'static str>,
    /// Where the section stands.
    pub place: Place,
}

/// Bytes that should be PEM, and where they were named. `Debug` shows the place alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Pem {
    bytes: Vec<u8>,
    /// The key of the file that gave it, such as `tls_server_config.key_file`.
    pub key: &'static str,
    /// Where that stands.
    pub place: Place,
}

impl Pem {
    /// The bytes, for the one place that needs them.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ***", self.key)
    }
}

/// A web configuration file that was read, well or not.
#[derive(Debug)]
pub struct WebRead {
    /// Files on which the outcome depends, the configuration itself first.
    pub files: Vec<PathBuf>,
    /// What it says, with what may surprise; or every mistake.
    pub outcome: Result<(WebPlan, Vec<Warning>), Vec<Mistake>>,
}

/// Reads the file and the files that it names; their paths are relative to it.
pub fn read_web(path: &Path) -> WebRead {
    let files = vec![path.to_owned()];
    let text = match super::read_file(path) {
        Ok(text) => text,
        Err(mistake) => {
            let text = format!("web_config_file {}", mistake.text);
            let outcome = Err(vec![Mistake::new(mistake.place, text)]);
            return WebRead { files, outcome };
        }
    };
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let walk = Walk::new(Arc::from(path.to_string_lossy()), folder);
    read(&text, walk, files)
}

/// Reads the same from flags of an older exporter, written in the form of the file; paths are relative to where
/// natsight was started.
pub fn read_web_flags(text: &Secret) -> WebRead {
    let walk = Walk::new(Arc::from("flags"), PathBuf::new());
    read(text.expose(), walk, Vec::new())
}

fn read(text: &str, mut walk: Walk, mut files: Vec<PathBuf>) -> WebRead {
    let mut plan = WebPlan::default();
    match yaml::parse(text) {
        Ok(root) => sections(&mut walk, &root, &mut plan),
        Err(broken) => walk.mistake(broken.mark, broken.text),
    }
    files.append(&mut walk.files);
    let outcome = if walk.mistakes.is_empty() {
        Ok((plan, walk.warnings))
    } else {
        walk.mistakes.sort_by(|a, b| a.place.cmp(&b.place));
        Err(walk.mistakes)
    };
    WebRead { files, outcome }
}

const SECTIONS: &[&str] = &[
    "tls_server_config",
    "http_server_config",
    "basic_auth_users",
    "rate_limit",
];

fn sections(walk: &mut Walk, root: &yaml::Node, plan: &mut WebPlan) {
    for (key, entry) in walk.map("", root, SECTIONS) {
        match key {
            "tls_server_config" => plan.tls = tls::section(walk, &entry.value),
            "http_server_config" => plan.headers = http::headers(walk, &entry.value),
            "basic_auth_users" => plan.users = http::users(walk, &entry.value),
            _ => plan.rate = http::rate(walk, &entry.value),
        }
    }
}
