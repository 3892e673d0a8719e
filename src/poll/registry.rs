//! Which target speaks for which server, among all targets of a sidecar.
//!
//! Equal ids are one server, whatever the URLs: it is polled and shown once. One name with two ids is a collision, but
//! only while both answer: else it is a restart or a move. The target that answered first stays.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

/// The claims of all targets.
#[derive(Debug, Default)]
pub struct Registry {
    claims: Mutex<Vec<Claim>>,
}

#[derive(Debug)]
struct Claim {
    target: u32,
    shown: String,
    server_id: String,
    /// `nats_cluster` and `server_name`.
    name: (String, String),
    /// Two missed rounds after its last answer.
    until: Instant,
}

/// Why a target is not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Another target answers for the same server.
    SameServer {
        /// Its URL.
        by: String,
    },
    /// Another server has this name.
    SameName {
        /// Its URL.
        by: String,
        /// The name.
        name: String,
    },
}

impl Refusal {
    /// Bounded label value.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::SameServer { .. } => "same_server",
            Self::SameName { .. } => "same_name",
        }
    }

    /// One sentence with the next step.
    pub(super) fn text(&self) -> String {
        match self {
            Self::SameServer { by } => {
                format!(
                    "this is the server that {by} already shows; take one of the two targets away"
                )
            }
            Self::SameName { by, name } => format!(
                "{by} already shows a server named {name:?}; give each server a server_name of its own, or \
                 servers[].name here"
            ),
        }
    }
}

impl Registry {
    /// Takes or renews a target's claim until `until`; or says who has it.
    pub(super) fn claim(
        &self,
        target: u32,
        shown: &str,
        server_id: &str,
        name: (&str, &str),
        now: Instant,
        until: Instant,
    ) -> Result<(), Refusal> {
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        claims.retain(|claim| claim.until > now && claim.target != target);
        if let Some(claim) = claims.iter().find(|claim| claim.server_id == server_id) {
            return Err(Refusal::SameServer {
                by: claim.shown.clone(),
            });
        }
        let same_name = |claim: &&Claim| (claim.name.0.as_str(), claim.name.1.as_str()) == name;
        if let Some(claim) = claims.iter().find(same_name) {
            return Err(Refusal::SameName {
                by: claim.shown.clone(),
                name: name.1.to_owned(),
            });
        }
        claims.push(Claim {
            target,
            shown: shown.to_owned(),
            server_id: server_id.to_owned(),
            name: (name.0.to_owned(), name.1.to_owned()),
            until,
        });
        Ok(())
    }

    /// Whether another target speaks by now for this server, or for another of its name.
    pub(super) fn is_taken(
        &self,
        target: u32,
        server_id: &str,
        name: (&str, &str),
        now: Instant,
    ) -> bool {
        let claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        claims.iter().any(|claim| {
            let claimed = (claim.name.0.as_str(), claim.name.1.as_str());
            claim.target != target
                && claim.until > now
                && (claim.server_id == server_id || claimed == name)
        })
    }

    /// Gives a target's claim back: it is not watched any more.
    pub(super) fn release(&self, target: u32) {
        let mut claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        claims.retain(|claim| claim.target != target);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ROUND: Duration = Duration::from_secs(5);

    fn claim(
        registry: &Registry,
        target: u32,
        id: &str,
        name: &str,
        now: Instant,
    ) -> Option<&'static str> {
        let until = now + ROUND * 2;
        let url = format!("http://t{target}");
        registry
            .claim(target, &url, id, ("C", name), now, until)
            .err()
            .map(|refusal| refusal.reason())
    }

    #[test]
    fn one_server_behind_two_targets_is_shown_by_the_first() {
        let (registry, now) = (Registry::default(), Instant::now());
        assert_eq!(claim(&registry, 1, "ID", "n1", now), None);
        assert_eq!(claim(&registry, 2, "ID", "n1", now), Some("same_server"));
        assert_eq!(claim(&registry, 1, "ID", "n1", now + ROUND), None);
    }

    #[test]
    fn two_servers_with_one_name_collide_while_both_answer() {
        let (registry, now) = (Registry::default(), Instant::now());
        assert_eq!(claim(&registry, 1, "A", "n1", now), None);
        assert_eq!(
            claim(&registry, 2, "B", "n1", now + ROUND),
            Some("same_name")
        );
        // The first has missed two rounds: the server moved.
        assert_eq!(claim(&registry, 2, "B", "n1", now + ROUND * 2), None);
    }

    #[test]
    fn who_is_gone_learns_that_another_has_its_name_or_server() {
        let (registry, now) = (Registry::default(), Instant::now());
        let taken =
            |target, id: &str, name: &str, now| registry.is_taken(target, id, ("C", name), now);
        assert_eq!(claim(&registry, 1, "A", "n1", now), None);
        assert!(!taken(1, "A", "n1", now), "its own claim");
        assert!(taken(2, "A", "n2", now) && taken(2, "B", "n1", now));
        assert!(!taken(2, "B", "n2", now));
        assert!(!taken(2, "A", "n1", now + ROUND * 2), "nobody answers");
    }

    #[test]
    fn a_restart_at_the_same_target_is_no_collision() {
        let (registry, now) = (Registry::default(), Instant::now());
        assert_eq!(claim(&registry, 1, "A", "n1", now), None);
        assert_eq!(claim(&registry, 1, "B", "n1", now), None);
    }

    #[test]
    fn a_target_that_is_gone_holds_nothing() {
        let (registry, now) = (Registry::default(), Instant::now());
        assert_eq!(claim(&registry, 1, "A", "n1", now), None);
        registry.release(1);
        assert_eq!(claim(&registry, 2, "A", "n1", now), None);
    }
}
