//! The strict page reader: one line for each page it refuses, pages it accepts, and random pages read back.

use natsight::expose::reader::Format::{self, OpenMetrics1, Text004};
use natsight::expose::reader::{Kind, Page, read};
use proptest::prelude::*;

/// The page must be refused with exactly this, line number included.
fn refused(format: Format, page: impl AsRef<[u8]>, expected: &str) {
    let page = page.as_ref();
    let said = match read(page, format) {
        Ok(_) => "nothing".to_owned(),
        Err(error) => error.to_string(),
    };
    let shown = String::from_utf8_lossy(page);
    assert_eq!(said, expected, "{format:?}:\n{shown}");
}

fn accepted(format: Format, page: &str) -> Page {
    read(page.as_bytes(), format).unwrap_or_else(|error| panic!("{format:?}: {error}\n{page}"))
}

/// A page of one family `x`: its metadata, then these lines from line 3 on.
fn family(kind: &str, lines: &str) -> String {
    format!("# HELP x h\n# TYPE x {kind}\n{lines}")
}

/// The same for both formats, OpenMetrics with its last line.
fn refused_in_both(kind: &str, lines: &str, expected: &str) {
    refused(Text004, family(kind, lines), expected);
    refused(OpenMetrics1, family(kind, lines) + "# EOF\n", expected);
}

fn refused_in_open_metrics(kind: &str, lines: &str, expected: &str) {
    refused(OpenMetrics1, family(kind, lines) + "# EOF\n", expected);
}

#[test]
fn bytes_and_lines() {
    refused(Text004, "a\nb\r\n", "line 2: there is a carriage return");
    refused(Text004, b"a\n\xff\n", "line 2: there is invalid UTF-8");
    refused(
        Text004,
        family("gauge", "x 1"),
        "line 3: the last line has no newline",
    );
    refused(
        OpenMetrics1,
        "# EOF",
        "line 1: the last line has no newline",
    );
    refused(
        OpenMetrics1,
        "",
        "line 1: the page does not end with `# EOF`",
    );
    refused(
        OpenMetrics1,
        family("gauge", "x 1\n"),
        "line 3: the page does not end with `# EOF`",
    );
    refused(
        OpenMetrics1,
        "# EOF\n\n",
        "line 2: there is text after `# EOF`",
    );
    refused(
        OpenMetrics1,
        "# EOF\n# EOF\n",
        "line 2: there is text after `# EOF`",
    );
    refused_in_open_metrics("gauge", "\nx 1\n", "line 3: there is a blank line");
    refused_in_open_metrics(
        "gauge",
        "# made by hand\n",
        "line 3: `# made by hand` is neither TYPE, HELP, UNIT nor EOF",
    );
    refused_in_open_metrics(
        "gauge",
        "# EOF \n",
        "line 3: `# EOF ` is neither TYPE, HELP, UNIT nor EOF",
    );
}

#[test]
fn metadata() {
    let both = |page: &str, expected: &str| {
        refused(Text004, page, expected);
        refused(OpenMetrics1, format!("{page}# EOF\n"), expected);
    };
    both("x 1\n", "line 1: `x` has no TYPE before it");
    both("# HELP x h\nx 1\n", "line 1: `x` has no TYPE");
    both("# TYPE x gauge\nx 1\n", "line 1: `x` has no HELP");
    both("# HELP x h\n", "line 1: `x` has no TYPE");
    both("# TYPE x gauge\n", "line 1: `x` has no HELP");
    both(
        "# HELP x\n",
        "line 1: HELP needs a name and a text after it",
    );
    both(
        "# HELP x \n",
        "line 1: HELP needs a name and a text after it",
    );
    both("# TYPE\n", "line 1: TYPE needs a name and a text after it");
    both("# TYPE 9x gauge\n", "line 1: `9x` is no metric name");
    both("# TYPE x-y gauge\n", "line 1: `x-y` is no metric name");
    both("# TYPE  x gauge\n", "line 1: `` is no metric name");
    both(
        "# TYPE x Gauge\n",
        "line 1: `Gauge` is no type of this format",
    );
    both(
        "# TYPE x gauge \n",
        "line 1: `gauge ` is no type of this format",
    );
    both("# HELP x a\\tb\n", "line 1: HELP has the escape `\\t`");
    both("# HELP x a\\\n", "line 1: HELP has a backslash at its end");
    refused(
        Text004,
        "# HELP x \\\"\n",
        "line 1: HELP has the escape `\\\"`",
    );
    for bare in ["# HELP x \"\n", "# HELP x \\\\\"\n"] {
        let expected = "line 1: HELP has a quote without a backslash";
        refused(OpenMetrics1, format!("{bare}# EOF\n"), expected);
    }
    for kind in ["info", "stateset", "gaugehistogram", "unknown"] {
        let expected = format!("line 2: `{kind}` is no type of this format");
        refused(Text004, family(kind, ""), &expected);
    }
    refused_in_open_metrics("untyped", "", "line 2: `untyped` is no type of this format");
    for odd in ["#TYPE x gauge\n", "#  HELP x h\n", "#\tHELP x h\n"] {
        let word = if odd.contains("TYPE") { "TYPE" } else { "HELP" };
        let rule = format!("must be written `# {word} name text`, one space apart");
        refused(Text004, odd, &format!("line 1: {word} {rule}"));
    }
}

