//! Lines of an older exporter's view: made while somebody wants them, and not before.

use natsight::expose::reader::{self, Format};
use natsight::expose::{Encoding, Names, Page as Joined, Shape, Snapshot, TextFormat, Wish};
use natsight::state::Tool;

use super::*;

fn foreign(snapshot: &Snapshot) -> reader::Page {
    page_of(snapshot, Tool::Exporter)
}

fn page_of(snapshot: &Snapshot, tool: Tool) -> reader::Page {
    let shape = Shape {
        format: TextFormat::Text004,
        encoding: Encoding::Identity,
        names: Names::Foreign(tool),
        collectors: Vec::new(),
    };
    let now = tokio::time::Instant::now().into_std();
    let text = Joined::new(snapshot.parts.clone())
        .render(&shape, now)
        .to_vec();
    reader::read(&text, Format::Text004).unwrap()
}

fn asks_for_config(fake: &Arc<Fake>) -> bool {
    // The configuration's own collector asks for `direct-consumers` before the limit.
    let start = "/jsz?consumers=true&config=true&raft=true&limit";
    let asked = fake.asked();
    asked.iter().any(|asked| asked.path.starts_with(start))
}

#[tokio::test(start_paused = true)]
async fn another_tools_view_costs_nothing_until_somebody_asks() {
    let (fake, wish) = (Fake::new(), Arc::new(Wish::default()));
    let mut rules = rules();
    rules.wish = Arc::clone(&wish);
    let mut scene = Scene::start(watch_of(fake.clone(), rules));
    scene.until_up(1.0).await;
    scene.pass(60 * S).await;
    let page = foreign(&scene.snapshot());
    assert!(!asks_for_config(&fake));
    let core = page.value("nats_up", &[]);
    assert_eq!(core, Some(1.0));
    assert!(
        page.families
            .iter()
            .all(|family| !family.name.starts_with("gnatsd_"))
    );
    assert!(page.family("nats_server_connections").is_none());

    wish.wake(Tool::Exporter, tokio::time::Instant::now().into_std());
    scene.pass(60 * S).await;
    let page = foreign(&scene.snapshot());
    assert!(asks_for_config(&fake));
    let id = [("server_id", "http://broker.example:8222")];
    assert_eq!(page.value("gnatsd_varz_connections", &id), Some(10.0));
    assert_eq!(
        page.value("jetstream_server_max_memory", &id),
        Some(67_108_864.0)
    );
    // The native page is the same page as ever.
    assert!(scene.page().family("gnatsd_varz_connections").is_none());

    scene.pass(20 * 60 * S).await;
    let page = foreign(&scene.snapshot());
    assert!(page.family("gnatsd_varz_connections").is_none());
}

#[tokio::test(start_paused = true)]
async fn another_tools_view_takes_no_room_from_native_series() {
    let mut pages = Vec::new();
    for (awake, limit) in [(false, 50), (true, 50), (false, 100_000)] {
        let mut rules = rules();
        rules.series_max = limit;
        rules.wish.configure(awake.then_some(Tool::Exporter));
        let mut scene = Scene::start(watch_of(Fake::new(), rules));
        scene.until_up(1.0).await;
        scene.pass(60 * S).await;
        let page = foreign(&scene.snapshot());
        let of_exporter =
            |name: &str| name.starts_with("gnatsd_") || name.starts_with("jetstream_");
        let lines = page.families.iter().filter(|one| of_exporter(&one.name));
        let lines: usize = lines.map(|family| family.samples.len()).sum();
        assert!(if awake { lines > 50 } else { lines == 0 }, "{lines}");
        let mut native = Vec::new();
        for family in &scene.page().families {
            native.push((family.name.clone(), family.samples.len()));
        }
        pages.push(native);
    }
    assert_eq!(pages[0], pages[1]);
    assert_ne!(pages[0], pages[2], "the limit bites");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_gone_is_expected_and_not_surveyed() {
    let fake = Fake::new();
    let rules = rules();
    rules.wish.configure(Some(Tool::Surveyor));
    let mut scene = Scene::start(watch_of(fake.clone(), rules));
    scene.until_up(1.0).await;
    scene.pass(60 * S).await;
    let page = page_of(&scene.snapshot(), Tool::Surveyor);
    let survey = |page: &reader::Page| {
        let count = |name: &str| page.value(&format!("nats_survey_{name}_count"), &[]);
        (count("expected"), count("surveyed"))
    };
    assert_eq!(survey(&page), (Some(1.0), Some(1.0)));
    assert!(page.family("nats_core_mem_bytes").is_some());
    assert!(
        foreign(&scene.snapshot())
            .family("gnatsd_varz_cpu")
            .is_none()
    );
    fake.say("", crate::support::fake::Say::Hang);
    scene.until_up(0.0).await;
    scene.pass(60 * S).await;
    let page = page_of(&scene.snapshot(), Tool::Surveyor);
    assert_eq!(survey(&page), (Some(1.0), Some(0.0)));
    assert!(page.family("nats_core_mem_bytes").is_none());
}
