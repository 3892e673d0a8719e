//! What the limits left out: series by family, and the sums that stand for them.

use crate::catalog::{CATALOG, Metric};
use crate::state::{EntityKind, Row, Rows, Value};

/// Stands in the labels of a sum over what was left out. No stream and no consumer can be called so: `>` is a wildcard.
pub const OVERFLOW: &str = "<overflow>";

/// Labels that name an entity; the others say more about it and have no sum.
const NAMES: &[&str] = &[
    "cid", "account", "stream", "consumer", "peer", "origin", "group", "queue",
];

/// Series left out, by family.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// In the order of the catalog; empty while nothing was lost.
    families: Vec<Option<Family>>,
}

#[derive(Clone, Copy, Debug)]
struct Family {
    kind: EntityKind,
    series: u64,
    /// Where the values add up.
    sum: Option<i128>,
}

impl Lost {
    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.families.clear();
    }

    /// Adds values of an entity that is not shown.
    pub(super) fn add(&mut self, kind: EntityKind, values: &[(Metric, Value<'_>)]) {
        if self.families.is_empty() {
            self.families.resize(CATALOG.len(), None);
        }
        for (metric, value) in values {
            let place = &mut self.families[*metric as usize];
            let family = place.get_or_insert_with(|| Family {
                kind,
                series: 0,
                sum: metric.def().adds_up().then_some(0),
            });
            family.series += 1;
            if let Some(sum) = &mut family.sum {
                *sum += whole(value);
            }
        }
    }

    /// Series left out, by family.
    pub(super) fn by_family(&self) -> Vec<(Metric, u64)> {
        let with_place = self.families.iter().zip(CATALOG);
        with_place
            .filter_map(|(family, def)| Some((def.metric, (*family)?.series)))
            .collect()
    }

    /// A row for each family whose values add up. Counters have none: the broker's own totals are exact.
    pub(super) fn rows(&self, out: &mut dyn Rows) {
        for (family, def) in self.families.iter().zip(CATALOG) {
            let Some((kind, sum)) = family.and_then(|family| Some((family.kind, family.sum?)))
            else {
                continue;
            };
            let names = def.labels.iter().filter(|label| NAMES.contains(label));
            let labels: Vec<_> = names.map(|label| (*label, OVERFLOW)).collect();
            out.row(&Row::new(kind, &labels, &[(def.metric, value(sum))]));
        }
    }
}

fn whole(value: &Value<'_>) -> i128 {
    match value {
        Value::U64(number) => i128::from(*number),
        Value::I64(number) => i128::from(*number),
        Value::F64(_) | Value::Nanos(_) | Value::Histogram(_) | Value::Negative => 0,
    }
}

fn value(sum: i128) -> Value<'static> {
    match (u64::try_from(sum), i64::try_from(sum)) {
        (Ok(number), _) => Value::U64(number),
        (_, Ok(number)) => Value::I64(number),
        _ if sum > 0 => Value::U64(u64::MAX),
        _ => Value::I64(i64::MIN),
    }
}
