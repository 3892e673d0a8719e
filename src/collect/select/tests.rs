//! Rounds of streams through the selection: who is shown, who is not, and what stands for those.

use std::collections::BTreeMap;

use super::*;
use crate::catalog::Metric;
use crate::state::Value;

/// A room of its own that counts what was drawn.
#[derive(Debug)]
struct Cell {
    free: u64,
}

impl Room for Cell {
    fn free(&self) -> u64 {
        self.free
    }

    fn draw(&mut self, wish: u64) -> u64 {
        let drawn = wish.min(self.free);
        self.free -= drawn;
        drawn
    }
}

fn terms(series: u64, expected: u64) -> Terms {
    let room = Box::new(Cell { free: series });
    Terms {
        room,
        expected,
        ..Terms::default()
    }
}

/// What a round showed: values by family and the last label, and what it left out.
struct Shown {
    values: BTreeMap<(Metric, String), i128>,
    left: Left,
}

impl Shown {
    fn names(&self) -> Vec<&str> {
        let names = self.values.keys().map(|(_, name)| name.as_str());
        let mut names: Vec<_> = names.filter(|name| *name != OVERFLOW).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn streams(&self) -> Vec<String> {
        let keys = self.values.keys();
        let streams = keys.filter(|(metric, _)| *metric == Metric::StreamHasLeader);
        streams.map(|(_, name)| name.clone()).collect()
    }

    fn sum(&self, metric: Metric) -> Option<i128> {
        self.values.get(&(metric, OVERFLOW.to_owned())).copied()
    }
}

/// A round of streams with so many messages; each has seven series.
fn round(select: &mut Select, terms: Terms, streams: &[(&str, u64)]) -> Shown {
    let mut values = BTreeMap::new();
    let mut out = |row: &Row<'_>| {
        let name = row.labels.last().map_or("", |(_, name)| *name).to_owned();
        for (metric, value) in row.values {
            let Value::U64(number) = value else { continue };
            let twice = values.insert((*metric, name.clone()), i128::from(*number));
            assert_eq!(twice, None, "{metric:?} {name} twice");
        }
    };
    select.begin(terms);
    for (name, messages) in streams {
        select.record();
        let labels = [("account", "APP"), ("stream", *name)];
        let first = [(Metric::StreamHasLeader, Value::U64(1))];
        let state = [
            (Metric::StreamMessages, Value::U64(*messages)),
            (Metric::StreamBytes, Value::U64(messages * 10)),
            (Metric::StreamLastSequence, Value::U64(7)),
            (Metric::StreamLostBytes, Value::Negative),
        ];
        select.row(&Row::new(EntityKind::Stream, &labels, &first), &mut out);
        select.row(&Row::new(EntityKind::Stream, &labels, &state), &mut out);
        let replica = [labels[0], labels[1], ("peer", *name)];
        let lag = [
            (Metric::StreamReplicaCurrent, Value::U64(1)),
            (Metric::StreamReplicaLag, Value::U64(*messages)),
        ];
        let row = Row::new(EntityKind::StreamReplica, &replica, &lag);
        select.row(&row, &mut out);
    }
    let totals = [(Metric::JetstreamStreams, Value::U64(9))];
    select.row(&Row::new(EntityKind::Server, &[], &totals), &mut out);
    let left = select.finish(&mut out);
    Shown { values, left }
}

fn many(count: u64) -> Vec<(String, u64)> {
    (0..count).map(|one| (format!("s{one:06}"), one)).collect()
}

fn refs(streams: &[(String, u64)]) -> Vec<(&str, u64)> {
    let refs = streams.iter().map(|(name, size)| (name.as_str(), *size));
    refs.collect()
}

#[test]
fn an_entity_that_stands_twice_is_shown_once() {
    for expected in [0, 1_000] {
        let streams = [("a", 1), ("a", 4), ("b", 2), ("a", 3)];
        let shown = round(&mut Select::all(), terms(1_000, expected), &streams);
        assert_eq!(shown.names(), ["", "a", "b"]);
        assert_eq!(shown.values[&(Metric::StreamMessages, "a".to_owned())], 1);
        assert!(shown.left.duplicates >= 2, "{:?}", shown.left);
        assert_eq!(shown.left.entities, 4, "two streams, two replicas");
    }
}

