//! Records to rows, parts and pages, as in a round of the poller.

use std::sync::{Arc, LazyLock};
use std::time::Instant;

use natsight::collect::{Context, Record, Records, Select, Sizes};
use natsight::compat::ForeignView;
use natsight::compat::exporter::Exporter;
use natsight::compat::surveyor::Surveyor;
use natsight::expose::reader::{self, Format};
use natsight::expose::{
    Encoding, ForeignBuilder, Names, Page, PartBuilder, Shape, Source, TextFormat,
};
use natsight::state::{Row, Tool};

use super::texts::unpacked;

const URL: &str = "http://127.0.0.1:8222";

/// Views of the older tools.
static FOREIGN: LazyLock<[Box<dyn ForeignView>; 2]> = LazyLock::new(|| {
    [
        Box::new(Exporter::new(Default::default())),
        Box::new(Surveyor::default()),
    ]
});

/// All views of an answer.
pub(crate) struct Views<'a> {
    context: Context,
    select: &'a mut Select,
    native: PartBuilder,
    foreign: [ForeignBuilder; 2],
}

fn part(context: &Context) -> PartBuilder {
    let labels = [
        ("server_name", &*context.server_name),
        ("nats_cluster", &*context.nats_cluster),
    ];
    PartBuilder::new(&labels, true)
}

impl<'a> Views<'a> {
    pub(crate) fn new(context: &Context, select: &'a mut Select) -> Self {
        Self {
            context: context.clone(),
            select,
            native: part(context),
            foreign: [&FOREIGN[0], &FOREIGN[1]].map(|view| ForeignBuilder::new(view.tool())),
        }
    }

    /// The answer was whole: its pages are read.
    pub(crate) fn finish(self, collector: &'static str) {
        let Self {
            select,
            mut native,
            foreign,
            ..
        } = self;
        select.finish(&mut native);
        select.release();
        for builder in foreign {
            native = native.with_foreign(builder);
        }
        let source = Source {
            server: 0,
            collector,
        };
        let now = Instant::now();
        let page = Page::new(vec![Arc::new(native.finish(source, now, None))]);
        let own = |format, grammar| check(&page, Names::Native, format, grammar, collector, now);
        own(TextFormat::Text004, Format::Text004);
        own(TextFormat::OpenMetrics1, Format::OpenMetrics1);
        for tool in Tool::ALL {
            let names = Names::Foreign(tool);
            check(
                &page,
                names,
                TextFormat::Text004,
                Format::Text004,
                collector,
                now,
            );
        }
    }
}

fn check(
    page: &Page,
    names: Names,
    format: TextFormat,
    grammar: Format,
    collector: &str,
    now: Instant,
) {
    let mut shape = Shape {
        format,
        encoding: Encoding::Identity,
        names,
        collectors: vec![collector.to_owned()],
    };
    let text = page.render(&shape, now).to_vec();
    if let Err(fault) = reader::read(&text, grammar) {
        let line = text.split(|byte| *byte == b'\n').nth(fault.line - 1);
        let line = String::from_utf8_lossy(line.unwrap_or_default());
        panic!("{collector} {names:?} {format:?}: {fault}: {line}");
    }
    shape.encoding = Encoding::Gzip;
    let packed = page.render(&shape, now).to_vec();
    assert!(unpacked(&packed).is_ok_and(|found| found == text));
}

impl Records for Views<'_> {
    fn record(&mut self, record: Record<'_>) {
        if let Record::Varz(varz) = &record {
            let extra = self.context.extra;
            self.context = varz.context(None, "127.0.0.1:8222", Sizes::default());
            self.context.extra = extra;
            self.native = part(&self.context);
        }
        let Self {
            context,
            select,
            native,
            foreign,
        } = self;
        select.record();
        for (view, builder) in FOREIGN.iter().zip(foreign) {
            view.rows(&record, URL, context, builder);
        }
        record.native(context, &mut |row: &Row<'_>| select.row(row, native));
    }
}