#[test]
fn repeated_and_late_metadata() {
    for (line, word) in [("# HELP x h\n", "HELP"), ("# TYPE x gauge\n", "TYPE")] {
        let repeated = format!("line 3: {word} of `x` is repeated");
        refused_in_both("gauge", line, &repeated);
        let late = format!("line 4: {word} of `x` comes after its samples");
        refused_in_both("gauge", &format!("x 1\n{line}"), &late);
    }
    let unit = "# HELP x_s h\n# TYPE x_s gauge\n# UNIT x_s s\n";
    refused(
        OpenMetrics1,
        format!("{unit}# UNIT x_s s\n"),
        "line 4: UNIT of `x_s` is repeated",
    );
    refused(
        OpenMetrics1,
        format!("{unit}x_s 1\n# UNIT x_s s\n"),
        "line 5: UNIT of `x_s` comes after its samples",
    );
}

#[test]
fn units() {
    let unit = |name: &str, kind: &str, unit: &str| {
        format!("# UNIT {name} {unit}\n# TYPE {name} {kind}\n# HELP {name} h\n# EOF\n")
    };
    for (name, wrong) in [("x_ms", "seconds"), ("xseconds", "seconds"), ("s", "s")] {
        let expected = format!("line 1: `{name}` does not end with its UNIT, `_{wrong}`");
        refused(OpenMetrics1, unit(name, "gauge", wrong), &expected);
    }
    for kind in ["info", "stateset"] {
        let expected = format!("line 1: `x_s` is {kind}, which has no UNIT");
        refused(OpenMetrics1, unit("x_s", kind, "s"), &expected);
    }
    let page = accepted(OpenMetrics1, &unit("x_s", "counter", "s"));
    assert_eq!(page.families[0].unit.as_deref(), Some("s"));
}

#[test]
fn families_stand_together() {
    let other = "# HELP y h\n# TYPE y gauge\ny 1\n";
    let left = "`x` belongs to a family that ended before line 4";
    let cases = ["x{a=\"b\"} 1\n", "# HELP x h\n", "# TYPE x gauge\n"];
    for back in cases {
        let lines = format!("x 1\n{other}{back}");
        refused_in_both("gauge", &lines, &format!("line 7: {left}"));
    }
    let lines = format!("x_sum 1\n{other}x_count 1\n");
    refused_in_both(
        "summary",
        &lines,
        "line 7: `x_count` belongs to a family that ended before line 4",
    );
}

