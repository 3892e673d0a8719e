//! One request: bytes through the collector into a part.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::time::Instant;

use super::job::{Done, Outcome, Work};
use super::{Broker, Rules};
use crate::collect::{
    BodyMax, Collector, Context, DecodeError, Extra, Facts, Lane, Left, Record, Records, Select,
    Spec, Terms,
};
use crate::compat::ForeignView;
use crate::expose::{ForeignBuilder, PartBuilder};
use crate::source::http::{Answer, FetchError};
use crate::state::Row;

/// What a request is made from.
pub(super) struct Question {
    pub(super) job: usize,
    pub(super) spec: &'static Spec,
    pub(super) broker: Arc<dyn Broker>,
    pub(super) rules: Arc<Rules>,
    pub(super) name: Option<String>,
    pub(super) context: Arc<Context>,
    pub(super) work: Work,
    pub(super) terms: Terms,
}

/// What a whole answer gave.
pub(super) struct Harvest {
    pub(super) builder: PartBuilder,
    /// Identity from varz itself; elsewhere the one that the request began with.
    pub(super) context: Context,
    pub(super) facts: Facts,
    pub(super) left: Left,
}

/// Asks once.
pub(super) async fn ask(question: Question) -> Done {
    let Question {
        job,
        spec,
        broker,
        rules,
        name,
        context,
        mut work,
        terms,
    } = question;
    let url = name.clone().unwrap_or_else(|| broker.shown());
    let foreign: Vec<Foreign> = rules.wanted().map(Foreign::new).collect();
    let limits = match spec.lane {
        Lane::Light => rules.light,
        Lane::Heavy => rules.heavy,
    };
    let context = Context {
        extra: extra(&foreign),
        body_max: BodyMax(limits.body_max),
        ..context.as_ref().clone()
    };
    let path = work.collector.path(&context);
    work.collector.begin(&context);
    work.select.begin(terms);
    let server_id = context.server_id.clone();
    let builder = PartBuilder::new(&labels(&context), rules.twins);
    let fallback = broker.host_port();
    let mut reader = Reader {
        collector: work.collector.as_mut(),
        view: View {
            builder,
            context,
            foreign,
            url: &url,
            select: &mut work.select,
            name: name.as_deref(),
            fallback: &fallback,
            twins: rules.twins,
        },
        fault: None,
    };
    let started = Instant::now();
    let answer = broker
        .get(&path, limits, spec.accept, &mut |bytes| reader.chunk(bytes))
        .await;
    let took = started.elapsed();
    let outcome = outcome(answer, reader, spec, &*broker);
    Done {
        job,
        started,
        took,
        server_id,
        work: Some(work),
        outcome,
    }
}

/// What became of a request.
fn outcome(
    answer: Result<Answer, FetchError>,
    reader: Reader<'_>,
    spec: &Spec,
    broker: &dyn Broker,
) -> Outcome {
    match answer {
        Err(FetchError::Status { code, .. }) if (spec.absent)(code) => Outcome::Absent { code },
        Err(error) => Outcome::Failed(error),
        Ok(answer) => {
            let mut result = reader.finish().map(Box::new);
            if let Ok(harvest) = &mut result {
                let facts = &mut harvest.facts;
                let peers = std::mem::take(&mut facts.peers);
                broker.told(spec.name, facts.server_id.as_deref(), peers);
            }
            Outcome::Answered {
                code: answer.status,
                bytes: answer.bytes,
                result,
            }
        }
    }
}

/// Labels of the server, in the order of the page.
pub(super) fn labels(context: &Context) -> [(&'static str, &str); 2] {
    [
        ("server_name", &context.server_name),
        ("nats_cluster", &context.nats_cluster),
    ]
}

struct Reader<'a> {
    collector: &'a mut dyn Collector,
    view: View<'a>,
    fault: Option<DecodeError>,
}

impl Reader<'_> {
    fn chunk(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        match self.collector.chunk(bytes, &mut self.view) {
            Ok(()) => ControlFlow::Continue(()),
            Err(fault) => {
                self.fault = Some(fault);
                ControlFlow::Break(())
            }
        }
    }

    fn finish(mut self) -> Result<Harvest, DecodeError> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let facts = self.collector.finish(&mut self.view)?;
        let View {
            mut builder,
            context,
            select,
            foreign,
            ..
        } = self.view;
        let left = select.finish(&mut builder);
        for foreign in foreign {
            builder = builder.with_foreign(foreign.builder);
        }
        Ok(Harvest {
            builder,
            context,
            facts,
            left,
        })
    }
}

/// Native rows of each record, through the selection, into the part.
struct View<'a> {
    builder: PartBuilder,
    context: Context,
    select: &'a mut Select,
    name: Option<&'a str>,
    fallback: &'a str,
    twins: bool,
    /// Only while somebody wants them.
    foreign: Vec<Foreign>,
    url: &'a str,
}

/// Rows of another tool's view of each record, whatever the selection makes of it.
struct Foreign {
    view: Arc<dyn ForeignView>,
    builder: ForeignBuilder,
}

impl Foreign {
    fn new(view: &Arc<dyn ForeignView>) -> Self {
        Self {
            view: Arc::clone(view),
            builder: ForeignBuilder::new(view.tool()),
        }
    }
}

/// What a request must bring for all of these views.
fn extra(foreign: &[Foreign]) -> Extra {
    let extras = || foreign.iter().map(|foreign| foreign.view.extra());
    Extra {
        above: extras().any(|extra| extra.above),
        config: extras().any(|extra| extra.config),
    }
}

impl Records for View<'_> {
    fn record(&mut self, record: Record<'_>) {
        if let Record::Varz(varz) = &record {
            let extra = self.context.extra;
            self.context = varz.context(self.name, self.fallback, self.context.sizes);
            self.context.extra = extra;
            self.builder = PartBuilder::new(&labels(&self.context), self.twins);
        }
        let Self {
            builder,
            context,
            select,
            foreign,
            url,
            ..
        } = self;
        select.record();
        for Foreign { view, builder } in foreign {
            view.rows(&record, url, context, builder);
        }
        record.native(context, &mut |row: &Row<'_>| select.row(row, builder));
    }
}

/// The `code` label of a request that gave no accepted answer.
pub(super) fn code(error: &FetchError) -> Cow<'static, str> {
    match error {
        FetchError::Status { code, .. } => code.to_string().into(),
        other => other.reason().into(),
    }
}