#[test]
fn series_of_the_server_stand_once_whatever_rows_they_come_in() {
    let mut select = Select::all();
    let mut shown = Vec::new();
    let mut out = |row: &Row<'_>| shown.extend(row.values.iter().map(|(metric, _)| *metric));
    let (mallocs, frees) = (
        (Metric::GoSizeClassMallocs, Value::U64(1)),
        (Metric::GoSizeClassFrees, Value::U64(1)),
    );
    select.begin(Terms::default());
    for (size, values) in [
        ("0", vec![mallocs, frees]),
        ("0", vec![frees]),
        ("8", vec![frees]),
        ("8", vec![mallocs, frees]),
        ("8", vec![mallocs]),
    ] {
        let labels = [("size", size)];
        select.row(&Row::new(EntityKind::Server, &labels, &values), &mut out);
    }
    assert_eq!(select.finish(&mut out).duplicates, 2);
    let (mallocs, frees) = (mallocs.0, frees.0);
    assert_eq!(shown, [mallocs, frees, frees, mallocs]);
}

#[test]
fn a_connection_that_closed_twice_is_shown_once() {
    for mut select in [Select::all(), Select::top(3)] {
        let mut shown = Vec::new();
        let mut out = |row: &Row<'_>| shown.push(row.labels[0].1.to_owned());
        select.begin(Terms::default());
        for (cid, kind) in [
            ("1", EntityKind::EndedConnection),
            ("2", EntityKind::BrokenConnection),
            ("1", EntityKind::BrokenConnection),
            ("2", EntityKind::EndedConnection),
        ] {
            let values = [(Metric::ClosedConnectionStop, Value::U64(1))];
            select.record();
            select.row(&Row::new(kind, &[("cid", cid)], &values), &mut out);
        }
        let left = select.finish(&mut out);
        shown.sort();
        assert_eq!(
            (shown, left.duplicates),
            (vec!["1".to_owned(), "2".to_owned()], 2)
        );
    }
}

fn top_round(select: &mut Select, sizes: &[(&str, u64)]) -> (Vec<String>, Left) {
    let mut shown = Vec::new();
    let mut out = |row: &Row<'_>| shown.push(row.labels[0].1.to_owned());
    select.begin(Terms::default());
    for (name, size) in sizes {
        let labels = [("cid", *name)];
        let values = [(Metric::ServerConnections, Value::U64(*size))];
        select.row(
            &Row::new(EntityKind::Connection, &labels, &values),
            &mut out,
        );
    }
    let left = select.finish(&mut out);
    shown.sort();
    (shown, left)
}

#[test]
fn the_top_is_shown_and_the_rest_counted() {
    let mut select = Select::top(2);
    let (shown, left) = top_round(&mut select, &[("a", 1), ("b", 5), ("c", 3), ("d", 4)]);
    assert_eq!((shown, left.top), (vec!["b".to_owned(), "d".to_owned()], 2));
    assert_eq!((left.budget, left.lost.len(), left.wanted), (0, 0, 2));
}

#[test]
fn a_member_stays_five_rounds() {
    let mut select = Select::top(1);
    assert_eq!(top_round(&mut select, &[("a", 9), ("b", 1)]).0, ["a"]);
    for _ in 0..4 {
        assert_eq!(top_round(&mut select, &[("b", 1), ("a", 0)]).0, ["a"]);
    }
    assert_eq!(top_round(&mut select, &[("a", 0), ("b", 1)]).0, ["b"]);
}

#[test]
fn a_member_without_rivals_stays_a_member() {
    let mut select = Select::top(1);
    for _ in 0..9 {
        assert_eq!(top_round(&mut select, &[("a", 1)]).0, ["a"]);
    }
    for _ in 0..5 {
        assert_eq!(top_round(&mut select, &[("b", 9), ("a", 1)]).0, ["a"]);
    }
    assert_eq!(top_round(&mut select, &[("b", 9), ("a", 1)]).0, ["b"]);
}

#[test]
fn the_largest_stay_and_the_sums_of_the_rest_are_exact() {
    let streams = many(1_000);
    let shown = round(&mut Select::all(), terms(700, 7_000), &refs(&streams));
    let left = &shown.left;
    assert!(left.series <= 700 && left.series > 600, "{left:?}");
    let of = |metric| {
        shown
            .values
            .iter()
            .filter(move |((one, _), _)| *one == metric)
    };
    let kept = of(Metric::StreamHasLeader).count();
    let smallest = format!("s{:06}", 1_000 - kept);
    assert_eq!(shown.names()[1], smallest, "those with the most messages");
    for (metric, factor) in [
        (Metric::StreamMessages, 1),
        (Metric::StreamBytes, 10),
        (Metric::StreamReplicaLag, 1),
    ] {
        assert!(shown.sum(metric).is_some(), "{metric:?}");
        let sum: i128 = of(metric).map(|(_, value)| value).sum();
        assert_eq!(sum, factor * 999 * 1_000 / 2, "shown or not: all");
    }
    let replicas = of(Metric::StreamReplicaCurrent).count();
    assert!(replicas <= 2, "{replicas}: streams come first");
    assert_eq!(left.missing(), 2_000 - left.entities);
    assert_eq!(left.wanted, 7_000);
    let lost: u64 = left.lost.iter().map(|(_, count)| count).sum();
    let sums = left
        .lost
        .iter()
        .filter(|(metric, _)| metric.def().adds_up());
    assert_eq!(left.series - sums.count() as u64 + lost, 7_000);
}

