//! What the control group grants the broker, where its files can be seen from here.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use procfs::process::MountInfos;
use procfs::{FromRead, ProcessCGroups};

/// Version 1 writes "no limit" as the largest page-aligned number; nothing real comes near it.
const UNLIMITED_BYTES_MIN: u64 = 1 << 62;

/// Limits that the kernel enforces on the broker. A group above may be tighter than the broker's own: the tightest holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cgroup {
    /// Memory in bytes, above which the kernel kills.
    pub memory_limit_bytes: Option<u64>,
    /// CPU time granted.
    pub cpu_quota: Option<CpuQuota>,
    /// How often that was used up: of the group with the quota, else of the broker's own.
    pub cpu_throttle: Option<CpuThrottle>,
}

/// CPU time per period, as the kernel keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuQuota {
    /// Microseconds of CPU time granted in each period.
    pub quota_us: u64,
    /// Length of a period in microseconds, never 0.
    pub period_us: u64,
}

impl CpuQuota {
    /// The quota as a number of cores.
    pub fn cores(self) -> f64 {
        self.quota_us as f64 / self.period_us as f64
    }

    fn is_tighter_than(self, other: CpuQuota) -> bool {
        let cross = |a: CpuQuota, b: CpuQuota| u128::from(a.quota_us) * u128::from(b.period_us);
        cross(self, other) < cross(other, self)
    }
}

/// Counters of the kernel's scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuThrottle {
    /// Periods in which the group ran.
    pub periods: u64,
    /// Periods in which it used up its quota and had to wait.
    pub throttled_periods: u64,
}

/// Nothing here is an error: groups that cannot be seen have no limits to show.
pub(super) fn read(proc_root: &Path, pid: i32) -> Cgroup {
    let groups = ProcessCGroups::from_file(proc_root.join(pid.to_string()).join("cgroup"));
    let mounts = MountInfos::from_file(proc_root.join("self/mountinfo"));
    let (Ok(groups), Ok(mounts)) = (groups, mounts) else {
        return Cgroup::default();
    };
    let memory_limit_bytes = hierarchy("memory", &groups, &mounts).and_then(|h| {
        h.ancestry()
            .filter_map(|group| memory_limit(h.version, &group))
            .min()
    });
    let (cpu_quota, cpu_throttle) = match hierarchy("cpu", &groups, &mounts) {
        Some(h) => cpu(&h),
        None => (None, None),
    };
    Cgroup {
        memory_limit_bytes,
        cpu_quota,
        cpu_throttle,
    }
}

#[derive(Clone, Copy)]
enum Version {
    V1,
    V2,
}

/// Where the files of one controller are: those of the broker's group in `group`, those of its ancestors up to `mount`.
struct Hierarchy {
    version: Version,
    mount: PathBuf,
    group: PathBuf,
}

impl Hierarchy {
    fn ancestry(&self) -> impl Iterator<Item = PathBuf> {
        self.group
            .ancestors()
            .take_while(|path| path.starts_with(&self.mount))
            .map(Path::to_owned)
    }
}

/// A controller lives in version 1 or in version 2, never in both; a machine may run both.
fn hierarchy(controller: &str, groups: &ProcessCGroups, mounts: &MountInfos) -> Option<Hierarchy> {
    let v1 = groups
        .0
        .iter()
        .find(|group| group.controllers.iter().any(|name| name == controller));
    let (version, group) = match v1 {
        Some(group) => (Version::V1, group),
        None => (
            Version::V2,
            groups.0.iter().find(|group| group.hierarchy == 0)?,
        ),
    };
    let mount = mounts.iter().find(|mount| match version {
        Version::V1 => mount.fs_type == "cgroup" && mount.super_options.contains_key(controller),
        Version::V2 => mount.fs_type == "cgroup2",
    })?;
    // In a container the mount may show a part of the tree only; a path outside of it leads nowhere from here.
    let below = Path::new(&group.pathname).strip_prefix(&mount.root).ok()?;
    if below.components().any(|part| part.as_os_str() == "..") {
        return None;
    }
    Some(Hierarchy {
        version,
        mount: mount.mount_point.clone(),
        group: mount.mount_point.join(below),
    })
}

fn memory_limit(version: Version, group: &Path) -> Option<u64> {
    let file = match version {
        Version::V1 => "memory.limit_in_bytes",
        Version::V2 => "memory.max",
    };
    let bytes = text(group, file).ok()?.trim().parse().ok()?;
    (bytes < UNLIMITED_BYTES_MIN).then_some(bytes)
}

fn cpu(hierarchy: &Hierarchy) -> (Option<CpuQuota>, Option<CpuThrottle>) {
    let mut tightest: Option<(CpuQuota, PathBuf)> = None;
    for group in hierarchy.ancestry() {
        if let Some(quota) = quota(hierarchy.version, &group)
            && tightest
                .as_ref()
                .is_none_or(|(other, _)| quota.is_tighter_than(*other))
        {
            tightest = Some((quota, group));
        }
    }
    match tightest {
        Some((quota, group)) => (Some(quota), throttle(&group)),
        None => (None, throttle(&hierarchy.group)),
    }
}

/// "No quota" is `max` in version 2 and `-1` in version 1: neither is a u64.
fn quota(version: Version, group: &Path) -> Option<CpuQuota> {
    let text = match version {
        Version::V1 => [
            text(group, "cpu.cfs_quota_us").ok()?,
            text(group, "cpu.cfs_period_us").ok()?,
        ]
        .join(" "),
        Version::V2 => text(group, "cpu.max").ok()?,
    };
    let mut numbers = text.split_whitespace().map(str::parse);
    let (quota_us, period_us) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    (period_us > 0).then_some(CpuQuota {
        quota_us,
        period_us,
    })
}

fn throttle(group: &Path) -> Option<CpuThrottle> {
    let text = text(group, "cpu.stat").ok()?;
    let count = |name: &str| {
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
        line.trim().parse().ok()
    };
    Some(CpuThrottle {
        periods: count("nr_periods")?,
        throttled_periods: count("nr_throttled")?,
    })
}

fn text(group: &Path, file: &str) -> io::Result<String> {
    fs::read_to_string(group.join(file))
}
