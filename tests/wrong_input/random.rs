//! Bodies broken at random.

use proptest::prelude::*;

use super::bodies::REAL;
use super::*;

/// One way to break a body.
#[derive(Clone, Debug)]
enum Break {
    Flip(usize, u8),
    Cut(usize),
    Remove(usize, usize),
    Swap(usize, usize, usize),
    Insert(usize, &'static str),
}

fn breaks() -> impl Strategy<Value = Break> {
    let tokens = prop::sample::select(vec![
        "\"",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "-",
        "e9",
        "null",
        "\u{0}",
        "\r",
        "\n",
        "é",
        "999999999999999999999",
        "[[[[",
    ]);
    prop_oneof![
        (any::<usize>(), 1u8..).prop_map(|(at, bits)| Break::Flip(at, bits)),
        any::<usize>().prop_map(Break::Cut),
        (any::<usize>(), 1usize..40).prop_map(|(at, count)| Break::Remove(at, count)),
        (any::<usize>(), any::<usize>(), 1usize..20)
            .prop_map(|(a, b, count)| Break::Swap(a, b, count)),
        (any::<usize>(), tokens).prop_map(|(at, token)| Break::Insert(at, token)),
    ]
}

fn broken(how: &[Break]) -> Vec<u8> {
    let mut body = REAL.as_bytes().to_vec();
    for step in how {
        let len = body.len().max(1);
        match step {
            _ if body.is_empty() => {}
            Break::Flip(at, bits) => body[at % len] ^= bits,
            Break::Cut(at) => body.truncate(at % len),
            Break::Remove(at, count) => {
                let at = at % len;
                body.drain(at..(at + count).min(len));
            }
            Break::Swap(a, b, count) => {
                for step in 0..*count {
                    body.swap((a % len + step) % len, (b % len + step) % len);
                }
            }
            Break::Insert(at, token) => {
                let at = at % len;
                body.splice(at..at, token.bytes());
            }
        }
    }
    body
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever becomes of the body, `Bench::tell` reads the page strictly and knows the reason.
    #[test]
    fn a_body_broken_at_random_never_breaks_the_page(
        bodies in prop::collection::vec(prop::collection::vec(breaks(), 1..4), 16)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut bench = Bench::new().await;
            for how in &bodies {
                bench.tell_body(broken(how)).await;
            }
            bench.is_well().await;
        });
    }
}
