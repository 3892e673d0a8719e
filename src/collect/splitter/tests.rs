//! Any cut, order, white space and fault.

use super::*;

const CUTS: &[Cut] = &[Cut {
    key: "outer",
    inside: &[Cut {
        key: "inner",
        inside: &[],
    }],
}];

/// Notes what it is given; an object of `outer` is known by its `name`.
#[derive(Default)]
struct Notes {
    elements: Vec<String>,
    heads: usize,
}

impl Elements for Notes {
    fn head(&mut self, depth: usize, head: &[u8], _: u64) -> Result<Labels, DecodeError> {
        self.heads += 1;
        let tree: serde_json::Value = serde_json::from_slice(head).unwrap();
        Ok(if depth == 0 || tree.get("name").is_some() {
            Labels::Known
        } else {
            Labels::Missing
        })
    }

    fn element(
        &mut self,
        depth: usize,
        key: &'static str,
        bytes: &[u8],
        _: u64,
    ) -> Result<(), DecodeError> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        self.elements.push(format!("{depth} {key} {text}"));
        Ok(())
    }
}

fn split(splitter: &mut Splitter, body: &str, size: usize) -> Result<Notes, DecodeError> {
    let mut notes = Notes::default();
    splitter.reset();
    for chunk in body.as_bytes().chunks(size) {
        splitter.feed(chunk, &mut notes)?;
    }
    splitter.finish()?;
    Ok(notes)
}

fn elements(body: &str) -> Vec<String> {
    let mut splitter = Splitter::new(CUTS);
    let whole = split(&mut splitter, body, body.len()).unwrap().elements;
    for size in 1..body.len() {
        let parts = split(&mut splitter, body, size).unwrap().elements;
        assert_eq!(parts, whole, "{size}");
    }
    whole
}

fn small(element_max: usize, held_max: usize) -> Splitter {
    Splitter {
        element_max,
        held_max,
        ..Splitter::new(CUTS)
    }
}

fn fault(splitter: &mut Splitter, body: &str) -> DecodeError {
    split(splitter, body, 7).map(|_| ()).unwrap_err()
}

/// Takes what stands whole in a chunk where it stands.
#[derive(Default)]
struct Direct {
    notes: Notes,
    taken: usize,
}

impl Elements for Direct {
    fn head(&mut self, depth: usize, head: &[u8], offset: u64) -> Result<Labels, DecodeError> {
        self.notes.head(depth, head, offset)
    }

    fn whole(
        &mut self,
        key: &'static str,
        text: &str,
        offset: u64,
    ) -> Result<Option<usize>, DecodeError> {
        let found = super::super::decode::first::<serde_json::Value>(text);
        let Some((_, used)) = found else {
            return Ok(None);
        };
        self.taken += 1;
        self.notes
            .element(2, key, &text.as_bytes()[..used], offset)?;
        Ok(Some(used))
    }

    fn element(
        &mut self,
        depth: usize,
        key: &'static str,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), DecodeError> {
        self.notes.element(depth, key, bytes, offset)
    }
}

#[test]
fn an_element_is_the_same_where_it_stands_whole_in_a_chunk() {
    let body = r#"{"outer":[{"name":"x","inner":[{"b":"]}\""} , {"c":[{}]},{}]},{"name":"y","inner":[{"d":1.5e3}]}]}"#;
    let expected = elements(body);
    let mut taken = Vec::new();
    for size in 1..=body.len() {
        let mut splitter = Splitter::new(CUTS);
        let mut direct = Direct::default();
        for chunk in body.as_bytes().chunks(size) {
            splitter.feed(chunk, &mut direct).unwrap();
        }
        splitter.finish().unwrap();
        assert_eq!(direct.notes.elements, expected, "{size}");
        taken.push(direct.taken);
    }
    assert_eq!((taken.first(), taken.last()), (Some(&0), Some(&4)));
}

