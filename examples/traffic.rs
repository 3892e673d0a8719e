//! A little traffic of the project's own, for `scripts/quickstart` and for trying things out.
//!
//! Publishes to plain subjects and to a JetStream stream, asks a responder, and reads the stream with
//! three durable pull consumers, one of them slower than the stream grows. Ends after `--for` seconds,
//! on Ctrl-C or on SIGTERM, and prints what was sent, exactly.

use std::future::Future;
use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use async_nats::jetstream::{self, consumer, stream};
use async_nats::{Client, Subscriber};
use futures_util::StreamExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

const USAGE: &str = "usage: traffic [nats://HOST:PORT] [--rate PER_SECOND] [--for SECONDS]";
const STREAM: &str = "ORDERS";
/// Name, and the pause after each message: `reports` falls behind at any rate above eight a second.
const CONSUMERS: [(&str, Duration); 3] = [
    ("billing", Duration::ZERO),
    ("shipping", Duration::from_millis(2)),
    ("reports", Duration::from_millis(500)),
];
/// Of so many messages, one goes to the stream and one is a request; the others are plain.
const MIX: u64 = 4;
/// Old messages go first, so that a night of traffic does not fill the disk.
const STREAM_MESSAGES_MAX: i64 = 100_000;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);
const CENTURY: Duration = Duration::from_secs(100 * 365 * 86_400);

/// URL, messages a second, and for how long.
fn arguments(mut words: impl Iterator<Item = String>) -> Result<(String, u64, Duration)> {
    let mut url = "nats://127.0.0.1:4222".to_owned();
    let (mut rate, mut lasts) = (100, CENTURY);
    while let Some(word) = words.next() {
        let mut number = || -> Result<u64> {
            let value = words.next().unwrap_or_default();
            let wrong = || format!("{word} {value}: give a whole number\n{USAGE}");
            value.parse().with_context(wrong)
        };
        match word.as_str() {
            "--rate" => rate = number()?.clamp(1, 100_000),
            "--for" => lasts = Duration::from_secs(number()?),
            flag if flag.starts_with('-') => bail!("{flag} is no flag of this\n{USAGE}"),
            _ => url = word,
        }
    }
    Ok((url, rate, lasts))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let (url, rate, lasts) = arguments(std::env::args().skip(1))?;
    let end = end(lasts)?;
    let options = async_nats::ConnectOptions::new().name("traffic");
    let client = options.connect(&url).await;
    let client = client.with_context(|| format!("cannot reach {url}; is the broker up?"))?;
    let context = jetstream::new(client.clone());

    let (stop, stopped) = watch::channel(());
    let mut tasks = JoinSet::new();
    let stream = context.get_or_create_stream(stream_config()).await?;
    for (name, pause) in CONSUMERS {
        let consumer = stream.get_or_create_consumer(name, durable(name)).await?;
        tasks.spawn(until(stopped.clone(), consume(consumer, pause)));
    }
    let questions = client.subscribe("traffic.ask").await?;
    tasks.spawn(until(stopped.clone(), answer(client.clone(), questions)));
    let plain = client.subscribe("traffic.plain.>").await?;
    tasks.spawn(until(stopped, read(plain)));
    // Subscriptions must stand before the first message, or the first requests find nobody.
    client.flush().await?;

    let sent = publish(&client, &context, rate, end).await;
    drop(stop);
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let [plain, requests, stream] = sent?;
    let all = plain + requests + stream;
    let parts = format!("{plain} plain, {requests} requests, {stream} to stream {STREAM}");
    writeln!(std::io::stdout(), "published {all} messages: {parts}")?;
    Ok(())
}

fn stream_config() -> stream::Config {
    stream::Config {
        name: STREAM.into(),
        subjects: vec!["orders.>".into()],
        max_messages: STREAM_MESSAGES_MAX,
        ..Default::default()
    }
}

fn durable(name: &str) -> consumer::pull::Config {
    let durable_name = Some(name.to_owned());
    consumer::pull::Config {
        durable_name,
        ..Default::default()
    }
}

/// Resolves when the traffic shall end. Signals are taken from here on, so none is lost.
fn end(lasts: Duration) -> Result<impl Future<Output = ()>> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
            () = sleep(lasts) => {}
        }
    })
}

/// Plain messages, requests and stored ones that the broker confirmed (flush, reply, acknowledgement).
/// Stops between two messages only: one in hand is counted before the end is looked at.
async fn publish(
    client: &Client,
    context: &jetstream::Context,
    rate: u64,
    end: impl Future<Output = ()>,
) -> Result<[u64; 3]> {
    let [mut plain, mut requests, mut stored] = [0; 3];
    let mut timer = interval(Duration::from_secs(1) / u32::try_from(rate)?);
    tokio::pin!(end);
    for turn in 0.. {
        tokio::select! {
            biased;
            () = &mut end => break,
            _ = timer.tick() => {}
        }
        let subject = turn % 10;
        match turn % MIX {
            0 => {
                let order = context.publish(format!("orders.{subject}"), "order".into());
                order.await?.await?;
                stored += 1;
            }
            1 => {
                let reply = client.request("traffic.ask", "time?".into());
                timeout(REQUEST_TIMEOUT, reply).await??;
                requests += 1;
            }
            _ => {
                client
                    .publish(format!("traffic.plain.{subject}"), "plain".into())
                    .await?;
                plain += 1;
            }
        }
    }
    client.flush().await?;
    Ok([plain, requests, stored])
}

async fn consume(consumer: consumer::PullConsumer, pause: Duration) -> Result<()> {
    let mut messages = consumer
        .stream()
        .max_messages_per_batch(10)
        .messages()
        .await?;
    while let Some(message) = messages.next().await {
        sleep(pause).await;
        message?.ack().await.map_err(anyhow::Error::from_boxed)?;
    }
    Ok(())
}

async fn answer(client: Client, mut questions: Subscriber) -> Result<()> {
    while let Some(question) = questions.next().await {
        let Some(reply) = question.reply else {
            continue;
        };
        client.publish(reply, "half past ten".into()).await?;
    }
    Ok(())
}

async fn read(mut subscriber: Subscriber) -> Result<()> {
    while subscriber.next().await.is_some() {}
    Ok(())
}

async fn until(
    mut stopped: watch::Receiver<()>,
    work: impl Future<Output = Result<()>>,
) -> Result<()> {
    tokio::select! {
        _ = stopped.changed() => Ok(()),
        done = work => done,
    }
}
