//! Several servers on one page.

use natsight::poll::Ledger;

use super::*;

/// Servers of one page, each with so many streams.
struct Fleet {
    scenes: Vec<Scene>,
    fakes: Vec<Arc<Fake>>,
}

impl Fleet {
    fn start(streams: &[usize], series_max: u64) -> Fleet {
        let ledger: Arc<Ledger> = Arc::default();
        let (mut scenes, mut fakes) = (Vec::new(), Vec::new());
        for (place, count) in (0..).zip(streams) {
            let fake = Fake::new();
            tell(&fake, load(*count), &by_place());
            let mut watch = watch_of(fake.clone(), small(series_max));
            (watch.place, watch.ledger) = (place, Arc::clone(&ledger));
            scenes.push(Scene::start(watch));
            fakes.push(fake);
        }
        Fleet { scenes, fakes }
    }

    /// Lets time pass; the page is within its limit at each second of it.
    async fn pass(&mut self, seconds: u64, series_max: u64) {
        for _ in 0..seconds {
            self.scenes[0].pass(S).await;
            let parts = self.scenes.iter().map(|scene| scene.snapshot());
            let series: u64 = parts
                .map(|snapshot| snapshot.parts.iter().map(|part| part.series).sum::<u64>())
                .sum();
            assert!(series <= series_max, "{series}");
        }
    }

    fn streams(&self) -> Vec<usize> {
        let pages = self.scenes.iter().map(Scene::page);
        pages
            .map(|page| names(&page, "nats_stream_messages", "stream").len())
            .collect()
    }
}

fn load(streams: usize) -> Load {
    Load {
        accounts: 1,
        streams,
        consumers: 0,
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_with_few_is_shown_whole_beside_one_with_many() {
    let mut fleet = Fleet::start(&[5_000, 20, 30], 5_000);
    fleet.pass(100, 5_000).await;
    let shown = fleet.streams();
    assert_eq!(shown[1..], [20, 30]);
    assert!(shown[0] > 150, "{shown:?}");
}

#[tokio::test(start_paused = true)]
async fn servers_with_many_have_equal_parts() {
    let mut fleet = Fleet::start(&[5_000, 8_000, 20], 6_000);
    fleet.pass(200, 6_000).await;
    let shown = fleet.streams();
    assert_eq!(shown[2], 20);
    assert!(
        shown[0].abs_diff(shown[1]) <= 10 && shown[0] > 100,
        "{shown:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_grows_gets_its_part_from_the_others() {
    let mut fleet = Fleet::start(&[5_000, 20], 5_000);
    fleet.pass(100, 5_000).await;
    let before = fleet.streams();
    tell(&fleet.fakes[1], load(5_000), &by_place());
    fleet.pass(200, 5_000).await;
    let after = fleet.streams();
    assert!(
        before[0] > 200 && after[0].abs_diff(after[1]) <= 10,
        "{before:?} {after:?}"
    );
    // And back, when it is down.
    fleet.fakes[1].say("/", Say::Refuse);
    fleet.pass(200, 5_000).await;
    let last = fleet.streams();
    assert!(last[0] >= before[0] && last[1] == 0, "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_leaves_gives_its_part_back() {
    let mut fleet = Fleet::start(&[5_000, 5_000], 5_000);
    fleet.pass(100, 5_000).await;
    let before = fleet.streams();
    fleet.scenes.pop().unwrap().stop().await;
    fleet.pass(100, 5_000).await;
    let after = fleet.streams();
    assert!(after[0] > before[0] * 3 / 2, "{before:?} {after:?}");
}