#[test]
fn samples_are_of_their_family() {
    let not = |sample: &str, kind: &str, allowed: &str| {
        format!("line 3: `{sample}` is not of the {kind} `x`, whose samples are {allowed}")
    };
    refused_in_both("gauge", "y 1\n", &not("y", "gauge", "`x`"));
    refused_in_both("gauge", "x_total 1\n", &not("x_total", "gauge", "`x`"));
    let counter = "`x_total`, `x_created`";
    refused_in_open_metrics("counter", "x 1\n", &not("x", "counter", counter));
    let expected = not("x_total", "counter", "`x`");
    refused(Text004, family("counter", "x_total 1\n"), &expected);
    refused_in_open_metrics("info", "x 1\n", &not("x", "info", "`x_info`"));
    refused_in_open_metrics("unknown", "x_sum 1\n", &not("x_sum", "unknown", "`x`"));
    let parts = "`x_bucket`, `x_sum`, `x_count`";
    let expected = not("x_created", "histogram", parts);
    refused(Text004, family("histogram", "x_created 1\n"), &expected);
    let parts = format!("{parts}, `x_created`");
    refused_in_open_metrics("histogram", "x 1\n", &not("x", "histogram", &parts));
    let parts = "`x_bucket`, `x_gsum`, `x_gcount`";
    let expected = not("x_sum", "gaugehistogram", parts);
    refused_in_open_metrics("gaugehistogram", "x_sum 1\n", &expected);
    let parts = "`x`, `x_sum`, `x_count`";
    let expected = not("x_bucket", "summary", parts);
    refused(Text004, family("summary", "x_bucket 1\n"), &expected);
}

#[test]
fn duplicate_series() {
    let twice = "x{a=\"1\",b=\"2\"} 1\nx{b=\"2\",a=\"1\"} 1\n";
    let expected = "line 4: `x{a=\"1\",b=\"2\"}` is there twice";
    refused_in_both("gauge", twice, expected);
    refused_in_both("gauge", "x 1\nx 2\n", "line 4: `x` is there twice");
    refused_in_both("gauge", "x 1\nx{} 2\n", "line 4: `x` is there twice");
    let empty = "x{a=\"\"} 1\nx 2\n";
    refused_in_both("gauge", empty, "line 4: `x` is there twice");
    let swapped = "x{a=\"1\",b=\"2\"} 1\nx{a=\"2\",b=\"1\"} 1\n";
    assert_eq!(accepted(Text004, &family("gauge", swapped)).series(), 2);
}

#[test]
fn labels() {
    let label = |text: &str, expected: &str| {
        let line = format!("x{{{text} 1\n");
        refused_in_both("gauge", &line, &format!("line 3: {expected}"));
    };
    label("a=\"1\",a=\"2\"}", "the label `a` is there twice");
    label("9a=\"1\"}", "`9a` is no label name");
    label("a:b=\"1\"}", "`a:b` is no label name");
    label("__a=\"1\"}", "`__a` is no label name");
    label(" a=\"1\"}", "` a` is no label name");
    label("a=\"1\", b=\"1\"}", "` b` is no label name");
    label("\"a\"=\"1\"}", "`` is no label name");
    label("a=\"1\",}", "there is a comma before `}`");
    label("a=1}", "the label `a` has no `=\"` after it");
    label("a}", "the label `a` has no `=\"` after it");
    label("a=\"1}", "the label `a` has no closing quote");
    label("a=\"1\\\"}", "the label `a` has no closing quote");
    label("a=\"1\\", "the label `a` has no closing quote");
    label("a=\"\\ \"}", "the label `a` has the escape `\\ `");
    label("a=\"\\t\"}", "the label `a` has the escape `\\t`");
    label("a=\"\\é\"}", "the label `a` has the escape `\\é`");
    label("a=\"1\" }", "neither `,` nor `}` follows the label `a`");
    label("a=\"1\"", "neither `,` nor `}` follows the label `a`");
}

#[test]
fn values() {
    let words = "|Inf|inf|nan|+inf|-NaN|infinity|0x1|1_000|1,5|e5|.|+|--1|1e999|١|\t1";
    for word in words.split('|') {
        let expected = format!("line 3: `{word}` is no number");
        refused_in_both("gauge", &format!("x {word}\n"), &expected);
    }
    let gauge = |line: &str, expected: &str| refused_in_both("gauge", line, expected);
    gauge("x  1\n", "line 3: `` is no number");
    gauge("x\n", "line 3: `x` has no space before its value");
    gauge("x{a=\"1\"}1\n", "line 3: `x` has no space before its value");
    gauge("x\t1\n", "line 3: `x\t1` is no metric name");
    gauge(" x 1\n", "line 3: `` is no metric name");
    gauge("é 1\n", "line 3: `é` is no metric name");
    gauge("{\"x\"} 1\n", "line 3: `` is no metric name");
    gauge("x 1 1700000000\n", "line 3: `x` has a timestamp");
    gauge("x 1 1.5 # {} 1\n", "line 3: `x` has a timestamp");
    gauge("x 1 # {a=\"b\"} 1\n", "line 3: `x` has an exemplar");
    gauge("x 1 \n", "line 3: `` stands after the value");
    gauge("x 1 y\n", "line 3: `y` stands after the value");
}