#[test]
fn states_places_and_counters_have_no_sum() {
    let shown = round(&mut Select::all(), terms(0, 1), &[("a", 1), ("b", 2)]);
    assert_eq!(shown.left.entities, 0);
    assert_eq!(shown.sum(Metric::StreamMessages), Some(3));
    assert_eq!(shown.sum(Metric::StreamHasLeader), None);
    assert_eq!(shown.sum(Metric::StreamLastSequence), None);
    assert_eq!(shown.sum(Metric::StreamReplicaCurrent), None);
    for def in CATALOG {
        let fits = def.kind == crate::catalog::Kind::Gauge;
        assert!(!def.adds_up() || fits, "{}", def.name);
    }
}

#[test]
fn totals_stay_without_any_room() {
    let shown = round(&mut Select::all(), terms(0, 0), &[("a", 1)]);
    let totals = &shown.values[&(Metric::JetstreamStreams, String::new())];
    assert_eq!((*totals, shown.left.entities), (9, 0));
}

#[test]
fn an_answer_that_turns_out_too_large_stays_within_the_room() {
    let streams = many(1_000);
    let mut select = Select::all();
    let shown = round(&mut select, terms(700, 0), &refs(&streams));
    assert!(shown.left.series <= 700, "{:?}", shown.left);
    assert_eq!(shown.names()[1], "s000000", "who comes first");
    assert_eq!(shown.left.wanted, 7_000);
    let shown = round(&mut select, terms(700, 0), &refs(&streams));
    assert_eq!(*shown.names().last().unwrap(), "s000999", "now the largest");
}

#[test]
fn who_is_shown_stays_five_rounds_while_others_grow() {
    let mut select = Select::all();
    let mut streams = many(200);
    let first = round(&mut select, terms(300, 1_400), &refs(&streams));
    let members = first.streams();
    assert!(members.len() > 50, "{members:?}");
    for stream in &mut streams {
        stream.1 = 1_000 - stream.1;
    }
    streams.reverse();
    for _ in 0..4 {
        let shown = round(&mut select, terms(300, 1_400), &refs(&streams));
        assert_eq!(shown.streams(), members);
        assert!(shown.left.series <= 300);
    }
    let shown = round(&mut select, terms(300, 1_400), &refs(&streams));
    assert_eq!(shown.streams()[0], "s000000", "the largest now");
    assert!(!shown.streams().contains(&"s000199".to_owned()));
}

