//! However the body arrives, it gives the same page or is refused.

use proptest::prelude::*;

use super::*;

#[test]
fn any_cut_into_chunks_gives_the_same_page() {
    let body = rich();
    for name in NAMES {
        let mut decoder = collector(name);
        let whole = run(&mut *decoder, &newest(), &[body.as_bytes()]);
        assert!(!whole.as_ref().unwrap().0.is_empty());
        for cut in 0..=body.len() {
            let (first, second) = body.as_bytes().split_at(cut);
            let parts = run(&mut *decoder, &newest(), &[first, second]);
            assert_eq!(parts, whole, "{name} {cut}");
        }
        let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
        assert_eq!(run(&mut *decoder, &newest(), &bytes), whole, "{name}");
    }
}

#[test]
fn a_body_cut_at_any_byte_is_refused_and_harms_nothing() {
    let body = rich();
    for name in NAMES {
        let mut decoder = collector(name);
        let whole = run(&mut *decoder, &newest(), &[body.as_bytes()]);
        for cut in 0..body.len() {
            let result = run(&mut *decoder, &newest(), &[&body.as_bytes()[..cut]]);
            let truncated = matches!(result, Err(DecodeError::Truncated { .. }));
            assert!(truncated, "{name} {cut}: {result:?}");
        }
        let after = run(&mut *decoder, &newest(), &[body.as_bytes()]);
        assert_eq!(after, whole, "{name}");
    }
}

#[test]
fn pretty_and_compact_bodies_are_the_same() {
    let compact = rich();
    // The tree also sorts the keys: arrays come before the names that label their elements.
    let tree: serde_json::Value = serde_json::from_str(&compact).unwrap();
    let pretty = serde_json::to_string_pretty(&tree).unwrap();
    for name in NAMES {
        let expected = page_of(name, &compact);
        assert_eq!(page_of(name, &pretty), expected);
        let blanks = pretty.replace('\n', " \r\n\t");
        assert_eq!(page_of(name, &blanks), expected);
    }
}

#[test]
fn what_is_no_object_is_refused() {
    let nested = "[".repeat(200_000);
    let inside = format!(r#"{{"a":{nested}"#);
    let zeros = "\0".repeat(1 << 16);
    for body in [
        "",
        "null",
        "[]",
        "0",
        "\"x\"",
        "<html>",
        "{}}",
        "{} x",
        "{,}",
        "{\"a\"}",
        "{\"a\":1,}",
        &nested,
        &inside,
        &zeros,
    ] {
        for name in NAMES {
            let result = run(&mut *collector(name), &newest(), &[body.as_bytes()]);
            assert!(result.is_err(), "{body:.20}");
        }
    }
}

/// Writes a tree with the keys of each object in another order and odd white space.
fn shuffled(value: &serde_json::Value, seed: &mut u64, out: &mut String) {
    match value {
        serde_json::Value::Object(map) => {
            let mut keys: Vec<_> = map.iter().collect();
            for place in (1..keys.len()).rev() {
                *seed = seed.wrapping_mul(6_364_136_223_846_793_005) + 1;
                keys.swap(place, (*seed >> 33) as usize % (place + 1));
            }
            let mut before = "{ ";
            for (key, value) in keys {
                out.push_str(before);
                out.push_str(&serde_json::Value::from(key.as_str()).to_string());
                out.push_str("\t:\n");
                shuffled(value, seed, out);
                before = " ,\r";
            }
            out.push('}');
        }
        serde_json::Value::Array(list) => {
            out.push('[');
            for (place, value) in list.iter().enumerate() {
                out.push_str(if place == 0 { "" } else { " ," });
                shuffled(value, seed, out);
            }
            out.push_str(" ]");
        }
        other => out.push_str(&other.to_string()),
    }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_order_of_keys_and_any_chunks_give_the_same_page(
        seed in 0..u64::MAX / 2,
        size in 1usize..400,
    ) {
        let compact = rich();
        let tree: serde_json::Value = serde_json::from_str(&compact).unwrap();
        let (mut body, mut seed) = (String::new(), seed);
        shuffled(&tree, &mut seed, &mut body);
        for name in NAMES {
            let chunks: Vec<&[u8]> = body.as_bytes().chunks(size).collect();
            let parts = run(&mut *collector(name), &newest(), &chunks).unwrap();
            prop_assert_eq!(parts, once(name, &compact));
        }
    }

    #[test]
    fn broken_bytes_do_not_panic(place: usize, byte: u8, size in 1usize..100) {
        let mut body = rich().into_bytes();
        let place = place % body.len();
        body[place] = byte;
        for name in NAMES {
            let chunks: Vec<&[u8]> = body.chunks(size).collect();
            let _ = run(&mut *collector(name), &newest(), &chunks);
        }
    }
}
