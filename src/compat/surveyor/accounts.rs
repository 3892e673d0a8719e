//! Accounts: their traffic on a server (accstatz), and JetStream of the account as a whole.

use super::table::Family;
use super::{View, unsigned};
use crate::collect::accstatz::{AccountStat, LinkTraffic, Traffic};
use crate::collect::jsz::{Account, StreamDetail};
use crate::state::{ForeignRows, Share};

/// Families of one direction and kind of links: messages and bytes.
type Both = [Family; 2];

const SENT: [Both; 4] = [
    [
        Family::CoreAccountClientMsgsSent,
        Family::CoreAccountClientBytesSent,
    ],
    [
        Family::CoreAccountLeafMsgsSent,
        Family::CoreAccountLeafBytesSent,
    ],
    [
        Family::CoreAccountRouteMsgsSent,
        Family::CoreAccountRouteBytesSent,
    ],
    [
        Family::CoreAccountGatewayMsgsSent,
        Family::CoreAccountGatewayBytesSent,
    ],
];
const RECEIVED: [Both; 4] = [
    [
        Family::CoreAccountClientMsgsRecv,
        Family::CoreAccountClientBytesRecv,
    ],
    [
        Family::CoreAccountLeafMsgsRecv,
        Family::CoreAccountLeafBytesRecv,
    ],
    [
        Family::CoreAccountRouteMsgsRecv,
        Family::CoreAccountRouteBytesRecv,
    ],
    [
        Family::CoreAccountGatewayMsgsRecv,
        Family::CoreAccountGatewayBytesRecv,
    ],
];