#[test]
fn a_fault_is_the_same_in_an_element_that_stands_whole() {
    for inner in [
        r#"{"b":x}"#,
        r#"{"b" 1}"#,
        r#"{"b":1}}"#,
        r#"{"b":1} {"#,
        "7",
    ] {
        let body = format!(r#"{{"outer":[{{"name":"x","inner":[{inner}]}}]}}"#);
        let slow = fault(&mut Splitter::new(CUTS), &body);
        let mut splitter = Splitter::new(CUTS);
        let fast = splitter.feed(body.as_bytes(), &mut Direct::default());
        assert_eq!(fast.unwrap_err(), slow, "{inner}");
    }
}

#[test]
fn elements_come_before_the_objects_around_them() {
    let body = r#"{"a":[1,{"outer":[2]}],"outer":[{"name":"x","inner":[{"b":"]}\""},{}]},{"inner":[]}],"c":{"outer":[3]}}"#;
    assert_eq!(
        elements(body),
        [
            r#"2 inner {"b":"]}\""}"#,
            "2 inner {}",
            r#"1 outer {"name":"x","inner":[]}"#,
            r#"1 outer {"inner":[]}"#,
            r#"0  {"a":[1,{"outer":[2]}],"outer":[],"c":{"outer":[3]}}"#,
        ]
    );
}

#[test]
fn labels_after_the_array_are_awaited() {
    let body = r#"{"outer":[{"inner":[{"b":[1,"]"]} , {"c":2}],"name":"x"}]}"#;
    assert_eq!(
        elements(body),
        [
            r#"2 inner {"b":[1,"]"]}"#,
            r#"2 inner {"c":2}"#,
            r#"1 outer {"inner":[],"name":"x"}"#,
            r#"0  {"outer":[]}"#,
        ]
    );
    let late = r#"{"outer":[{"inner":[{"b":"0123456789"}],"name":"x"}]}"#;
    assert!(split(&mut small(1000, 20), late, 7).is_ok());
    let error = fault(&mut small(1000, 12), late);
    assert_eq!(error, DecodeError::LabelsLate { max: 12 });
    let never = r#"{"outer":[{"inner":[{}]}]}"#;
    let error = fault(&mut Splitter::new(CUTS), never);
    assert_eq!(error.reason(), "syntax");
}

#[test]
fn heads_are_read_once_when_they_tell_the_labels() {
    let body = r#"{"outer":[{"name":"x","inner":[{},{},{},{}]}]}"#;
    let notes = split(&mut Splitter::new(CUTS), body, 5).unwrap();
    assert_eq!(notes.heads, 2);
}

#[test]
fn white_space_between_tokens_does_not_matter() {
    let pretty = "\n{ \"outer\"\t:\r\n [ { \"name\" : \"x y\" , \"inner\" : [ ] } , { } ] } \n";
    assert_eq!(
        elements(pretty),
        [
            r#"1 outer {"name":"x y","inner":[]}"#,
            "1 outer {}",
            r#"0  {"outer":[]}"#,
        ]
    );
}

#[test]
fn keys_may_be_escaped() {
    let body = r#"{"o\u0075ter":[{"a\"":1}],"\\":2}"#;
    assert_eq!(
        elements(body),
        [r#"1 outer {"a\"":1}"#, r#"0  {"o\u0075ter":[],"\\":2}"#]
    );
}

#[test]
fn null_and_empty_arrays_have_no_elements() {
    for list in ["null", "[]", "[ ]", "{}", "7", "\"x\""] {
        let body = format!(r#"{{"outer":{list}}}"#);
        assert_eq!(elements(&body).len(), 1, "{list}");
    }
}

#[test]
fn a_body_cut_at_any_byte_is_refused_and_forgotten() {
    let body = r#"{"outer":[{"inner":[{"b":"\"]"},{"c":[]}],"name":"x"},{}],"d":-1.5e3}"#;
    let mut splitter = Splitter::new(CUTS);
    for cut in 0..body.len() {
        let error = fault(&mut splitter, &body[..cut]);
        let offset = cut as u64;
        assert_eq!(error, DecodeError::Truncated { offset }, "{cut}");
    }
    assert!(split(&mut splitter, body, 3).is_ok());
}

#[test]
fn what_is_not_of_the_form_is_refused() {
    for body in [
        "[]",
        "7",
        "{} {}",
        "{}x",
        "{,}",
        r#"{"a" 1}"#,
        r#"{"a":}"#,
        r#"{"a":1 "b":2}"#,
        r#"{"a":1,}"#,
        r#"{"outer":[,]}"#,
        r#"{"outer":[{},]}"#,
        r#"{"outer":[{} {}]}"#,
        r#"{"outer":[7]}"#,
        r#"{"outer":[{}, 7]}"#,
        r#"{"outer":[}"#,
    ] {
        let error = fault(&mut Splitter::new(CUTS), body);
        assert_eq!(error.reason(), "syntax", "{body}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!(r#"{{"outer":[{{"a":{open}{close}}}]}}"#)
    };
    let mut splitter = Splitter::new(CUTS);
    assert!(split(&mut splitter, &nested(DEPTH_MAX), 7).is_ok());
    let error = fault(&mut splitter, &nested(DEPTH_MAX + 1));
    assert_eq!(error.reason(), "deep");
}

#[test]
fn a_large_element_is_refused_but_many_small_ones_are_not() {
    let large = format!(r#"{{"outer":[{{"a":"{}"}}]}}"#, "x".repeat(100));
    let error = fault(&mut small(100, 100), &large);
    assert_eq!(error, DecodeError::ElementTooLarge { max: 100 });
    let many = format!(r#"{{"outer":[{}{{}}]}}"#, r#"{"a":1},"#.repeat(1000));
    let notes = split(&mut small(100, 100), &many, 64).unwrap();
    assert_eq!(notes.elements.len(), 1002);
    let key = format!(r#"{{"{}":1}}"#, "k".repeat(200));
    assert_eq!(
        fault(&mut small(100, 100), &key).reason(),
        "element_too_large"
    );
    let number = format!(r#"{{"a":{}}}"#, "1".repeat(200));
    assert_eq!(
        fault(&mut small(100, 100), &number).reason(),
        "element_too_large"
    );
}

#[test]
fn large_buffers_are_given_back() {
    let mut splitter = Splitter::new(CUTS);
    let large = format!(
        r#"{{"outer":[{{"a":"{}"}},{{}}]}}"#,
        "x".repeat(BUFFER_KEPT)
    );
    split(&mut splitter, &large, 4096).unwrap();
    splitter.reset();
    assert!(
        splitter
            .spare
            .iter()
            .all(|buffer| buffer.capacity() <= BUFFER_KEPT)
    );
}

#[derive(Default)]
struct Members(Vec<String>);

impl Elements for Members {
    fn head(&mut self, _: usize, _: &[u8], _: u64) -> Result<Labels, DecodeError> {
        Ok(Labels::Known)
    }

    fn member(&mut self, depth: usize, key: &str) {
        self.0.push(format!("{depth} {key}"));
    }

    fn element(
        &mut self,
        depth: usize,
        _: &'static str,
        bytes: &[u8],
        _: u64,
    ) -> Result<(), DecodeError> {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        self.0.push(format!("{depth} {text}"));
        Ok(())
    }
}

#[test]
fn members_under_any_key_are_cut_out() {
    const MAPS: &[Cut] = &[Cut {
        key: EACH,
        inside: &[Cut {
            key: EACH,
            inside: &[],
        }],
    }];
    let body =
        r#"{"a\"}": {"g": {"x": {"y": [{}]}}, "n": 1}, "list": [{"no": 1}], "b\n": {}, "c": null}"#;
    let expected = [
        "1 a\"}",
        "2 g",
        r#"2 {"x":{"y": [{}]}}"#,
        r#"1 {"":0,"n":1}"#,
        "1 b\n",
        "1 {}",
        r#"0 {"":0,"list":[{"no": 1}],"":0,"c":null}"#,
    ];
    let mut splitter = Splitter::new(MAPS);
    for size in 1..body.len() {
        let mut members = Members::default();
        splitter.reset();
        for chunk in body.as_bytes().chunks(size) {
            splitter.feed(chunk, &mut members).unwrap();
        }
        splitter.finish().unwrap();
        assert_eq!(members.0, expected, "{size}");
    }
    let mut members = Members::default();
    splitter.reset();
    let cut = splitter.feed(br#"{"a": {"g": {"x": "#, &mut members);
    assert!(cut.is_ok() && splitter.finish().is_err());
}

#[test]
fn arrays_under_any_key_are_taken_apart() {
    const LISTS: &[Cut] = &[
        Cut {
            key: "named",
            inside: &[],
        },
        Cut {
            key: EACH_ARRAY,
            inside: &[Cut {
                key: "inner",
                inside: &[],
            }],
        },
    ];
    let body = r#"{"a\"]": [{"inner": [{"x": [1]}], "n": 1}, {}], "named": [{"y": 2}], "o": {"inner": [3]}, "b": [], "*[]": [{}], "c": null}"#;
    let expected = [
        "1 a\"]",
        r#"2 {"x":[1]}"#,
        r#"1 {"inner":[],"n":1}"#,
        "1 {}",
        r#"1 {"y":2}"#,
        "1 b",
        "1 *[]",
        "1 {}",
        r#"0 {"":[],"named":[],"o":{"inner": [3]},"":[],"":[],"c":null}"#,
    ];
    let mut splitter = Splitter::new(LISTS);
    for size in 1..body.len() {
        let mut members = Members::default();
        splitter.reset();
        for chunk in body.as_bytes().chunks(size) {
            splitter.feed(chunk, &mut members).unwrap();
        }
        splitter.finish().unwrap();
        assert_eq!(members.0, expected, "{size}");
    }
    let mut members = Members::default();
    splitter.reset();
    assert!(splitter.feed(br#"{"a": [1]}"#, &mut members).is_err());
}