#[test]
fn values_of_kinds() {
    for value in ["-1", "NaN", "-Inf"] {
        for (kind, name) in [
            ("counter", "x_total"),
            ("summary", "x_sum"),
            ("histogram", "x_sum"),
        ] {
            let expected = format!("line 3: `{name}` is {value}; a count is at least 0");
            refused_in_open_metrics(kind, &format!("{name} {value}\n"), &expected);
        }
        for kind in ["summary", "histogram"] {
            let expected = format!("line 3: `x_count` is {value}; a count is at least 0");
            refused_in_both(kind, &format!("x_count {value}\n"), &expected);
        }
    }
    let expected = "line 3: `x_info` is 2, which info cannot be";
    refused_in_open_metrics("info", "x_info 2\n", expected);
    let expected = "line 3: `x` is 2, which stateset cannot be";
    refused_in_open_metrics("stateset", "x{x=\"a\"} 2\n", expected);
    let expected = "line 3: `x` has no label `x`";
    refused_in_open_metrics("stateset", "x 1\n", expected);
    let expected = "line 3: `x` has no label `quantile`";
    refused_in_both("summary", "x 1\n", expected);
    let expected = "line 3: `x_sum{quantile=\"0.5\"}` must not have the label `quantile`";
    refused_in_both("summary", "x_sum{quantile=\"0.5\"} 1\n", expected);
    let expected = "line 3: `1.5` is no value for the label `quantile`";
    refused_in_both("summary", "x{quantile=\"1.5\"} 1\n", expected);
    let expected = "line 3: `quantile` is `1`; write it as a float, such as 1.0 or 0.25";
    refused_in_open_metrics("summary", "x{quantile=\"1\"} 1\n", expected);
}

/// A histogram with these bounds and counts; then `_sum` and `_count`, if given.
fn buckets(buckets: &[(&str, &str)], rest: &str) -> String {
    let mut lines = String::new();
    for (bound, count) in buckets {
        lines += &format!("x_bucket{{le=\"{bound}\"}} {count}\n");
    }
    lines + rest
}

#[test]
fn histograms() {
    let refused = |bounds: &[(&str, &str)], rest: &str, expected: &str| {
        refused_in_both("histogram", &buckets(bounds, rest), expected);
    };
    let (whole, inf) = ("x_sum 1\nx_count 3\n", ("+Inf", "3"));
    let no = |what: &str| format!("line 3: a label set of `x` has no {what}");
    refused(&[("1.0", "3")], whole, &no("`+Inf` bucket"));
    refused(&[], whole, &no("`+Inf` bucket"));
    refused(&[inf], "x_sum 1\n", &no("count"));
    refused(&[inf], "x_count 3\n", &no("sum"));
    let expected = "line 5: `x_count` is 3, its `+Inf` bucket 4";
    refused(&[("+Inf", "4")], whole, expected);
    let expected = "line 4: `x_bucket{le=\"1.0\"}` comes after `le` 2";
    refused(&[("2.0", "1"), ("1.0", "1"), inf], whole, expected);
    let expected = "line 4: `x_bucket{le=\"1e0\"}` comes after `le` 1";
    refused(&[("1.0", "1"), ("1e0", "1"), inf], whole, expected);
    let expected = "line 4: `x_bucket{le=\"1.0\"}` comes after `le` inf";
    refused(&[inf, ("1.0", "3")], whole, expected);
    let expected = "line 4: `x_bucket{le=\"2.0\"}` is 1, less than 2 in the bucket below";
    refused(&[("1.0", "2"), ("2.0", "1"), inf], whole, expected);
    for bound in ["NaN", "-Inf", "Inf", "", "one"] {
        let expected = format!("line 3: `{bound}` is no value for the label `le`");
        refused(&[(bound, "1"), inf], whole, &expected);
    }
    let expected = "line 3: `x_bucket{a=\"b\"}` has no label `le`";
    refused(&[], "x_bucket{a=\"b\"} 1\n", expected);
    let expected = "line 3: `x_sum{le=\"1.0\"}` must not have the label `le`";
    refused(&[], "x_sum{le=\"1.0\"} 1\n", expected);
    for bound in [
        "1", "0.50", "01.0", "+1.0", "1.", ".5", "1E5", "1.0e5", "00.5",
    ] {
        let expected =
            format!("line 3: `le` is `{bound}`; write it as a float, such as 1.0 or 0.25");
        let lines = buckets(&[(bound, "1"), inf], whole);
        refused_in_open_metrics("histogram", &lines, &expected);
        accepted(Text004, &family("histogram", &lines));
    }
    let lines = buckets(&[inf], "x_gsum 1\nx_gcount 4\n");
    let expected = "line 5: `x_gcount` is 4, its `+Inf` bucket 3";
    refused_in_open_metrics("gaugehistogram", &lines, expected);
}