impl View<'_> {
    pub(super) fn traffic(&self, stat: &AccountStat<'_>, rows: &mut dyn ForeignRows) {
        let detail = &stat.detail;
        let account = self.of_account(&detail.acc, &detail.name);
        let [cluster, name, id] = self.core();
        let labels = [cluster, name, id, account[0], account[1]];
        let subscriptions = super::int(detail.num_subscriptions);
        let (sent, received) = (&detail.sent, &detail.received);
        rows.row(
            &labels,
            &[
                self.cell(Family::CoreAccountConnCount, detail.conns.value()),
                self.cell(
                    Family::CoreAccountTotalConnCount,
                    detail.total_conns.value(),
                ),
                self.cell(Family::CoreAccountLeafCount, detail.leafnodes.value()),
                self.cell(Family::CoreAccountSubCount, subscriptions),
                self.cell(
                    Family::CoreAccountSlowConsumerCount,
                    detail.slow_consumers.value(),
                ),
                self.cell(Family::CoreAccountMsgsSent, sent.msgs.value()),
                self.cell(Family::CoreAccountBytesSent, sent.bytes.value()),
                self.cell(Family::CoreAccountMsgsRecv, received.msgs.value()),
                self.cell(Family::CoreAccountBytesRecv, received.bytes.value()),
            ],
        );
        self.by_link(&SENT, sent, &labels, rows);
        self.by_link(&RECEIVED, received, &labels, rows);
        self.active_account(detail.total_conns.0 > 0, rows);
        self.is_there(&detail.acc, rows);
        // Until JetStream tells more of it.
        self.usage_of(account, [Share::Nothing; 5], rows);
    }

    /// Clients have what is left of the total. Older brokers do not tell of links; nothing can be said then.
    fn by_link(
        &self,
        families: &[Both; 4],
        traffic: &Traffic,
        labels: &[(&str, &str)],
        rows: &mut dyn ForeignRows,
    ) {
        let links = [traffic.leafs, traffic.routes, traffic.gateways];
        if links.iter().all(Option::is_none) {
            return;
        }
        let both = |link: Option<LinkTraffic>| {
            link.map_or([0; 2], |link| [link.msgs.or_zero(), link.bytes.or_zero()])
        };
        let links = links.map(both);
        let mut clients = [traffic.msgs.or_zero(), traffic.bytes.or_zero()];
        for link in links {
            for (left, share) in clients.iter_mut().zip(link) {
                *left = left.saturating_sub(share);
            }
        }
        let all = [clients, links[0], links[1], links[2]];
        for (families, values) in families.iter().zip(all) {
            let cells = [
                self.cell(families[0], values[0].into()),
                self.cell(families[1], values[1].into()),
            ];
            rows.row(labels, &cells);
        }
    }

    fn is_there(&self, id: &str, rows: &mut dyn ForeignRows) {
        let share = Share::Member(Some(id));
        rows.shared(&[], &[self.share(Family::CoreAccountCount, share)]);
    }

    /// Whether JetStream is on, used memory and storage, reserved memory and storage.
    fn usage_of(
        &self,
        account: [(&str, &str); 2],
        shares: [Share<'_>; 5],
        rows: &mut dyn ForeignRows,
    ) {
        let families = [
            Family::CoreAccountJetstreamEnabled,
            Family::CoreAccountJetstreamMemoryUsed,
            Family::CoreAccountJetstreamStorageUsed,
            Family::CoreAccountJetstreamMemoryReserved,
            Family::CoreAccountJetstreamStorageReserved,
        ];
        for (family, share) in families.into_iter().zip(shares) {
            rows.shared(&account, &[self.share(family, share)]);
        }
        let family = Family::CoreAccountJetstreamStreamCount;
        rows.shared(&account, &[self.share(family, Share::Nothing)]);
    }

    pub(super) fn account(&self, account: &Account<'_>, rows: &mut dyn ForeignRows) {
        let detail = &account.detail;
        self.is_there(&detail.id, rows);
        let values = [
            1,
            unsigned(detail.memory),
            unsigned(detail.storage),
            unsigned(detail.reserved_memory),
            unsigned(detail.reserved_storage),
        ];
        let account = self.of_account(&detail.id, &detail.name);
        self.usage_of(account, values.map(Share::Whole), rows);
        let none = Share::Member(None);
        let family = Family::CoreAccountJetstreamStreamCount;
        rows.shared(&account, &[self.share(family, none)]);
        let family = Family::CoreJetstreamServerTotalStreamLeaders;
        rows.shared(&self.jetstream(), &[self.share(family, Share::Part(0))]);
    }

    /// What a stream adds to its account; the sizes only from its leader, or each replica would count.
    pub(super) fn stream_of_account(
        &self,
        account: [(&str, &str); 2],
        stream: &StreamDetail<'_>,
        leads: bool,
        rows: &mut dyn ForeignRows,
    ) {
        let member = Share::Member(Some(&stream.name));
        let family = Family::CoreAccountJetstreamStreamCount;
        rows.shared(&account, &[self.share(family, member)]);
        let Some(limits) = &stream.limits else {
            return;
        };
        let labels = [
            account[0],
            account[1],
            ("stream", &stream.name),
            ("raft_group", &stream.stream_raft_group),
        ];
        let replicas = Share::Whole(unsigned(Some(limits.num_replicas)));
        let family = Family::CoreAccountJetstreamReplicaCount;
        rows.shared(&labels, &[self.share(family, replicas)]);
        let Some(state) = stream.state.as_ref().filter(|_| leads) else {
            return;
        };
        let tier = format!("R{}", limits.num_replicas.0);
        let labels = [account[0], account[1], ("tier", tier.as_str())];
        let (used, reserved) = if limits.storage == "memory" {
            (
                Family::CoreAccountJetstreamTieredMemoryUsed,
                Family::CoreAccountJetstreamTieredMemoryReserved,
            )
        } else {
            (
                Family::CoreAccountJetstreamTieredStorageUsed,
                Family::CoreAccountJetstreamTieredStorageReserved,
            )
        };
        let shares = [
            self.share(used, Share::Part(state.bytes.or_zero())),
            self.share(reserved, Share::Part(unsigned(Some(limits.max_bytes)))),
        ];
        rows.shared(&labels, &shares);
    }
}
