//! CPU and memory of a broker on this machine, as the kernel counts them.
//!
//! All functions block (they read `/proc`): call them where blocking is allowed.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use procfs::process::{LimitValue, Limits, Stat};
use procfs::{FromRead, ProcError};

use super::cgroup::{self, Cgroup};

/// A process id, as the kernel writes it.
pub type Pid = i32;

/// What a process has used and may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSample {
    /// Name of the program, as the kernel keeps it: 15 bytes at most.
    pub name: String,
    /// CPU time in user and kernel mode since its start, in ticks.
    pub cpu_ticks: u64,
    /// Ticks in a second; with it the CPU time is exact.
    pub ticks_per_second: u64,
    /// Memory in RAM, in bytes.
    pub resident_bytes: u64,
    /// When it started, in ticks since the machine did. With the PID it names one process for good.
    pub start_ticks: u64,
    /// Threads.
    pub threads: u64,
    /// Open file descriptors, if we may count them.
    pub open_fds: Option<u64>,
    /// Most file descriptors it may open; absent if it may open any number.
    pub max_fds: Option<u64>,
    /// Limits of its control group.
    pub cgroup: Cgroup,
}

/// Why a process cannot be found or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// No process of this network namespace listens there.
    #[error(
        "no process listens on TCP port {port}; if the broker has a network namespace of its own, let natsight share it"
    )]
    NoListener {
        /// The port.
        port: u16,
    },
    /// One listens, but we may not see which.
    #[error(
        "the process that listens on TCP port {port} cannot be seen ({denied} processes refused a look); run natsight as the broker's user, or grant CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"
    )]
    Denied {
        /// The port.
        port: u16,
        /// Processes that refused.
        denied: usize,
    },
    /// One listens, and it is none of those that we see.
    #[error(
        "the process that listens on TCP port {port} is not in /proc; let natsight share the broker's PID namespace, and mount /proc without hidepid"
    )]
    Hidden {
        /// The port.
        port: u16,
    },
    /// Several listen, on different addresses.
    #[error(
        "processes {first} and {second} both listen on TCP port {port}; give the broker a port of its own"
    )]
    Ambiguous {
        /// The port.
        port: u16,
        /// One of them.
        first: Pid,
        /// Another.
        second: Pid,
    },
    /// It has ended.
    #[error("process {pid} is gone; look for the listener again")]
    Gone {
        /// The process.
        pid: Pid,
    },
    /// What listens there is another program, such as a proxy.
    #[error(
        "process {pid} ({name}), which listens on TCP port {port}, is no nats-server; name the broker's process with servers[].pid"
    )]
    Other {
        /// The process.
        pid: Pid,
        /// Its name.
        name: String,
        /// The port.
        port: u16,
    },
    /// The kernel's file is not there, closed to us, or unknown in form.
    #[error("{} cannot be read ({detail}); check that /proc is mounted", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
}

impl ProcessError {
    /// Bounded label value.
    pub fn reason(&self) -> &'static str {
        match self {
            ProcessError::NoListener { .. } => "no_listener",
            ProcessError::Denied { .. } => "denied",
            ProcessError::Hidden { .. } => "hidden",
            ProcessError::Ambiguous { .. } => "ambiguous",
            ProcessError::Gone { .. } => "gone",
            ProcessError::Other { .. } => "other",
            ProcessError::Unreadable { .. } => "unreadable",
        }
    }
}

const PROC: &str = "/proc";

/// The process that listens on a TCP port of this machine, on whatever address.
///
/// It looks through the file descriptors of all processes: keep the answer, and ask again when [`read`] says that the
/// process is gone or its start time has changed.
pub fn find_listener(port: u16) -> Result<Pid, ProcessError> {
    find_listener_in(Path::new(PROC), port)
}

/// In the name of every broker's program.
const BROKER: &str = "nats";

impl ProcessSample {
    /// Whether its program is called like a broker.
    #[must_use]
    pub fn is_broker(&self) -> bool {
        self.name.contains(BROKER)
    }
}

