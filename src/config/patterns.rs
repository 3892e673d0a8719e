//! The lists of what is shown and hidden: entries that name something, and that something can match.

use super::kind::{self, Value};
use super::leaf::Kind;
use super::mistake::{Mistake, Warning, shown};
use super::plan::Reader;
use super::settings::{Item, Settings, Written};
use super::table::Key;

/// Most entries of one list: each is compared with each stream and consumer.
pub const PATTERNS_MAX: usize = 100;

/// One entry: names, each perhaps with `*` for any part. What is left out matches every name; one is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternPlan {
    /// The account.
    pub account: Option<String>,
    /// The stream.
    pub stream: Option<String>,
    /// The consumer.
    pub consumer: Option<String>,
}

/// A list of patterns and the leaves of its entries.
pub(super) struct List {
    path: &'static str,
    account: Key,
    stream: Key,
    consumer: Key,
}

pub(super) static ALLOW: List = List {
    path: "collect.allow[]",
    account: Key::CollectAllowAccount,
    stream: Key::CollectAllowStream,
    consumer: Key::CollectAllowConsumer,
};

pub(super) static DENY: List = List {
    path: "collect.deny[]",
    account: Key::CollectDenyAccount,
    stream: Key::CollectDenyStream,
    consumer: Key::CollectDenyConsumer,
};

/// Reads a list.
pub(super) fn plan(reader: &mut Reader, list: &List) -> Vec<PatternPlan> {
    let items = reader.settings.items(list.path).map(<[Item]>::to_vec);
    let items = items.unwrap_or_default();
    if let Some(item) = items.get(PATTERNS_MAX) {
        let name = list.path.trim_end_matches("[]");
        let count = items.len();
        let text = format!("{name} has {count} entries; {PATTERNS_MAX} is the most, use * in them");
        reader.mistakes.push(Mistake::new(item.place.clone(), text));
    }
    let mut patterns = Vec::new();
    for (index, item) in items.iter().enumerate().take(PATTERNS_MAX) {
        let written = |key| reader.settings.item(key, index);
        let keys = [list.account, list.stream, list.consumer];
        if keys.into_iter().all(|key| written(key).is_none()) {
            if !item.wrong {
                let subject = list.path.replace("[]", &format!("[{index}]"));
                let text =
                    format!("{subject} is empty; write an account, a stream or a consumer into it");
                reader.mistakes.push(Mistake::new(item.place.clone(), text));
            }
            continue;
        }
        patterns.push(PatternPlan {
            account: written(list.account).and_then(text),
            stream: written(list.stream).and_then(text),
            consumer: written(list.consumer).and_then(text),
        });
    }
    patterns
}

fn text(written: &Written) -> Option<String> {
    match kind::read(written.key.leaf(), &written.text) {
        Ok(Value::Text(text)) => Some(text.trim().to_owned()),
        _ => None,
    }
}

/// One warning for each pattern that nothing can match, though it looks as if it might: names of streams and
/// consumers have no dots, subjects and regular expressions do.
pub(super) fn warnings(settings: &Settings) -> Vec<Warning> {
    let dotted = |written: &&Written| {
        matches!(written.key.leaf().kind, Kind::Pattern) && written.text.contains('.')
    };
    let warning = |written: &Written| Warning {
        text: format!(
            "{} is {} and matches nothing: names of streams and consumers have no dots; * alone stands for any part",
            written.subject(),
            shown(&written.text)
        ),
    };
    settings.values().filter(dotted).map(warning).collect()
}
