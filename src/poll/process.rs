//! The broker's process: found once, read each round, shown as rows.

use super::ProcessChoice;
use crate::catalog::Metric;
use crate::source::process::{self, Pid, ProcessError, ProcessSample};
use crate::state::{EntityKind, Row, Rows, Value};

/// Finds and reads the process; blocks. `known` spares the search while the process is still the same.
pub(super) fn sample(
    choice: ProcessChoice,
    port: u16,
    known: Option<(Pid, u64)>,
) -> Result<(Pid, ProcessSample), ProcessError> {
    if let Some((pid, start)) = known
        && let Ok(sample) = process::read(pid)
        && sample.start_ticks == start
    {
        return Ok((pid, sample));
    }
    match choice {
        ProcessChoice::Given(pid) => process::read(pid).map(|sample| (pid, sample)),
        ProcessChoice::Find | ProcessChoice::Off => process::find_broker(port),
    }
}

/// Rows of one look at the process.
pub(super) fn rows(sample: &ProcessSample, out: &mut dyn Rows) {
    let cgroup = &sample.cgroup;
    let ticks =
        i128::from(sample.cpu_ticks) * 1_000_000_000 / i128::from(sample.ticks_per_second.max(1));
    let throttle = cgroup.cpu_throttle.as_ref();
    let all = [
        (Metric::ProcessCpu, Some(Value::Nanos(ticks))),
        (
            Metric::ProcessResidentMemory,
            Some(sample.resident_bytes.into()),
        ),
        (Metric::ProcessOpenFds, sample.open_fds.map(Value::U64)),
        (Metric::ProcessMaxFds, sample.max_fds.map(Value::U64)),
        (Metric::ProcessThreads, Some(sample.threads.into())),
        (
            Metric::ContainerMemoryLimit,
            cgroup.memory_limit_bytes.map(Value::U64),
        ),
        (
            Metric::ContainerCpuLimit,
            cgroup.cpu_quota.map(|quota| Value::F64(quota.cores())),
        ),
        (
            Metric::ContainerCpuPeriods,
            throttle.map(|counts| counts.periods.into()),
        ),
        (
            Metric::ContainerCpuThrottledPeriods,
            throttle.map(|counts| counts.throttled_periods.into()),
        ),
    ];
    let values: Vec<_> = all
        .into_iter()
        .filter_map(|(metric, value)| Some((metric, value?)))
        .collect();
    out.row(&Row::new(EntityKind::Server, &[], &values));
}
