//! Views in the names of older tools, made from the same records as the native one.
//!
//! Names, types, labels and units here are those tools' own, defects included; `docs/compat.md` lists where a view
//! differs from them, and why.

pub mod exporter;
mod gatewayz;
pub mod surveyor;
mod uptime;

use std::fmt::Debug;

use crate::collect::{Context, Extra, Record};
use crate::state::{ForeignRows, Tool};

/// A view in the names of another tool.
pub trait ForeignView: Debug + Send + Sync {
    /// Whose names.
    fn tool(&self) -> Tool;

    /// What requests must bring for this view.
    fn extra(&self) -> Extra;

    /// Turns a record into rows. `url` is the monitoring URL without secrets, or a name that the operator gave instead.
    fn rows(&self, record: &Record<'_>, url: &str, context: &Context, rows: &mut dyn ForeignRows);

    /// Rows about a server that is watched, whether it answers or not.
    fn watched(&self, _is_up: bool, _rows: &mut dyn ForeignRows) {}
}
