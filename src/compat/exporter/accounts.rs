//! Accounts: their traffic (accstatz) and their limits (accountz).

use super::View;
use super::table::Family;
use crate::collect::accountz::AccountDetails;
use crate::collect::accstatz::AccountStat;
use crate::state::ForeignRows;

impl View<'_> {
    pub(super) fn traffic(&self, stat: &AccountStat<'_>, rows: &mut dyn ForeignRows) {
        let detail = &stat.detail;
        let labels = [
            ("server_id", self.server_id),
            ("account", &detail.acc),
            ("account_id", &detail.acc),
            ("account_name", &detail.name),
        ];
        let subscriptions = detail.num_subscriptions.unwrap_or_default().value();
        rows.row(
            &labels,
            &[
                self.cell(Family::AccstatzCurrentConnections, detail.conns.value()),
                self.cell(Family::AccstatzTotalConnections, detail.total_conns.value()),
                self.cell(Family::AccstatzSubscriptions, subscriptions),
                self.cell(Family::AccstatzLeafNodes, detail.leafnodes.value()),
                self.cell(Family::AccstatzSentMessages, detail.sent.msgs.value()),
                self.cell(Family::AccstatzSentBytes, detail.sent.bytes.value()),
                self.cell(
                    Family::AccstatzReceivedMessages,
                    detail.received.msgs.value(),
                ),
                self.cell(Family::AccstatzReceivedBytes, detail.received.bytes.value()),
                self.cell(Family::AccstatzSlowConsumers, detail.slow_consumers.value()),
            ],
        );
    }

    pub(super) fn account_detail(&self, account: &AccountDetails<'_>, rows: &mut dyn ForeignRows) {
        let detail = account.detail;
        let limits = &detail.decoded_jwt.nats.limits;
        let labels = [
            ("server_id", self.server_id),
            ("account_id", detail.account_name.as_str()),
            ("account_name", detail.name_tag.as_str()),
        ];
        rows.row(
            &labels,
            &[
                self.cell(
                    Family::AccountzClientConnections,
                    detail.client_connections.value(),
                ),
                self.cell(
                    Family::AccountzLeafnodeConnections,
                    detail.leafnode_connections.value(),
                ),
                self.cell(Family::AccountzSubscriptions, detail.subscriptions.value()),
                self.cell(Family::AccountzIsSystem, detail.is_system.into()),
                self.cell(Family::AccountzExpired, detail.expired.into()),
                self.cell(Family::AccountzComplete, detail.complete.into()),
                self.cell(
                    Family::AccountzJetstreamEnabled,
                    detail.jetstream_enabled.into(),
                ),
                self.cell(Family::AccountzLimitSubs, limits.subs.value()),
                self.cell(Family::AccountzLimitData, limits.data.value()),
                self.cell(Family::AccountzLimitPayload, limits.payload.value()),
                self.cell(Family::AccountzLimitImports, limits.imports.value()),
                self.cell(Family::AccountzLimitExports, limits.exports.value()),
                self.cell(Family::AccountzLimitWildcards, limits.wildcards.into()),
                self.cell(Family::AccountzLimitConn, limits.conn.value()),
                self.cell(Family::AccountzLimitLeaf, limits.leaf.value()),
            ],
        );
    }
}
