//! `tls_server_config`: certificate and key, what is asked of clients, versions, cipher suites, curves.

use std::collections::BTreeMap;

use super::super::mistake::shown;
use super::super::words::{ClientAuth, TlsVersion};
use super::super::yaml::{Mark, Node};
use super::walk::Walk;
use super::{Pem, WebTls};

/// Cipher suites that can be had, by their names in Go. What else Go knows (CBC, RSA key exchange, RC4) is not safe.
pub const SUITES: &[&str] = &[
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
];

/// Groups of the key exchange that can be had, by their names in Go.
pub const CURVES: &[&str] = &["X25519", "CurveP256", "CurveP384"];

const SECTION: &str = "tls_server_config";
const KEYS: &[&str] = &[
    "cert",
    "cert_file",
    "key",
    "key_file",
    "client_ca",
    "client_ca_file",
    "client_auth_type",
    "client_allowed_sans",
    "min_version",
    "max_version",
    "cipher_suites",
    "prefer_server_cipher_suites",
    "curve_preferences",
];

type Nodes<'n> = BTreeMap<&'static str, &'n Node>;

/// Reads the section. An empty one is plain HTTP, as in exporter-toolkit.
pub(super) fn section(walk: &mut Walk, node: &Node) -> Option<WebTls> {
    let entries = walk.map(SECTION, node, KEYS);
    if entries.is_empty() {
        return None;
    }
    let nodes: Nodes<'_> = entries
        .into_iter()
        .map(|(key, entry)| (key, &entry.value))
        .collect();
    let pem = |walk: &mut Walk, inline, file| one_of(walk, &nodes, inline, file);
    let certificate = pem(
        walk,
        "tls_server_config.cert",
        "tls_server_config.cert_file",
    );
    let key = pem(walk, "tls_server_config.key", "tls_server_config.key_file");
    let client_ca = pem(
        walk,
        "tls_server_config.client_ca",
        "tls_server_config.client_ca_file",
    );
    for (given, file) in [(&certificate, "cert_file"), (&key, "key_file")] {
        if let Given::Missing = given {
            let text = format!("{SECTION} has no {file}; TLS needs a certificate and its key");
            walk.mistake(node.mark, text);
        }
    }
    let client_auth = client_auth(walk, &nodes, &client_ca);
    let (min_version, max_version) = versions(walk, &nodes);
    let tls = WebTls {
        certificate: certificate.pem()?,
        key: key.pem()?,
        client_ca: client_ca.pem(),
        client_auth,
        allowed_sans: allowed_sans(walk, &nodes, client_auth),
        min_version,
        max_version,
        suites: names(walk, &nodes, "cipher_suites", SUITES),
        // Go has decided by itself since 1.17: the server's order counts.
        prefer_server_suites: nodes
            .get("prefer_server_cipher_suites")
            .and_then(|node| walk.switch("tls_server_config.prefer_server_cipher_suites", node))
            .unwrap_or(true),
        curves: names(walk, &nodes, "curve_preferences", CURVES),
        place: walk.place(node.mark),
    };
    Some(tls)
}

/// A certificate or key as given.
enum Given {
    Missing,
    /// It was named and cannot be had, which has been said.
    Wrong,
    There(Pem),
}

impl Given {
    fn pem(self) -> Option<Pem> {
        match self {
            Self::There(pem) => Some(pem),
            Self::Missing | Self::Wrong => None,
        }
    }
}

/// In the file itself, or in a file of its own; not both.
fn one_of(walk: &mut Walk, nodes: &Nodes<'_>, inline: &'static str, file: &'static str) -> Given {
    let node = |key: &str| nodes.get(&key[SECTION.len() + 1..]).copied();
    let read = match (node(inline), node(file)) {
        (None, None) => return Given::Missing,
        (Some(_), Some(both)) => {
            let text = format!("{file} stands beside {inline}; keep one of them");
            walk.mistake(both.mark, text);
            None
        }
        (Some(node), None) => walk.inline(inline, node),
        (None, Some(node)) => walk.file(file, node),
    };
    read.map_or(Given::Wrong, Given::There)
}

