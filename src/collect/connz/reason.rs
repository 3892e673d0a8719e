//! Why connections end: the broker's words as label values.

/// Longest reason.
pub(super) const SLUG_MAX: usize = 64;
/// The reason of what has none of its own.
pub(super) const OTHER: &str = "other";
/// The reason of what ended because its client wanted so.
pub(super) const CLIENT_CLOSED: &str = "client_closed";

/// All reasons up to 2.15 (nats-server `server/monitor.go`, `ClosedState.String`), as label values; the most frequent first.
pub(super) static REASONS: &[&str] = &[
    CLIENT_CLOSED,
    "read_error",
    "write_error",
    "stale_connection",
    "slow_consumer_pending_bytes",
    "slow_consumer_write_deadline",
    "authentication_failure",
    "authentication_timeout",
    "authentication_expired",
    "credentials_revoked",
    "missing_account",
    "tls_handshake_failure",
    "parse_error",
    "protocol_violation",
    "bad_client_protocol_version",
    "minimum_version_required",
    "message_header_violation",
    "no_responders_requires_headers",
    "incorrect_port",
    "maximum_connections_exceeded",
    "maximum_account_connections_exceeded",
    "maximum_message_payload_exceeded",
    "maximum_control_line_exceeded",
    "maximum_subscriptions_exceeded",
    "kicked",
    "server_shutdown",
    "proxy_not_trusted",
    "proxy_required",
    "duplicate_client_id",
    "duplicate_server_name",
    "duplicate_remote_leafnode_connection",
    "duplicate_route",
    "route_removed",
    "wrong_gateway",
    "cluster_name_conflict",
    "cluster_names_identical",
    "internal_client",
    "unknown_state",
];

/// Small letters and digits, one underscore for all between them; never empty.
pub(super) fn slug<'a>(text: &str, buffer: &'a mut [u8; SLUG_MAX]) -> &'a str {
    let mut len = 0;
    let mut gap = false;
    for byte in text.bytes() {
        if !byte.is_ascii_alphanumeric() {
            gap = len > 0;
            continue;
        }
        if len + usize::from(gap) >= SLUG_MAX {
            break;
        }
        if gap {
            buffer[len] = b'_';
            len += 1;
            gap = false;
        }
        buffer[len] = byte.to_ascii_lowercase();
        len += 1;
    }
    match std::str::from_utf8(&buffer[..len]) {
        Ok(slug) if !slug.is_empty() => slug,
        _ => OTHER,
    }
}
