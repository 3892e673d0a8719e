//! Parts joined into a page: families grouped across servers, headers for each format, compressed or not.

use std::sync::Arc;
use std::time::Instant;

use super::compress::Packer;
use super::family::FamilyId;
use super::foreign;
use super::part::{Members, Part, Piece, Run};
use crate::catalog::Level;
use crate::state::Tool;

/// A text format of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextFormat {
    /// Prometheus text 0.0.4.
    Text004,
    /// OpenMetrics 1.0.
    OpenMetrics1,
}

impl TextFormat {
    /// The value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text004 => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics1 => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// How the bytes of a page travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// As they are.
    Identity,
    /// Gzip members one after another.
    Gzip,
}

/// Whose names stand on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Names {
    /// Those of the catalog.
    Native,
    /// Those of another tool, followed by a fixed core of the catalog.
    Foreign(Tool),
}

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Text format.
    pub format: TextFormat,
    /// Compression.
    pub encoding: Encoding,
    /// Whose names.
    pub names: Names,
    /// Collectors to show, with families of level detail; empty is all of them, core families only.
    pub collectors: Vec<String>,
}

/// An immutable set of parts.
#[derive(Clone, Debug, Default)]
pub struct Page {
    parts: Vec<Arc<Part>>,
}

/// A page ready to be written.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// What to write, in order.
    pub pieces: Vec<Piece>,
    /// Bytes to write.
    pub len: usize,
    /// When it stops being right because a part expires.
    pub expires_at: Option<Instant>,
}

impl Rendered {
    /// All bytes as a client gets them.
    pub fn to_vec(&self) -> Vec<u8> {
        self.pieces
            .iter()
            .flat_map(|piece| piece.text().to_vec())
            .collect()
    }
}

impl Page {
    /// A page of these parts.
    pub fn new(mut parts: Vec<Arc<Part>>) -> Self {
        parts.sort_by_key(|part| part.source);
        Self { parts }
    }

    /// Series of all parts, expired ones included.
    pub fn series(&self) -> u64 {
        self.parts.iter().map(|part| part.series).sum()
    }

    /// The page at `now`.
    pub fn render(&self, shape: &Shape, now: Instant) -> Rendered {
        let wanted = |part: &&Arc<Part>| {
            let asked = shape.collectors.is_empty()
                || shape
                    .collectors
                    .iter()
                    .any(|name| name == part.source.collector);
            asked && part.is_alive(now)
        };
        let parts: Vec<&Arc<Part>> = self.parts.iter().filter(wanted).collect();
        let mut joiner = Joiner::new(shape.encoding);
        let mut native = families_of(&parts, !shape.collectors.is_empty());
        let all = parts.iter().flat_map(|part| &part.foreign);
        let foreign =
            foreign::families(all.filter(|lines| shape.names == Names::Foreign(lines.tool)));
        if shape.names != Names::Native {
            native.retain(|(id, _)| id.def().in_fixed_core());
        }
        for (family, lines) in foreign {
            // Two families of one name would make the page worthless: the native one wins.
            if native.iter().any(|(id, _)| id.takes(&family.name)) {
                continue;
            }
            joiner.text(foreign::header(family).as_bytes());
            joiner.text(&lines.text);
            for run in lines.runs {
                joiner.run(run);
            }
        }
        for (id, runs) in native {
            joiner.text(id.header(shape.format));
            for run in runs {
                joiner.run(run);
            }
        }
        if shape.format == TextFormat::OpenMetrics1 {
            joiner.text(b"# EOF\n");
        }
        joiner.finish(parts.iter().filter_map(|part| part.expires_at).min())
    }
}

/// Families in the order of the page, each with the lines of all parts.
fn families_of<'a>(parts: &[&'a Arc<Part>], details: bool) -> Vec<(FamilyId, Vec<Run<'a>>)> {
    let mut by_family: Vec<Vec<Run<'_>>> = vec![Vec::new(); FamilyId::places()];
    for part in parts {
        for (id, lines) in &part.families {
            if id.def().level == Level::Core || details || part.details {
                by_family[id.place()].push(part.run(lines));
            }
        }
    }
    let present =
        super::family::families().map(|id| (id, std::mem::take(&mut by_family[id.place()])));
    present.filter(|(_, runs)| !runs.is_empty()).collect()
}

/// Text of neighbouring small families that is compressed as one member.
const MEMBER_TEXT: usize = 256 << 10;
/// Text that is written as one piece.
const PIECE_TEXT: usize = 64 << 10;

/// Puts neighbours together, in the form in which they are written.
struct Joiner {
    encoding: Encoding,
    text: Vec<u8>,
    packer: Packer,
    pieces: Vec<Piece>,
}

impl Joiner {
    fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            text: Vec::new(),
            packer: Packer::default(),
            pieces: Vec::new(),
        }
    }

    fn text(&mut self, text: &[u8]) {
        self.text.extend_from_slice(text);
        let full = match self.encoding {
            Encoding::Identity => PIECE_TEXT,
            Encoding::Gzip => MEMBER_TEXT,
        };
        if self.text.len() >= full {
            self.flush();
        }
    }

    fn run(&mut self, run: Run<'_>) {
        match run {
            Run::Text(text) => self.text(text),
            Run::Members(members) => self.members(members),
        }
    }

    fn members(&mut self, members: &Members) {
        self.flush();
        match self.encoding {
            Encoding::Identity => self.pieces.extend(members.pieces()),
            // To the writer they are bytes like any other.
            Encoding::Gzip => self.pieces.push(Piece::Plain(members.bytes.clone())),
        }
    }

    fn flush(&mut self) {
        if self.text.is_empty() {
            return;
        }
        let bytes = match self.encoding {
            Encoding::Identity => std::mem::take(&mut self.text).into(),
            // The text of a page is never held whole beside its parts.
            Encoding::Gzip => self.packer.member(&self.text),
        };
        self.text.clear();
        self.pieces.push(Piece::Plain(bytes));
    }

    fn finish(mut self, expires_at: Option<Instant>) -> Rendered {
        self.flush();
        if self.encoding == Encoding::Gzip && self.pieces.is_empty() {
            // An empty page is an empty text, and that is a member, too.
            let empty = self.packer.member(b"");
            self.pieces.push(Piece::Plain(empty));
        }
        let len = self.pieces.iter().map(Piece::plain_len).sum();
        Rendered {
            pieces: self.pieces,
            len,
            expires_at,
        }
    }
}
