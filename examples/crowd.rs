//! A crowd of users of one broker, and what one of them notices.
//!
//! `crowd load` makes a broker as large as the bodies in `benches/corpora/M`: clients with subscriptions that nobody
//! publishes to, and memory streams with a hundred messages and durable pull consumers each. It prints one JSON line when all
//! stand, keeps them until Ctrl-C or SIGTERM, and fails when one of them is lost. The clients speak the plain protocol, so that ten
//! thousand of them stay small.
//!
//! `crowd ask` is one requester and one responder. Requests go out at fixed times, whatever the answers do, and a latency counts
//! from the time at which its request should have gone, so a broker that pauses is not asked less. It prints one JSON line,
//! times in microseconds: `late` were answered after [`LATE`], `lost` not within [`ANSWER_WAIT`] after the last request
//! (they count as long as they were waited for), `sent_late` went out [`SENT_LATE`] after their time because this process did not
//! get the CPU. Sleeping threads wake up some 50 us late, which is in every figure.

use std::fmt::Write as _;
use std::future::Future;
use std::io::{BufRead as _, Read as _, Write as _};
use std::net::{Shutdown, TcpStream as Socket};
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use async_nats::ServerAddr;
use async_nats::jetstream::{self, consumer, stream};
use futures_util::{StreamExt, TryStreamExt};
use procfs::process::{LimitValue, Process};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::timeout;

const USAGE: &str =
    "usage: crowd load NATS_URL [--clients N] [--subscriptions N] [--streams N] [--consumers N]
       crowd ask NATS_URL [--rate PER_SECOND] [--seconds N]";
const CLIENTS_MAX: usize = 50_000;
const PER_OWNER_MAX: usize = 10_000;
const REQUESTS_MAX: usize = 10_000_000;
/// Files that are open besides the clients' connections.
const FILES_BESIDE: u64 = 50;

/// Connections that are being made at a time; the broker gives each two seconds to introduce itself.
const JOINING: usize = 100;
/// Streams that are being made at a time.
const MAKING: usize = 32;
/// Longest wait for one client or one answer of JetStream.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest line of the broker that is read; its INFO is about 500 bytes.
const LINE_MAX: u64 = 64 << 10;
/// What a client of the crowd keeps to read into.
const BUFFER: usize = 1 << 10;
/// Libraries and their versions, as clients tell them.
const LIBRARIES: [(&str, &str); 6] = [
    ("go", "1.51.0"),
    ("rust", "0.48.0"),
    ("nats.ws", "1.30.3"),
    ("python3", "2.12.0"),
    ("java", "2.24.1"),
    ("csharp", "2.7.1"),
];
const SERVICES: usize = 96;
const STREAM_MESSAGES: usize = 100;
const STREAM_SUBJECTS: usize = 7;
const STREAM_BYTES_MAX: i64 = 256 << 10;
const MESSAGE_BYTES: usize = 130;

/// An answer after so long is late.
const LATE: Duration = Duration::from_millis(10);
/// A request that went out so long after its time says more about this machine than about the broker.
const SENT_LATE: Duration = Duration::from_millis(1);
/// How long answers are waited for after the last request.
const ANSWER_WAIT: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

enum Work {
    Load(Load),
    Ask { rate: usize, seconds: usize },
}

/// How many; subscriptions are of each client, consumers of each stream.
struct Load {
    clients: usize,
    subscriptions: usize,
    streams: usize,
    consumers: usize,
}

