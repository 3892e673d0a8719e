//! One server that is watched, in time that belongs to the test.

use std::sync::Arc;
use std::time::Duration;

use natsight::collect::Options;
use natsight::compat::exporter::{Exporter, Settings};
use natsight::compat::surveyor::Surveyor;
use natsight::expose::reader::Page;
use natsight::expose::{Snapshot, TextFormat};
use natsight::poll::{Broker, Intervals, Poller, ProcessChoice, Rules, Watch};
use natsight::source::http::Limits;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::page::{page, read};

/// Longest that a test waits for something to appear, in paused time.
const PATIENCE: Duration = Duration::from_secs(900);

/// The rules that a configuration without keys gives.
pub(crate) fn rules() -> Rules {
    let seconds = Duration::from_secs;
    Rules {
        options: Options::default(),
        every: Intervals {
            light: seconds(5),
            health: seconds(10),
            connections: seconds(15),
            streams: seconds(15),
            consumers: seconds(30),
            config: seconds(600),
        },
        light: Limits {
            deadline: seconds(2),
            body_max: 16 << 20,
        },
        heavy: Limits {
            deadline: seconds(20),
            body_max: 256 << 20,
        },
        broker_cpu_max: 0.01,
        probe: None,
        series_max: 50_000,
        twins: false,
        first_rounds: Arc::new(Semaphore::new(8)),
        views: vec![
            Arc::new(Exporter::new(Settings::default())),
            Arc::new(Surveyor::default()),
        ],
        wish: Arc::default(),
    }
}

/// A server without a configured name and with no process in sight.
pub(crate) fn watch_of(broker: Arc<dyn Broker>, rules: Rules) -> Watch {
    Watch {
        place: 0,
        name: None,
        broker,
        process: ProcessChoice::Off,
        rules: Arc::new(rules),
        registry: Arc::default(),
        ledger: Arc::default(),
    }
}

/// A poller that runs. It ends with its owner.
pub(crate) struct Scene {
    seen: watch::Receiver<Arc<Snapshot>>,
    stop: watch::Sender<()>,
    tasks: JoinSet<()>,
    patience: Duration,
}

impl Scene {
    pub(crate) fn start(watch_: Watch) -> Scene {
        let (poller, seen) = Poller::new(watch_);
        let (stop, stopped) = watch::channel(());
        let mut tasks = JoinSet::new();
        tasks.spawn(poller.run(stopped));
        Scene {
            seen,
            stop,
            tasks,
            patience: PATIENCE,
        }
    }

    /// The same where time is real.
    pub(crate) fn start_real(watch_: Watch) -> Scene {
        let mut scene = Scene::start(watch_);
        scene.patience = Duration::from_secs(20);
        scene
    }

    /// Lets time pass.
    pub(crate) async fn pass(&mut self, span: Duration) {
        sleep(span).await;
        assert!(self.tasks.try_join_next().is_none(), "the poller ended");
    }

    /// What is published now.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.seen.borrow().clone()
    }

    /// The page now, as strict readers see it.
    pub(crate) fn page(&self) -> Page {
        page(&self.snapshot())
    }

    /// The first page from now on that is as wished; each one on the way is read strictly.
    pub(crate) async fn until(&mut self, what: &str, wished: impl Fn(&Page) -> bool) -> Page {
        let mut last = None;
        let found = timeout(self.patience, async {
            loop {
                let snapshot = self.seen.borrow_and_update().clone();
                let plain = read(&snapshot, TextFormat::Text004);
                if wished(&plain) {
                    return page(&snapshot);
                }
                last = Some(plain);
                self.seen.changed().await.expect("the poller ended");
            }
        });
        match found.await {
            Ok(page) => page,
            Err(_) => panic!("never {what}: {:#?}", last.unwrap().series_keys()),
        }
    }

    /// The first page on which `nats_up` is this.
    pub(crate) async fn until_up(&mut self, up: f64) -> Page {
        let what = format!("nats_up {up}");
        self.until(&what, |page| page.value("nats_up", &[]) == Some(up))
            .await
    }

    /// Tells it to stop and waits for its end; how long that took.
    pub(crate) async fn stop(mut self) -> Duration {
        let before = tokio::time::Instant::now();
        self.stop.send(()).unwrap();
        timeout(PATIENCE, self.tasks.join_next())
            .await
            .expect("it never stops")
            .unwrap()
            .unwrap();
        before.elapsed()
    }
}
