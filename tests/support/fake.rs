//! A broker in memory, for tests that own the time: it answers every endpoint, and does wrong what it is told to.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use natsight::poll::Broker;
use natsight::source::http::{Answer, FetchError, Limits};
use natsight::source::info::{Greeting, Info, InfoError};
use tokio::time::{Instant, sleep};

/// Host and port of every fake.
pub(crate) const HOST_PORT: &str = "broker.example:8222";
/// Its monitoring URL.
pub(crate) const URL: &str = "http://broker.example:8222";

/// What it does when it is asked.
#[derive(Clone)]
pub(crate) enum Say {
    /// Gives the endpoint's own answer, or these bytes for it, after some time.
    Well(Duration),
    Body(Vec<u8>),
    /// Gives a body piece by piece, until there is none.
    Pieces(Pieces),
    /// Refuses with this status.
    Status(u16),
    /// Says nothing until the deadline.
    Hang,
    /// Does not listen.
    Refuse,
}

/// The piece of that number.
pub(crate) type Pieces = Arc<dyn Fn(usize) -> Option<Vec<u8>> + Send + Sync>;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) at: Instant,
    pub(crate) path: String,
}

/// What it is and does now.
struct Now {
    id: String,
    name: String,
    /// Path with what it does; the last one whose path begins the request's wins.
    says: Vec<(String, Say)>,
    greets: bool,
    asked: Vec<Asked>,
    greeted: usize,
}

pub(crate) struct Fake {
    now: Mutex<Now>,
}

impl Fake {
    /// A broker that answers well.
    pub(crate) fn new() -> Arc<Fake> {
        let now = Now {
            id: "IDONE".to_owned(),
            name: "one".to_owned(),
            says: Vec::new(),
            greets: true,
            asked: Vec::new(),
            greeted: 0,
        };
        Arc::new(Fake {
            now: Mutex::new(now),
        })
    }

    /// From now on, requests whose path begins so get this.
    pub(crate) fn say(&self, path: &str, say: Say) {
        self.now.lock().unwrap().says.push((path.to_owned(), say));
    }

    /// From now on, all is well again.
    pub(crate) fn heal(&self) {
        self.now.lock().unwrap().says.clear();
    }

    /// It started again: another id, perhaps another name.
    pub(crate) fn become_other(&self, id: &str, name: &str) {
        let mut now = self.now.lock().unwrap();
        (now.id, now.name) = (id.to_owned(), name.to_owned());
    }

    /// Whether the client port greets.
    pub(crate) fn greets(&self, greets: bool) {
        self.now.lock().unwrap().greets = greets;
    }

    /// All requests to the monitoring port so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.now.lock().unwrap().asked.clone()
    }

    /// When requests began whose path begins so.
    pub(crate) fn asked_for(&self, path: &str) -> Vec<Instant> {
        let asked = self.asked().into_iter();
        asked
            .filter(|asked| asked.path.starts_with(path))
            .map(|asked| asked.at)
            .collect()
    }

    /// Connects to the client port so far.
    pub(crate) fn greeted(&self) -> usize {
        self.now.lock().unwrap().greeted
    }

    /// What to do, and the endpoint's own answer as of now.
    fn take(&self, path: &str) -> (Say, Vec<u8>) {
        let mut now = self.now.lock().unwrap();
        now.asked.push(Asked {
            at: Instant::now(),
            path: path.to_owned(),
        });
        let told = now.says.iter().rev().find(|(at, _)| path.starts_with(at));
        let say = told.map_or(Say::Well(Duration::ZERO), |(_, say)| say.clone());
        (say, own_answer(path, &now.id, &now.name))
    }
}

