//! What can be reached of one broker for a profile: its process, its ports, the system account.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::Deserialize;

use super::wiring;
use crate::config::{Pid, Plan, UrlText};
use crate::poll::ProcessChoice;
use crate::profile::access::Access;
use crate::profile::native::kallsyms::KernelNames;
use crate::source::http::{Client, Limits, Target};
use crate::source::process;

const IDENTITY: Limits = Limits {
    deadline: Duration::from_secs(5),
    body_max: 4 << 20,
};

/// A broker, as far as somebody named it.
pub(super) struct Whom {
    /// Its process, where that was named.
    pub(super) pid: Option<u32>,
    /// Else which one it is.
    pub(super) choice: Pid,
    pub(super) monitoring: Option<Arc<Client>>,
    pub(super) profiling_url: Option<UrlText>,
    pub(super) names: Arc<Mutex<KernelNames>>,
}

/// What varz says of who it is.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Identity {
    server_id: String,
    server_name: String,
    version: String,
    port: u16,
}

/// A client of a URL that the operator wrote.
pub(super) fn client(plan: &Plan, url: &UrlText) -> Result<Arc<Client>, String> {
    let target = Target::parse(url.expose()).map_err(|error| error.to_string())?;
    Client::new(target, &wiring::tls(plan))
        .map(Arc::new)
        .map_err(|error| error.to_string())
}

/// What can be reached, and a sentence for each thing that cannot; or what is wrong before any contact.
pub(super) async fn reach(plan: &Plan, whom: Whom) -> Result<(Access, Vec<String>), String> {
    let mut said = Vec::new();
    let port = whom.profiling_url.as_ref();
    let port = port.map(|url| client(plan, url)).transpose()?;
    let mut identity = Identity::default();
    if let Some(client) = &whom.monitoring {
        match identify(client).await {
            Ok(known) => identity = known,
            Err(error) => said.push(format!("the broker cannot be asked who it is: {error}")),
        }
    }
    let host = whom.monitoring.as_ref().map(|client| client.target());
    let at_its_port = || {
        let target = host.filter(|_| identity.port > 0)?;
        let host = match target.host() {
            host if host.contains(':') => format!("[{host}]"),
            host => host.to_owned(),
        };
        Some(format!("nats://{host}:{}", identity.port))
    };
    let system = wiring::system(plan, at_its_port)?;
    if system.is_some() && identity.server_id.is_empty() {
        said.push("the system account cannot be used: the server's id is not known".to_owned());
    }
    let system = system
        .filter(|_| !identity.server_id.is_empty())
        .map(|access| (Arc::new(access), identity.server_id.clone()));
    let (pid, why) = pid(&whom).await;
    said.extend(why);
    let access = Access {
        name: name(&identity, whom.monitoring.as_deref(), pid),
        pid,
        monitoring: whom.monitoring,
        port,
        system,
        names: whom.names,
    };
    Ok((access, said))
}

fn name(identity: &Identity, monitoring: Option<&Client>, pid: Option<u32>) -> String {
    if !identity.server_name.is_empty() && identity.server_name != identity.server_id {
        return format!("{} ({})", identity.server_name, identity.version);
    }
    match (monitoring, pid) {
        (Some(client), _) => client.target().host_port(),
        (None, Some(pid)) => format!("process {pid}"),
        (None, None) => "a broker".to_owned(),
    }
}

async fn identify(client: &Client) -> Result<Identity, String> {
    let body = client
        .whole("/varz", IDENTITY)
        .await
        .map_err(|error| error.to_string())?;
    serde_json::from_slice(&body)
        .map_err(|error| format!("{} answers no varz: {error}", client.target().host_port()))
}

/// The process that is named, or the one that listens and is the broker; and why there is none.
async fn pid(whom: &Whom) -> (Option<u32>, Option<String>) {
    if whom.pid.is_some() {
        return (whom.pid, None);
    }
    let Some(client) = &whom.monitoring else {
        return (None, None);
    };
    match wiring::process(whom.choice, client.target()) {
        ProcessChoice::Off => (None, None),
        ProcessChoice::Given(pid) => looked(move || given(pid)).await,
        ProcessChoice::Find => {
            let port = client.target().port();
            looked(move || process::find_broker(port).map_err(|error| error.to_string())).await
        }
    }
}

/// A PID of the configuration outlives its broker, and another program may have it then.
fn given(pid: process::Pid) -> Result<(process::Pid, process::ProcessSample), String> {
    let sample = process::read(pid).map_err(|error| error.to_string())?;
    if sample.is_broker() {
        return Ok((pid, sample));
    }
    Err(format!(
        "process {pid} of servers[].pid is {}, not the broker; write its PID now, or auto",
        sample.name
    ))
}

async fn looked(
    look: impl FnOnce() -> Result<(process::Pid, process::ProcessSample), String> + Send + 'static,
) -> (Option<u32>, Option<String>) {
    match tokio::task::spawn_blocking(look).await {
        Ok(Ok((pid, _))) => (u32::try_from(pid).ok(), None),
        Ok(Err(why)) => (None, Some(format!("passed over: native: {why}"))),
        Err(_) => (None, None),
    }
}