#[test]
fn an_answer_that_broke_off_changes_no_membership() {
    let mut select = Select::all();
    let streams = many(100);
    let first = round(&mut select, terms(300, 700), &refs(&streams));
    select.begin(terms(300, 0));
    let labels = [("account", "APP"), ("stream", "large")];
    let values = [(Metric::StreamMessages, Value::U64(u64::MAX))];
    let row = Row::new(EntityKind::Stream, &labels, &values);
    select.row(&row, &mut |_: &Row<'_>| panic!("it is to wait"));
    let again = round(&mut select, terms(300, 0), &refs(&streams));
    assert_eq!(again.streams(), first.streams());
    assert_eq!(again.left.wanted, first.left.wanted);
}

#[test]
fn one_family_does_not_take_all() {
    let mut select = Select::all();
    let mut count = 0;
    let mut out = |_: &Row<'_>| count += 1;
    select.begin(Terms {
        family_max: 50,
        ..terms(10_000, 0)
    });
    for number in 0..1_000 {
        let peer = number.to_string();
        let labels = [("account", "APP"), ("stream", "S"), ("peer", &*peer)];
        let values = [(Metric::StreamReplicaLag, Value::U64(1))];
        let row = Row::new(EntityKind::StreamReplica, &labels, &values);
        select.row(&row, &mut out);
    }
    let left = select.finish(&mut out);
    assert_eq!((count, left.series, left.budget), (51, 51, 950));
    assert_eq!(left.lost, [(Metric::StreamReplicaLag, 950)]);
}

#[test]
fn an_entity_of_very_many_series_is_cut_short() {
    let mut select = Select::all();
    let mut series = 0;
    let mut out = |row: &Row<'_>| series += row.values.len();
    select.begin(terms(100, 0));
    for number in 0..1_000 {
        let group = number.to_string();
        let labels = [
            ("account", "APP"),
            ("stream", "S"),
            ("consumer", "c"),
            ("group", &*group),
        ];
        let values = [(Metric::ConsumerPinned, Value::U64(1))];
        let row = Row::new(EntityKind::Consumer, &labels, &values);
        select.row(&row, &mut out);
    }
    let left = select.finish(&mut out);
    assert!((1..=100).contains(&series), "{series}");
    assert_eq!(left.wanted, 1_000);
}

#[test]
fn what_is_denied_is_left_out_with_its_replicas_and_is_no_loss() {
    let deny = Pattern {
        stream: Some("b*".to_owned()),
        ..Pattern::default()
    };
    let scope = Scope {
        allow: Vec::new(),
        deny: vec![deny],
    };
    for expected in [0, 1_000] {
        let mut select = Select::all().with_scope(Arc::new(scope.clone()));
        let streams = [("a", 1), ("b1", 4), ("b2", 2)];
        let shown = round(&mut select, terms(1_000, expected), &streams);
        assert_eq!(shown.names(), ["", "a"]);
        let left = &shown.left;
        assert_eq!((left.denied, left.missing(), left.wanted), (4, 0, 7));
        assert_eq!(left.lost, []);
    }
}

#[test]
fn new_names_wait_when_too_many_came_within_the_hour() {
    for expected in [0, 10_000] {
        let mut select = Select::all().with_new_max(1_000);
        let at = |hours: u64| Terms {
            now: Duration::from_secs(3600 * hours),
            ..terms(2_000, expected)
        };
        let mut held = 0;
        for number in 0..100 {
            // Ten streams, each called otherwise than before.
            let streams: Vec<_> = (0..10).map(|one| (format!("s{number}x{one}"), 1)).collect();
            let shown = round(&mut select, at(0), &refs(&streams));
            held += shown.left.series;
            assert!(select.fresh.len() <= 1_000);
            assert_eq!(shown.left.entities + shown.left.new, 20);
        }
        let sums = 4 * 100;
        assert!((1_000..=1_010 + sums).contains(&held), "{held}");
        let shown = round(&mut select, at(0), &[("s0x0", 1)]);
        assert_eq!(shown.left.entities, 2, "known names are shown");
        let shown = round(&mut select, at(1), &[("other", 1)]);
        assert_eq!(shown.left.entities, 2, "another hour");
    }
}

#[test]
fn an_account_called_like_the_sum_is_in_the_sum() {
    let mut select = Select::all();
    let mut seen = Vec::new();
    let mut out = |row: &Row<'_>| {
        let name = row.labels[0].1.to_owned();
        seen.extend(row.values.iter().map(|(metric, value)| {
            let Value::U64(number) = value else { panic!() };
            (name.clone(), *metric, *number)
        }));
    };
    select.begin(terms(1_000, 0));
    for (name, size) in [("a", 1), (OVERFLOW, 9)] {
        select.record();
        let labels = [("account", name)];
        let values = [
            (Metric::JetstreamAccountStorageUsed, Value::U64(size)),
            (Metric::JetstreamAccountMemoryUsed, Value::U64(size)),
        ];
        let row = Row::new(EntityKind::Account, &labels, &values);
        select.row(&row, &mut out);
    }
    let left = select.finish(&mut out);
    let sums = seen.iter().filter(|(name, ..)| name == OVERFLOW);
    let sums: Vec<_> = sums.map(|(_, metric, number)| (*metric, *number)).collect();
    assert_eq!(seen.len(), 4);
    assert_eq!(sums.iter().map(|(_, number)| number).sum::<u64>(), 18);
    assert_eq!((left.entities, left.budget), (1, 1));
}

#[test]
fn rows_of_an_entity_stand_together_however_many_labels_they_have() {
    for (room, expected) in [(1_000, 1), (1_000, 100_000), (0, 0)] {
        let mut select = Select::all();
        let mut shown = 0;
        let mut out = |row: &Row<'_>| shown += usize::from(row.labels[0].1 != OVERFLOW);
        select.begin(terms(room, expected));
        for name in ["a", "b"] {
            select.record();
            let labels = [("account", "APP"), ("stream", name), ("group", "x")];
            let (names, facts) = (&labels[..2], &labels);
            let one = |metric| [(metric, Value::U64(1))];
            for (labels, metric) in [
                (&facts[..], Metric::StreamInfo),
                (names, Metric::StreamMessages),
                (&facts[..], Metric::StreamHasLeader),
                (names, Metric::StreamBytes),
            ] {
                let values = one(metric);
                select.row(&Row::new(EntityKind::Stream, labels, &values), &mut out);
            }
            // Another record of the same entity.
            select.record();
            let values = one(Metric::StreamSubjects);
            select.row(&Row::new(EntityKind::Stream, names, &values), &mut out);
        }
        let left = select.finish(&mut out);
        assert_eq!(left.duplicates, 0);
        if room > 0 {
            assert_eq!((shown, left.entities, left.budget), (10, 4, 0));
        } else {
            assert_eq!((shown, left.entities, left.budget), (0, 0, 4));
        }
    }
}
