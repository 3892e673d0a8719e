//! What each fuzz target does with its bytes. `tests/fuzz_corpus.rs` runs the kept corpus through the same functions, so that
//! what was found once is tried by every `cargo test`.

mod answers;
mod pages;
mod profiles;
mod texts;

pub use answers::{COLLECTORS, decoders, splitter};
pub use profiles::{dumps, profile, stacks, symbols};
pub use texts::{config, deflate, page_reader};

/// Takes the bytes of an input.
pub type Target = fn(&[u8]);

/// Targets by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("config", config),
    ("decoders", decoders),
    ("deflate", deflate),
    ("dumps", dumps),
    ("page_reader", page_reader),
    ("profile", profile),
    ("splitter", splitter),
    ("stacks", stacks),
    ("symbols", symbols),
];

/// Takes the first byte as a choice.
fn choice(data: &mut &[u8]) -> Option<u8> {
    let (first, rest) = data.split_first()?;
    *data = rest;
    Some(*first)
}
