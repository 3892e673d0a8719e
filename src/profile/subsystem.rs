//! What part of the broker a stack works for: routing, JetStream, raft, TLS, GC, locks, system calls, kernel.

/// A part of the broker, with the colour that it has in pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subsystem {
    /// The kernel.
    Kernel,
    /// Entering and leaving the kernel.
    Syscalls,
    /// Waiting for locks, and handing them over.
    Locks,
    /// Garbage collection and allocation that pays for it.
    Gc,
    /// TLS and cryptography.
    Tls,
    /// Raft.
    Raft,
    /// Streams, consumers, their files.
    JetStream,
    /// Clients, routes, gateways, leaf nodes: parsing, subscriptions, delivery.
    Routing,
    /// Go's scheduler and the rest of its runtime.
    Runtime,
    /// Everything else.
    Other,
}

impl Subsystem {
    /// All, in the order of tables.
    pub const ALL: [Self; 10] = [
        Self::Routing,
        Self::JetStream,
        Self::Raft,
        Self::Tls,
        Self::Gc,
        Self::Locks,
        Self::Syscalls,
        Self::Kernel,
        Self::Runtime,
        Self::Other,
    ];

    /// As in tables and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Syscalls => "syscalls",
            Self::Locks => "locks",
            Self::Gc => "gc",
            Self::Tls => "tls",
            Self::Raft => "raft",
            Self::JetStream => "jetstream",
            Self::Routing => "routing",
            Self::Runtime => "runtime",
            Self::Other => "other",
        }
    }

    /// Red, green, blue. Hues differ in lightness as well, for eyes that do not tell red from green.
    #[must_use]
    pub fn colour(self) -> (u8, u8, u8) {
        match self {
            Self::Kernel => (170, 170, 170),
            Self::Syscalls => (205, 190, 150),
            Self::Locks => (225, 85, 85),
            Self::Gc => (240, 160, 60),
            Self::Tls => (190, 140, 215),
            Self::Raft => (80, 150, 215),
            Self::JetStream => (90, 190, 170),
            Self::Routing => (150, 205, 105),
            Self::Runtime => (240, 215, 120),
            Self::Other => (215, 215, 225),
        }
    }
}

/// Parts by the beginning of a function's name; the first row that fits counts.
const BY_NAME: &[(&str, Subsystem)] = &[
    ("syscall.", Subsystem::Syscalls),
    ("internal/runtime/syscall", Subsystem::Syscalls),
    ("runtime/internal/syscall", Subsystem::Syscalls),
    ("internal/poll.", Subsystem::Syscalls),
    ("runtime.futex", Subsystem::Syscalls),
    ("runtime.epoll", Subsystem::Syscalls),
    ("runtime.netpoll", Subsystem::Syscalls),
    ("runtime.usleep", Subsystem::Syscalls),
    ("sync.(*Mutex)", Subsystem::Locks),
    ("sync.(*RWMutex)", Subsystem::Locks),
    ("internal/sync.(*Mutex)", Subsystem::Locks),
    ("runtime.lock", Subsystem::Locks),
    ("runtime.unlock", Subsystem::Locks),
    ("runtime.procyield", Subsystem::Locks),
    ("runtime.osyield", Subsystem::Locks),
    ("runtime.sem", Subsystem::Locks),
    ("runtime.gc", Subsystem::Gc),
    ("runtime.(*gc", Subsystem::Gc),
    ("runtime.bgsweep", Subsystem::Gc),
    ("runtime.bgscavenge", Subsystem::Gc),
    ("runtime.scan", Subsystem::Gc),
    ("runtime.sweep", Subsystem::Gc),
    ("runtime.(*sweepLocked)", Subsystem::Gc),
    ("runtime.greyobject", Subsystem::Gc),
    ("runtime.markroot", Subsystem::Gc),
    ("runtime.wbBuf", Subsystem::Gc),
    ("runtime.malloc", Subsystem::Gc),
    ("runtime.newobject", Subsystem::Gc),
    ("runtime.(*mcache)", Subsystem::Gc),
    ("runtime.(*mcentral)", Subsystem::Gc),
    ("runtime.(*mheap)", Subsystem::Gc),
    ("crypto/", Subsystem::Tls),
    ("golang.org/x/crypto", Subsystem::Tls),
    ("vendor/golang.org/x/crypto", Subsystem::Tls),
    ("runtime", Subsystem::Runtime),
];
/// Parts of the broker's own package, by what stands in a name.
pub(super) const BROKER: &str = "github.com/nats-io/nats-server/";
const BY_RECEIVER: &[(&str, Subsystem)] = &[
    ("(*raft)", Subsystem::Raft),
    ("(*stream)", Subsystem::JetStream),
    ("(*consumer)", Subsystem::JetStream),
    ("(*fileStore)", Subsystem::JetStream),
    ("(*memStore)", Subsystem::JetStream),
    ("(*msgBlock)", Subsystem::JetStream),
    ("(*jetStream", Subsystem::JetStream),
    ("(*jsAccount)", Subsystem::JetStream),
    ("(*consumerFileStore)", Subsystem::JetStream),
];