fn client_auth(walk: &mut Walk, nodes: &Nodes<'_>, client_ca: &Given) -> ClientAuth {
    const KEY: &str = "tls_server_config.client_auth_type";
    let node = nodes.get("client_auth_type").copied();
    let word = node.and_then(|node| Some((node.mark, walk.text(KEY, node)?.trim())));
    let auth = match word {
        None => ClientAuth::None,
        // The older spelling, which exporter-toolkit keeps too.
        Some((_, "RequireClientCert")) => ClientAuth::RequireAny,
        Some((mark, word)) => match ClientAuth::read(word) {
            Some(auth) => auth,
            None => {
                let (word, words) = (shown(word), ClientAuth::WORDS.join(", "));
                walk.mistake(mark, format!("{KEY} is {word}; write one of {words}"));
                // The strictest; nothing is said of what follows from it.
                return ClientAuth::RequireAndVerify;
            }
        },
    };
    let verifies = matches!(
        auth,
        ClientAuth::VerifyIfGiven | ClientAuth::RequireAndVerify
    );
    match (client_ca, word) {
        (Given::Missing, Some((mark, word))) if verifies => {
            let text = format!(
                "{KEY} is {word}; it needs tls_server_config.client_ca_file, which says whose certificates are good"
            );
            walk.mistake(mark, text);
        }
        (Given::There(ca), _) if auth == ClientAuth::None => {
            let text = format!(
                "{} has no effect without {KEY}; write RequireAndVerifyClientCert there, or take it out",
                ca.key
            );
            let mark = nodes
                .get(&ca.key[SECTION.len() + 1..])
                .map_or(Mark { line: 1, column: 1 }, |node| node.mark);
            walk.mistake(mark, text);
        }
        _ => {}
    }
    auth
}

fn allowed_sans(walk: &mut Walk, nodes: &Nodes<'_>, auth: ClientAuth) -> Vec<String> {
    const KEY: &str = "tls_server_config.client_allowed_sans";
    let Some(node) = nodes.get("client_allowed_sans") else {
        return Vec::new();
    };
    let names: Vec<String> = walk
        .list(KEY, node)
        .into_iter()
        .map(|(_, name)| name.to_owned())
        .collect();
    if auth == ClientAuth::None && !names.is_empty() {
        let text = format!(
            "{KEY} has no effect without tls_server_config.client_auth_type; write RequireAndVerifyClientCert there"
        );
        walk.mistake(node.mark, text);
    }
    names
}

fn versions(walk: &mut Walk, nodes: &Nodes<'_>) -> (TlsVersion, TlsVersion) {
    let mut version = |key: &'static str, path: &str, default| {
        let Some(node) = nodes.get(key) else {
            return default;
        };
        let Some(word) = walk.text(path, node).map(str::trim) else {
            return default;
        };
        TlsVersion::read(word).unwrap_or_else(|| {
            let why = match word {
                "TLS10" | "TLS11" => "that version is not safe (RFC 8996) and not spoken here; ",
                _ => "",
            };
            let text = format!("{path} is {}; {why}write TLS12 or TLS13", shown(word));
            walk.mistake(node.mark, text);
            default
        })
    };
    let min = version(
        "min_version",
        "tls_server_config.min_version",
        TlsVersion::Tls12,
    );
    let max = version(
        "max_version",
        "tls_server_config.max_version",
        TlsVersion::Tls13,
    );
    if (min, max) == (TlsVersion::Tls13, TlsVersion::Tls12)
        && let Some(node) = nodes.get("max_version")
    {
        let text =
            "tls_server_config.max_version is TLS12; it must not be below min_version (TLS13)";
        walk.mistake(node.mark, text);
    }
    (min, max)
}

fn names(
    walk: &mut Walk,
    nodes: &Nodes<'_>,
    key: &'static str,
    known: &'static [&'static str],
) -> Vec<&'static str> {
    let Some(node) = nodes.get(key) else {
        return Vec::new();
    };
    let path = format!("{SECTION}.{key}");
    let mut found = Vec::new();
    for (mark, name) in walk.list(&path, node) {
        // Go has an older spelling of two of them.
        let long = format!("{name}_SHA256");
        let fits = |one: &&&str| **one == name || (name.ends_with("POLY1305") && **one == long);
        match known.iter().find(fits) {
            Some(name) => found.push(*name),
            None => {
                let text = format!(
                    "{path} has {}, which is not safe or not spoken here; write some of {}",
                    shown(name),
                    known.join(", ")
                );
                walk.mistake(mark, text);
            }
        }
    }
    found
}