#[test]
fn counts_beyond_floats_are_compared_exactly() {
    let (low, high) = ("9007199254740992", "9007199254740993");
    let lines = buckets(&[("+Inf", high)], &format!("x_sum 1\nx_count {low}\n"));
    let expected = format!("line 5: `x_count` is {low}, its `+Inf` bucket {high}");
    refused_in_both("histogram", &lines, &expected);
    let lines = buckets(&[("1.0", high), ("+Inf", low)], "");
    let expected =
        format!("line 4: `x_bucket{{le=\"+Inf\"}}` is {low}, less than {high} in the bucket below");
    refused_in_both("histogram", &lines, &expected);
}

#[test]
fn samples_of_one_metric_stand_together_in_open_metrics() {
    let one =
        |set: &str| format!("x_bucket{{a=\"{set}\",le=\"+Inf\"}} 1\nx_sum{{a=\"{set}\"}} 1\n");
    let count = |set: &str| format!("x_count{{a=\"{set}\"}} 1\n");
    let mixed = one("1") + &one("2") + &count("1") + &count("2");
    let expected = "line 7: `x_count{a=\"1\"}` stands apart from its like";
    refused_in_open_metrics("histogram", &mixed, expected);
    accepted(Text004, &family("histogram", &mixed));
    let apart = one("1") + &count("1") + &one("2");
    let expected = "line 6: a label set of `x` has no count";
    refused_in_both("histogram", &apart, expected);
    let mixed = "x_total{a=\"1\"} 1\nx_total{a=\"2\"} 1\nx_created{a=\"1\"} 1\n";
    let expected = "line 5: `x_created{a=\"1\"}` stands apart from its like";
    refused_in_open_metrics("counter", mixed, expected);
}

#[test]
fn names_that_clash() {
    let page = |first: (&str, &str), second: (&str, &str)| {
        let lines = [first, second].map(|(n, k)| format!("# HELP {n} h\n# TYPE {n} {k}\n"));
        lines.concat()
    };
    for suffix in "_total _created _count _sum _bucket _info _gcount _gsum".split(' ') {
        let (short, long) = (("x", "gauge"), (&*format!("x{suffix}"), "gauge"));
        let expected = format!("line 3: `x{suffix}` is a family and `x` is one too");
        for page in [page(short, long), page(long, short)] {
            refused(OpenMetrics1, page.clone() + "# EOF\n", &expected);
            accepted(Text004, &page);
        }
    }
    let (short, long) = (("x", "summary"), ("x_count", "gauge"));
    for page in [page(short, long), page(long, short)] {
        let expected = "line 3: `x_count` is a family and `x` is one too";
        refused(Text004, page, expected);
    }
}

const TEXT: &str = "\
# what stands here is a comment

