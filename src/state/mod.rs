//! Plain values between collectors and sinks: rows, numbers, histograms.

mod foreign;
mod histogram;
mod key;
mod row;
mod status;

pub use foreign::{ForeignFamily, ForeignKind, ForeignRows, Share, Tool};
pub use histogram::{Histogram, MAX_BUCKETS};
pub use key::{KeyHasher, KeyMap, KeySet, key_of};
pub use row::{EntityKind, Row, Rows, Value};
pub use status::{CollectorStatus, ServerStatus};
