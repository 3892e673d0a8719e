//! Three nodes: the leader's record only, and a stream without a leader said plainly.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_nats::jetstream::context::CreateStreamErrorKind;
use async_nats::jetstream::{self, ErrorCode, consumer, stream};
use natsight::catalog::{CATALOG, Origin};
use natsight::expose::reader::Sample;

use crate::broker::Cluster;
use crate::sidecar::Sidecar;
use crate::{LONG, QUICK, wait};

const STREAM: &str = "ORDERS";
const CONSUMER: &str = "billing";
const SENT: u32 = 50;

/// Of three nodes and what is on them.
const TRIES: u32 = 3;

/// A survivor believes in its leader for 10 s without answers, and for up to 20 s in the worst case.
const QUORUM_LOST: Duration = Duration::from_secs(60);

/// The harness itself: a test that fails here says nothing about natsight.
pub(crate) async fn three_nodes_elect_a_leader(version: &str) -> Result<()> {
    let (cluster, stream, consumer) = replicated(version).await?;
    let names: Vec<_> = cluster
        .nodes
        .iter()
        .map(|node| node.name.as_str())
        .collect();
    ensure!(
        names.contains(&stream.as_str()),
        "{stream} leads the stream, not one of {names:?}"
    );
    ensure!(
        names.contains(&consumer.as_str()),
        "{consumer} leads the consumer"
    );
    Ok(())
}

/// A replicated stream with messages and a consumer that took none, and who leads each. Nodes that know each other may
/// still leave a request of `JetStream` without an answer, when their leader changes meanwhile; that is not our subject:
/// three nodes more.
async fn replicated(version: &str) -> Result<(Cluster, String, String)> {
    let mut tries = 0;
    loop {
        tries += 1;
        let cluster = Cluster::three(version)?;
        match placed(&cluster).await {
            Ok((stream, consumer)) => return Ok((cluster, stream, consumer)),
            Err(error) if tries < TRIES => eprintln!("{version}, try {tries}: {error:#}"),
            Err(error) => return Err(error),
        }
    }
}

async fn placed(cluster: &Cluster) -> Result<(String, String)> {
    let context = jetstream::new(cluster.nodes[0].client().await?);
    let config = stream::Config {
        name: STREAM.into(),
        subjects: vec!["orders.>".into()],
        num_replicas: 3,
        ..Default::default()
    };
    let mut stream = created(&context, &config).await?;
    let config = consumer::pull::Config {
        durable_name: Some(CONSUMER.into()),
        ..Default::default()
    };
    let mut consumer = stream.create_consumer(config).await?;
    let (mut sent, began) = (0, Instant::now());
    while sent < SENT {
        let stored = context
            .publish("orders.new", "an order".into())
            .await?
            .await;
        match stored {
            Ok(_) => sent += 1,
            // The interest of a new stream reaches the other nodes a moment later; nobody took this message.
            Err(error) if sent == 0 && began.elapsed() < LONG => drop(error),
            Err(error) => return Err(error.into()),
        }
    }
    let leader = |info: Option<&async_nats::jetstream::stream::ClusterInfo>| {
        info.and_then(|cluster| cluster.leader.clone())
            .context("nobody leads")
    };
    let of_stream = leader(stream.info().await?.cluster.as_ref())?;
    let of_consumer = leader(consumer.info().await?.cluster.as_ref())?;
    Ok((of_stream, of_consumer))
}

/// A new stream. A leader places no replica on a peer that it knows of and has not heard from, and says so; nothing else
/// tells when it has.
async fn created(context: &jetstream::Context, config: &stream::Config) -> Result<stream::Stream> {
    let began = Instant::now();
    loop {
        match context.create_stream(config).await {
            Err(error) if lacks_peers(&error.kind()) && began.elapsed() < LONG => {
                tokio::time::sleep(wait::STEP).await;
            }
            result => return Ok(result?),
        }
    }
}

fn lacks_peers(kind: &CreateStreamErrorKind) -> bool {
    let no_peers = ErrorCode::CLUSTER_NO_PEERS;
    matches!(kind, CreateStreamErrorKind::JetStream(error) if error.error_code() == no_peers)
}

