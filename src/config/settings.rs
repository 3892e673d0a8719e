//! What the operator wrote, in the file, in variables and in flags: raw texts with their places, nothing checked
//! but the shape.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::leaf::{self, Effect, Kind, Leaf, Shape, VARIABLE_PREFIX};
use super::mistake::{Mistake, Place, Warning, nearest, shown, shown_key};
use super::table::{Key, LEAVES};
use super::yaml::{self, Body, Entry, Node};

/// Settings as written. Every leaf is optional; the last layer that writes a leaf wins.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    values: BTreeMap<(Key, usize), Written>,
    /// The entries of each list; a list that is there and empty has none.
    items: BTreeMap<&'static str, Vec<Item>>,
    /// Where each list begins.
    lists: BTreeMap<&'static str, Place>,
    /// Leaves without effect in this version, in the order of the table.
    idle: BTreeMap<Key, ()>,
}

/// One entry of a list.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) place: Place,
    /// Whether it is something else than it should be, which has been reported.
    pub(super) wrong: bool,
}

/// One value as written.
#[derive(Clone)]
pub(super) struct Written {
    pub(super) key: Key,
    /// Number of the list's entry, 0 where there is no list.
    pub(super) index: usize,
    pub(super) text: String,
    pub(super) place: Place,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.subject(), self.shown())
    }
}

impl Written {
    /// What the operator calls it: the path, the flag or the variable.
    pub(super) fn subject(&self) -> String {
        let leaf = self.key.leaf();
        let name = match self.place {
            Place::Flag => leaf.flag(),
            Place::Variable => leaf.variable(),
            Place::Argument => Some("URL".to_owned()),
            Place::File { .. } | Place::Nowhere => None,
        };
        name.unwrap_or_else(|| numbered(leaf.path, self.index))
    }

    /// The value as messages may repeat it.
    pub(super) fn shown(&self) -> String {
        match self.key.leaf().kind {
            Kind::Secret => "***".to_owned(),
            _ => shown(&self.text),
        }
    }
}

/// Texts given on the command line.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// Leaves and their texts.
    pub values: Vec<(Key, String)>,
    /// URLs given as arguments; any at all replace the servers of the file.
    pub urls: Vec<super::secret::UrlText>,
    /// Names of these servers, in their order; may be shorter.
    pub names: Vec<Option<String>>,
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.values.iter().map(|(key, text)| (key, shown(text)));
        f.debug_map()
            .entries(values)
            .entry(&"urls", &self.urls)
            .finish()
    }
}

impl Settings {
    /// Reads a file's text alone, or gives every mistake of its shape. [`super::load`] puts the layers together.
    pub fn read(name: &str, text: &str) -> Result<Self, Vec<Mistake>> {
        let mut settings = Self::default();
        let mut mistakes = Vec::new();
        settings.read_file(name, text, &mut mistakes);
        if mistakes.is_empty() {
            Ok(settings)
        } else {
            Err(mistakes)
        }
    }

    pub(super) fn get(&self, key: Key) -> Option<&Written> {
        self.values.get(&(key, 0))
    }

    pub(super) fn item(&self, key: Key, index: usize) -> Option<&Written> {
        self.values.get(&(key, index))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Written> {
        self.values.values()
    }

    /// A list's entries; `None` where the list is not written at all.
    pub(super) fn items(&self, list: &str) -> Option<&[Item]> {
        self.items.get(list).map(Vec::as_slice)
    }

    pub(super) fn list_place(&self, list: &str) -> Place {
        self.lists.get(list).cloned().unwrap_or(Place::Nowhere)
    }

    /// One warning for each leaf that is set and does nothing yet.
    pub(super) fn idle(&self) -> impl Iterator<Item = Warning> {
        self.idle.keys().map(|key| Warning {
            text: format!(
                "{} is set but has no effect in this version",
                key.leaf().path
            ),
        })
    }

    fn set(&mut self, key: Key, index: usize, text: String, place: Place) {
        if key.leaf().effect == Effect::Later {
            self.idle.insert(key, ());
        }
        let written = Written {
            key,
            index,
            text,
            place,
        };
        self.values.insert((key, index), written);
    }

    /// Reads the file's text. Mistakes of shape go to `mistakes`; what can be read is read in spite of them.
    pub(super) fn read_file(&mut self, name: &str, text: &str, mistakes: &mut Vec<Mistake>) {
        let name: Arc<str> = Arc::from(name);
        let mut walk = Walk {
            name,
            settings: self,
            mistakes,
        };
        match yaml::parse(text) {
            Ok(root) => walk.node("", 0, &root),
            Err(broken) => walk.mistake(broken.mark, broken.text),
        }
    }

    /// Reads the variables. Unknown ones are warnings: Kubernetes puts variables named after services into every
    /// container, and a newer version may know what this one does not.
    pub(super) fn read_variables(&mut self, env: &[(String, String)]) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for (name, text) in env {
            let Some(rest) = name.strip_prefix(VARIABLE_PREFIX) else {
                continue;
            };
            let leaf = LEAVES
                .iter()
                .find(|leaf| leaf.variable().as_ref() == Some(name));
            match leaf {
                Some(leaf) if counts(leaf, text) => {
                    self.set(leaf.key, 0, text.clone(), Place::Variable)
                }
                Some(_) => {}
                None if name == super::CONFIG_VARIABLE || is_service_link(rest) => {}
                None => warnings.push(unknown_variable(name)),
            }
        }
        warnings
    }

