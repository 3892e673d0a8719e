//! Two targets that speak for one server, and two servers of one name.

use natsight::expose::reader::Sample;
use natsight::poll::Registry;

use super::*;
use crate::support::fake::{HOST_PORT, Say};

fn start_beside(fake: &Arc<Fake>, registry: &Arc<Registry>, place: u32) -> Scene {
    let mut watch = watch_of(fake.clone(), rules());
    watch.registry = Arc::clone(registry);
    watch.place = place;
    Scene::start(watch)
}

#[tokio::test(start_paused = true)]
async fn a_server_behind_two_targets_is_shown_and_asked_once() {
    let (fake, again, registry) = (Fake::new(), Fake::new(), Arc::default());
    let mut first = start_beside(&fake, &registry, 0);
    first.until_up(1.0).await;
    let mut second = start_beside(&again, &registry, 1);
    let page = second
        .until("refused", |page| {
            failures(page, "varz", "same_server") >= 1.0
        })
        .await;
    assert_eq!(
        page.value("nats_up", &[("server_name", HOST_PORT)]),
        Some(1.0)
    );
    assert!(!has_varz(&page));
    second.pass(60 * S).await;
    assert!(again.asked().iter().all(|asked| asked.path == "/varz"));
    assert!(has_varz(&first.page()));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_another_server_has_is_refused_until_that_one_is_gone() {
    let (fake, other, registry) = (Fake::new(), Fake::new(), Arc::default());
    other.become_other("NOTHER", "n1");
    fake.become_other("NFIRST", "n1");
    let mut first = start_beside(&fake, &registry, 0);
    first.until_up(1.0).await;
    let mut second = start_beside(&other, &registry, 1);
    second
        .until("refused", |page| failures(page, "varz", "same_name") >= 1.0)
        .await;
    first.stop().await;
    let page = second.until("shown", has_varz).await;
    assert_eq!(page.value("nats_up", &[("server_name", "n1")]), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_comes_back_elsewhere_takes_its_name_along() {
    for id in ["NFIRST", "NOTHER"] {
        let (fake, other, registry) = (Fake::new(), Fake::new(), Arc::default());
        fake.become_other("NFIRST", "n1");
        // Another process of that name, or the same one at another address.
        other.become_other(id, "n1");
        let mut old = start_beside(&fake, &registry, 0);
        old.until_up(1.0).await;
        fake.say("", Say::Refuse);
        let mut new = start_beside(&other, &registry, 1);
        let page = new.until("shown", has_varz).await;
        assert_eq!(page.value("nats_up", &[("server_name", "n1")]), Some(1.0));
        new.pass(10 * S).await;
        let page = old.page();
        assert_eq!(
            page.value("nats_up", &[("server_name", HOST_PORT)]),
            Some(0.0),
            "it is known by its address"
        );
        let last = old.snapshot().status.last_name.clone();
        assert_eq!(last.1, "n1", "who looks for a pod that moved finds it");
        let of_name = |sample: &&Sample| sample.label("server_name") == Some("n1");
        let all = page.families.iter().flat_map(|family| &family.samples);
        assert_eq!(all.filter(of_name).count(), 0, "no series is there twice");
        // Back where it was, while the other is gone.
        other.say("", Say::Hang);
        fake.heal();
        let page = old.until("shown again", has_varz).await;
        assert_eq!(page.value("nats_up", &[("server_name", "n1")]), Some(1.0));
        new.pass(10 * S).await;
        let page = new.page();
        assert_eq!(
            page.value("nats_up", &[("server_name", HOST_PORT)]),
            Some(0.0)
        );
    }
}