/// The process that listens on a TCP port of this machine, if it is a broker: a forwarded port has a listener too (docker-proxy,
/// kubectl, ssh).
pub fn find_broker(port: u16) -> Result<(Pid, ProcessSample), ProcessError> {
    let pid = find_listener(port)?;
    let sample = read(pid)?;
    if !sample.is_broker() {
        let name = sample.name;
        return Err(ProcessError::Other { pid, name, port });
    }
    Ok((pid, sample))
}

/// One look at a process.
pub fn read(pid: Pid) -> Result<ProcessSample, ProcessError> {
    read_in(Path::new(PROC), pid)
}

fn find_listener_in(root: &Path, port: u16) -> Result<Pid, ProcessError> {
    let mut sought = HashSet::new();
    listening_inodes(&root.join("net/tcp"), port, &mut sought)?;
    match listening_inodes(&root.join("net/tcp6"), port, &mut sought) {
        Err(_) if !root.join("net/tcp6").exists() => {} // a kernel without IPv6
        other => other?,
    }
    if sought.is_empty() {
        return Err(ProcessError::NoListener { port });
    }
    let (mut found, mut denied) = (None, 0);
    for pid in pids(root)? {
        match holds_any(root, pid, &mut sought) {
            Ok(false) => continue,
            Ok(true) => {}
            Err(error) => {
                denied += usize::from(error.kind() == ErrorKind::PermissionDenied);
                continue;
            }
        }
        match found {
            None => found = Some(pid),
            Some(first) => {
                return Err(ProcessError::Ambiguous {
                    port,
                    first,
                    second: pid,
                });
            }
        }
        if sought.is_empty() {
            break;
        }
    }
    match found {
        Some(pid) => Ok(pid),
        None if denied > 0 => Err(ProcessError::Denied { port, denied }),
        None => Err(ProcessError::Hidden { port }),
    }
}

/// Inodes of the sockets that listen on `port`. The kernel tells all that listen first, then a line for each connection
/// (Linux `net/ipv4/tcp_ipv4.c`, `tcp_get_idx`): 24,000 of those took it 70 ms, so they are not
/// read.
fn listening_inodes(
    table: &Path,
    port: u16,
    inodes: &mut HashSet<u64>,
) -> Result<(), ProcessError> {
    let unreadable = |e: io::Error| ProcessError::Unreadable {
        path: table.to_owned(),
        detail: e.to_string(),
    };
    let mut reader = BufReader::new(File::open(table).map_err(unreadable)?);
    let mut line = String::new();
    let mut next = |line: &mut String| {
        line.clear();
        reader.read_line(line).map_err(unreadable)
    };
    while next(&mut line)? > 0 {
        match socket(&line) {
            Some(socket) if !socket.listens => break,
            Some(socket) if socket.port == port => drop(inodes.insert(socket.inode)),
            _ => {}
        }
    }
    Ok(())
}

/// A line of `/proc/net/tcp`.
struct Socket {
    port: u16,
    listens: bool,
    inode: u64,
}

/// `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode ...`, addresses and state in hexadecimal.
fn socket(line: &str) -> Option<Socket> {
    const LISTEN: &str = "0A";
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (_, port) = fields.next()?.rsplit_once(':')?;
    Some(Socket {
        port: u16::from_str_radix(port, 16).ok()?,
        listens: fields.nth(1)? == LISTEN,
        inode: fields.nth(5)?.parse().ok()?,
    })
}

/// In rising order: of a process and its children that inherited a socket, the parent comes first.
fn pids(root: &Path) -> Result<Vec<Pid>, ProcessError> {
    let unreadable = |e: io::Error| ProcessError::Unreadable {
        path: root.to_owned(),
        detail: e.to_string(),
    };
    let entries = fs::read_dir(root).map_err(unreadable)?;
    let mut pids: Vec<Pid> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    Ok(pids)
}

/// Whether a process holds one of the sockets; what is found is no longer sought.
fn holds_any(root: &Path, pid: Pid, sought: &mut HashSet<u64>) -> io::Result<bool> {
    let mut found = false;
    for entry in fs::read_dir(root.join(pid.to_string()).join("fd"))? {
        let link = match entry.and_then(|entry| fs::read_link(entry.path())) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return Err(error),
            Err(_) => continue, // closed since it was listed
            Ok(link) => link,
        };
        let inode = link.to_str().and_then(|link| {
            link.strip_prefix("socket:[")?
                .strip_suffix(']')?
                .parse()
                .ok()
        });
        found |= inode.is_some_and(|inode| sought.remove(&inode));
    }
    Ok(found)
}