    /// Reads the command line.
    pub(super) fn read_flags(&mut self, flags: &Flags) {
        for (key, text) in &flags.values {
            self.set(*key, 0, text.clone(), Place::Flag);
        }
        if flags.urls.is_empty() {
            return;
        }
        self.values
            .retain(|(key, _), _| !key.leaf().path.starts_with(SERVERS));
        self.idle
            .retain(|key, ()| !key.leaf().path.starts_with(SERVERS));
        for (index, url) in flags.urls.iter().enumerate() {
            self.set(
                Key::ServersUrl,
                index,
                url.expose().to_owned(),
                Place::Argument,
            );
        }
        for (index, name) in flags.names.iter().enumerate() {
            if let Some(name) = name {
                self.set(Key::ServersName, index, name.clone(), Place::Argument);
            }
        }
        let item = Item {
            place: Place::Argument,
            wrong: false,
        };
        self.items.insert(SERVERS, vec![item; flags.urls.len()]);
    }
}

/// Path of the list of servers.
pub(super) const SERVERS: &str = "servers[]";

/// An empty variable counts as unset, as in most tools, unless empty means something.
fn counts(leaf: &Leaf, text: &str) -> bool {
    !text.is_empty() || matches!(leaf.kind, Kind::Listen { off: true })
}

/// `NATSIGHT_SERVICE_HOST`, `NATSIGHT_PORT_7777_TCP`: what Kubernetes sets beside a service called natsight.
fn is_service_link(rest: &str) -> bool {
    rest == "PORT" || rest.starts_with("PORT_") || rest.starts_with("SERVICE_")
}

fn unknown_variable(name: &str) -> Warning {
    let shown_name: String = name.chars().take(80).collect();
    let file_only = LEAVES.iter().filter(|leaf| leaf.file_only()).find(|leaf| {
        leaf.variable_if_it_had_one() == *name || list_variable(leaf).as_deref() == Some(name)
    });
    if let Some(leaf) = file_only {
        let path = leaf.path;
        let text =
            format!("{shown_name} has no effect; {path} is set in the configuration file only");
        return Warning { text };
    }
    let known: Vec<String> = LEAVES.iter().filter_map(Leaf::variable).collect();
    let known = known
        .iter()
        .map(String::as_str)
        .chain([super::CONFIG_VARIABLE]);
    let text = match nearest(name, known) {
        Some(near) => format!("{shown_name} is not known and has no effect; did you mean {near}?"),
        None => format!(
            "{shown_name} is not known and has no effect; docs/config.md lists the variables"
        ),
    };
    Warning { text }
}

/// `NATSIGHT_SERVERS` for all leaves of `servers[]`.
fn list_variable(leaf: &Leaf) -> Option<String> {
    let (list, _) = leaf.path.split_once("[]")?;
    Some(format!(
        "{VARIABLE_PREFIX}{}",
        list.replace('.', "_").to_ascii_uppercase()
    ))
}

/// `servers[].url` and 2 to `servers[2].url`.
fn numbered(path: &str, index: usize) -> String {
    path.replace("[]", &format!("[{index}]"))
}

/// Walks the file's tree along the table.
struct Walk<'a> {
    name: Arc<str>,
    settings: &'a mut Settings,
    mistakes: &'a mut Vec<Mistake>,
}

