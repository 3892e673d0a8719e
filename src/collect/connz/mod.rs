//! `/connz`: the connections that are open, and why others were closed.

mod closed;
mod latest;
mod open;
mod reason;
mod sums;

use std::time::Duration;

pub use closed::ClosedConnections;
pub use latest::ClosedConnection;
pub use open::{Connection, OpenConnections};
pub use sums::{PageOf, Sums};

use super::{Lane, Spec, always, never_absent, never_idle, ok};
use crate::catalog::Origin;

/// The collectors of this endpoint.
pub static SPECS: &[Spec] = &[
    Spec {
        name: "connz",
        origin: Origin::Connz,
        handler: "/connz",
        interval_min: Duration::ZERO,
        idle: never_idle,
        lane: Lane::Heavy,
        accept: ok,
        absent: never_absent,
        wanted: always,
        make: |options| Box::new(open::Decoder::new(options.connections)),
    },
    Spec {
        name: "closed",
        origin: Origin::Closed,
        handler: "/connz",
        interval_min: Duration::ZERO,
        idle: never_idle,
        lane: Lane::Heavy,
        accept: ok,
        absent: never_absent,
        wanted: always,
        make: |options| Box::new(closed::Decoder::new(options.connections)),
    },
];
