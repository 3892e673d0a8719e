//! Views in the names of older tools, made from the same records as the native one.
//!
//! Names, types, labels and units here are those tools' own, defects included; `docs/compat.md` lists where a view
//! differs from them, and why.

pub mod exporter;