/// An answer of each endpoint with few fields in it; empty for one that it does not have.
fn own_answer(path: &str, id: &str, name: &str) -> Vec<u8> {
    let (endpoint, query) = path.split_once('?').unwrap_or((path, ""));
    match endpoint {
        "/varz" => varz(id, name),
        "/connz" if query.contains("closed") => connz(id, ""),
        "/connz" => connz(id, CONNECTION),
        "/jsz" if query.contains("streams") || query.contains("consumers") => jsz(id, ACCOUNT),
        "/jsz" => jsz(id, ""),
        "/healthz" => r#"{"status":"ok"}"#.to_owned(),
        "/routez" => listing(id, r#""num_routes":0,"routes":[]"#),
        "/gatewayz" => listing(id, r#""outbound_gateways":{},"inbound_gateways":{}"#),
        "/leafz" => listing(id, r#""leafnodes":0,"leafs":[]"#),
        "/subsz" => listing(id, r#""num_subscriptions":185,"num_cache":162,"total":0"#),
        "/accstatz" => format!(r#"{{"server_id":"{id}","account_statz":[]}}"#),
        "/accountz" => format!(r#"{{"server_id":"{id}","system_account":"SYS","accounts":[]}}"#),
        "/ipqueuesz" => "{}".to_owned(),
        _ => String::new(),
    }
    .into_bytes()
}

/// A small answer of `/varz`.
pub(crate) fn varz(id: &str, name: &str) -> String {
    format!(
        r#"{{"server_id":"{id}","server_name":"{name}","version":"2.15.1","proto":1,"go":"go1.27.2","host":"0.0.0.0","port":4222,
"start":"2026-11-22T07:08:00.583786668Z","now":"2026-11-22T07:08:12.001756155Z","mem":30236672,"cores":2,"cpu":3.5,
"connections":10,"total_connections":13,"in_msgs":454,"out_msgs":1147,"in_bytes":12071643,"out_bytes":4359865,
"slow_consumers":1,"subscriptions":185,"http_req_stats":{{"/varz":1}},"cluster":{{}},"jetstream":{{}},"tags":["rack:r1"]}}"#
    )
}

/// An answer of `/connz` with these connections.
pub(crate) fn connz(id: &str, connections: &str) -> String {
    let count = usize::from(!connections.is_empty());
    format!(
        r#"{{"server_id":"{id}","now":"2026-11-22T07:08:12.003063953Z","num_connections":{count},"total":{count},"offset":0,
"limit":1024,"connections":[{connections}]}}"#
    )
}

/// An answer with these members.
fn listing(id: &str, members: &str) -> String {
    format!(r#"{{"server_id":"{id}","now":"2026-11-22T07:08:12.003063953Z",{members}}}"#)
}

/// An answer of `/jsz` with these accounts.
pub(crate) fn jsz(id: &str, accounts: &str) -> String {
    let details = match accounts {
        "" => String::new(),
        some => format!(r#","account_details":[{some}]"#),
    };
    format!(
        r#"{{"memory":0,"storage":110,"reserved_memory":0,"reserved_storage":0,"accounts":1,"ha_assets":0,
"api":{{"level":5,"total":4,"errors":0}},"server_id":"{id}","now":"2026-11-22T07:08:12.025872966Z",
"config":{{"max_memory":67108864,"max_storage":268435456,"store_dir":"js"}},"limits":{{}},
"streams":1,"consumers":1,"messages":2,"bytes":110,"total":1{details}}}"#
    )
}

const CONNECTION: &str = r#"{"cid":8,"kind":"Client","type":"nats","ip":"127.0.0.1","port":40042,
"start":"2026-11-22T07:08:00.717442242Z","last_activity":"2026-11-22T07:08:11.999476315Z","rtt":"485µs","uptime":"11s",
"idle":"0s","pending_bytes":7,"in_msgs":2,"out_msgs":202,"in_bytes":22,"out_bytes":175168,"subscriptions":3,"name":"app"}"#;

const ACCOUNT: &str = r#"{"name":"APP","id":"APP","memory":0,"storage":110,"reserved_memory":0,"reserved_storage":0,
"accounts":0,"ha_assets":0,"api":{"level":5,"total":4,"errors":0},"stream_detail":[{"name":"ORDERS",
"created":"2026-11-22T07:08:01Z","cluster":{"leader":"one"},"state":{"messages":2,"bytes":110,"first_seq":1,
"first_ts":"2026-11-22T07:08:02Z","last_seq":2,"last_ts":"2026-11-22T07:08:03Z","num_subjects":1,"consumer_count":1},
"consumer_detail":[{"stream_name":"ORDERS","name":"worker","created":"2026-11-22T07:08:01Z","config":{"durable_name":"worker"},
"delivered":{"consumer_seq":1,"stream_seq":1},"ack_floor":{"consumer_seq":0,"stream_seq":0},"num_ack_pending":1,
"num_redelivered":0,"num_waiting":0,"num_pending":1,"cluster":{"leader":"one"}}]}]}"#;

impl Broker for Fake {
    fn get<'a>(
        &'a self,
        path: &'a str,
        limits: Limits,
        accept: fn(u16) -> bool,
        on_chunk: &'a mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
    ) -> BoxFuture<'a, Result<Answer, FetchError>> {
        Box::pin(async move {
            let (say, own) = self.take(path);
            let at = HOST_PORT.to_owned();
            let refusal = |code| FetchError::Status {
                at: HOST_PORT.to_owned(),
                code,
                text: String::new(),
            };
            let late = FetchError::Timeout {
                at: at.clone(),
                deadline: limits.deadline,
                missing: "answer",
            };
            let body = match say {
                Say::Refuse => return Err(FetchError::Refused { at }),
                Say::Status(code) if !accept(code) => return Err(refusal(code)),
                Say::Status(_) => own,
                Say::Hang => {
                    sleep(limits.deadline).await;
                    return Err(late);
                }
                Say::Well(after) => {
                    sleep(after.min(limits.deadline)).await;
                    if after >= limits.deadline {
                        return Err(late);
                    }
                    own
                }
                Say::Body(body) => return Ok(hand_on(body.chunks(1009), on_chunk)),
                Say::Pieces(piece) => {
                    return Ok(hand_on((0..).map_while(|at| piece(at)), on_chunk));
                }
            };
            if body.is_empty() {
                return Err(refusal(404));
            }
            Ok(hand_on(body.chunks(1009), on_chunk))
        })
    }

    fn greet(&self, _port: u16, deadline: Duration) -> BoxFuture<'_, Result<Greeting, InfoError>> {
        Box::pin(async move {
            let (greets, id) = {
                let mut now = self.now.lock().unwrap();
                now.greeted += 1;
                (now.greets, now.id.clone())
            };
            let at = "broker.example:4222".to_owned();
            if !greets {
                sleep(deadline).await;
                return Err(InfoError::Timeout { at, deadline });
            }
            let took = Duration::from_millis(1);
            sleep(took).await;
            let info = format!(r#"{{"server_id":"{id}"}}"#);
            let info: Info = serde_json::from_str(&info).unwrap();
            Ok(Greeting { info, took })
        })
    }

    fn host_port(&self) -> String {
        HOST_PORT.to_owned()
    }

    fn shown(&self) -> String {
        URL.to_owned()
    }
}

/// Hands a body on in pieces that no token respects.
fn hand_on(
    pieces: impl Iterator<Item = impl AsRef<[u8]>>,
    on_chunk: &mut (dyn FnMut(&[u8]) -> ControlFlow<()> + Send),
) -> Answer {
    let mut answer = Answer {
        status: 200,
        bytes: 0,
        stopped: false,
    };
    for piece in pieces {
        answer.bytes += piece.as_ref().len() as u64;
        answer.stopped = on_chunk(piece.as_ref()).is_break();
        if answer.stopped {
            break;
        }
    }
    answer
}
