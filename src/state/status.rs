//! How servers and collectors are doing, for people and for the API.

use std::time::Instant;

/// How a server is doing.
#[derive(Clone, Debug, Default)]
pub struct ServerStatus {
    /// The `server_name` label.
    pub server_name: String,
    /// Its id of this life; empty before it answered.
    pub server_id: String,
    /// The `nats_cluster` label; empty outside a cluster.
    pub nats_cluster: String,
    /// Cluster and name of the server that was last shown here, which another target may show by now.
    pub last_name: (String, String),
    /// Its version; empty before it answered.
    pub version: String,
    /// Whether the latest request for varz was answered; nothing before the first one ended.
    pub up: Option<bool>,
    /// Its monitoring URL, without secrets.
    pub target: String,
    /// Whether each collector was tried once, or the server was given up on.
    pub first_round_over: bool,
    /// When varz was last answered.
    pub answered_at: Option<Instant>,
    /// Its collectors, in the order of a round.
    pub collectors: Vec<CollectorStatus>,
}

/// How a collector is doing.
#[derive(Clone, Debug)]
pub struct CollectorStatus {
    /// Its name.
    pub name: &'static str,
    /// Whether the latest request gave a whole answer.
    pub success: bool,
    /// How long the latest request took, in seconds.
    pub duration_seconds: f64,
    /// When it last succeeded.
    pub succeeded_at: Option<Instant>,
    /// Whether the latest answer left something out.
    pub truncated: bool,
    /// Share of what the broker has that the latest answer showed.
    pub coverage: f64,
    /// Why the latest request failed.
    pub error: Option<String>,
}
