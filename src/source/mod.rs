//! Where bytes come from: the monitoring port ([`http`]), the client port's greeting ([`info`]), the system account ([`system`]) and the kernel's view of
//! the broker's process ([`process`]).
//!
//! Every call has a deadline or reads a bounded amount, and fails with an error whose `reason()` is a bounded label
//! value. Nothing here starts a task, writes a log line or knows what the bytes mean.

pub mod address;
mod cgroup;
pub mod dns;
mod excerpt;
mod fault;
pub mod http;
pub mod info;
pub mod process;
pub mod system;
mod target;
mod tls;

pub use cgroup::{Cgroup, CpuQuota, CpuThrottle};
