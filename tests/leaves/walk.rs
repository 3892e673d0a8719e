//! Leaves of a body by path; who leads what; which recordings belong together.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::claims::Table;

/// Leaves as path (`a.b[].c`, `*` for keys that are data) and their places as JSON pointers.
pub(crate) fn leaves(body: &Json, table: &Table) -> BTreeMap<String, Vec<String>> {
    let mut found = BTreeMap::new();
    descend(body, String::new(), String::new(), table, &mut found);
    found
}

fn descend(
    json: &Json,
    path: String,
    place: String,
    table: &Table,
    found: &mut BTreeMap<String, Vec<String>>,
) {
    match json {
        Json::Object(members) => {
            for (key, member) in members {
                let name = if table.maps.contains(&path) { "*" } else { key };
                let deeper = if path.is_empty() {
                    name.to_owned()
                } else {
                    format!("{path}.{name}")
                };
                let escaped = key.replace('~', "~0").replace('/', "~1");
                descend(member, deeper, format!("{place}/{escaped}"), table, found);
            }
        }
        Json::Array(members) => {
            for (number, member) in members.iter().enumerate() {
                descend(
                    member,
                    format!("{path}[]"),
                    format!("{place}/{number}"),
                    table,
                    found,
                );
            }
        }
        // A list that is empty, written as null.
        Json::Null => {}
        _ => found.entry(path).or_default().push(place),
    }
}

/// The place of `path` that has the same places in lists as `place`, as far as both have lists.
pub(crate) fn same_places(path: &str, place: &str) -> String {
    let mut numbers = place
        .split('/')
        .filter(|part| part.parse::<usize>().is_ok());
    let mut same = String::new();
    for name in path.split('.') {
        let lists = name.matches("[]").count();
        same += &format!("/{}", name.trim_end_matches("[]"));
        for _ in 0..lists {
            same += &format!("/{}", numbers.next().unwrap());
        }
    }
    same
}

/// The place of the innermost element of a list around a place; the root when there is none.
pub(crate) fn element(place: &str) -> &str {
    let mut around = place;
    while let Some((outer, key)) = around.rsplit_once('/') {
        if around != place && key.parse::<usize>().is_ok() {
            return around;
        }
        around = outer;
    }
    ""
}

/// The only server that is named as leader around a place.
pub(crate) fn leader<'a>(body: &'a Json, place: &str) -> Option<&'a str> {
    let leaders = groups(body, place).filter_map(|group| match group.get("leader") {
        Some(leader) => leader.as_str(),
        None => group.get("replicas").map(|_| NOBODY),
    });
    let leaders: BTreeSet<&str> = leaders.collect();
    let only = leaders.first().filter(|_| leaders.len() == 1);
    only.copied().filter(|leader| *leader != NOBODY)
}

/// Leads what has members and no leader.
const NOBODY: &str = "";

/// What stands around a place and may have a leader.
fn groups<'a>(body: &'a Json, place: &str) -> impl Iterator<Item = &'a Json> {
    let ends = place.match_indices('/').map(|(end, _)| end);
    let around = ends.filter_map(|end| body.pointer(&place[..end]));
    around
        .flat_map(|around| [Some(around), around.get("cluster")])
        .flatten()
}

/// Whether all that stands around a place and has a leader is led by this server; what has members but no leader is not.
pub(crate) fn led(body: &Json, place: &str, server: &str) -> bool {
    groups(body, place).all(|group| match group.get("leader") {
        Some(leader) => leader.as_str() == Some(server),
        None => group.get("replicas").is_none(),
    })
}

/// States of a topology; recordings of one state belong together.
const STATES: &[&str] = &["later", "one-node-down", "no-quorum", "b1-and-leaf-down"];
const NODES: &[&str] = &["n1", "n2", "n3", "a1", "a2", "b1", "leaf1"];

/// The plain recording of another endpoint by the same node in the same state, or in the first state where there is none,
/// else the one with all details; nothing when the topology has none.
pub(crate) fn companion(file: &str, endpoint: &str) -> Option<String> {
    let (folder, name) = file.rsplit_once('/').unwrap();
    let parts: Vec<&str> = name.split('.').collect();
    let of = |known: &[&str]| {
        let part = parts.iter().find(|part| known.contains(part));
        part.map_or(String::new(), |part| format!(".{part}"))
    };
    let (node, state) = (of(NODES), of(STATES));
    let candidates = [
        format!("{folder}/{endpoint}{node}{state}.json"),
        format!("{folder}/{endpoint}{node}.json"),
        format!("{folder}/{endpoint}{node}.all.json"),
    ];
    let exists = |name: &String| super::fixtures::folder().join(name).exists();
    candidates.into_iter().find(exists)
}
