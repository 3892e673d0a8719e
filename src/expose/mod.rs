//! Rows become sample lines, lines become parts, parts become a page; and the strict reader that every test page goes
//! through. No I/O, no clock: the time of a scrape is a value.

mod compress;
mod deflate;
mod family;
mod foreign;
mod lines;
mod page;
mod part;
pub mod reader;
mod snapshot;
mod wish;

pub use compress::Packer;
pub use family::{FamilyId, families};
pub use foreign::ForeignBuilder;
pub use page::{Encoding, Names, Page, Rendered, Shape, TextFormat};
pub use part::{Part, PartBuilder, Piece, Source};
pub use snapshot::Snapshot;
pub use wish::Wish;
