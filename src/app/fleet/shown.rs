//! Which servers are shown: each once.

use std::collections::HashMap;
use std::sync::Arc;

use super::Shown;
use crate::app::roster::Origin;
use crate::expose::Snapshot;

/// The newest snapshots as they are shown. A found server that another one is, too, is not shown, nor is any server that
/// is down here and came back elsewhere, until its target has let go of the name: its series would say the same of the
/// same server twice.
pub(in crate::app) fn newest(servers: &[Shown]) -> Vec<Arc<Snapshot>> {
    let one = |shown: &Shown| One {
        origin: shown.origin,
        server_id: shown.told.server_id(),
        snapshot: Arc::clone(&shown.snapshots.borrow()),
    };
    let all: Vec<One> = servers.iter().map(one).collect();
    let shown = all
        .iter()
        .zip(visible(&all))
        .filter(|(_, visible)| *visible);
    shown.map(|(one, _)| Arc::clone(&one.snapshot)).collect()
}

struct One {
    origin: Origin,
    /// The id that it gave last, whether it may speak for that server or not.
    server_id: String,
    snapshot: Arc<Snapshot>,
}

fn visible(all: &[One]) -> Vec<bool> {
    let rank = |place: usize| {
        let One {
            origin, snapshot, ..
        } = &all[place];
        let status = &snapshot.status;
        let is_up = status.up == Some(true);
        (!is_up, *origin, status.server_id.is_empty(), place)
    };
    let better = |place: usize, holder: &mut usize| {
        if rank(place) < rank(*holder) {
            *holder = place;
        }
    };
    let (mut by_id, mut by_name) = (HashMap::new(), HashMap::new());
    for (place, one) in all.iter().enumerate() {
        let status = &one.snapshot.status;
        if !one.server_id.is_empty() {
            better(place, by_id.entry(&one.server_id).or_insert(place));
        }
        if !status.server_id.is_empty() {
            let name = (&status.nats_cluster, &status.server_name);
            better(place, by_name.entry(name).or_insert(place));
        }
    }
    let is_visible = |(place, one): (usize, &One)| {
        let status = &one.snapshot.status;
        let is_down = status.up != Some(true) && !status.server_id.is_empty();
        let of_name = by_name.get(&(&status.nats_cluster, &status.server_name));
        if is_down && of_name != Some(&place) {
            return false;
        }
        let alone = !one.origin.is_found() || one.server_id.is_empty();
        alone || by_id.get(&one.server_id) == Some(&place)
    };
    all.iter().enumerate().map(is_visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::ServerStatus;

    /// Origin, id that it gave, id under which it is shown, name, up.
    fn one(origin: Origin, gave: &str, shown: &str, name: &str, up: bool) -> One {
        let status = ServerStatus {
            server_id: shown.to_owned(),
            server_name: name.to_owned(),
            up: Some(up),
            ..ServerStatus::default()
        };
        One {
            origin,
            server_id: gave.to_owned(),
            snapshot: Arc::new(Snapshot {
                parts: Vec::new(),
                status,
            }),
        }
    }

    #[test]
    fn a_found_server_is_shown_once() {
        use Origin::{Configured, Discovered, Dns};
        let check = |all: &[One], expected: &[bool]| assert_eq!(visible(all), expected);
        check(
            &[
                one(Configured, "A", "A", "n1", true),
                one(Discovered, "A", "", "h:1", true),
            ],
            &[true, false],
        );
        check(
            &[
                one(Discovered, "A", "A", "n1", true),
                one(Configured, "A", "", "h:1", true),
            ],
            &[false, true],
        );
        // The one that speaks for the server stays, be it the later.
        check(
            &[
                one(Dns, "A", "", "h:1", true),
                one(Dns, "A", "A", "n1", true),
            ],
            &[false, true],
        );
        // A pod that came back at another address.
        check(
            &[
                one(Dns, "A", "A", "n1", false),
                one(Dns, "B", "B", "n1", true),
            ],
            &[false, true],
        );
        check(
            &[
                one(Dns, "A", "A", "n1", false),
                one(Dns, "B", "B", "n2", true),
            ],
            &[true, true],
        );
        // One that is gone and one that was never reached stay.
        check(
            &[
                one(Dns, "A", "A", "n1", false),
                one(Dns, "", "", "h:2", false),
            ],
            &[true, true],
        );
        check(
            &[
                one(Configured, "A", "A", "n1", true),
                one(Configured, "A", "A", "n1", true),
            ],
            &[true, true],
        );
    }

    #[test]
    fn a_server_that_moved_is_shown_where_it_is_now() {
        use Origin::{Configured, Discovered, File};
        let check = |all: &[One], expected: &[bool]| assert_eq!(visible(all), expected);
        // Another process of the name, and the same one under another address.
        for id in ["A", "B"] {
            check(
                &[
                    one(Configured, "A", "A", "n1", false),
                    one(File, id, id, "n1", true),
                ],
                &[false, true],
            );
        }
        check(
            &[
                one(Configured, "A", "A", "n1", false),
                one(Discovered, "A", "A", "n1", true),
            ],
            &[false, true],
        );
        // The old place has let go of the name.
        check(
            &[
                one(Configured, "A", "", "h:1", false),
                one(File, "B", "B", "n1", true),
            ],
            &[true, true],
        );
        // Not yet claimed at the new place.
        check(
            &[
                one(Configured, "A", "A", "n1", false),
                one(File, "B", "", "h:2", true),
            ],
            &[true, true],
        );
    }
}
