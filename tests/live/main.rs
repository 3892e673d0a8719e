//! Real brokers, a real Prometheus and the built binary. `scripts/test` runs this; by hand:
//! `scripts/tools && LIVE=1 cargo test --test live -- --ignored --test-threads=2`.
//!
//! Each broker version is a module, so `cargo test --test live -- --ignored v2_15_1` takes one of them.

use std::time::Duration;

use anyhow::Result;

mod broker;
mod cluster;
mod fleet;
mod http;
mod joining;
#[path = "../../examples/load/run.rs"]
mod load;
mod page;
#[allow(dead_code, reason = "tests/rights.rs uses all of it")]
#[path = "../support/pki.rs"]
mod pki;
mod ports;
mod profiling;
mod prometheus;
mod sidecar;
mod single;
mod stuck;
mod supercluster;
mod tools;
mod wait;

/// Rounds short enough for a test, and deadlines shorter than a round, so that a frozen broker
/// costs its rounds and no more.
const QUICK: &[&str] = &[
    "--poll-light=1s",
    "--poll-health=1s",
    "--poll-connections=1s",
    "--poll-streams=1s",
    "--poll-consumers=1s",
    "--poll-timeout=500ms",
    "--poll-heavy-timeout=1s",
];

/// Two missed rounds, the deadline of the second, and what two busy cores need.
const TWO_ROUNDS: Duration = Duration::from_secs(6);

/// Ample for anything that happens at all.
const LONG: Duration = Duration::from_secs(30);

macro_rules! tests {
    ($($file:ident :: $test:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        #[ignore = "needs nats-server"]
        async fn $test() -> anyhow::Result<()> {
            crate::$file::$test(VERSION).await
        }
    )*};
}

macro_rules! versions {
    ($($module:ident = $version:literal),* $(,)?) => {$(
        mod $module {
            const VERSION: &str = $version;

            tests! {
                broker::the_harness_starts_freezes_kills_and_restarts,
                cluster::three_nodes_elect_a_leader,
                cluster::a_stream_and_its_consumer_are_shown_by_their_leaders,
                cluster::a_leaderless_stream_is_shown_as_that_and_by_nothing_else,
                stuck::light_answers_and_heavy_hangs,
                single::counters_equal_what_was_sent,
                single::a_killed_broker_leaves_the_page_and_stays_known,
                single::a_frozen_broker_times_out_and_comes_back,
                single::a_restarted_broker_starts_again,
                single::a_broker_that_was_down_at_the_start_is_known_by_its_address,
                single::a_hundred_scrapes_ask_the_broker_nothing,
                profiling::a_busy_broker_is_named_and_an_idle_one_is_empty,
                profiling::a_broker_that_ends_in_the_middle_gives_what_was_seen,
                profiling::every_engine_gives_its_kinds,
            }
        }
    )*};
}

versions! {
    v2_9_10 = "2.9.10",
    v2_10_26 = "2.10.26",
    v2_12_8 = "2.12.8",
    v2_15_1 = "2.15.1",
}

/// With loads that fill two cores.
mod loads {
    mod v2_9_10 {
        const VERSION: &str = "2.9.10";

        tests! { profiling::a_contended_lock_a_busy_processor_and_jetstream_are_told_apart }
    }

    mod v2_15_1 {
        const VERSION: &str = "2.15.1";

        tests! { profiling::a_contended_lock_a_busy_processor_and_jetstream_are_told_apart }
    }
}

mod rights {
    const VERSION: &str = "2.15.1";

    tests! {
        profiling::rights_that_are_missing_are_named,
        profiling::samples_that_find_no_room_are_counted,
    }
}

/// With whole clusters, which take longer: the newest version, the oldest that is widely run, and the oldest for what
/// is about gateways alone.
mod clusters {
    mod v2_9_10 {
        const VERSION: &str = "2.9.10";

        tests! {
            supercluster::accounts_on_gateways_are_shown,
        }
    }

    mod v2_10_26 {
        const VERSION: &str = "2.10.26";

        tests! {
            supercluster::nodes_are_killed_frozen_and_renamed_and_the_page_follows,
        }
    }

    mod v2_15_1 {
        const VERSION: &str = "2.15.1";

        tests! {
            supercluster::nodes_are_killed_frozen_and_renamed_and_the_page_follows,
            joining::nodes_join_and_move_by_a_targets_file,
            joining::members_are_discovered_as_they_join,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nats-server"]
async fn prometheus_starts_and_answers() -> Result<()> {
    prometheus::the_harness_starts_and_answers()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nats-server"]
async fn a_hundred_servers_are_read_through_tls_by_whom_may() -> Result<()> {
    fleet::a_hundred_servers_are_read_through_tls_by_whom_may().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nats-server"]
async fn a_rate_at_prometheus_equals_what_was_sent() -> Result<()> {
    prometheus::a_rate_equals_what_was_sent("2.15.1").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nats-server"]
async fn promtool_finds_nothing_to_mend() -> Result<()> {
    prometheus::promtool_finds_nothing("2.15.1")
}
