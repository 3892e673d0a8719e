//! Plain values between collectors and sinks: rows, numbers, histograms.

mod histogram;
mod row;

pub use histogram::{Histogram, MAX_BUCKETS};
pub use row::{EntityKind, Row, Rows, Value};
