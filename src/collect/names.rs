//! The `account` label: an account's name where that is unique, else its id.

use crate::state::{KeyMap, KeySet, key_of};

/// Names of the accounts of one server. An answer is read while it arrives, so a name that turns up twice is known to
/// be shared only at its second account; from the next answer on both go by their ids.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Hashes of names that several accounts of the latest whole answer had; nearly always none.
    shared: KeySet,
    found: KeySet,
    /// Hash of a name to the hash of the id that had it first in this answer.
    first: KeyMap<u64>,
}

impl Names {
    /// A new answer begins.
    pub(crate) fn begin(&mut self) {
        self.found.clear();
        self.first.clear();
    }

    /// The label of an account.
    pub(crate) fn label<'t>(&mut self, name: &'t str, id: &'t str) -> &'t str {
        let key = key_of(name);
        let id_key = key_of(id);
        if *self.first.entry(key).or_insert(id_key) != id_key {
            self.found.insert(key);
        }
        let unique = !self.shared.contains(&key) && !self.found.contains(&key);
        if unique && !name.is_empty() { name } else { id }
    }

    /// The answer is complete.
    pub(crate) fn finish(&mut self) {
        self.shared = std::mem::take(&mut self.found);
        // Many accounts must not leave their map behind for good.
        self.first = KeyMap::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_name_gives_way_to_ids() {
        let mut names = Names::default();
        names.begin();
        assert_eq!(names.label("APP", "A1"), "APP");
        assert_eq!(names.label("APP", "A2"), "A2");
        names.finish();
        names.begin();
        assert_eq!(names.label("APP", "A1"), "A1");
        assert_eq!(names.label("APP", "A2"), "A2");
        assert_eq!(names.label("OPS", "A3"), "OPS");
        names.finish();
    }

    #[test]
    fn a_name_is_unique_again_when_the_other_account_has_gone() {
        let mut names = Names::default();
        names.begin();
        names.label("APP", "A1");
        names.label("APP", "A2");
        names.finish();
        names.begin();
        names.label("APP", "A1");
        names.finish();
        names.begin();
        assert_eq!(names.label("APP", "A1"), "APP");
    }

    #[test]
    fn an_answer_cut_short_teaches_nothing() {
        let mut names = Names::default();
        names.begin();
        names.label("APP", "A1");
        names.label("APP", "A2");
        names.begin();
        assert_eq!(names.label("APP", "A1"), "APP");
    }
}
