//! Keeps what a broker spends on being watched below a share of one core.

use std::time::Duration;

use crate::collect::Sizes;

/// No interval is stretched beyond this.
const INTERVAL_MAX: Duration = Duration::from_secs(600);
/// Weight of the newest measurement; the rest is what was measured before. Single answers vary by a factor of three
/// with the broker's garbage collection.
const NEWEST: f64 = 0.5;

/// A slow machine may need this many times what was measured for an entity ...
const EXPLAINED: u32 = 10;
/// ... and this much for anything else.
const UNEXPLAINED: Duration = Duration::from_millis(50);

/// What one heavy job costs the broker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// Interval that the operator chose.
    pub(super) every: Duration,
    /// Time that the broker works on one answer.
    pub(super) cost: Duration,
}

/// The interval of a job that costs `load`, beside all the others.
///
/// All heavy intervals grow by one factor, so that the operator's proportions stay.
pub(super) fn interval(load: Load, all: impl Iterator<Item = Load>, cpu_max: f64) -> Duration {
    let share: f64 = all
        .map(|load| load.cost.as_secs_f64() / load.every.as_secs_f64())
        .sum();
    let stretched = load.every.mul_f64((share / cpu_max).max(1.0));
    stretched.min(INTERVAL_MAX.max(load.every))
}

/// The cost after one more answer. The round trip is not the broker's work; the fastest light answer stands for it. Nor
/// is time far beyond what the counts explain: then the broker waits, for a disk or a lock, and asking it more rarely
/// would only hide what goes on.
pub(super) fn measured(
    before: Option<Duration>,
    took: Duration,
    round_trip: Duration,
    predicted: Duration,
) -> Duration {
    let newest = took
        .saturating_sub(round_trip)
        .min(predicted * EXPLAINED + UNEXPLAINED);
    before.map_or(newest, |before| {
        before.mul_f64(1.0 - NEWEST) + newest.mul_f64(NEWEST)
    })
}

/// The cost before the first answer, from cheap counts. Per entity as measured on 2.15.1 (docs/ARCHITECTURE.md).
pub(super) fn predicted(collector: &str, sizes: Sizes) -> Duration {
    let Sizes {
        connections,
        streams,
        consumers,
        ..
    } = sizes;
    let nanos = match collector {
        "connz" => connections.saturating_mul(4_000),
        "closed" => connections.saturating_mul(200),
        "streams" => streams.saturating_mul(3_400),
        "consumers" => consumers.saturating_mul(14_000),
        "gateway_accounts" => sizes.gateway_accounts().saturating_mul(2_500),
        "raftz" => streams.saturating_add(consumers).saturating_mul(10_000),
        "jsz_config" => streams.saturating_add(consumers).saturating_mul(25_000),
        "healthz_full" => streams.saturating_add(consumers).saturating_mul(1_000),
        _ => 0,
    };
    Duration::from_nanos(nanos)
}

/// The interval of a job that failed this many times in a row: what hangs in the broker should not be asked ever again.
pub(super) fn backed_off(interval: Duration, failures_in_row: u32, most: Duration) -> Duration {
    let factor = 1u32 << failures_in_row.saturating_sub(1).min(8);
    interval.saturating_mul(factor).min(most.max(interval))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const S: Duration = Duration::from_secs(1);

    #[test]
    fn cheap_jobs_keep_their_intervals() {
        let loads = [
            Load {
                every: 15 * S,
                cost: 40 * MS,
            },
            Load {
                every: 30 * S,
                cost: 100 * MS,
            },
        ];
        assert_eq!(interval(loads[0], loads.into_iter(), 0.01), 15 * S);
    }

    #[test]
    fn costly_jobs_are_stretched_until_they_fit() {
        let loads = [
            Load {
                every: 10 * S,
                cost: 200 * MS,
            },
            Load {
                every: 20 * S,
                cost: 400 * MS,
            },
        ];
        let both = loads.map(|load| interval(load, loads.into_iter(), 0.01));
        assert_eq!(both, [40 * S, 80 * S]);
        let share: f64 = loads
            .iter()
            .zip(both)
            .map(|(load, every)| load.cost.as_secs_f64() / every.as_secs_f64())
            .sum();
        assert!(share <= 0.010_001);
    }

    #[test]
    fn stretching_ends_at_ten_minutes() {
        let load = Load {
            every: 10 * S,
            cost: 100 * S,
        };
        assert_eq!(interval(load, [load].into_iter(), 0.01), 600 * S);
    }

    #[test]
    fn the_round_trip_is_not_the_brokers_work() {
        assert_eq!(measured(None, 30 * MS, 10 * MS, S), 20 * MS);
        assert_eq!(measured(Some(10 * MS), 30 * MS, 10 * MS, S), 15 * MS);
        assert_eq!(measured(None, 5 * MS, 10 * MS, S), Duration::ZERO);
    }

    #[test]
    fn waiting_is_not_work() {
        assert_eq!(measured(None, 3 * S, MS, 4 * MS), 90 * MS);
    }

    #[test]
    fn what_is_not_measured_is_predicted_from_counts() {
        let sizes = Sizes {
            connections: 10_000,
            accounts: 5_000,
            gateways: 2,
            ..Sizes::default()
        };
        assert_eq!(predicted("connz", sizes), 40 * MS);
        assert_eq!(predicted("gateway_accounts", sizes), 25 * MS);
        assert_eq!(predicted("ipqueuesz", sizes), Duration::ZERO);
    }

    #[test]
    fn failures_are_asked_again_more_and_more_rarely() {
        let after = |failures| backed_off(5 * S, failures, 60 * S);
        assert_eq!(
            [after(0), after(1), after(2), after(3), after(40)],
            [5 * S, 5 * S, 10 * S, 20 * S, 60 * S]
        );
    }
}
