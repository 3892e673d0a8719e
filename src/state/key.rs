//! Hashes that stand for entities.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::sync::LazyLock;

use foldhash::quality::RandomState;

/// Sets and maps of keys.
pub type KeySet = HashSet<u64, BuildHasherDefault<KeyHasher>>;
/// See [`KeySet`].
pub type KeyMap<V> = HashMap<u64, V, BuildHasherDefault<KeyHasher>>;

/// The key of what is hashed, for the life of the process. It is seeded at random: names come from clients, and nobody
/// shall be able to choose one that is taken for another's.
pub fn key_of(what: impl Hash) -> u64 {
    static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::default);
    SEED.hash_one(what)
}

/// Lets keys stand for themselves in a map: they are hashes already.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }

    fn write(&mut self, bytes: &[u8]) {
        // Keys alone come here, by `write_u64`; anything else is still told apart.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_texts_apart_wherever_one_ends() {
        assert_eq!(key_of(["ab", "c"]), key_of(["ab", "c"]));
        assert_ne!(key_of(["ab", "c"]), key_of(["a", "bc"]));
        assert_ne!(key_of(["", "a"]), key_of(["a", ""]));
    }

    #[test]
    fn a_set_of_keys_holds_each_once() {
        let mut set = KeySet::default();
        let keys = || (0..1000_u64).map(key_of);
        assert!(keys().all(|key| set.insert(key)));
        assert!(!keys().any(|key| set.insert(key)));
    }
}
