//! The keys of `collect` that limit series, from file to page.

use natsight::config::{self, Flags, PATTERNS_MAX, PatternPlan, Plan, Warning};

fn load(text: &str) -> Result<(Plan, Vec<Warning>), String> {
    config::load(Some(("f", text)), &[], &Flags::default()).map_err(|mistakes| {
        let lines: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        lines.join("\n")
    })
}

#[test]
fn patterns_and_limits_are_read() {
    let text = "collect:\n  allow: [{account: APP, stream: 'ORDERS*'}, {consumer: b}]\n  deny:\n    - stream: ' KV_* '\n  \
                series_max: 2000\n  series_new_max: 3000\n";
    let (plan, warnings) = load(text).unwrap();
    let pattern = |account: &str, stream: &str, consumer: &str| {
        let part = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        PatternPlan {
            account: part(account),
            stream: part(stream),
            consumer: part(consumer),
        }
    };
    let collect = plan.collect;
    assert_eq!(
        collect.allow,
        [pattern("APP", "ORDERS*", ""), pattern("", "", "b")]
    );
    assert_eq!(collect.deny, [pattern("", "KV_*", "")]);
    assert_eq!((collect.series_max, collect.series_new_max), (2_000, 3_000));
    assert_eq!(warnings, []);
    let (plan, _) = load("").unwrap();
    assert_eq!(plan.collect.series_max, 50_000);
    assert_eq!(plan.collect.series_new_max, 100_000);
    let (raised, _) = load("collect: {series_max: 200000}").unwrap();
    assert_eq!(raised.collect.series_new_max, 400_000);
    assert!(plan.collect.allow.is_empty() && plan.collect.deny.is_empty());
}

#[test]
fn mistakes_in_patterns_are_told_with_their_places() {
    let text = "collect:\n  allow:\n    - {stream: 'a b'}\n    - {}\n    - x\n    - {streem: a}\n  deny:\n    - {consumer: 'x>', account: ''}\n  \
                series_max: 10\n  series_new_max: many\n";
    let expected = [
        r#"f:3:16: collect.allow[0].stream is "a b"; no name of a stream or consumer has blanks, >, / or \; write one such as ORDERS*"#,
        "f:4:7: collect.allow[1] is empty; write an account, a stream or a consumer into it",
        r#"f:5:7: collect.allow[2] is "x"; write keys below it: account, stream, consumer"#,
        "f:6:7: collect.allow[3] is empty; write an account, a stream or a consumer into it",
        r#"f:6:8: "streem" in collect.allow[3] is not a key; did you mean stream?"#,
        r#"f:8:18: collect.deny[0].consumer is "x>"; no name of a stream or consumer has blanks, >, / or \; write one such as *_test"#,
        "f:8:33: collect.deny[0].account is empty; write something, or leave the key out",
        "f:9:15: collect.series_max is 10; it must be 1000 to 10000000, for example 50000",
        r#"f:10:19: collect.series_new_max is "many"; write a whole number such as 100000"#,
    ];
    assert_eq!(load(text).unwrap_err(), expected.join("\n"));
    let many = format!(
        "collect: {{deny: [{}]}}",
        "{account: a},".repeat(PATTERNS_MAX + 1)
    );
    let wrong = load(&many).unwrap_err();
    assert!(
        wrong.contains("collect.deny has 101 entries; 100 is the most"),
        "{wrong}"
    );
}

#[test]
fn a_pattern_that_matches_nothing_is_warned_of() {
    let (_, warnings) = load("collect: {allow: [{account: 'a.b', stream: ORDERS.*}]}").unwrap();
    let said: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            r#"warning: collect.allow[0].stream is "ORDERS.*" and matches nothing: names of streams and consumers have no dots; * alone stands for any part"#
        ]
    );
}