fn main() -> ExitCode {
    let (url, work) = match arguments(std::env::args().skip(1)) {
        Ok(understood) => understood,
        Err(error) => {
            eprintln!("crowd: {error:#}\n{USAGE}");
            return ExitCode::from(64);
        }
    };
    match run(&url, work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("crowd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn arguments(mut words: impl Iterator<Item = String>) -> Result<(String, Work)> {
    let mut work = match words.next().as_deref() {
        Some("load") => Work::Load(Load {
            clients: 10_000,
            subscriptions: 10,
            streams: 1000,
            consumers: 10,
        }),
        Some("ask") => Work::Ask {
            rate: 1000,
            seconds: 30,
        },
        Some(other) => bail!("{other} is neither load nor ask"),
        None => bail!("say load or ask"),
    };
    let mut url = None;
    while let Some(word) = words.next() {
        let (number, range) = match (&mut work, word.as_str()) {
            (Work::Load(load), "--clients") => (&mut load.clients, 0..=CLIENTS_MAX),
            (Work::Load(load), "--subscriptions") => (&mut load.subscriptions, 0..=PER_OWNER_MAX),
            (Work::Load(load), "--streams") => (&mut load.streams, 0..=CLIENTS_MAX),
            (Work::Load(load), "--consumers") => (&mut load.consumers, 0..=PER_OWNER_MAX),
            (Work::Ask { rate, .. }, "--rate") => (rate, 1..=100_000),
            (Work::Ask { seconds, .. }, "--seconds") => (seconds, 1..=86_400),
            (_, flag) if flag.starts_with('-') => bail!("{flag} is no flag of this"),
            _ => {
                ensure!(url.is_none(), "{word} is one word too many");
                url = Some(word);
                continue;
            }
        };
        let value = words.next().unwrap_or_default();
        let (least, most) = (range.start(), range.end());
        *number = value
            .parse()
            .ok()
            .filter(|given| range.contains(given))
            .with_context(|| format!("{word} {value}: give a whole number, {least} to {most}"))?;
    }
    if let Work::Ask { rate, seconds } = work {
        let all = rate * seconds;
        ensure!(
            all <= REQUESTS_MAX,
            "{all} requests are too many; ask {REQUESTS_MAX} at most"
        );
    }
    Ok((url.context("say which broker, as nats://HOST:PORT")?, work))
}

fn run(url: &str, work: Work) -> Result<()> {
    let address: ServerAddr = url
        .parse()
        .with_context(|| format!("{url} is no address; write it as nats://HOST:PORT"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    match work {
        Work::Load(load) => {
            enough_files(load.clients)?;
            runtime.block_on(stand(url, &address, &load))
        }
        Work::Ask { rate, seconds } => {
            // Subjects of this process only, so that two of them do not answer each other.
            let own = format!("crowd.{}", std::process::id());
            let (responder, requester) = runtime.block_on(async {
                let asked = join(&address, "crowd-responder", 0, &[format!("{own}.ask")]).await?;
                let answered = [format!("{own}.answer.*")];
                let answers = join(&address, "crowd-requester", 0, &answered).await?;
                anyhow::Ok((blocking(asked)?, blocking(answers)?))
            })?;
            ask(&responder, &requester, &own, rate, seconds)
        }
    }
}

/// A connection that never waits for its reader's runtime again.
fn blocking(connection: Connection) -> Result<Socket> {
    let socket = connection.into_inner().into_std()?;
    socket.set_nonblocking(false)?;
    Ok(socket)
}

fn enough_files(clients: usize) -> Result<()> {
    let limit = Process::myself()?.limits()?.max_open_files.soft_limit;
    let needed = u64::try_from(clients)? + FILES_BESIDE;
    if let LimitValue::Value(limit) = limit {
        ensure!(
            limit >= needed,
            "{clients} clients need {needed} open files, and {limit} are allowed; run `ulimit -n {needed}` before"
        );
    }
    Ok(())
}

type Connection = BufReader<TcpStream>;

/// Makes the crowd and keeps it.
async fn stand(url: &str, address: &ServerAddr, load: &Load) -> Result<()> {
    let end = end()?;
    tokio::pin!(end);
    let began = Instant::now();
    let mut members = JoinSet::new();
    tokio::select! {
        biased;
        () = &mut end => return Ok(()),
        made = make(url, address, load, &mut members) => made?,
    }
    let (clients, streams) = (load.clients, load.streams);
    let consumers = streams * load.consumers;
    let seconds = began.elapsed().as_secs_f64();
    writeln!(
        std::io::stdout(),
        r#"{{"clients":{clients},"streams":{streams},"consumers":{consumers},"seconds":{seconds:.1}}}"#
    )?;
    tokio::select! {
        () = end => Ok(()),
        Some(lost) = members.join_next() => lost?,
    }
}

/// Resolves on Ctrl-C or SIGTERM. Signals are taken from here on, so none is lost.
fn end() -> Result<impl Future<Output = ()>> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
    })
}

async fn make(
    url: &str,
    address: &ServerAddr,
    load: &Load,
    members: &mut JoinSet<Result<()>>,
) -> Result<()> {
    let mut joining = futures_util::stream::iter(0..load.clients)
        .map(|member| async move {
            let name = format!("svc-order-{}-pod-{member:05}", member % SERVICES);
            let subjects: Vec<_> = (0..load.subscriptions)
                .map(|subject| format!("crowd.{member:05}.{subject}"))
                .collect();
            let connection = join(address, &name, member, &subjects).await;
            let connection = connection.with_context(|| format!("client {name}"));
            connection.map(|connection| (name, connection))
        })
        .buffer_unordered(JOINING);
    while let Some((name, connection)) = joining.try_next().await? {
        // Those that stand already must answer the broker's PING while others still come.
        members.spawn(keep(name, connection));
    }

    let options = async_nats::ConnectOptions::new().name("crowd");
    let client = options.connect(url).await;
    let client = client.with_context(|| format!("cannot reach {url}; is the broker up?"))?;
    let mut context = jetstream::new(client);
    context.set_timeout(PATIENCE);
    futures_util::stream::iter(0..load.streams)
        .map(|place| store(&context, place, load.consumers))
        .buffer_unordered(MAKING)
        .try_collect::<Vec<()>>()
        .await?;
    context.client().flush().await?;
    Ok(())
}

/// A connection with its subscriptions, as soon as the broker has said that they stand.
async fn join(
    address: &ServerAddr,
    name: &str,
    member: usize,
    subjects: &[String],
) -> Result<Connection> {
    let (lang, version) = LIBRARIES[member % LIBRARIES.len()];
    let mut words = format!(
        r#"CONNECT {{"verbose":false,"pedantic":false,"name":"{name}","lang":"{lang}","version":"{version}"}}"#
    );
    words.push_str("\r\n");
    for (sid, subject) in subjects.iter().enumerate() {
        write!(words, "SUB {subject} {}\r\n", sid + 1)?;
    }
    words.push_str("PING\r\n");

    let joined = timeout(PATIENCE, async {
        let host = address.host().trim_matches(['[', ']']);
        let mut socket = TcpStream::connect((host, address.port())).await?;
        socket.set_nodelay(true)?;
        // INFO comes first, but nothing in it changes what is said.
        socket.write_all(words.as_bytes()).await?;
        let mut connection = BufReader::with_capacity(BUFFER, socket);
        while !said(&mut connection).await?.starts_with("PONG") {}
        anyhow::Ok(connection)
    });
    let joined = joined
        .await
        .with_context(|| format!("the broker did not take it within {} s", PATIENCE.as_secs()))?;
    joined.with_context(|| format!("cannot join {}:{}", address.host(), address.port()))
}

/// Answers PING until the broker goes, which is an error: nobody is in the crowd any more who was counted.
async fn keep(name: String, mut connection: Connection) -> Result<()> {
    loop {
        let lost = said(&mut connection).await;
        lost.with_context(|| format!("client {name} lost its connection"))?;
    }
}

/// The next line of the broker; a PING is answered.
async fn said(connection: &mut Connection) -> Result<String> {
    let mut line = String::new();
    (&mut *connection)
        .take(LINE_MAX)
        .read_line(&mut line)
        .await?;
    ensure!(line.ends_with('\n'), "the broker closed the connection");
    ensure!(
        !line.starts_with("-ERR"),
        "the broker says {}",
        line.trim_end()
    );
    if line.starts_with("PING") {
        connection.get_mut().write_all(b"PONG\r\n").await?;
    }
    Ok(line)
}

/// One stream with its messages and consumers.
async fn store(context: &jetstream::Context, place: usize, consumers: usize) -> Result<()> {
    let name = format!("ORDERS-{place:05}");
    let config = stream::Config {
        name: name.clone(),
        description: Some(format!("orders shard {place} of the billing domain")),
        subjects: vec![format!("orders.{place}.>")],
        storage: stream::StorageType::Memory,
        max_bytes: STREAM_BYTES_MAX,
        ..Default::default()
    };
    let made = context.create_stream(config).await;
    made.with_context(|| format!("cannot make stream {name}"))?;
    let client = context.client();
    for message in 0..STREAM_MESSAGES {
        let subject = format!("orders.{place}.{}.created", message % STREAM_SUBJECTS);
        client
            .publish(subject, vec![b'o'; MESSAGE_BYTES].into())
            .await?;
    }
    for worker in 0..consumers {
        let config = consumer::pull::Config {
            durable_name: Some(format!("worker-{worker:02}-pull")),
            filter_subject: format!("orders.{place}.{}.created", worker % STREAM_SUBJECTS),
            ..Default::default()
        };
        let made = context.create_consumer_on_stream(config, &name).await;
        made.with_context(|| format!("cannot make consumer {worker} of stream {name}"))?;
    }
    Ok(())
}

/// Asks, and prints how long answers took.
fn ask(
    responder: &Socket,
    requester: &Socket,
    own: &str,
    rate: usize,
    seconds: usize,
) -> Result<()> {
    let schedule = Schedule {
        start: Instant::now() + LOOK_AGAIN,
        period: Duration::from_secs(1) / u32::try_from(rate)?,
        requests: rate * seconds,
    };
    // The sender asks on the socket on which the reader answers PING.
    let asking = Mutex::new(requester);
    let (sent_late, mut latencies) = thread::scope(|scope| {
        let answering = scope.spawn(|| answer(responder));
        let reading = scope.spawn(|| read_answers(requester, &asking, &schedule));
        let sent_late = send(&asking, &schedule, own);
        let patience = Instant::now() + ANSWER_WAIT;
        while sent_late.is_ok() && !reading.is_finished() && Instant::now() < patience {
            thread::sleep(LOOK_AGAIN);
        }
        // Whoever still waits finds the connection closed. Already closed by the broker is as well.
        let _ = responder.shutdown(Shutdown::Both);
        let _ = requester.shutdown(Shutdown::Both);
        let (answered, read) = (answering.join(), reading.join());
        let sent_late = sent_late.context("the broker takes no more requests")?;
        answered.ok().context("the responder broke down")??;
        anyhow::Ok((sent_late, read.ok().context("the reader broke down")??))
    })?;
    let lost = latencies.iter().filter(|latency| latency.is_none()).count();
    let end = Instant::now();
    let mut micros: Vec<u128> = latencies
        .iter_mut()
        .enumerate()
        .map(|(request, latency)| latency.unwrap_or_else(|| end - schedule.due(request)))
        .map(|latency| latency.as_micros())
        .collect();
    micros.sort_unstable();
    let late = micros
        .iter()
        .filter(|&&took| took > LATE.as_micros())
        .count();
    let late = late.saturating_sub(lost);
    let rank = |per_mille: usize| micros[(micros.len() * per_mille).div_ceil(1000) - 1];
    let [p50, p99, p99_9, max] = [500, 990, 999, 1000].map(rank);
    writeln!(
        std::io::stdout(),
        r#"{{"requests":{},"p50":{p50},"p99":{p99},"p99_9":{p99_9},"max":{max},"late":{late},"lost":{lost},"sent_late":{sent_late}}}"#,
        schedule.requests
    )?;
    Ok(())
}

/// When each request should go.
struct Schedule {
    start: Instant,
    period: Duration,
    requests: usize,
}

impl Schedule {
    fn due(&self, request: usize) -> Instant {
        // No more than REQUESTS_MAX, which fits.
        self.start + self.period * u32::try_from(request).unwrap_or(u32::MAX)
    }
}

/// Sends all requests, each at its time or as soon after as it can; how many went too late.
fn send(asking: &Mutex<&Socket>, schedule: &Schedule, own: &str) -> Result<usize> {
    let mut sent_late = 0;
    for request in 0..schedule.requests {
        let due = schedule.due(request);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        sent_late += usize::from(due.elapsed() > SENT_LATE);
        tell(
            asking,
            &format!("PUB {own}.ask {own}.answer.{request} 5\r\ntime?\r\n"),
        )?;
    }
    Ok(sent_late)
}

fn tell(socket: &Mutex<&Socket>, words: &str) -> Result<()> {
    let socket = socket.lock().ok().context("another thread broke down")?;
    (&mut &**socket).write_all(words.as_bytes())?;
    Ok(())
}

/// Answers what is asked until the connection is closed.
fn answer(responder: &Socket) -> Result<()> {
    let own = Mutex::new(responder);
    let mut reader = std::io::BufReader::new(responder);
    while let Some(message) = message(&mut reader, &own)? {
        if let Some(reply) = message.reply {
            // Closed while answering is the end, as closed while reading is.
            if tell(&own, &format!("PUB {reply} 2\r\nok\r\n")).is_err() {
                break;
            }
        }
    }
    Ok(())
}

/// How long each request took, as far as it was answered, until all are or the connection is closed.
fn read_answers(
    requester: &Socket,
    asking: &Mutex<&Socket>,
    schedule: &Schedule,
) -> Result<Vec<Option<Duration>>> {
    let mut latencies = vec![None; schedule.requests];
    let mut missing = schedule.requests;
    let mut reader = std::io::BufReader::new(requester);
    while missing > 0
        && let Some(message) = message(&mut reader, asking)?
    {
        let request = message.subject.rsplit('.').next().unwrap_or_default();
        let request: usize = request.parse().context("an answer to no request")?;
        let latency = latencies
            .get_mut(request)
            .context("an answer to no request")?;
        if latency.replace(schedule.due(request).elapsed()).is_none() {
            missing -= 1;
        }
    }
    Ok(latencies)
}

struct Message {
    subject: String,
    reply: Option<String>,
}

/// The next message, without its payload; none at the end. A PING is answered on the way.
fn message(
    reader: &mut std::io::BufReader<&Socket>,
    socket: &Mutex<&Socket>,
) -> Result<Option<Message>> {
    loop {
        let mut line = String::new();
        reader.by_ref().take(LINE_MAX).read_line(&mut line)?;
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let (subject, reply, size) = match words[..] {
            [] => return Ok(None),
            ["PING"] => {
                tell(socket, "PONG\r\n")?;
                continue;
            }
            ["MSG", subject, _, size] => (subject, None, size),
            ["MSG", subject, _, reply, size] => (subject, Some(reply.to_owned()), size),
            ["-ERR", ..] => bail!("the broker says {}", line.trim_end()),
            _ => continue,
        };
        let size: u64 = size.parse().context("a message without a size")?;
        let payload = std::io::copy(&mut reader.by_ref().take(size + 2), &mut std::io::sink())?;
        if payload < size + 2 {
            return Ok(None);
        }
        let subject = subject.to_owned();
        return Ok(Some(Message { subject, reply }));
    }
}
