//! A snapshot as a scraper sees it: rendered in both formats, read strictly.

use natsight::expose::reader::{self, Format};
use natsight::expose::{Encoding, Page, Shape, Snapshot, TextFormat};
use tokio::time::Instant;

/// The page at this moment of the test's clock. Panics where a strict reader would refuse it.
pub(crate) fn page(snapshot: &Snapshot) -> reader::Page {
    let now = Instant::now().into_std();
    let open = read_at(snapshot, TextFormat::OpenMetrics1, now);
    let plain = read_at(snapshot, TextFormat::Text004, now);
    assert_eq!(plain.series_keys(), open.series_keys());
    plain
}

/// The page in one format.
pub(crate) fn read(snapshot: &Snapshot, format: TextFormat) -> reader::Page {
    read_at(snapshot, format, Instant::now().into_std())
}

fn read_at(snapshot: &Snapshot, format: TextFormat, now: std::time::Instant) -> reader::Page {
    let text = text_at(snapshot, format, now);
    let grammar = match format {
        TextFormat::Text004 => Format::Text004,
        TextFormat::OpenMetrics1 => Format::OpenMetrics1,
    };
    match reader::read(&text, grammar) {
        Ok(page) => page,
        Err(error) => {
            let text = String::from_utf8_lossy(&text).into_owned();
            panic!("{error}: {:?}", text.lines().nth(error.line - 1))
        }
    }
}

/// The bytes that a scraper gets.
pub(crate) fn text(snapshot: &Snapshot, format: TextFormat) -> Vec<u8> {
    text_at(snapshot, format, Instant::now().into_std())
}

fn text_at(snapshot: &Snapshot, format: TextFormat, now: std::time::Instant) -> Vec<u8> {
    let shape = Shape {
        format,
        encoding: Encoding::Identity,
        names: natsight::expose::Names::Native,
        collectors: Vec::new(),
    };
    let page = Page::new(snapshot.parts.clone());
    page.render(&shape, now).to_vec()
}