fn read_in(root: &Path, pid: Pid) -> Result<ProcessSample, ProcessError> {
    let dir = root.join(pid.to_string());
    let path = dir.join("stat");
    let stat = match Stat::from_file(&path) {
        // A zombie has given back all that is counted here.
        Ok(stat) if stat.state == 'Z' => return Err(ProcessError::Gone { pid }),
        Ok(stat) => stat,
        Err(ProcError::NotFound(_)) if root.exists() => return Err(ProcessError::Gone { pid }),
        Err(ProcError::Io(error, _)) if is_gone(&error) => return Err(ProcessError::Gone { pid }),
        Err(error) => {
            return Err(ProcessError::Unreadable {
                path,
                detail: error.to_string(),
            });
        }
    };
    Ok(ProcessSample {
        name: stat.comm,
        cpu_ticks: stat.utime.saturating_add(stat.stime),
        ticks_per_second: procfs::ticks_per_second(),
        resident_bytes: stat.rss.saturating_mul(procfs::page_size()),
        start_ticks: stat.starttime,
        threads: u64::try_from(stat.num_threads).unwrap_or(0),
        open_fds: open_fds(&dir),
        max_fds: max_fds(&dir),
        cgroup: cgroup::read(root, pid),
    })
}

/// ESRCH: the process ended between the opening and the reading of its file.
fn is_gone(error: &io::Error) -> bool {
    const ESRCH: i32 = 3;
    error.raw_os_error() == Some(ESRCH)
}

/// Since Linux 6.2 the directory's size is the count; before it is 0, and the entries are counted, which costs more
/// the more there are.
fn open_fds(dir: &Path) -> Option<u64> {
    let dir = dir.join("fd");
    match fs::metadata(&dir).ok()?.len() {
        0 => Some(fs::read_dir(&dir).ok()?.count() as u64),
        count => Some(count),
    }
}