# HELP up Whether \"it\" answers\\nor \\\\not
# TYPE up gauge
up 1
# TYPE in_total counter
# HELP in_total Messages
# UNIT in_total is a comment too
in_total{server=\"a\",b=\"\"} 18446744073709551615
in_total{server=\"\\\"\\\\\\n😀\"} 1e3
# HELP empty Nothing yet
# TYPE empty untyped
# HELP lag h
# TYPE lag summary
lag{quantile=\"1\"} NaN
lag_sum 1
lag_count 1
# HELP took h
# TYPE took histogram
took_sum -0.5
took_bucket{le=\"-1\"} 0
took_bucket{le=\"+Inf\"} 1
took_count 1
# EOF
";

const OPEN: &str = "\
# TYPE server info
# HELP server A \\\"name\\\"
server_info{version=\"2.11\"} 1
# TYPE in counter
# HELP in h
in_total{server=\"a\"} 18446744073709551615
in_created{server=\"a\"} 1700000000.5
in_total{server=\"b\"} +Inf
# TYPE took_seconds histogram
# UNIT took_seconds seconds
# HELP took_seconds h
took_seconds_bucket{le=\"0.25\"} 0
took_seconds_bucket{le=\"1.0\"} 1
took_seconds_bucket{le=\"1e+06\"} 1
took_seconds_bucket{le=\"+Inf\"} 1
took_seconds_count 1
took_seconds_sum 0.5
# TYPE depth gaugehistogram
# HELP depth h
depth_bucket{le=\"+Inf\"} 1
depth_gcount 1
depth_gsum -0.5
# TYPE state stateset
# HELP state h
state{state=\"on\",a=\"1\"} 1
state{state=\"off\",a=\"1\"} 0
# TYPE odd unknown
# HELP odd h
odd -Inf
# EOF
";

#[test]
fn a_text_page() {
    let page = accepted(Text004, TEXT);
    assert_eq!((page.families.len(), page.series()), (5, 10));
    let up = page.family("up").unwrap();
    assert_eq!(up.help.as_deref(), Some("Whether \"it\" answers\nor \\not"));
    assert_eq!((up.kind, up.samples[0].line), (Kind::Gauge, 5));
    let odd = page.only("in_total", &[("server", "\"\\\n😀")]).unwrap();
    assert_eq!((odd.value, &*odd.text), (1000.0, "1e3"));
    assert_eq!(odd.key(), "in_total{server=\"\\\"\\\\\\n😀\"}");
    assert!(page.value("lag", &[]).unwrap().is_nan());
    assert_eq!(page.family("empty").unwrap().kind, Kind::Unknown);
    assert_eq!(accepted(Text004, ""), Page::default());
}

#[test]
fn an_open_metrics_page() {
    let page = accepted(OpenMetrics1, OPEN);
    let kinds: Vec<_> = page.families.iter().map(|family| family.kind).collect();
    let expected = [
        Kind::Info,
        Kind::Counter,
        Kind::Histogram,
        Kind::GaugeHistogram,
        Kind::StateSet,
        Kind::Unknown,
    ];
    assert_eq!(kinds, expected);
    let took = page.family("took_seconds").unwrap();
    assert_eq!(took.unit.as_deref(), Some("seconds"));
    let server = page.family("server").unwrap();
    assert_eq!(server.help.as_deref(), Some("A \"name\""));
    assert_eq!(
        page.value("took_seconds_bucket", &[("le", "1.0")]),
        Some(1.0)
    );
    accepted(OpenMetrics1, "# EOF\n");
}

#[test]
fn look_ups() {
    let page = accepted(OpenMetrics1, OPEN);
    assert_eq!(page.find("in_total", &[]).len(), 2);
    assert_eq!(page.find("in", &[]).len(), 0);
    let a = [("server", "a")];
    assert_eq!(page.find("in_total", &a).len(), 1);
    assert_eq!(page.sample("in_total", &[]), None);
    let found = page.sample("in_total", &a).unwrap();
    assert_eq!(found.text, "18446744073709551615");
    assert_eq!(page.sample("state", &[("state", "on")]), None);
    let both = [("a", "1"), ("state", "on")];
    assert_eq!(page.sample("state", &both).unwrap().value, 1.0);
    let error = page.only("in_total", &[]).unwrap_err();
    let expected = "2 samples match in_total; exactly one should";
    assert_eq!((error.found, error.to_string()), (2, expected.to_owned()));
    let error = page.only("in_total", &[("server", "\"")]).unwrap_err();
    let expected = "0 samples match in_total{server=\"\\\"\"}; exactly one should";
    assert_eq!(error.to_string(), expected);
    assert_eq!(page.value("in_total", &[]), None);
    let keys = page.series_keys();
    assert_eq!(keys.len(), page.series());
    assert_eq!(keys["state{a=\"1\",state=\"off\"}"], "0");
    assert_eq!(keys["odd"], "-Inf");
}

/// One family as the random page has it: help, and the labels and value of each sample.
type Plan = (String, Vec<(Vec<(String, String)>, f64)>);

fn escaped(text: &str, quotes: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if quotes {
        text.replace('"', "\\\"")
    } else {
        text
    }
}

/// The simplest writer there can be, to check the reader against something that shares no code with it.
fn write(plans: &[Plan], format: Format) -> String {
    let mut page = String::new();
    for (number, (help, samples)) in plans.iter().enumerate() {
        let help = escaped(help, format == OpenMetrics1);
        page += &format!("# HELP f{number} {help}\n# TYPE f{number} gauge\n");
        for (place, (labels, value)) in samples.iter().enumerate() {
            page += &format!("f{number}{{place=\"{place}\"");
            for (name, value) in labels {
                page += &format!(",{name}=\"{}\"", escaped(value, true));
            }
            let value = match *value {
                v if v.is_nan() => "NaN".to_owned(),
                f64::INFINITY => "+Inf".to_owned(),
                f64::NEG_INFINITY => "-Inf".to_owned(),
                v => format!("{v:?}"),
            };
            page += &format!("}} {value}\n");
        }
    }
    page + if format == OpenMetrics1 {
        "# EOF\n"
    } else {
        ""
    }
}

/// Any text but carriage returns, which a page cannot hold; many of those characters that need care.
fn any_text() -> impl Strategy<Value = String> {
    let awkward = prop::sample::select(vec!['"', '\\', '\n', '{', '}', ',', '=', '#', ' ', '😀']);
    let char = prop_oneof![awkward, any::<char>()].prop_filter("not on a page", |c| *c != '\r');
    prop::collection::vec(char, 0..12).prop_map(|chars| chars.into_iter().collect())
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let labels = prop::collection::btree_map("[a-zA-Z][a-zA-Z0-9_]{0,6}", any_text(), 0..4);
    let labels = labels.prop_map(|mut labels| {
        labels.remove("place");
        labels.into_iter().collect()
    });
    let value = prop::num::f64::ANY;
    let samples = prop::collection::vec((labels, value), 0..6);
    (any_text().prop_map(|text| text + "."), samples)
}

proptest! {
    #[test]
    fn a_page_reads_back(plans in prop::collection::vec(any_plan(), 0..5), open: bool) {
        let format = if open { OpenMetrics1 } else { Text004 };
        let page = accepted(format, &write(&plans, format));
        prop_assert_eq!(page.families.len(), plans.len());
        for (family, (help, samples)) in page.families.iter().zip(&plans) {
            prop_assert_eq!(family.help.as_ref(), Some(help));
            prop_assert_eq!(family.samples.len(), samples.len());
            for (sample, (labels, value)) in family.samples.iter().zip(samples) {
                prop_assert_eq!(&sample.labels[1..], &labels[..]);
                let same = sample.value == *value || sample.value.is_nan() && value.is_nan();
                prop_assert!(same, "{} for {value}", sample.value);
            }
        }
        prop_assert_eq!(page.series_keys().len(), page.series());
    }

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>, text in "[# xTYPEHLgau{}=\",\\\\1é\n]{0,40}") {
        for format in [Text004, OpenMetrics1] {
            let _ = read(&bytes, format);
            for start in ["", "x", "x{a=\"", "x 1", "# HELP y ", "# TYPE "] {
                let _ = read(family("gauge", &format!("{start}{text}\n")).as_bytes(), format);
            }
        }
    }
}
