//! Rows from tables: a family and how to get its value from a record.

use crate::catalog::Metric;
use crate::state::{EntityKind, Row, Rows, Value};

/// The type of a table: families, and how to get the value of each from a record; nothing where the record lacks it.
macro_rules! cells {
    ($record:ty) => { &[(crate::catalog::Metric, fn(&$record) -> Option<crate::state::Value<'static>>)] };
}
pub(crate) use cells;

/// Most families of one row.
const VALUES_MAX: usize = 64;

/// Emits one row made by a table.
pub(crate) fn emit<T, F: Fn(&T) -> Option<Value<'static>>>(
    rows: &mut dyn Rows,
    kind: EntityKind,
    labels: &[(&'static str, &str)],
    table: &[(Metric, F)],
    record: &T,
) {
    let mut values = [(Metric::Up, Value::Negative); VALUES_MAX];
    let mut len = 0;
    for (metric, get) in table {
        if let Some(value) = get(record) {
            values[len] = (*metric, value);
            len += 1;
        }
    }
    if len > 0 {
        rows.row(&Row::new(kind, labels, &values[..len]));
    }
}

/// Emits a row of one value.
pub(crate) fn one(
    rows: &mut dyn Rows,
    labels: &[(&'static str, &str)],
    metric: Metric,
    value: Value<'_>,
) {
    rows.row(&Row::new(EntityKind::Server, labels, &[(metric, value)]));
}

/// Emits a fact in labels.
pub(crate) fn info(rows: &mut dyn Rows, labels: &[(&'static str, &str)], metric: Metric) {
    one(rows, labels, metric, Value::U64(1));
}

/// A switch as a label.
pub(crate) fn flag(on: bool) -> &'static str {
    if on { "true" } else { "false" }
}
