//! What one endpoint of one server gave, as ready lines by family.

use std::time::Instant;

use bytes::Bytes;

use super::compress::{self, Packer};
use super::family::FamilyId;
use super::foreign::{ForeignBuilder, ForeignLines};
use super::lines;
use crate::state::{Row, Rows, Value};

/// Lines of a family stay plain below this size and are compressed with their neighbours when the page is joined.
const PLAIN_MAX: usize = 64 << 10;
/// Text of a compressed member.
const MEMBER_TEXT: usize = 128 << 10;

/// A run of sample lines.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Text.
    Plain(Bytes),
    /// A gzip member and the length of its text.
    Member {
        /// The member.
        bytes: Bytes,
        /// Bytes of the text in it.
        plain_len: usize,
    },
}

impl Piece {
    /// The text; unpacked when it is compressed.
    pub fn text(&self) -> Bytes {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Member { bytes, plain_len } => compress::plain(bytes, *plain_len),
        }
    }

    /// Bytes of the text.
    pub fn plain_len(&self) -> usize {
        match self {
            Self::Plain(text) => text.len(),
            Self::Member { plain_len, .. } => *plain_len,
        }
    }
}

/// Gzip members, one after another in one piece of memory: most clients take them as they are, and a piece for each would be
/// a page of many small ones.
#[derive(Clone, Debug)]
pub(super) struct Members {
    pub(super) bytes: Bytes,
    ends: Box<[End]>,
}

/// Where a member ends, and the length of its text.
#[derive(Clone, Copy, Debug)]
struct End {
    packed: usize,
    plain_len: usize,
}

impl Members {
    /// Each member as a piece.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Piece> {
        let mut begin = 0;
        self.ends.iter().map(move |end| {
            let bytes = self.bytes.slice(begin..end.packed);
            begin = end.packed;
            Piece::Member {
                bytes,
                plain_len: end.plain_len,
            }
        })
    }
}

/// The lines of a family of another tool's view.
#[derive(Clone, Debug)]
pub(super) enum Text {
    /// So few that they are not compressed.
    Plain(Box<[u8]>),
    /// Compressed.
    Members(Members),
}

impl Text {
    /// As it is joined.
    pub(super) fn run(&self) -> Run<'_> {
        match self {
            Self::Plain(text) => Run::Text(text),
            Self::Members(members) => Run::Members(members),
        }
    }
}

/// Who made a part: together they are the part's place on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// Place of the server in the list of servers.
    pub server: u32,
    /// Name of the collector.
    pub collector: &'static str,
}

/// Published whole or not at all; replaced by the next of the same source, gone when it expires.
#[derive(Debug)]
pub struct Part {
    /// Who made it.
    pub source: Source,
    /// When the answer was complete.
    pub polled_at: Instant,
    /// From when on it is not shown; never for what natsight saw itself.
    pub expires_at: Option<Instant>,
    /// Series in it.
    pub series: u64,
    /// Whether configuration asked for its families of level detail.
    pub details: bool,
    /// Lines by family, in the order of the page.
    pub(super) families: Vec<(FamilyId, FamilyLines)>,
    /// The lines of all families that are not compressed, one after another. To join a page of many servers is to fetch
    /// their lines from memory: with an allocation for each family, most of the time would go into finding them.
    text: Box<[u8]>,
    /// Lines of other tools' views; none unless somebody wants them.
    pub(super) foreign: Vec<ForeignLines>,
}

/// The lines of a family in a part.
#[derive(Debug)]
pub(super) enum FamilyLines {
    /// In the part's text, from here to there.
    Plain(usize, usize),
    /// So many that they are compressed.
    Members(Members),
}

