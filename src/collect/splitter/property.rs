//! Any document, however it is cut, against what `serde_json` reads in the whole of it.

use std::fmt;

use fastrand::Rng;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::super::decode;
use super::*;

/// JSON as it stands in a text: words, strings and keys with their quotes and escapes.
#[derive(Clone, Debug)]
enum Json {
    Word(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// What was read: objects keep the order of their keys, and those that stand twice.
#[derive(Clone, Debug, PartialEq)]
enum Tree {
    /// A number, `true`, `false` or `null`.
    Word(String),
    Text(String),
    Array(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

/// What the splitter tells, or should tell.
#[derive(Clone, Debug, PartialEq)]
enum Event {
    Member(usize, String),
    Element(usize, &'static str, Tree),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Tree;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E>(self) -> Result<Tree, E> {
                Ok(Tree::Word("null".to_owned()))
            }
            fn visit_bool<E>(self, flag: bool) -> Result<Tree, E> {
                Ok(Tree::Word(flag.to_string()))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
                Ok(Tree::Word(number.to_string()))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
                Ok(Tree::Word(number.to_string()))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
                Ok(Tree::Word(format!("{number:?}")))
            }
            fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
                Ok(Tree::Text(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Tree, A::Error> {
                let items = std::iter::from_fn(|| seq.next_element().transpose());
                items.collect::<Result<_, _>>().map(Tree::Array)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
                let members = std::iter::from_fn(|| map.next_entry().transpose());
                members.collect::<Result<_, _>>().map(Tree::Object)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

const fn leaf(key: &'static str) -> Cut {
    Cut { key, inside: &[] }
}

const NESTED: &[Cut] = &[Cut {
    key: "outer",
    inside: &[leaf("inner")],
}];
const SEVERAL: &[Cut] = &[
    leaf("inner"),
    Cut {
        key: "outer",
        inside: &[leaf("inner"), leaf("list")],
    },
];
const MEMBERS: &[Cut] = &[Cut {
    key: EACH,
    inside: &[
        Cut {
            key: EACH,
            inside: &[leaf("inner")],
        },
        Cut {
            key: EACH_ARRAY,
            inside: &[leaf("inner")],
        },
    ],
}];
const LISTS: &[Cut] = &[
    leaf("list"),
    Cut {
        key: EACH_ARRAY,
        inside: &[leaf("inner"), leaf("list")],
    },
];
/// What is cut, and whether elements inside an object below the root wait until it has told its `name`. There are no names
/// where arrays are cut at any key, as in no answer of the broker: such an array cannot wait.
const TABLES: [(&[Cut], bool); 5] = [
    (NESTED, true),
    (NESTED, false),
    (SEVERAL, true),
    (MEMBERS, false),
    (LISTS, false),
];

/// The order of events, by the tree alone.
struct Model {
    waits: bool,
    events: Vec<Event>,
}

/// A document that is not of the form, or an object without a name.
#[derive(Debug)]
struct Refused;

impl Model {
    fn object(
        &mut self,
        members: &[(String, Tree)],
        cuts: &'static [Cut],
        depth: usize,
        key: &'static str,
    ) -> Result<(), Refused> {
        let (mut seen, mut held, mut known) = (Vec::new(), Vec::new(), false);
        for (name, value) in members {
            let find = |key: &str| cuts.iter().find(|cut| cut.key == key);
            match value {
                Tree::Object(inside) if find(EACH).is_some() => {
                    self.events.push(Event::Member(depth + 1, name.clone()));
                    let cuts = find(EACH).map_or(cuts, |cut| cut.inside);
                    self.object(inside, cuts, depth + 1, EACH)?;
                    seen.push((String::new(), Tree::Word("0".to_owned())));
                }
                Tree::Array(items) => {
                    let named = find(name).filter(|cut| ![EACH, EACH_ARRAY].contains(&cut.key));
                    let Some(cut) = named.or_else(|| find(EACH_ARRAY)) else {
                        seen.push((name.clone(), value.clone()));
                        continue;
                    };
                    let mut name = name.clone();
                    if cut.key == EACH_ARRAY {
                        let name = std::mem::take(&mut name);
                        self.events.push(Event::Member(depth + 1, name));
                    }
                    seen.push((name, Tree::Array(Vec::new())));
                    known |= self.known(depth, &seen);
                    if known || !matches!(items.first(), Some(Tree::Object(_))) {
                        self.elements(items, cut, depth + 1)?;
                    } else {
                        held.push((items, cut));
                    }
                }
                _ => seen.push((name.clone(), value.clone())),
            }
        }
        for (items, cut) in held {
            if !self.known(depth, &seen) {
                return Err(Refused);
            }
            self.elements(items, cut, depth + 1)?;
        }
        self.events
            .push(Event::Element(depth, key, Tree::Object(seen)));
        Ok(())
    }

    fn elements(&mut self, items: &[Tree], cut: &'static Cut, depth: usize) -> Result<(), Refused> {
        for item in items {
            let Tree::Object(members) = item else {
                return Err(Refused);
            };
            self.object(members, cut.inside, depth, cut.key)?;
        }
        Ok(())
    }

    fn known(&self, depth: usize, seen: &[(String, Tree)]) -> bool {
        !self.waits || depth == 0 || seen.iter().any(|(name, _)| name == "name")
    }
}

type Told = (Vec<Event>, bool);

/// What should be told of a tree, and whether it should be taken.
fn expected(tree: &Tree, (cuts, waits): (&'static [Cut], bool)) -> Told {
    let events = Vec::new();
    let mut model = Model { waits, events };
    let taken = match tree {
        Tree::Object(members) => model.object(members, cuts, 0, "").is_ok(),
        _ => false,
    };
    (model.events, taken)
}

/// Notes what the splitter tells.
struct Notes {
    waits: bool,
    /// Whether what stands whole in a chunk is taken where it stands.
    direct: bool,
    events: Vec<Event>,
}

impl Elements for Notes {
    fn head(&mut self, depth: usize, head: &[u8], offset: u64) -> Result<Labels, DecodeError> {
        let tree: Tree = decode::element(head, offset)?;
        let Tree::Object(members) = tree else {
            panic!("a head is an object");
        };
        let named = members.iter().any(|(name, _)| name == "name");
        Ok(match !self.waits || depth == 0 || named {
            true => Labels::Known,
            false => Labels::Missing,
        })
    }

    fn member(&mut self, depth: usize, key: &str) {
        self.events.push(Event::Member(depth, key.to_owned()));
    }

    fn whole(
        &mut self,
        key: &'static str,
        text: &str,
        _offset: u64,
    ) -> Result<Option<usize>, DecodeError> {
        let found = decode::first(text).filter(|_| self.direct);
        Ok(found.map(|(tree, used)| {
            // The depth is not told: see `leaf_depths`.
            self.events.push(Event::Element(0, key, tree));
            used
        }))
    }

    fn element(
        &mut self,
        depth: usize,
        key: &'static str,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), DecodeError> {
        let tree = decode::element(bytes, offset)?;
        self.events.push(Event::Element(depth, key, tree));
        Ok(())
    }
}

/// Feeds chunks of these sizes, over and over; gives what was told, and whether the body was taken.
fn split(
    (cuts, waits): (&'static [Cut], bool),
    body: &[u8],
    sizes: &[usize],
    direct: bool,
) -> Told {
    let mut splitter = Splitter::new(cuts);
    let mut notes = Notes {
        waits,
        direct,
        events: Vec::new(),
    };
    let (mut rest, mut sizes) = (body, sizes.iter().cycle());
    while !rest.is_empty() {
        let size = sizes.next().map_or(rest.len(), |size| *size);
        let (chunk, after) = rest.split_at(size.clamp(1, rest.len()));
        if splitter.feed(chunk, &mut notes).is_err() {
            return (notes.events, false);
        }
        rest = after;
    }
    (notes.events, splitter.finish().is_ok())
}

/// Events without the depths of elements that may be taken where they stand.
fn leaf_depths((mut events, taken): Told) -> Told {
    for event in &mut events {
        if let Event::Element(depth, "inner" | "list", _) = event {
            *depth = 0;
        }
    }
    (events, taken)
}

fn word() -> impl Strategy<Value = Json> {
    let number = "-?(0|[1-9][0-9]{0,19})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?";
    prop_oneof![
        select(vec!["null", "true", "false", "0", "-0"]).prop_map(str::to_owned),
        number,
        text(),
    ]
    .prop_map(Json::Word)
}

/// A string with its quotes: letters, what has a meaning outside strings, escapes of each kind.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        select(vec![
            "a", "xyz", " ", "[", "]", "{", "}", ":", ",", "[{", "}]", "é", "🚀", "\u{7f}"
        ]),
        select(vec![
            r#"\""#,
            r"\\",
            r"\/",
            r"\b",
            r"\n",
            r"\u0022",
            r"\u005C",
            r"\u00e9",
            r"\ud83d\ude80"
        ]),
    ];
    vec(piece, 0..6).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn cut_key() -> impl Strategy<Value = String> {
    let escaped = [r#""o\u0075ter""#, r#""\u0069nner""#, r#""lis\u0074""#];
    prop_oneof![
        4 => Just(r#""outer""#),
        4 => Just(r#""inner""#),
        2 => Just(r#""list""#),
        1 => select(escaped.to_vec()),
    ]
    .prop_map(str::to_owned)
}

fn name_key() -> impl Strategy<Value = String> {
    select(vec![r#""name""#, r#""name""#, r#""n\u0061me""#]).prop_map(str::to_owned)
}

fn key() -> impl Strategy<Value = String> {
    let special = [r#""*""#, r#""*[]""#, r#""""#];
    prop_oneof![
        1 => select(special.to_vec()).prop_map(str::to_owned),
        1 => cut_key(),
        4 => text(),
    ]
}

fn value(depth: u32) -> BoxedStrategy<Json> {
    let Some(below) = depth.checked_sub(1) else {
        return word().boxed();
    };
    prop_oneof![
        4 => word(),
        1 => vec(value(below), 0..3).prop_map(Json::Array),
        1 => object(below),
        1 => objects(below),
    ]
    .boxed()
}

fn objects(depth: u32) -> impl Strategy<Value = Json> {
    vec(object(depth), 0..4).prop_map(Json::Array)
}

fn object(depth: u32) -> BoxedStrategy<Json> {
    let Some(below) = depth.checked_sub(1) else {
        return vec((key(), word()), 0..3).prop_map(Json::Object).boxed();
    };
    let cut = (cut_key(), objects(below));
    let name = (name_key(), word());
    let other = prop_oneof![
        1 => (cut_key(), value(below)),
        4 => (key(), value(below)),
    ];
    let member = prop_oneof![4 => cut, 3 => name, 3 => other];
    vec(member, 0..6).prop_map(Json::Object).boxed()
}

/// A document: most have something to cut.
fn document() -> impl Strategy<Value = Json> {
    object(3)
}

/// Writes a document with blanks anywhere: in some texts many, in some none.
struct Writer {
    rng: Rng,
    blanks: u8,
    text: String,
}

impl Writer {
    fn written(json: &Json, seed: u64) -> String {
        let mut rng = Rng::with_seed(seed);
        let mut writer = Writer {
            blanks: rng.u8(0..4),
            rng,
            text: String::new(),
        };
        writer.value(json);
        writer.blank();
        writer.text
    }

    fn blank(&mut self) {
        if self.rng.u8(0..6) < self.blanks {
            let blanks = [" ", "\n", "\t", "\r\n", "   "];
            self.text += blanks[self.rng.usize(0..blanks.len())];
        }
    }

    fn token(&mut self, token: &str) {
        self.blank();
        self.text += token;
    }

    fn value(&mut self, json: &Json) {
        match json {
            Json::Word(word) => self.token(word),
            Json::Array(items) => {
                self.token("[");
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        self.token(",");
                    }
                    self.value(item);
                }
                self.token("]");
            }
            Json::Object(members) => {
                self.token("{");
                for (place, (key, value)) in members.iter().enumerate() {
                    if place > 0 {
                        self.token(",");
                    }
                    self.token(key);
                    self.token(":");
                    self.value(value);
                }
                self.token("}");
            }
        }
    }
}

/// Ways to cut a body: whole, byte by byte, as drawn.
fn ways(sizes: &[usize]) -> [&[usize]; 3] {
    [&[], &[1], sizes]
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![1..4_usize, 1..80_usize], 1..8)
}

/// A byte of a body is lost, another, one too many, or not there with all that follow.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Lost,
    Changed(u8),
    Inserted(u8),
    End,
}

/// Bytes that mean something.
const TOKENS: &[u8] = b"\"\\{}[],: 0x";

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::Lost),
        Just(Fault::End),
        any::<u8>().prop_map(Fault::Changed),
        select(TOKENS).prop_map(Fault::Changed),
        select(TOKENS).prop_map(Fault::Inserted),
    ]
}

fn broken(mut body: Vec<u8>, place: usize, fault: Fault) -> Vec<u8> {
    match fault {
        Fault::Lost => drop(body.remove(place)),
        Fault::Changed(byte) => body[place] = byte,
        Fault::Inserted(byte) => body.insert(place, byte),
        Fault::End => body.truncate(place),
    }
    body
}

/// The bytes up to the one at which `serde_json` stops.
fn valid_prefix<'b>(body: &'b [u8], error: &serde_json::Error) -> &'b [u8] {
    let lines = body.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines.take(error.line() - 1).map(<[u8]>::len).sum();
    &body[..body.len().min(before + error.column())]
}

/// Puts the name first and leaves one array to cut in an object, with no other that a lost bracket could bring there: then what
/// is broken is noticed before anything is told of what comes after it.
fn orderly(json: &mut Json, cuts: &'static [Cut]) {
    match json {
        Json::Word(_) => {}
        Json::Array(items) => items.iter_mut().for_each(|item| orderly(item, cuts)),
        Json::Object(members) => {
            let mut keys = std::collections::HashSet::new();
            let mut kept = Vec::new();
            for (key, mut value) in members.drain(..) {
                let name: String = serde_json::from_str(&key).unwrap();
                let cut = cuts.iter().find(|cut| cut.key == name);
                if cut.is_none() && ["outer", "inner"].contains(&name.as_str()) {
                    continue;
                }
                orderly(&mut value, cut.map_or(&[], |cut| cut.inside));
                if keys.insert(name) {
                    kept.push((key, value));
                }
            }
            kept.sort_by_key(|(key, _)| !name_key_is(key));
            *members = kept;
        }
    }
}

fn name_key_is(key: &str) -> bool {
    serde_json::from_str(key).is_ok_and(|name: String| name == "name")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_document_gives_what_serde_reads_in_it(json in document(), seed: u64, sizes in sizes()) {
        let text = Writer::written(&json, seed);
        let tree: Tree = serde_json::from_str(&text).unwrap();
        for table in TABLES {
            let expected = expected(&tree, table);
            for sizes in ways(&sizes) {
                let found = split(table, text.as_bytes(), sizes, false);
                prop_assert_eq!(&found, &expected, "{} {:?} {:?}", text, table, sizes);
                let direct = leaf_depths(split(table, text.as_bytes(), sizes, true));
                let expected = leaf_depths(expected.clone());
                prop_assert_eq!(direct, expected, "{} {:?} {:?}", text, table, sizes);
            }
        }
    }

    #[test]
    fn a_broken_document_gives_no_more_than_its_valid_beginning(
        mut json in document(),
        seed: u64,
        sizes in sizes(),
        place: prop::sample::Index,
        fault in fault(),
        is_orderly: bool,
    ) {
        if is_orderly {
            orderly(&mut json, NESTED);
        }
        let body = Writer::written(&json, seed).into_bytes();
        let body = broken(body.clone(), place.index(body.len()), fault);
        let text = String::from_utf8_lossy(&body);
        let tree = serde_json::from_slice::<Tree>(&body);
        for (place, table) in TABLES.into_iter().enumerate() {
            let found = split(table, &body, &sizes, false);
            let direct = leaf_depths(split(table, &body, &[], true));
            prop_assert_eq!(&direct, &leaf_depths(found.clone()), "{} {:?}", text, table);
            match &tree {
                Ok(tree) => prop_assert_eq!(found, expected(tree, table), "{} {:?}", text, table),
                Err(error) => {
                    let (events, taken) = found;
                    let (before, _) = split(table, valid_prefix(&body, error), &[], false);
                    prop_assert!(!taken, "{} {:?}", text, table);
                    prop_assert!(events.starts_with(&before), "{} {:?}", text, table);
                    if is_orderly && place == 0 {
                        prop_assert_eq!(events.len(), before.len(), "{} {:?}", text, table);
                    }
                }
            }
        }
    }
}