/// The part that one function belongs to; `None` where its callers must tell (memmove, maps, standard library).
#[must_use]
pub fn of_function(name: &str) -> Option<Subsystem> {
    if name.ends_with("_[k]") {
        return Some(Subsystem::Kernel);
    }
    if let Some(own) = name.strip_prefix(BROKER) {
        // Debian builds it without the version in its path.
        let own = own.trim_start_matches("v2/").trim_start_matches("server.");
        let part = BY_RECEIVER
            .iter()
            .find(|(receiver, _)| own.starts_with(receiver));
        return Some(part.map_or(Subsystem::Routing, |(_, part)| *part));
    }
    BY_NAME
        .iter()
        .find(|(start, _)| name.starts_with(start))
        .map(|(_, part)| *part)
}

/// The part that a stack works for: its names from the leaf on. Plain runtime (copying, maps, scheduling inside of a call) counts as its
/// caller's if the caller is the broker's.
#[must_use]
pub fn of_stack<'a>(names: impl Iterator<Item = &'a str>) -> Subsystem {
    let mut runtime = false;
    for name in names {
        match of_function(name) {
            Some(Subsystem::Runtime) => runtime = true,
            Some(part) => return part,
            None => {}
        }
    }
    if runtime {
        Subsystem::Runtime
    } else {
        Subsystem::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_works_for_the_first_part_from_its_leaf() {
        let part = |names: &[&str]| of_stack(names.iter().copied()).name();
        let deliver = "github.com/nats-io/nats-server/v2/server.(*client).deliverMsg";
        let store = "github.com/nats-io/nats-server/v2/server.(*fileStore).writeMsgRecord";
        assert_eq!(
            part(&["runtime.memmove", deliver, "runtime.goexit"]),
            "routing"
        );
        assert_eq!(
            part(&["runtime.memmove", store, deliver, "runtime.goexit"]),
            "jetstream"
        );
        assert_eq!(
            part(&["github.com/nats-io/nats-server/v2/server.(*raft).run"]),
            "raft"
        );
        assert_eq!(
            part(&["runtime.procyield", "sync.(*Mutex).lockSlow", deliver]),
            "locks"
        );
        assert_eq!(
            part(&[
                "tcp_sendmsg_[k]",
                "internal/runtime/syscall.Syscall6",
                deliver
            ]),
            "kernel"
        );
        assert_eq!(
            part(&["runtime.scanobject", "runtime.gcDrain", "runtime.goexit"]),
            "gc"
        );
        assert_eq!(
            part(&["runtime.findRunnable", "runtime.schedule", "runtime.mcall"]),
            "runtime"
        );
        assert_eq!(
            part(&["crypto/aes.gcmAesEnc", "crypto/tls.(*Conn).Write", deliver]),
            "tls"
        );
        let debian = "github.com/nats-io/nats-server/server.(*raft).run";
        assert_eq!(part(&[debian]), "raft");
        assert_eq!(part(&["main.main"]), "other");
        assert_eq!(part(&[]), "other");
    }

    #[test]
    fn every_part_has_a_name_and_a_colour_of_its_own() {
        let names: std::collections::BTreeSet<_> = Subsystem::ALL.map(Subsystem::name).into();
        let colours: std::collections::BTreeSet<_> = Subsystem::ALL.map(Subsystem::colour).into();
        assert_eq!(
            (names.len(), colours.len()),
            (Subsystem::ALL.len(), Subsystem::ALL.len())
        );
    }
}
