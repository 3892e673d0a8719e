//! Checks passwords against bcrypt hashes: a few at a time, off the threads that serve, each outcome remembered.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use ring::hmac;
use tokio::sync::Semaphore;

/// Checks that run at once. One costs a core 80 ms (cost 10) and more.
const RUNNING_MAX: usize = 2;
/// Checks that wait; more are told to come back.
const WAITING_MAX: usize = 32;
/// Outcomes remembered, of each kind. Wrong passwords cannot push right ones out.
const REMEMBERED_MAX: usize = 1024;

/// What a check gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Right,
    Wrong,
    /// Too many checks wait.
    Busy,
}

/// The checker, and what it remembers: marks under a key that was drawn at the start, never a password.
pub(super) struct Passwords {
    key: hmac::Key,
    right: Mutex<VecDeque<Mark>>,
    wrong: Mutex<VecDeque<Mark>>,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

type Mark = [u8; 32];

impl Passwords {
    /// Nothing remembered.
    pub(super) fn new() -> Self {
        let mut seed = [0; 32];
        // Without random numbers from the system no TLS would work either; the marks stay in this process.
        let _ = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut seed);
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &seed),
            right: Mutex::new(VecDeque::new()),
            wrong: Mutex::new(VecDeque::new()),
            running: Arc::new(Semaphore::new(RUNNING_MAX)),
            waiting: Arc::new(Semaphore::new(RUNNING_MAX + WAITING_MAX)),
        }
    }

    /// Checks a user's password. An unknown user costs what a known one does, by the hash of another.
    pub(super) async fn check(
        &self,
        users: &[(String, String)],
        name: &str,
        password: &[u8],
    ) -> Verdict {
        let user = users.iter().find(|(user, _)| user == name);
        let Some((_, hash)) = user.or(users.first()) else {
            return Verdict::Wrong;
        };
        let known = user.is_some();
        let mark = self.mark(&[name.as_bytes(), hash.as_bytes(), password]);
        if let Some(verdict) = self.remembered(&mark) {
            return verdict;
        }
        let Ok(waiting) = Arc::clone(&self.waiting).try_acquire_owned() else {
            return Verdict::Busy;
        };
        let Ok(running) = Arc::clone(&self.running).acquire_owned().await else {
            return Verdict::Busy;
        };
        // The same may have been checked meanwhile: scrapers come in pairs.
        if let Some(verdict) = self.remembered(&mark) {
            return verdict;
        }
        let (hash, password) = (hash.clone(), password.to_vec());
        let checked = tokio::task::spawn_blocking(move || {
            let right = bcrypt::verify(password, &hash).unwrap_or(false);
            // Held to here even when the client has gone.
            drop((waiting, running));
            right
        });
        let right = checked.await.unwrap_or(false) & known;
        let memory = if right { &self.right } else { &self.wrong };
        let mut memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.len() >= REMEMBERED_MAX {
            memory.pop_front();
        }
        memory.push_back(mark);
        if right {
            Verdict::Right
        } else {
            Verdict::Wrong
        }
    }

    /// Whether two texts are the same, in a time that tells nothing of either.
    pub(super) fn same(&self, one: &[u8], other: &[u8]) -> bool {
        use subtle::ConstantTimeEq;
        self.mark(&[one]).ct_eq(&self.mark(&[other])).into()
    }

    fn mark(&self, parts: &[&[u8]]) -> Mark {
        let mut context = hmac::Context::with_key(&self.key);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut mark = [0; 32];
        mark.copy_from_slice(context.sign().as_ref());
        mark
    }

    fn remembered(&self, mark: &Mark) -> Option<Verdict> {
        let holds = |memory: &Mutex<VecDeque<Mark>>| {
            let memory = memory.lock().unwrap_or_else(PoisonError::into_inner);
            memory.contains(mark)
        };
        if holds(&self.right) {
            return Some(Verdict::Right);
        }
        holds(&self.wrong).then_some(Verdict::Wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each check is remembered once.
    fn checked(passwords: &Passwords) -> usize {
        passwords.right.lock().unwrap().len() + passwords.wrong.lock().unwrap().len()
    }

    fn users() -> Vec<(String, String)> {
        vec![("alice".to_owned(), bcrypt::hash("wonder", 4).unwrap())]
    }

    #[tokio::test]
    async fn each_password_is_checked_once() {
        let (passwords, users) = (Passwords::new(), users());
        for (name, password, verdict) in [
            ("alice", "wonder", Verdict::Right),
            ("alice", "wonder", Verdict::Right),
            ("alice", "Wonder", Verdict::Wrong),
            ("alice", "Wonder", Verdict::Wrong),
            // Right for alice, by whose hash bob is looked at.
            ("bob", "wonder", Verdict::Wrong),
            ("bob", "wonder", Verdict::Wrong),
            ("alice", "wonder", Verdict::Right),
        ] {
            let found = passwords.check(&users, name, password.as_bytes()).await;
            assert_eq!(found, verdict, "{name} {password}");
        }
        assert_eq!(checked(&passwords), 3);
        // A new hash of the same password is looked at anew.
        let renewed = self::users();
        let found = passwords.check(&renewed, "alice", b"wonder").await;
        assert_eq!((found, checked(&passwords)), (Verdict::Right, 4));
    }

    #[tokio::test]
    async fn wrong_passwords_push_nothing_right_out_and_are_bounded() {
        let (passwords, users) = (Passwords::new(), users());
        passwords.check(&users, "alice", b"wonder").await;
        for number in 0..REMEMBERED_MAX + 10 {
            let mark = passwords.mark(&[&number.to_be_bytes()]);
            let mut wrong = passwords.wrong.lock().unwrap();
            if wrong.len() < REMEMBERED_MAX {
                wrong.push_back(mark);
            }
        }
        passwords.check(&users, "alice", b"other").await;
        assert_eq!(passwords.wrong.lock().unwrap().len(), REMEMBERED_MAX);
        let before = checked(&passwords);
        assert_eq!(
            passwords.check(&users, "alice", b"wonder").await,
            Verdict::Right
        );
        assert_eq!(checked(&passwords), before);
    }

    #[tokio::test]
    async fn a_crowd_is_told_to_come_back() {
        let (passwords, users) = (Passwords::new(), users());
        let all: Vec<_> = (0..100_u32).map(u32::to_be_bytes).collect();
        let checks = all
            .iter()
            .map(|word| passwords.check(&users, "alice", word));
        // Nothing is checked until all have come.
        let places = u32::try_from(RUNNING_MAX).unwrap();
        let held = passwords.running.acquire_many(places).await.unwrap();
        let (verdicts, ()) = tokio::join!(futures_util::future::join_all(checks), async {
            drop(held);
        });
        let busy = verdicts.iter().filter(|verdict| **verdict == Verdict::Busy);
        assert_eq!(busy.count(), 100 - RUNNING_MAX - WAITING_MAX);
    }

    #[test]
    fn texts_are_compared_whole() {
        let passwords = Passwords::new();
        for (one, other, same) in [
            ("a", "a", true),
            ("a", "b", false),
            ("a", "ab", false),
            ("", "", true),
        ] {
            assert_eq!(passwords.same(one.as_bytes(), other.as_bytes()), same);
        }
    }
}
