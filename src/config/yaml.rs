//! YAML text to a tree in which every node knows its line and column. Serde would stop at the first mistake;
//! walking a tree finds them all. Size, depth and aliases are bounded here.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{self, Event, Marker, Parser, ScalarStyle, Tag};

/// Largest configuration that is read, in bytes.
pub const FILE_BYTES_MAX: usize = 1 << 20;
/// Deepest nesting: the deepest key of the table stands four levels down.
const DEPTH_MAX: usize = 16;
/// Most that aliases may blow a file up to: one for each node, and one for each 16 bytes of text.
/// A thousand servers with all their keys weigh about 20,000.
const WEIGHT_MAX: usize = 200_000;

/// Line and column, both from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Mark {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl From<Marker> for Mark {
    fn from(marker: Marker) -> Self {
        Self {
            line: marker.line().max(1),
            column: marker.col() + 1,
        }
    }
}

/// One node. It may hold secrets, so it has no `Debug`.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) mark: Mark,
    pub(super) body: Body,
}

#[derive(Clone)]
pub(super) enum Body {
    Empty,
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One key of a map with its value. Keys may repeat; the walk says so.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) mark: Mark,
    pub(super) key: String,
    pub(super) value: Node,
}

/// Why a text is not a tree.
pub(super) struct Broken {
    pub(super) mark: Mark,
    pub(super) text: String,
}

/// Reads one document. An empty text is an empty node.
pub(super) fn parse(text: &str) -> Result<Node, Broken> {
    let mark = Mark { line: 1, column: 1 };
    if text.len() > FILE_BYTES_MAX {
        let text = format!(
            "the file is larger than {FILE_BYTES_MAX} bytes; a configuration has a few thousand"
        );
        return Err(Broken { mark, text });
    }
    let options = granit_parser::options! {
        emit_comments: false,
        disallow_directives: true,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
    };
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| Broken {
            mark: (*error.marker()).into(),
            text: format!("this is not valid YAML: {}", error.info()),
        })?;
        let mark = span.start.into();
        builder
            .take(event, mark)
            .map_err(|text| Broken { mark, text })?;
    }
    Ok(builder.root.unwrap_or(Node {
        mark,
        body: Body::Empty,
    }))
}

/// A collection that is still open.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<(Mark, String)>,
}

struct Anchored {
    node: Node,
    weight: usize,
    depth: usize,
}

#[derive(Default)]
struct Builder {
    root: Option<Node>,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    weight: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, mark: Mark) -> Result<(), String> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                refuse_tag(tag.as_deref())?;
                let null = style == ScalarStyle::Plain
                    && matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let body = if null {
                    Body::Empty
                } else {
                    Body::Text(text.into_owned())
                };
                self.close(Node { mark, body }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                refuse_tag(tag.as_deref())?;
                self.start(Body::List(Vec::new()), mark, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                refuse_tag(tag.as_deref())?;
                self.start(Body::Map(Vec::new()), mark, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(done) => self.close(done.node, done.anchor),
                None => Ok(()),
            },
            Event::Alias(anchor) => self.alias(anchor, mark),
            Event::DocumentStart(..) if self.root.is_some() => {
                Err("a second document begins here; put everything into one".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, body: Body, mark: Mark, anchor: usize) -> Result<(), String> {
        if self.open.len() >= DEPTH_MAX {
            return Err(format!("this is nested more than {DEPTH_MAX} levels deep"));
        }
        let parent = self.open.last();
        if parent.is_some_and(|open| matches!(open.node.body, Body::Map(_)) && open.key.is_none()) {
            return Err("a key must be a word".to_owned());
        }
        let node = Node { mark, body };
        self.open.push(Open {
            node,
            anchor,
            key: None,
        });
        Ok(())
    }

    fn close(&mut self, node: Node, anchor: usize) -> Result<(), String> {
        self.weigh(own_weight(&node))?;
        if anchor != 0 {
            let (weight, depth) = measure(&node);
            // The copy is memory too.
            self.weigh(weight)?;
            self.anchors.insert(
                anchor,
                Anchored {
                    node: node.clone(),
                    weight,
                    depth,
                },
            );
        }
        self.place(node)
    }

    /// Copies what an alias stands for. The bound ends a "billion laughs" after a few megabytes.
    fn alias(&mut self, anchor: usize, mark: Mark) -> Result<(), String> {
        let Some(target) = self.anchors.get(&anchor) else {
            return Err("this alias stands inside what it repeats".to_owned());
        };
        if self.open.len() + target.depth > DEPTH_MAX {
            return Err(format!("this is nested more than {DEPTH_MAX} levels deep"));
        }
        let (weight, body) = (target.weight, target.node.body.clone());
        self.weigh(weight)?;
        self.place(Node { mark, body })
    }

    fn weigh(&mut self, weight: usize) -> Result<(), String> {
        self.weight += weight;
        if self.weight > WEIGHT_MAX {
            return Err(
                "with its aliases written out the file is too large; repeat less".to_owned(),
            );
        }
        Ok(())
    }

    fn place(&mut self, node: Node) -> Result<(), String> {
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match (&mut parent.node.body, parent.key.take()) {
            (Body::List(items), _) => items.push(node),
            (Body::Map(entries), Some((mark, key))) => entries.push(Entry {
                mark,
                key,
                value: node,
            }),
            (Body::Map(_), None) => {
                let Body::Text(key) = node.body else {
                    return Err("a key must be a word".to_owned());
                };
                parent.key = Some((node.mark, key));
            }
            (Body::Empty | Body::Text(_), _) => {}
        }
        Ok(())
    }
}

/// Tags would be read as plain text otherwise, and `!include secrets.yml` would pass unnoticed.
fn refuse_tag(tag: Option<&Tag>) -> Result<(), String> {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema() => Err(format!(
            "the tag {} is not known here; write the value itself",
            super::mistake::shown(&tag.original())
        )),
        _ => Ok(()),
    }
}

/// Weight and levels of all below. The depth bound keeps the recursion short.
fn measure(node: &Node) -> (usize, usize) {
    let below = match &node.body {
        Body::Empty | Body::Text(_) => return (own_weight(node), 0),
        Body::List(items) => items.iter().map(measure).fold((0, 0), join),
        Body::Map(entries) => entries
            .iter()
            .map(|entry| {
                let (weight, depth) = measure(&entry.value);
                (weight + text_weight(&entry.key), depth)
            })
            .fold((0, 0), join),
    };
    (below.0 + own_weight(node), below.1 + 1)
}

fn join(all: (usize, usize), one: (usize, usize)) -> (usize, usize) {
    (all.0 + one.0, all.1.max(one.1))
}

fn own_weight(node: &Node) -> usize {
    match &node.body {
        Body::Text(text) => text_weight(text),
        Body::Empty | Body::List(_) | Body::Map(_) => 1,
    }
}

fn text_weight(text: &str) -> usize {
    1 + text.len() / 16
}
