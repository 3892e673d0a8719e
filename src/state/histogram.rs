//! A histogram with fixed upper bounds, as Prometheus shows it.

use serde::Serialize;

/// Most buckets a histogram may have, the one of `+Inf` included.
pub const MAX_BUCKETS: usize = 24;

/// Counts by upper bound, a sum and a count. Bounds are given in the base unit of the family.
///
/// The sum is kept in whole units of `scale` (nanoseconds, bytes) so that it never loses small additions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Histogram {
    #[serde(skip)]
    bounds: &'static [u64],
    /// Observations at most as large as the bound of the same place; the last one holds what is above all bounds.
    counts: Vec<u64>,
    sum: u128,
    nanos: bool,
}

impl Histogram {
    /// An empty histogram of durations; `bounds` are ascending, in nanoseconds.
    pub fn of_nanos(bounds: &'static [u64]) -> Self {
        Self::new(bounds, true)
    }

    /// An empty histogram of whole numbers, such as bytes; `bounds` are ascending.
    pub fn of_units(bounds: &'static [u64]) -> Self {
        Self::new(bounds, false)
    }

    fn new(bounds: &'static [u64], nanos: bool) -> Self {
        debug_assert!(bounds.len() < MAX_BUCKETS && bounds.is_sorted());
        Self {
            bounds,
            counts: vec![0; bounds.len() + 1],
            sum: 0,
            nanos,
        }
    }

    /// Counts one observation.
    pub fn observe(&mut self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        self.counts[place] += 1;
        self.sum += u128::from(value);
    }

    /// Upper bounds without `+Inf`.
    pub fn bounds(&self) -> &'static [u64] {
        self.bounds
    }

    /// Counts up to and including each bound, the last one being the count of all.
    pub fn cumulative(&self) -> impl Iterator<Item = u64> + '_ {
        self.counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        })
    }

    /// How many values were observed.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Sum of the values, in nanoseconds or whole units.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// Whether values are nanoseconds, to be shown as seconds.
    pub fn is_nanos(&self) -> bool {
        self.nanos
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_belongs_to_it() {
        let mut histogram = Histogram::of_units(&[10, 20]);
        for value in [10, 11, 20, 21] {
            histogram.observe(value);
        }
        assert_eq!(histogram.cumulative().collect::<Vec<_>>(), [1, 3, 4]);
        assert_eq!((histogram.count(), histogram.sum()), (4, 62));
    }

    #[test]
    fn a_sum_does_not_overflow() {
        let mut histogram = Histogram::of_units(&[1]);
        histogram.observe(u64::MAX);
        histogram.observe(u64::MAX);
        assert_eq!(histogram.sum(), u128::from(u64::MAX) * 2);
    }
}