pub(crate) async fn a_stream_and_its_consumer_are_shown_by_their_leaders(
    version: &str,
) -> Result<()> {
    let (cluster, leader, consumer_leader) = replicated(version).await?;
    let sidecar = Sidecar::start(&cluster.urls(), QUICK)?;
    let stream = [("stream", STREAM)];
    let consumer = [("stream", STREAM), ("consumer", CONSUMER)];
    let page = sidecar.wait_for("one stream, seen once", LONG, |page| {
        for node in &cluster.nodes {
            page.is(
                "nats_up",
                &[("server_name", &node.name), ("nats_cluster", "C1")],
                1.0,
            )?;
        }
        // `is` refuses a family that is there twice, so followers must be silent.
        page.is("nats_stream_messages", &stream, f64::from(SENT))?;
        page.is("nats_stream_last_sequence", &stream, f64::from(SENT))?;
        page.is("nats_stream_has_leader", &stream, 1.0)?;
        page.is("nats_consumer_pending_messages", &consumer, f64::from(SENT))?;
        page.is("nats_consumer_ack_pending_messages", &consumer, 0.0)
    })?;
    let shown_by = |name: &str, labels| {
        let all = page.all(name, labels);
        all.first()
            .and_then(|sample| sample.label("server_name").map(str::to_owned))
    };
    let by = shown_by("nats_stream_messages", &stream);
    ensure!(
        by.as_deref() == Some(&leader),
        "shown by {by:?}, led by {leader}"
    );
    let by = shown_by("nats_consumer_pending_messages", &consumer);
    ensure!(
        by.as_deref() == Some(&consumer_leader),
        "shown by {by:?}, led by {consumer_leader}"
    );

    sidecar.wait_for("both followers have caught up", LONG, |page| {
        let lag = page.all("nats_stream_replica_lag_operations", &stream);
        ensure!(lag.len() == 2, "{lag:?}");
        let followers = lag
            .iter()
            .all(|sample| sample.label("peer") != Some(&leader));
        ensure!(
            followers && lag.iter().all(|sample| sample.value == 0.0),
            "{lag:?}"
        );
        Ok(())
    })?;
    Ok(())
}

pub(crate) async fn a_leaderless_stream_is_shown_as_that_and_by_nothing_else(
    version: &str,
) -> Result<()> {
    let (mut cluster, ..) = replicated(version).await?;
    let sidecar = Sidecar::start(&cluster.urls(), QUICK)?;
    let stream = [("stream", STREAM)];
    sidecar.wait_for("the stream", LONG, |page| {
        page.is("nats_stream_has_leader", &stream, 1.0)
    })?;
    for node in &mut cluster.nodes[1..] {
        node.kill()?;
    }
    let survivor = [("server_name", "n1")];
    sidecar.wait_for("a stream without a leader", QUORUM_LOST, |page| {
        page.is("nats_up", &survivor, 1.0)?;
        page.is("nats_up", &[("server_name", "n2")], 0.0)?;
        page.is("nats_up", &[("server_name", "n3")], 0.0)?;
        page.is("nats_stream_has_leader", &stream, 0.0)?;
        page.is("nats_stream_has_leader", &[stream[0], survivor[0]], 0.0)?;
        let of_stream = page
            .samples()
            .filter(|sample| sample.label("stream") == Some(STREAM));
        // A consumer that lost its leader too says so in the same way.
        let leaderless = |sample: &&Sample| {
            sample.name == "nats_stream_has_leader"
                || (sample.name == "nats_consumer_has_leader" && sample.value == 0.0)
        };
        // Configuration is read every ten minutes at most, and does not change with the leader.
        let configured = |sample: &&Sample| {
            let family = CATALOG.iter().find(|def| def.name == sample.name);
            family.is_some_and(|def| def.origin == Origin::Config)
        };
        let others = of_stream.filter(|sample| !leaderless(sample) && !configured(sample));
        let others: Vec<_> = others.map(Sample::key).collect();
        ensure!(others.is_empty(), "still there: {others:?}");
        Ok(())
    })?;
    Ok(())
}
