//! What `/probe` may reach: checked on the text, then on the address that will really be connected to.

use std::net::IpAddr;

use crate::config::{ProbeHost, ProbeRule};
use crate::serve::ProbeRefusal;
use crate::source::address::{AddressKind, canonical, kind};
use crate::source::http::Target;

/// Longest text of a target.
const TARGET_BYTES_MAX: usize = 300;

/// A target that some entries may allow, before its address is known.
#[derive(Debug)]
pub(super) struct Candidate<'a> {
    pub(super) target: Target,
    rules: Vec<&'a ProbeRule>,
}

/// Reads a target and finds the entries with its scheme, port and perhaps host. Nothing is looked up.
pub(super) fn candidate<'a>(
    text: &str,
    rules: &'a [ProbeRule],
) -> Result<Candidate<'a>, ProbeRefusal> {
    if text.is_empty() {
        return Err(malformed(
            "there is no target; ask for /probe?target=http://HOST:8222",
        ));
    }
    if text.len() > TARGET_BYTES_MAX {
        let text = format!(
            "the target is longer than {TARGET_BYTES_MAX} bytes; write it as http://HOST:8222"
        );
        return Err(malformed(text));
    }
    let target = Target::parse(text).map_err(|error| malformed(error.to_string()))?;
    let shown = target.display().to_owned();
    if text.contains('@') || target.has_user_info() {
        let text = format!(
            "target {shown} carries user info; leave it out, it would be sent to whom the caller chose"
        );
        return Err(refused(400, "user_info", text));
    }
    if target.has_base_path() {
        let text = format!("target {shown} has a path; end it after the port");
        return Err(refused(400, "path", text));
    }
    let of_scheme: Vec<_> = rules
        .iter()
        .filter(|rule| rule.scheme == target.scheme())
        .collect();
    if of_scheme.is_empty() {
        let text = format!("no entry of probe.allow has the scheme of {shown}; add one");
        return Err(refused(403, "scheme", text));
    }
    let of_port: Vec<_> = of_scheme
        .into_iter()
        .filter(|rule| rule.port == target.port())
        .collect();
    if of_port.is_empty() {
        let text = format!("no entry of probe.allow has the port of {shown}; add one");
        return Err(refused(403, "port", text));
    }
    let name = target.host().trim_end_matches('.').to_owned();
    let may_fit = |rule: &&ProbeRule| match &rule.host {
        ProbeHost::Name(known) => *known == name,
        ProbeHost::Network { .. } => true,
    };
    let rules: Vec<_> = of_port.into_iter().filter(may_fit).collect();
    if rules.is_empty() {
        return Err(not_allowed(&target));
    }
    Ok(Candidate { target, rules })
}

impl Candidate<'_> {
    /// The first of the addresses that may be connected to.
    pub(super) fn choose(&self, addresses: &[IpAddr]) -> Result<IpAddr, ProbeRefusal> {
        let mut first = None;
        for ip in addresses {
            match self.check(*ip) {
                Ok(()) => return Ok(*ip),
                Err(refusal) => {
                    first.get_or_insert(refusal);
                }
            }
        }
        Err(first.unwrap_or_else(|| not_allowed(&self.target)))
    }

    fn check(&self, ip: IpAddr) -> Result<(), ProbeRefusal> {
        let shown = self.target.display();
        let never = |reason, what: &str| {
            let text = format!("target {shown} leads to {what}, which /probe never asks");
            Err(refused(403, reason, text))
        };
        let loopback = match kind(ip) {
            AddressKind::Ordinary => false,
            AddressKind::Loopback => true,
            AddressKind::LinkLocal => return never("link_local", "a link-local address"),
            AddressKind::Metadata => return never("metadata", "a cloud's metadata address"),
            AddressKind::Unspecified => return never("unspecified", "an unspecified address"),
            AddressKind::Multicast => return never("multicast", "a multicast address"),
        };
        let ip = canonical(ip);
        let allows = |rule: &&&ProbeRule| match &rule.host {
            ProbeHost::Name(_) => !loopback || rule.host.names_loopback(),
            network => network.holds(ip) && (!loopback || network.names_loopback()),
        };
        if self.rules.iter().any(|rule| allows(&rule)) {
            return Ok(());
        }
        if loopback {
            let text = format!(
                "target {shown} leads to this machine itself; name 127.0.0.1 in probe.allow to permit that"
            );
            return Err(refused(403, "loopback", text));
        }
        Err(not_allowed(&self.target))
    }
}

fn not_allowed(target: &Target) -> ProbeRefusal {
    let text = format!(
        "no entry of probe.allow holds the address of {}; add one",
        target.display()
    );
    refused(403, "address", text)
}

fn malformed(text: impl Into<String>) -> ProbeRefusal {
    refused(400, "malformed", text)
}

/// A refusal with its status, its label value and its sentence.
pub(super) fn refused(status: u16, reason: &'static str, text: impl Into<String>) -> ProbeRefusal {
    ProbeRefusal {
        status,
        reason,
        text: text.into(),
    }
}