impl Walk<'_> {
    fn place(&self, mark: yaml::Mark) -> Place {
        let yaml::Mark { line, column } = mark;
        Place::File {
            name: Arc::clone(&self.name),
            line,
            column,
        }
    }

    fn mistake(&mut self, mark: yaml::Mark, text: String) {
        self.mistakes.push(Mistake::new(self.place(mark), text));
    }

    fn node(&mut self, path: &str, index: usize, node: &Node) {
        match (leaf::shape(path), &node.body) {
            // `poll:` with nothing behind it is how people leave a section out.
            (_, Body::Empty) => {}
            (Shape::Leaf(leaf), Body::Text(text)) => {
                let place = self.place(node.mark);
                self.settings.set(leaf.key, index, text.clone(), place);
            }
            (Shape::List, Body::List(items)) => self.list(path, node.mark, items),
            (Shape::Map(keys), Body::Map(entries)) => self.map(path, index, &keys, entries),
            (shape, body) => self.wrong_type(path, index, node.mark, &shape, body),
        }
    }

    fn list(&mut self, path: &str, mark: yaml::Mark, items: &[Node]) {
        let item_path = format!("{path}[]");
        // The table's own text lives as long as the program; it begins with the same path.
        let Some(leaf) = LEAVES.iter().find(|leaf| leaf.path.starts_with(&item_path)) else {
            return;
        };
        let list = &leaf.path[..item_path.len()];
        let leaves = matches!(leaf::shape(list), Shape::Leaf(_));
        let entry = |item: &Node| Item {
            place: self.place(item.mark),
            wrong: !leaves && matches!(item.body, Body::Text(_) | Body::List(_)),
        };
        let entries = items.iter().map(entry).collect();
        let place = self.place(mark);
        self.settings.lists.insert(list, place);
        self.settings.items.insert(list, entries);
        for (index, item) in items.iter().enumerate() {
            match (leaves, &item.body) {
                (true, Body::Empty) => {
                    self.wrong_type(list, index, item.mark, &leaf::shape(list), &item.body)
                }
                _ => self.node(list, index, item),
            }
        }
    }

    fn map(&mut self, path: &str, index: usize, keys: &[&str], entries: &[Entry]) {
        let mut seen: BTreeMap<&str, yaml::Mark> = BTreeMap::new();
        for entry in entries {
            let child = match path {
                "" => entry.key.clone(),
                _ => format!("{path}.{}", entry.key),
            };
            if !keys.contains(&entry.key.as_str()) {
                let text = unknown_key(path, index, &entry.key, keys);
                self.mistake(entry.mark, text);
                continue;
            }
            if let Some(first) = seen.get(entry.key.as_str()) {
                let text = format!(
                    "{} is written twice, first in line {}; keep one",
                    numbered(&child, index),
                    first.line
                );
                self.mistake(entry.mark, text);
            }
            seen.entry(&entry.key).or_insert(entry.mark);
            self.node(&child, index, &entry.value);
        }
    }

    fn wrong_type(
        &mut self,
        path: &str,
        index: usize,
        mark: yaml::Mark,
        shape: &Shape,
        body: &Body,
    ) {
        let subject = match path {
            "" => "the file".to_owned(),
            _ => numbered(path, index),
        };
        let found = match body {
            Body::Text(_) if may_be_secret(path) => "a text".to_owned(),
            Body::Text(text) => shown(text),
            Body::List(_) => "a list".to_owned(),
            Body::Map(_) => "a group of keys".to_owned(),
            Body::Empty => "empty".to_owned(),
        };
        let advice = match shape {
            Shape::Leaf(leaf) => format!("write one value, such as {}", leaf.sample()),
            Shape::List => format!("write a list, such as {}", list_sample(path)),
            Shape::Map(keys) => format!("write keys below it: {}", keys.join(", ")),
        };
        self.mistake(mark, format!("{subject} is {found}; {advice}"));
    }
}

/// Whether a text in place of a section may be a secret: a file of another kind, or a password one level too high.
fn may_be_secret(path: &str) -> bool {
    let inside = |leaf: &Leaf| {
        let rest = leaf.path.strip_prefix(path);
        rest.is_some_and(|rest| rest.starts_with('.')) && matches!(leaf.kind, Kind::Secret)
    };
    path.is_empty() || LEAVES.iter().any(inside)
}

/// `[{url: http://127.0.0.1:8222}]`, from the first leaf of the list.
fn list_sample(path: &str) -> String {
    let item_path = format!("{path}[]");
    for leaf in LEAVES {
        match leaf.path.strip_prefix(&item_path) {
            Some("") => return format!("[\"{}\"]", leaf.sample()),
            Some(key) => {
                return format!("[{{{}: {}}}]", key.trim_start_matches('.'), leaf.sample());
            }
            None => {}
        }
    }
    "[]".to_owned()
}

fn unknown_key(path: &str, index: usize, key: &str, keys: &[&str]) -> String {
    let subject = match path {
        "" => shown_key(key),
        _ => format!("{} in {}", shown_key(key), numbered(path, index)),
    };
    if let Some(near) = nearest(key, keys.iter().copied()) {
        return format!("{subject} is not a key; did you mean {near}?");
    }
    // The right key in the wrong section.
    let elsewhere = LEAVES.iter().find(|leaf| {
        leaf.path.rsplit('.').next() == Some(key) || leaf.path.split('.').next() == Some(key)
    });
    match elsewhere {
        Some(leaf) => format!("{subject} is not a key; did you mean {}?", leaf.path),
        None => format!("{subject} is not a key; known here: {}", keys.join(", ")),
    }
}
