//! Walks the tree of the web configuration file: maps of known keys, words, switches, files; mistakes at their places.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use super::super::mistake::{Mistake, Place, Warning, nearest, shown, shown_key};
use super::super::yaml::{Body, Entry, Mark, Node};
use super::Pem;

/// Largest certificate or key file. Bundles of all public roots weigh 220 KB.
const FILE_BYTES_MAX: usize = 1 << 20;

pub(super) struct Walk {
    name: Arc<str>,
    folder: PathBuf,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<Warning>,
    /// Files that were looked for.
    pub(super) files: Vec<PathBuf>,
}

impl Walk {
    pub(super) fn new(name: Arc<str>, folder: PathBuf) -> Self {
        Self {
            name,
            folder,
            mistakes: Vec::new(),
            warnings: Vec::new(),
            files: Vec::new(),
        }
    }

    pub(super) fn place(&self, mark: Mark) -> Place {
        Place::File {
            name: Arc::clone(&self.name),
            line: mark.line,
            column: mark.column,
        }
    }

    pub(super) fn mistake(&mut self, mark: Mark, text: impl Into<String>) {
        self.mistakes.push(Mistake::new(self.place(mark), text));
    }

    /// What may surprise, with its place.
    pub(super) fn warn(&mut self, mark: Mark, text: &str) {
        let text = Mistake::new(self.place(mark), text).to_string();
        self.warnings.push(Warning { text });
    }

    /// The entries of a group with known keys.
    pub(super) fn map<'n>(
        &mut self,
        path: &str,
        node: &'n Node,
        keys: &[&'static str],
    ) -> Vec<(&'static str, &'n Entry)> {
        let mut found: Vec<(&'static str, &'n Entry)> = Vec::new();
        for entry in self.entries(path, node, &keys.join(", ")) {
            let Some(key) = keys.iter().find(|key| **key == entry.key) else {
                let place = if path.is_empty() { "" } else { " in " };
                let advice = match nearest(&entry.key, keys.iter().copied()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("known here: {}", keys.join(", ")),
                };
                let key = shown_key(&entry.key);
                let text = format!("{key}{place}{path} is not a key; {advice}");
                self.mistake(entry.mark, text);
                continue;
            };
            found.push((key, entry));
        }
        found
    }

    /// The entries of a group whose keys the operator chooses. None is there twice.
    pub(super) fn entries<'n>(&mut self, path: &str, node: &'n Node, keys: &str) -> Vec<&'n Entry> {
        let entries = match &node.body {
            Body::Empty => return Vec::new(),
            Body::Map(entries) => entries,
            Body::Text(_) | Body::List(_) => {
                let subject = if path.is_empty() { "the file" } else { path };
                let text = format!("{subject} is {}; write keys below it: {keys}", kind(node));
                self.mistake(node.mark, text);
                return Vec::new();
            }
        };
        let mut found: Vec<&'n Entry> = Vec::new();
        for entry in entries {
            if let Some(first) = found.iter().find(|first| first.key == entry.key) {
                let text = format!(
                    "{} is written twice, first in line {}; keep one",
                    shown_key(&entry.key),
                    first.mark.line
                );
                self.mistake(entry.mark, text);
                continue;
            }
            found.push(entry);
        }
        found
    }

    /// One value. An empty one is no value.
    pub(super) fn text<'n>(&mut self, path: &str, node: &'n Node) -> Option<&'n str> {
        match &node.body {
            Body::Empty => None,
            Body::Text(text) if text.trim().is_empty() => None,
            Body::Text(text) => Some(text),
            Body::List(_) | Body::Map(_) => {
                self.mistake(
                    node.mark,
                    format!("{path} is {}; write one value", kind(node)),
                );
                None
            }
        }
    }

    /// The values of a list.
    pub(super) fn list<'n>(&mut self, path: &str, node: &'n Node) -> Vec<(Mark, &'n str)> {
        let items = match &node.body {
            Body::Empty => return Vec::new(),
            Body::List(items) => items,
            Body::Text(_) | Body::Map(_) => {
                self.mistake(node.mark, format!("{path} is {}; write a list", kind(node)));
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for item in items {
            match self.text(path, item) {
                Some(text) => found.push((item.mark, text.trim())),
                None if matches!(item.body, Body::Empty | Body::Text(_)) => {
                    self.mistake(
                        item.mark,
                        format!("an entry of {path} is empty; take it out"),
                    );
                }
                None => {}
            }
        }
        found
    }

    /// `true` or `false`.
    pub(super) fn switch(&mut self, path: &str, node: &Node) -> Option<bool> {
        match self.text(path, node)?.trim() {
            "true" => Some(true),
            "false" => Some(false),
            other => {
                let text = format!("{path} is {}; write true or false", shown(other));
                self.mistake(node.mark, text);
                None
            }
        }
    }

    /// PEM that stands in the file itself.
    pub(super) fn inline(&mut self, key: &'static str, node: &Node) -> Option<Pem> {
        let bytes = self.text(key, node)?.as_bytes().to_vec();
        let place = self.place(node.mark);
        Some(Pem { bytes, key, place })
    }

    /// PEM from a file beside this one.
    pub(super) fn file(&mut self, key: &'static str, node: &Node) -> Option<Pem> {
        let written = self.text(key, node)?.trim();
        let path = self.folder.join(written);
        self.files.push(path.clone());
        let mut bytes = Vec::new();
        let limit = FILE_BYTES_MAX as u64 + 1;
        let read = File::open(&path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
        let shown_path = path.display();
        let wrong = match read {
            Err(error) => {
                format!("{key} {shown_path} cannot be read: {error}; check the path and its rights")
            }
            Ok(_) if bytes.len() > FILE_BYTES_MAX => {
                format!("{key} {shown_path} is larger than {FILE_BYTES_MAX} bytes; name a PEM file")
            }
            Ok(_) => {
                let place = self.place(node.mark);
                return Some(Pem { bytes, key, place });
            }
        };
        self.mistake(node.mark, wrong);
        None
    }
}

/// What a node is, without showing it: it may be a key.
fn kind(node: &Node) -> &'static str {
    match node.body {
        Body::Empty => "empty",
        Body::Text(_) => "a text",
        Body::List(_) => "a list",
        Body::Map(_) => "a group of keys",
    }
}
