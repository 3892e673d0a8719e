//! Brokers that refuse, hang, lie or flood: none panics, each leaves a series and a reason, memory stays bounded, and all
//! is well again when the broker is.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests may panic; clippy excuses test functions only"
)]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/mod.rs"]
mod support;

#[path = "wrong_input/bodies.rs"]
mod bodies;
#[path = "wrong_input/large.rs"]
mod large;
#[path = "wrong_input/random.rs"]
mod random;
#[path = "wrong_input/wire.rs"]
mod wire;

use std::sync::Arc;
use std::time::Duration;

use natsight::expose::reader::Page;
use support::fake::{Fake, Say};
use support::scene::{Scene, rules, watch_of};

const S: Duration = Duration::from_secs(1);

/// All reasons that there are: of a transport, of a decoder, of the poller.
const REASONS: &[&str] = &[
    "refused",
    "timeout",
    "dns",
    "unreachable",
    "tls",
    "redirect",
    "status",
    "too_large",
    "truncated",
    "protocol",
    "syntax",
    "element",
    "deep",
    "element_too_large",
    "labels_late",
    "restarted",
];

/// Whether anything is shown that varz gave.
fn has_varz(page: &Page) -> bool {
    page.family("nats_server_start_time_seconds").is_some()
}

fn failures(page: &Page, collector: &str, reason: &str) -> f64 {
    let labels = [("collector", collector), ("reason", reason)];
    page.value("nats_collector_failures_total", &labels)
        .unwrap_or(0.0)
}

fn success(page: &Page, collector: &str) -> f64 {
    page.value("nats_collector_success", &[("collector", collector)])
        .unwrap()
}

/// What became of a body.
enum Fate {
    Taken,
    Refused(&'static str),
}

/// A server in paused time that gives one body after another.
struct Bench {
    fake: Arc<Fake>,
    scene: Scene,
    collector: &'static str,
    path: &'static str,
    last: Page,
}

impl Bench {
    async fn new() -> Bench {
        let mut rules = rules();
        (rules.options.streams, rules.options.consumers) = (false, false);
        Bench::of("varz", "/varz", rules).await
    }

    async fn of(
        collector: &'static str,
        path: &'static str,
        rules: natsight::poll::Rules,
    ) -> Bench {
        let fake = Fake::new();
        let mut scene = Scene::start(watch_of(fake.clone(), rules));
        scene.until_up(1.0).await;
        scene.pass(60 * S).await;
        let last = scene.page();
        Bench {
            fake,
            scene,
            collector,
            path,
            last,
        }
    }

    /// Gives this once; the page after it, and what became of it.
    async fn tell(&mut self, say: Say) -> (Page, Fate) {
        let asked = self.fake.asked_for(self.path).len();
        self.fake.heal();
        self.fake.say(self.path, say);
        while self.fake.asked_for(self.path).len() == asked {
            self.scene.pass(S / 2).await;
        }
        let page = self.scene.page();
        let mut rose = page.find("nats_collector_failures_total", &[]);
        rose.retain(|sample| {
            let label = |name| sample.label(name).unwrap();
            label("collector") == self.collector
                && sample.value > failures(&self.last, self.collector, label("reason"))
        });
        let fate = match rose[..] {
            [] => Fate::Taken,
            [sample] => {
                let reason = sample.label("reason").unwrap();
                let known = REASONS.iter().find(|known| **known == reason);
                Fate::Refused(known.expect("a reason that is known"))
            }
            _ => panic!("{rose:?}"),
        };
        let well = f64::from(u8::from(matches!(fate, Fate::Taken)));
        assert_eq!(success(&page, self.collector), well);
        if self.collector == "varz" {
            assert_eq!(page.value("nats_up", &[]), Some(well));
        }
        self.last = page.clone();
        (page, fate)
    }

    async fn tell_body(&mut self, body: impl Into<Vec<u8>>) -> (Page, Fate) {
        self.tell(Say::Body(body.into())).await
    }

    /// The reason for which a body is refused; a good one after it is taken.
    async fn refused(&mut self, body: impl Into<Vec<u8>>) -> &'static str {
        let (_, fate) = self.tell_body(body).await;
        self.is_well().await;
        match fate {
            Fate::Refused(reason) => reason,
            Fate::Taken => "taken",
        }
    }

    async fn is_well(&mut self) {
        let (page, fate) = self.tell(Say::Well(Duration::ZERO)).await;
        assert!(matches!(fate, Fate::Taken));
        assert!(has_varz(&page));
    }
}
