//! Rows become sample lines, lines become parts, parts become a page; and the strict reader that every test page goes
//! through. No I/O, no clock: the time of a scrape is a value.

mod compress;
mod family;
mod lines;
mod page;
mod part;
pub mod reader;

pub use family::{FamilyId, families};
pub use page::{Encoding, Page, Rendered, Shape, TextFormat};
pub use part::{Part, PartBuilder, Piece, Source};