fn max_fds(dir: &Path) -> Option<u64> {
    match Limits::from_file(dir.join("limits"))
        .ok()?
        .max_open_files
        .soft_limit
    {
        LimitValue::Value(count) => Some(count),
        LimitValue::Unlimited => None,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::cgroup::{CpuQuota, CpuThrottle};
    use super::*;

    const HEAD: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
    const STAT: &str = "7 (nats server) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 12 0 4242 1000000 2048 \
        18446744073709551615 1 1 0 0 0 0 0 0 2143420159 0 0 0 17 3 0 0 0 0 0 0 0 0 0 0 0 0 0\n";

    /// A `/proc` of our own making, and a tree of control groups beside it.
    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Machine {
            Machine(tempfile::tempdir().unwrap())
        }

        fn root(&self) -> &Path {
            self.0.path()
        }

        fn file(&self, path: &str, content: &str) -> &Machine {
            let path = self.root().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
            self
        }

        fn fd(&self, pid: Pid, fd: u32, link: &str) -> &Machine {
            let dir = self.root().join(format!("{pid}/fd"));
            fs::create_dir_all(&dir).unwrap();
            symlink(link, dir.join(fd.to_string())).unwrap();
            self
        }

        /// Sockets as (local address, state, inode).
        fn tcp(&self, table: &str, sockets: &[(&str, &str, u64)]) -> &Machine {
            let rows = sockets.iter().enumerate().map(|(n, (local, state, inode))| {
                format!("{n:4}: {local} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  1000        0 {inode} 1 0 100 0 0 10 0\n")
            });
            self.file(
                &format!("net/{table}"),
                &format!("{HEAD}{}", rows.collect::<String>()),
            )
        }

        fn find(&self, port: u16) -> Result<Pid, &'static str> {
            find_listener_in(self.root(), port).map_err(|e| e.reason())
        }
    }

    #[test]
    fn the_listener_is_found_by_port_and_state() {
        let machine = Machine::new();
        machine.tcp(
            "tcp",
            &[
                ("0100007F:201E", "0A", 11),
                ("0100007F:1F90", "0A", 12),
                ("0100007F:201E", "01", 13),
            ],
        );
        machine
            .fd(5, 0, "/dev/null")
            .fd(5, 3, "socket:[13]")
            .fd(6, 3, "socket:[12]")
            .fd(7, 4, "socket:[11]");
        machine.file("net/ignored", "").file("8/stat", "");
        assert_eq!((machine.find(8222), machine.find(8080)), (Ok(7), Ok(6)));
        assert_eq!(machine.find(4222), Err("no_listener"));
        machine
            .tcp(
                "tcp6",
                &[("00000000000000000000000000000000:107E", "0A", 21)],
            )
            .fd(9, 3, "socket:[21]");
        assert_eq!(machine.find(4222), Ok(9));
    }

    #[test]
    fn a_listener_that_cannot_be_told_has_a_reason() {
        let machine = Machine::new();
        assert_eq!(machine.find(8222), Err("unreadable"));
        machine.tcp(
            "tcp",
            &[("0100007F:201E", "0A", 11), ("0200007F:201E", "0A", 12)],
        );
        assert_eq!(machine.find(8222), Err("hidden"));
        machine.fd(5, 3, "socket:[11]").fd(6, 3, "socket:[11]");
        assert_eq!(machine.find(8222), Ok(5), "the parent of who inherited it");
        machine.fd(7, 3, "socket:[12]");
        assert_eq!(machine.find(8222), Err("ambiguous"));
    }

    #[test]
    fn lines_of_unknown_form_are_passed_over() {
        for line in [
            HEAD,
            "",
            "\n",
            "0: x",
            "0: 0100007F:201E 0 0A",
            "0: 1:zzzz 0:0 0A 0 0 0 0 0 7",
            "0: 1:201E 0:0 0A 0 0 0 0 0 x",
        ] {
            assert!(socket(line).is_none(), "{line}");
        }
        let socket = socket("0: 1:201E 0:0 0A 0 0 0 0 0 7").unwrap();
        assert!(socket.listens && (socket.port, socket.inode) == (8222, 7));
    }

    #[test]
    fn connections_are_not_read() {
        let machine = Machine::new();
        let (first, last) = (("0100007F:201E", "0A", 11), ("0100007F:201E", "0A", 12));
        machine.tcp("tcp", &[first, ("0100007F:201E", "01", 13), last]);
        machine.fd(5, 3, "socket:[13]").fd(6, 3, "socket:[12]");
        assert_eq!(machine.find(8222), Err("hidden"));
        machine.fd(7, 3, "socket:[11]");
        assert_eq!(machine.find(8222), Ok(7));
    }

    #[test]
    fn a_process_is_read_exactly() {
        let machine = Machine::new();
        machine.file("7/stat", STAT).fd(7, 0, "/dev/null");
        machine.file("7/limits", "Limit  Soft Limit  Hard Limit  Units\nMax open files            65536                65536                files     \n");
        let sample = read_in(machine.root(), 7).unwrap();
        assert_eq!(
            (sample.cpu_ticks, sample.start_ticks, sample.threads),
            (300, 4242, 12)
        );
        assert_eq!(sample.resident_bytes, 2048 * procfs::page_size());
        assert_eq!(sample.cgroup, Cgroup::default());
        assert!(sample.open_fds.is_some());
    }

    #[test]
    fn a_process_that_is_gone_is_told_from_one_that_is_odd() {
        let machine = Machine::new();
        let reason = || read_in(machine.root(), 7).unwrap_err().reason();
        assert_eq!(reason(), "gone");
        machine.file("7/stat", &STAT.replace(" S ", " Z "));
        assert_eq!(reason(), "gone");
        for odd in ["", "7", "7 (x", "7 (x) S 1", "x (y) S 1 2 3", "\u{0}\u{0}"] {
            machine.file("7/stat", odd);
            assert_eq!(reason(), "unreadable", "{odd}");
        }
        assert_eq!(
            read_in(Path::new("/nonexistent"), 7).unwrap_err().reason(),
            "unreadable"
        );
    }

    #[test]
    fn the_tightest_group_of_version_2_holds() {
        let machine = Machine::new();
        let mount = machine.root().join("cg").display().to_string();
        machine.file("7/cgroup", "0::/pod/nats/box\n").file(
            "self/mountinfo",
            &format!("30 1 0:26 / {mount} rw - cgroup2 cgroup2 rw\n"),
        );
        machine
            .file("cg/pod/nats/memory.max", "max\n")
            .file("cg/pod/memory.max", "1073741824\n");
        machine
            .file("cg/pod/nats/box/cpu.max", "max 100000\n")
            .file("cg/pod/nats/cpu.max", "200000 100000\n")
            .file("cg/pod/cpu.max", "75000 50000\n")
            .file("cg/cpu.max", "400000 100000\n");
        machine.file(
            "cg/pod/cpu.stat",
            "usage_usec 1\nnr_periods 10\nnr_throttled 3\nthrottled_usec 5\n",
        );
        machine.file(
            "cg/pod/nats/cpu.stat",
            "usage_usec 1\nnr_periods 99\nnr_throttled 9\n",
        );
        let group = cgroup::read(machine.root(), 7);
        let quota = CpuQuota {
            quota_us: 75_000,
            period_us: 50_000,
        };
        assert_eq!(
            (group.memory_limit_bytes, group.cpu_quota),
            (Some(1 << 30), Some(quota))
        );
        assert_eq!(
            group.cpu_throttle,
            Some(CpuThrottle {
                periods: 10,
                throttled_periods: 3
            })
        );
        assert!((quota.cores() - 1.5).abs() < 1e-9);
    }

    #[test]
    fn version_1_is_read_and_its_unlimited_is_no_limit() {
        let machine = Machine::new();
        let mount = |controller: &str| {
            machine
                .root()
                .join("cg")
                .join(controller)
                .display()
                .to_string()
        };
        let mounts = format!(
            "30 1 0:26 /docker/a {} rw - cgroup cgroup rw,memory\n31 1 0:27 /docker/a {} rw - cgroup cgroup rw,cpu,cpuacct\n32 1 0:28 / {} rw - cgroup2 none rw\n",
            mount("memory"),
            mount("cpu"),
            mount("unified")
        );
        machine.file("self/mountinfo", &mounts);
        machine.file(
            "7/cgroup",
            "4:memory:/docker/a\n1:cpu,cpuacct:/docker/a/b\n0::/\n",
        );
        machine.file("cg/memory/memory.limit_in_bytes", "9223372036854771712\n");
        machine
            .file("cg/cpu/cpu.cfs_quota_us", "50000\n")
            .file("cg/cpu/cpu.cfs_period_us", "100000\n");
        machine
            .file("cg/cpu/b/cpu.cfs_quota_us", "-1\n")
            .file("cg/cpu/b/cpu.cfs_period_us", "100000\n");
        machine.file(
            "cg/cpu/cpu.stat",
            "nr_periods 4\nnr_throttled 2\nthrottled_time 9\n",
        );
        let group = cgroup::read(machine.root(), 7);
        assert_eq!(
            (group.memory_limit_bytes, group.cpu_quota),
            (
                None,
                Some(CpuQuota {
                    quota_us: 50_000,
                    period_us: 100_000
                })
            )
        );
        assert_eq!(
            group.cpu_throttle,
            Some(CpuThrottle {
                periods: 4,
                throttled_periods: 2
            })
        );
        machine.file("cg/memory/memory.limit_in_bytes", "1048576\n");
        assert_eq!(
            cgroup::read(machine.root(), 7).memory_limit_bytes,
            Some(1 << 20)
        );
    }

    #[test]
    fn a_group_outside_of_our_view_shows_nothing() {
        let machine = Machine::new();
        let mount = machine.root().join("cg").display().to_string();
        machine
            .file("cg/memory.max", "1\n")
            .file("memory.max", "1\n");
        for (root, group) in [("/", "/../other"), ("/docker/a", "/docker/b")] {
            machine.file("7/cgroup", &format!("0::{group}\n"));
            machine.file(
                "self/mountinfo",
                &format!("30 1 0:26 {root} {mount} rw - cgroup2 none rw\n"),
            );
            assert_eq!(
                cgroup::read(machine.root(), 7),
                Cgroup::default(),
                "{group}"
            );
        }
    }
}
