//! The list of servers: complete entries, no server and no name twice.

use std::collections::HashMap;

use super::kind::{self, Pid, Value};
use super::mistake::{Mistake, Place};
use super::plan::{Reader, ServerPlan};
use super::secret::UrlText;
use super::settings::{Item, SERVERS, Written};
use super::table::Key;
use super::url;

/// Most servers that one natsight watches.
pub const SERVERS_MAX: usize = 1000;

/// Reads the list. Where none is written, the broker beside us is meant.
pub(super) fn plan(reader: &mut Reader) -> Vec<ServerPlan> {
    let elsewhere = reader.settings.get(Key::TargetsFile).is_some();
    let Some(items) = reader.settings.items(SERVERS).map(<[Item]>::to_vec) else {
        return if elsewhere {
            Vec::new()
        } else {
            vec![beside_us()]
        };
    };
    if items.is_empty() && !elsewhere {
        let place = reader.settings.list_place(SERVERS);
        let text =
            "servers is empty; list at least one, or leave the key out for http://127.0.0.1:8222";
        reader.mistakes.push(Mistake::new(place, text));
    }
    if let Some(item) = items.get(SERVERS_MAX) {
        let text = format!(
            "these are {} servers; {SERVERS_MAX} is the most for one natsight",
            items.len()
        );
        reader.mistakes.push(Mistake::new(item.place.clone(), text));
    }
    let mut urls = Seen::default();
    let mut names = Seen::default();
    let mut servers = Vec::new();
    for (index, item) in items.iter().enumerate().take(SERVERS_MAX) {
        let Some(written) = reader.settings.item(Key::ServersUrl, index).cloned() else {
            if !item.wrong {
                let text = format!(
                    "servers[{index}] has no url; write one such as url: http://127.0.0.1:8222"
                );
                reader.mistakes.push(Mistake::new(item.place.clone(), text));
            }
            continue;
        };
        urls.add(reader, &written, url::identity(written.text.trim()));
        let name = reader.settings.item(Key::ServersName, index).cloned();
        let url = written.text.trim();
        let by_dns = url::by_dns(url);
        if let Some(name) = &name {
            names.add(reader, name, name.text.clone());
            if by_dns.is_some() {
                let advice = "cannot stand beside a dns+ URL: each of its addresses is a server of its own; take it out";
                reader.mistake(name, advice);
            }
        }
        servers.push(ServerPlan {
            url: UrlText::new(by_dns.unwrap_or(url)),
            by_dns: by_dns.is_some(),
            name: name.map(|name| name.text),
            pid: pid(reader, index),
            profiling_url: reader
                .settings
                .item(Key::ServersProfilingUrl, index)
                .map(|written| UrlText::new(&written.text)),
        });
    }
    servers
}

fn beside_us() -> ServerPlan {
    ServerPlan {
        url: UrlText::new(Key::ServersUrl.leaf().sample()),
        by_dns: false,
        name: None,
        pid: Pid::Auto,
        profiling_url: None,
    }
}

fn pid(reader: &Reader, index: usize) -> Pid {
    let written = reader.settings.item(Key::ServersPid, index);
    match written.map(|written| kind::read(written.key.leaf(), &written.text)) {
        Some(Ok(Value::Pid(pid))) => pid,
        _ => Pid::Auto,
    }
}

/// What has been met, with the first that had it.
#[derive(Default)]
struct Seen(HashMap<String, Written>);

impl Seen {
    fn add(&mut self, reader: &mut Reader, written: &Written, identity: String) {
        let Some(first) = self.0.get(&identity) else {
            self.0.insert(identity, written.clone());
            return;
        };
        let advice = match &first.place {
            Place::File { line, .. } => format!("is listed before, in line {line}; keep one"),
            _ => "is listed before; keep one".to_owned(),
        };
        reader.mistake(written, &advice);
    }
}
