//! Accounts asked one by one: whose turn it is, and what each one's latest answer gave.
//!
//! A collector makes one request a round and its part is replaced as a whole, so what was learnt of the other accounts
//! is kept here and shown again, each with the time at which it was read.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Context;

/// Turns that an account may fail before what was learnt of it is not shown any more.
const TURNS_SHOWN_MAX: u64 = 3;

/// What was asked and learnt in one life of a broker.
#[derive(Debug)]
pub(crate) struct Walk<T> {
    server_id: String,
    round: u64,
    /// Whom the present answer is about.
    asked: String,
    known: BTreeMap<String, Known<T>>,
}

#[derive(Debug)]
struct Known<T> {
    round: u64,
    at: i128,
    answer: Option<Answer<T>>,
}

/// The latest answer about one account.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    round: u64,
    /// The broker's clock at the latest varz before the request, nanoseconds since 1970.
    pub(crate) read: Option<i128>,
    pub(crate) content: T,
}

impl<T> Default for Walk<T> {
    fn default() -> Self {
        Self {
            server_id: String::new(),
            round: 0,
            asked: String::new(),
            known: BTreeMap::new(),
        }
    }
}

impl<T> Walk<T> {
    /// Of these ids, the one that was asked longest ago, and at least `pause` ago.
    pub(crate) fn turn<'i>(
        &self,
        context: &Context,
        ids: impl Iterator<Item = &'i str>,
        pause: i128,
    ) -> Option<&'i str> {
        let now = context.now.unwrap_or(0);
        let same_life = self.server_id == context.server_id;
        let asked = |id: &str| self.known.get(id).filter(|_| same_life);
        ids.filter(|id| asked(id).is_none_or(|known| now - known.at >= pause))
            .min_by_key(|id| asked(id).map_or(0, |known| known.round))
    }

    /// A request about `id` begins.
    pub(crate) fn begin(&mut self, context: &Context, id: &str) {
        if self.server_id != context.server_id {
            context.server_id.clone_into(&mut self.server_id);
            self.known.clear();
        }
        self.round += 1;
        id.clone_into(&mut self.asked);
        let known = self.known.entry(id.to_owned()).or_insert(Known {
            round: 0,
            at: 0,
            answer: None,
        });
        (known.round, known.at) = (self.round, context.now.unwrap_or(0));
    }

    /// The answer is whole. What it gave replaces what was known; who is not of `ids` any more is forgotten, as is what
    /// was not read again in three turns.
    pub(crate) fn end(&mut self, context: &Context, content: T, ids: &[&str]) {
        let (round, turns) = (self.round, ids.len() as u64);
        if let Some(known) = self.known.get_mut(&self.asked) {
            known.answer = Some(Answer {
                round,
                read: context.now,
                content,
            });
        }
        self.known.retain(|id, _| ids.contains(&id.as_str()));
        for known in self.known.values_mut() {
            // A turn may be longer than there are accounts where others are asked in between.
            let failed = |answer: &Answer<T>| {
                known.round > answer.round && round - answer.round > turns * TURNS_SHOWN_MAX
            };
            if known.answer.as_ref().is_some_and(failed) {
                known.answer = None;
            }
        }
    }

    /// Whom the present answer is about.
    pub(crate) fn asked(&self) -> &str {
        &self.asked
    }

    /// What is known of the account.
    pub(crate) fn answer(&self, id: &str) -> Option<&Answer<T>> {
        self.known.get(id)?.answer.as_ref()
    }

    /// What is known of all accounts.
    pub(crate) fn answers(&self) -> impl Iterator<Item = (&str, &Answer<T>)> {
        self.known
            .iter()
            .filter_map(|(id, known)| Some((id.as_str(), known.answer.as_ref()?)))
    }
}

/// An id as the value of a query parameter.
pub(crate) fn escaped(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(server_id: &str, now: i128) -> Context {
        Context {
            server_id: server_id.to_owned(),
            now: Some(now),
            ..Context::default()
        }
    }

    fn shown(walk: &Walk<u32>) -> Vec<(&str, u32)> {
        let answers = walk.answers();
        answers.map(|(id, answer)| (id, answer.content)).collect()
    }

    #[test]
    fn each_has_its_turn_and_none_too_soon() {
        let mut walk = Walk::default();
        let ids = ["a", "b"];
        for (now, expected) in [(1, Some("a")), (2, Some("b")), (3, None), (11, Some("a"))] {
            let context = at("N", now);
            let turn = walk.turn(&context, ids.into_iter(), 10);
            assert_eq!(turn, expected, "{now}");
            if let Some(id) = turn {
                walk.begin(&context, id);
                walk.end(&context, 0, &ids);
            }
        }
    }

    #[test]
    fn who_fails_is_shown_for_three_turns() {
        let mut walk = Walk::default();
        let context = at("N", 1);
        let ids = ["a", "b"];
        walk.begin(&context, "a");
        walk.end(&context, 7, &ids);
        for _ in 0..3 {
            assert_eq!(walk.answer("a").map(|answer| answer.content), Some(7));
            walk.begin(&context, "a");
            walk.begin(&context, "b");
            walk.end(&context, 8, &ids);
        }
        walk.begin(&context, "b");
        walk.end(&context, 9, &ids);
        assert_eq!(shown(&walk), [("b", 9)]);
    }

    #[test]
    fn ids_may_hold_anything() {
        assert_eq!(escaped("$G"), "%24G");
        assert_eq!(
            escaped("a b&c=\"\n\u{1f600}"),
            "a%20b%26c%3D%22%0A%F0%9F%98%80"
        );
        assert_eq!(escaped("ABC-1.x_y~"), "ABC-1.x_y~");
    }

    #[test]
    fn who_has_gone_and_another_life_are_forgotten() {
        let mut walk = Walk::default();
        for id in ["a", "b"] {
            walk.begin(&at("N", 1), id);
            walk.end(&at("N", 1), 1, &["a", "b"]);
        }
        walk.begin(&at("N", 1), "b");
        walk.end(&at("N", 1), 2, &["b"]);
        assert_eq!(shown(&walk), [("b", 2)]);
        assert_eq!(walk.turn(&at("M", 1), ["b"].into_iter(), 10), Some("b"));
        walk.begin(&at("M", 1), "c");
        assert_eq!(shown(&walk), []);
    }
}
