//! Health checks. There 0 is healthy in `status`, and 1 in `status_value`.

use super::View;
use super::table::Family;
use crate::collect::healthz::{Healthz, Question};
use crate::state::ForeignRows;

impl View<'_> {
    pub(super) fn healthz(&self, healthz: &Healthz<'_>, rows: &mut dyn ForeignRows) {
        let (shown, own) = (self.shown(), healthz.check.is_some());
        // Natsight's own cheap check and one that is asked for by name may ask the same: one of them is shown.
        let (wanted, status, value) = match healthz.question {
            Question::Everything => (
                shown.healthz,
                Family::HealthzStatus,
                Family::HealthzStatusValue,
            ),
            Question::EnabledOnly => (
                if own {
                    shown.own_check
                } else {
                    shown.checks.enabled_only
                },
                Family::HealthzJsEnabledOnlyStatus,
                Family::HealthzJsEnabledOnlyStatusValue,
            ),
            Question::ServerOnly => (
                if own {
                    shown.own_check
                } else {
                    shown.checks.server_only
                },
                Family::HealthzJsServerOnlyStatus,
                Family::HealthzJsServerOnlyStatusValue,
            ),
        };
        if !wanted {
            return;
        }
        let labels = [("server_id", self.server_id), ("value", healthz.status)];
        rows.row(
            &labels[..1],
            &[self.cell(status, (!healthz.healthy).into())],
        );
        rows.row(&labels, &[self.cell(value, healthz.healthy.into())]);
    }
}