/// Lines as they are joined.
#[derive(Clone, Copy, Debug)]
pub(super) enum Run<'a> {
    /// Text.
    Text(&'a [u8]),
    /// Members.
    Members(&'a Members),
}

impl Part {
    /// The lines of one of its families.
    pub(super) fn run<'a>(&'a self, lines: &'a FamilyLines) -> Run<'a> {
        match lines {
            FamilyLines::Plain(from, to) => Run::Text(&self.text[*from..*to]),
            FamilyLines::Members(members) => Run::Members(members),
        }
    }

    /// Bytes that are copied or compressed when the part is joined: all but the members.
    pub fn loose_len(&self) -> usize {
        let foreign = self.foreign.iter().map(ForeignLines::loose_len);
        self.text.len() + foreign.sum::<usize>()
    }

    /// Whether it may be shown at `now`.
    pub fn is_alive(&self, now: Instant) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// Makes the lines of a part from rows.
#[derive(Debug)]
pub struct PartBuilder {
    server: Vec<u8>,
    twins: bool,
    details: bool,
    families: Vec<Option<Lines>>,
    block: Vec<u8>,
    series: u64,
    negative: u64,
    foreign: Vec<ForeignLines>,
    packer: Packer,
}

#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Members and the lengths of their texts.
    members: Vec<(Bytes, usize)>,
    text: Vec<u8>,
}

impl PartBuilder {
    /// A builder whose lines begin with these labels. `twins` repeats families under their standard names.
    pub fn new(labels: &[(&str, &str)], twins: bool) -> Self {
        let mut server = Vec::new();
        for (name, value) in labels {
            lines::label(&mut server, name, value);
        }
        let families = std::iter::repeat_with(|| None)
            .take(FamilyId::places())
            .collect();
        Self {
            server,
            twins,
            details: false,
            families,
            block: Vec::new(),
            series: 0,
            negative: 0,
            foreign: Vec::new(),
            packer: Packer::default(),
        }
    }

    /// Adds the lines of another tool's view.
    pub fn with_foreign(mut self, foreign: ForeignBuilder) -> Self {
        self.foreign.push(foreign.lines());
        self
    }

    /// Shows families of level detail without being asked for them at each scrape.
    pub fn with_details(mut self, details: bool) -> Self {
        self.details = details;
        self
    }

    /// Counters that came negative and were left out.
    pub fn negative(&self) -> u64 {
        self.negative
    }

    /// The part, complete.
    pub fn finish(
        mut self,
        source: Source,
        polled_at: Instant,
        expires_at: Option<Instant>,
    ) -> Part {
        let all = || self.families.iter().flatten();
        let len = all().filter_map(Lines::plain).map(<[u8]>::len).sum();
        let mut text = Vec::with_capacity(len);
        let mut families = Vec::with_capacity(all().count());
        for id in super::family::families() {
            let Some(lines) = &mut self.families[id.place()] else {
                continue;
            };
            let lines = match lines.plain() {
                Some(plain) => {
                    text.extend_from_slice(plain);
                    FamilyLines::Plain(text.len() - plain.len(), text.len())
                }
                None if lines.is_empty() => continue,
                None => FamilyLines::Members(lines.take(&mut self.packer)),
            };
            families.push((id, lines));
        }
        Part {
            source,
            polled_at,
            expires_at,
            series: self.series,
            details: self.details,
            families,
            text: text.into(),
            foreign: self.foreign,
        }
    }

    fn line(&mut self, id: FamilyId, value: &Value<'_>) {
        let lines = self.families[id.place()].get_or_insert_default();
        self.series += lines.add(id.name(), &self.block, value, &mut self.packer);
    }
}

impl Rows for PartBuilder {
    fn row(&mut self, row: &Row<'_>) {
        self.block.clear();
        self.block.extend_from_slice(&self.server);
        for (name, value) in row.labels {
            lines::label(&mut self.block, name, value);
        }
        for (metric, value) in row.values {
            if *value == Value::Negative {
                self.negative += 1;
                continue;
            }
            self.line(FamilyId::native(*metric), value);
            if let Some(twin) = self.twins.then(|| FamilyId::twin(*metric)).flatten() {
                self.line(twin, value);
            }
        }
    }
}

impl Lines {
    /// Appends a sample; gives how many series it added.
    pub(super) fn add(
        &mut self,
        name: &str,
        block: &[u8],
        value: &Value<'_>,
        packer: &mut Packer,
    ) -> u64 {
        let series = lines::sample(&mut self.text, name, block, value);
        if self.text.len() >= MEMBER_TEXT {
            self.compress(packer);
        }
        series
    }

    fn compress(&mut self, packer: &mut Packer) {
        let member = packer.member(&self.text);
        self.members.push((member, self.text.len()));
        self.text.clear();
    }

    fn is_empty(&self) -> bool {
        self.members.is_empty() && self.text.is_empty()
    }

    /// The lines, if they stay as they are.
    fn plain(&self) -> Option<&[u8]> {
        let stays = self.members.is_empty() && self.text.len() < PLAIN_MAX;
        (stays && !self.text.is_empty()).then_some(&self.text)
    }

    /// All lines as members.
    fn take(&mut self, packer: &mut Packer) -> Members {
        if !self.text.is_empty() {
            self.compress(packer);
        }
        // Family by family, so that there is never room for more than one of them twice.
        let len = self.members.iter().map(|(member, _)| member.len()).sum();
        let mut bytes = Vec::with_capacity(len);
        let mut ends = Vec::with_capacity(self.members.len());
        for (member, plain_len) in self.members.drain(..) {
            bytes.extend_from_slice(&member);
            ends.push(End {
                packed: bytes.len(),
                plain_len,
            });
        }
        Members {
            bytes: bytes.into(),
            ends: ends.into(),
        }
    }

    /// All lines, as they are or compressed.
    pub(super) fn finish(mut self, packer: &mut Packer) -> Text {
        match self.plain() {
            Some(_) => Text::Plain(self.text.into()),
            None => Text::Members(self.take(packer)),
        }
    }
}
