//! A snapshot as a scraper sees it: rendered in both formats, read strictly.

use natsight::expose::reader::{self, Format};
use natsight::expose::{Encoding, Page, Shape, Snapshot, TextFormat};
use tokio::time::Instant;

/// The page at this moment of the test's clock. Panics where a strict reader would refuse it.
pub(crate) fn page(snapshot: &Snapshot) -> reader::Page {
    let open = read(snapshot, TextFormat::OpenMetrics1);
    let plain = read(snapshot, TextFormat::Text004);
    assert_eq!(plain.series_keys(), open.series_keys());
    plain
}

/// The page in one format.
pub(crate) fn read(snapshot: &Snapshot, format: TextFormat) -> reader::Page {
    let text = text(snapshot, format);
    let grammar = match format {
        TextFormat::Text004 => Format::Text004,
        TextFormat::OpenMetrics1 => Format::OpenMetrics1,
    };
    match reader::read(&text, grammar) {
        Ok(page) => page,
        Err(error) => panic!("{error}\n{}", String::from_utf8_lossy(&text)),
    }
}

/// The bytes that a scraper gets.
pub(crate) fn text(snapshot: &Snapshot, format: TextFormat) -> Vec<u8> {
    let shape = Shape {
        format,
        encoding: Encoding::Identity,
        collectors: Vec::new(),
    };
    let page = Page::new(snapshot.parts.clone());
    page.render(&shape, Instant::now().into_std()).to_vec()
}
