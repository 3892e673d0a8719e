//! Go's own symbol table (`.gopclntab`): from an address to functions, inlined ones included, files, lines and stack depth.
//!
//! It is in every Go program, stripped or not, since the runtime needs it. Layouts: Go 1.18 and 1.19 (magic 0xfffffff0), 1.20 to
//! 1.27 (0xfffffff1), from `internal/abi/symtab.go`, `runtime/symtab.go` and `cmd/link/internal/ld/pcln.go` of those versions. Nothing is
//! copied: names are slices of the mapped file. A table is bytes from outside: every read is checked, every walk has an end.

use super::image::Image;

const MAGIC_18: u32 = 0xffff_fff0;
const MAGIC_20: u32 = 0xffff_fff1;
const HEADER_BYTES: usize = 72;
const ROW_BYTES: usize = 8;
/// `abi.PCDATA_InlTreeIndex`.
const PCDATA_INL_TREE_INDEX: u32 = 2;
/// `abi.FUNCDATA_InlTree`.
const FUNCDATA_INL_TREE: u32 = 3;
/// Words of `runtime.moduledata`: the table itself, then `pctab`, and the start of the text.
const MODULE_TEXT_WORD: u64 = 22;
/// Where in `runtime.moduledata` `gofunc` may stand; it moves from version to version.
const MODULE_GOFUNC_WORDS: std::ops::Range<u64> = 24..72;
/// Functions with inlined calls that a candidate for `gofunc` must make sense for.
const GOFUNC_FUNCTIONS: usize = 64;
/// Steps of one value table; the largest of a broker has some 10,000.
const STEPS_MAX: usize = 1 << 18;
/// Inlined calls at one address; the compiler stops far earlier.
const INLINED_MAX: usize = 64;
/// Bytes of a name; generic functions have some hundreds.
const NAME_MAX: usize = 4 << 10;

/// Why a program has no table that we can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PclntabError {
    /// No section and no magic.
    #[error(
        "it holds no Go symbol table (.gopclntab): it is not a Go program, or one older than Go 1.18"
    )]
    Absent,
    /// The header makes no sense.
    #[error("its Go symbol table (.gopclntab) is damaged: {0}")]
    Damaged(&'static str),
    /// No moduledata: functions would be found at wrong addresses.
    #[error("the start of its code (runtime.moduledata) cannot be found")]
    NoModule,
}

/// What differs between versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    function_bytes: usize,
    function_id: usize,
    inline_bytes: usize,
    inline_name: usize,
    inline_parent: usize,
}

const LAYOUT_18: Layout = Layout {
    function_bytes: 40,
    function_id: 36,
    inline_bytes: 20,
    inline_name: 12,
    inline_parent: 16,
};
const LAYOUT_20: Layout = Layout {
    function_bytes: 44,
    function_id: 40,
    inline_bytes: 16,
    inline_name: 4,
    inline_parent: 8,
};

/// The table, ready to be asked. Addresses are those of the file; take the bias away before.
#[derive(Debug)]
pub struct Pclntab<'a> {
    layout: Layout,
    /// Bytes of the shortest instruction: 1 on amd64, 4 on arm64.
    quantum: u32,
    /// Address of `runtime.text`.
    text: u64,
    names: &'a [u8],
    units: &'a [u8],
    files: &'a [u8],
    values: &'a [u8],
    /// Rows of entry and offset, then the functions these offsets lead to.
    rows: &'a [u8],
    count: usize,
    /// Inline trees; absent where no candidate made sense: inlined functions are then missing.
    trees: Option<&'a [u8]>,
}

/// One function of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Function {
    /// Address of its first instruction.
    pub entry: u64,
    /// Address after its last one.
    pub end: u64,
    /// Where its record stands among the rows.
    record: usize,
}

/// What the source calls an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Function with its package, as Go writes it.
    pub name: &'a str,
    /// Path of the file at build time; empty where unknown.
    pub file: &'a str,
    /// Line in the file; 0 where unknown.
    pub line: u32,
}

impl<'a> Pclntab<'a> {
    /// Finds and checks the table of a program.
    ///
    /// # Errors
    ///
    /// When there is none, or it does not hold together.
    pub fn of(image: &Image<'a>) -> Result<Self, PclntabError> {
        let mut worst = PclntabError::Absent;
        if let Some((address, bytes)) = image.section("gopclntab") {
            match Self::at(image, address, bytes) {
                Ok(table) => return Ok(table),
                Err(error) => worst = error,
            }
        }
        for magic in [MAGIC_20, MAGIC_18] {
            let mut head = [0; 6];
            head[..4].copy_from_slice(&magic.to_le_bytes());
            for (address, bytes) in image.find(&head) {
                match Self::at(image, address, bytes) {
                    Ok(table) => return Ok(table),
                    Err(error) if worst == PclntabError::Absent => worst = error,
                    Err(_) => {}
                }
            }
        }
        Err(worst)
    }

    fn at(image: &Image<'a>, address: u64, bytes: &'a [u8]) -> Result<Self, PclntabError> {
        let mut table = Self::parse(bytes)?;
        let names = address
            .wrapping_add(word(bytes, 32).ok_or(PclntabError::Damaged("its header is cut off"))?);
        for module in image.pairs(address, names) {
            let Some(text) = image.word(module + MODULE_TEXT_WORD * 8) else {
                continue;
            };
            table.text = text;
            table.trees = MODULE_GOFUNC_WORDS
                .filter_map(|at| image.from(image.word(module + at * 8)?))
                .find(|trees| table.makes_sense(trees));
            return Ok(table);
        }
        Err(PclntabError::NoModule)
    }

    /// Reads the header; functions lie from address 0 on, without inlined ones, until `text` and `trees` are known.
    fn parse(bytes: &'a [u8]) -> Result<Self, PclntabError> {
        let damaged = PclntabError::Damaged;
        let head = bytes
            .get(..HEADER_BYTES)
            .ok_or(damaged("its header is cut off"))?;
        let layout = match half(head, 0) {
            Some(MAGIC_18) => LAYOUT_18,
            Some(MAGIC_20) => LAYOUT_20,
            _ => return Err(PclntabError::Absent),
        };
        let (quantum, pointer) = (head[6], head[7]);
        if !matches!(quantum, 1 | 2 | 4) || pointer != 8 {
            return Err(damaged("instructions or pointers have impossible sizes"));
        }
        let part = |at: usize| -> Result<&'a [u8], PclntabError> {
            let from = word(head, at).and_then(|from| usize::try_from(from).ok());
            from.and_then(|from| bytes.get(from..))
                .ok_or(damaged("a part lies outside of it"))
        };
        let rows = part(64)?;
        let count = word(head, 8)
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(usize::MAX);
        // After the last row stands the end of the last function.
        let needed = count
            .checked_mul(ROW_BYTES)
            .and_then(|bytes| bytes.checked_add(4));
        if count == 0 || needed.is_none_or(|needed| needed > rows.len()) {
            return Err(damaged("it is shorter than its list of functions"));
        }
        Ok(Self {
            layout,
            quantum: quantum.into(),
            text: 0,
            names: part(32)?,
            units: part(40)?,
            files: part(48)?,
            values: part(56)?,
            rows,
            count,
            trees: None,
        })
    }

    /// Whether inlined functions can be told.
    #[must_use]
    pub fn tells_inlined(&self) -> bool {
        self.trees.is_some()
    }

    /// The function that `pc` lies in.
    #[must_use]
    pub fn function(&self, pc: u64) -> Option<Function> {
        let offset = u32::try_from(pc.checked_sub(self.text)?).ok()?;
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if self.entry(middle)? <= offset {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let function = self.row(low.checked_sub(1)?)?;
        (pc < function.end).then_some(function)
    }

    /// Outermost name of a function.
    #[must_use]
    pub fn name(&self, function: Function) -> Option<&'a str> {
        self.name_at(self.field(function, 4)?)
    }

    /// Calls `each` with what the source calls `pc`, innermost first: inlined functions, then the one they were inlined into.
    /// Gives false, and calls nothing, where the table does not know.
    pub fn places(&self, pc: u64, mut each: impl FnMut(Place<'a>)) -> bool {
        let Some(function) = self.function(pc) else {
            return false;
        };
        let Some(outermost) = self.name(function) else {
            return false;
        };
        let mut pc = pc;
        for _ in 0..INLINED_MAX {
            let (file, line) = self.line(function, pc);
            let Some((name, parent)) = self.inlined(function, pc) else {
                each(Place {
                    name: outermost,
                    file,
                    line,
                });
                break;
            };
            each(Place { name, file, line });
            pc = parent;
        }
        true
    }

    /// Bytes between the stack pointer at `pc` and the return address of its function; `None` where the table does not know.
    #[must_use]
    pub fn stack_depth(&self, pc: u64) -> Option<u64> {
        let function = self.function(pc)?;
        u64::try_from(self.value(self.field(function, 16)?, function, pc)?).ok()
    }

    fn row(&self, index: usize) -> Option<Function> {
        let record = usize::try_from(half(self.rows, index * ROW_BYTES + 4)?).ok()?;
        Some(Function {
            entry: self.text.wrapping_add(self.entry(index)?.into()),
            end: self.text.wrapping_add(self.entry(index + 1)?.into()),
            record,
        })
    }

    fn entry(&self, index: usize) -> Option<u32> {
        half(self.rows, index * ROW_BYTES)
    }

    fn field(&self, function: Function, at: usize) -> Option<u32> {
        half(self.rows, function.record.checked_add(at)?)
    }

    fn name_at(&self, offset: u32) -> Option<&'a str> {
        text(self.names, offset)
    }

    /// File and line of `pc`.
    fn line(&self, function: Function, pc: u64) -> (&'a str, u32) {
        let value = |at| self.value(self.field(function, at)?, function, pc);
        let line = value(24)
            .and_then(|line| u32::try_from(line).ok())
            .unwrap_or(0);
        let file = value(20).and_then(|index| {
            let unit = self
                .field(function, 32)?
                .checked_add(u32::try_from(index).ok()?)?;
            text(
                self.files,
                half(self.units, usize::try_from(unit).ok()?.checked_mul(4)?)?,
            )
        });
        (file.unwrap_or(""), line)
    }

    /// The function inlined at `pc`, and the address at which it was called.
    fn inlined(&self, function: Function, pc: u64) -> Option<(&'a str, u64)> {
        let index = self.value(self.pcdata(function, PCDATA_INL_TREE_INDEX)?, function, pc)?;
        self.branch(self.trees?, function, usize::try_from(index).ok()?)
    }

    fn branch(&self, trees: &[u8], function: Function, index: usize) -> Option<(&'a str, u64)> {
        let tree = usize::try_from(self.funcdata(function, FUNCDATA_INL_TREE)?).ok()?;
        let at = index
            .checked_mul(self.layout.inline_bytes)?
            .checked_add(tree)?;
        let name = self.name_at(half(trees, at.checked_add(self.layout.inline_name)?)?)?;
        let parent = half(trees, at.checked_add(self.layout.inline_parent)?)?.cast_signed();
        let pc = function.entry.checked_add(u64::try_from(parent).ok()?)?;
        (!name.is_empty() && pc < function.end).then_some((name, pc))
    }

    /// Offset of a value table.
    fn pcdata(&self, function: Function, table: u32) -> Option<u32> {
        let offset = (table < self.field(function, 28)?)
            .then(|| self.field(function, self.layout.function_bytes + table as usize * 4))??;
        (offset != 0).then_some(offset)
    }

    /// Offset from `gofunc`.
    fn funcdata(&self, function: Function, table: u32) -> Option<u32> {
        let count = *self
            .rows
            .get(function.record.checked_add(self.layout.function_id + 3)?)?;
        if table >= count.into() {
            return None;
        }
        let tables = usize::try_from(self.field(function, 28)?).ok()?;
        let at = tables
            .checked_add(table as usize)?
            .checked_mul(4)?
            .checked_add(self.layout.function_bytes)?;
        self.field(function, at)
            .filter(|offset| *offset != u32::MAX)
    }

    /// What a value table says for `pc`.
    fn value(&self, offset: u32, function: Function, pc: u64) -> Option<i32> {
        let mut steps = Steps::new(self.values, offset, function, self.quantum)?;
        steps.find(|(end, _)| pc < *end).map(|(_, value)| value)
    }

    /// Whether the inline trees of the first functions that have some are read well from `trees`.
    fn makes_sense(&self, trees: &[u8]) -> bool {
        let mut seen = 0;
        for index in 0..self.count {
            let Some(function) = self.row(index) else {
                return false;
            };
            let (Some(_), Some(offset)) = (
                self.funcdata(function, FUNCDATA_INL_TREE),
                self.pcdata(function, PCDATA_INL_TREE_INDEX),
            ) else {
                continue;
            };
            let Some(steps) = Steps::new(self.values, offset, function, self.quantum) else {
                return false;
            };
            for (_, index) in steps {
                let Ok(index) = usize::try_from(index) else {
                    continue;
                };
                if self
                    .branch(trees, function, index)
                    .is_none_or(|(name, _)| !is_start(self.names, name))
                {
                    return false;
                }
            }
            seen += 1;
            if seen == GOFUNC_FUNCTIONS {
                break;
            }
        }
        seen > 0
    }
}

/// A value table, step by step: the address after which a value no longer holds, and the value.
struct Steps<'a> {
    rest: &'a [u8],
    pc: u64,
    value: i32,
    quantum: u32,
    left: usize,
    first: bool,
}

impl<'a> Steps<'a> {
    fn new(values: &'a [u8], offset: u32, function: Function, quantum: u32) -> Option<Self> {
        let rest = values.get(usize::try_from(offset).ok()?..)?;
        Some(Self {
            rest,
            pc: function.entry,
            value: -1,
            quantum,
            left: STEPS_MAX,
            first: true,
        })
    }

    fn varint(&mut self) -> Option<u32> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

impl Iterator for Steps<'_> {
    type Item = (u64, i32);

    fn next(&mut self) -> Option<(u64, i32)> {
        self.left = self.left.checked_sub(1)?;
        let change = self.varint()?;
        if change == 0 && !self.first {
            return None;
        }
        self.first = false;
        let change = if change & 1 == 0 {
            change >> 1
        } else {
            !(change >> 1)
        };
        self.value = self.value.wrapping_add(change.cast_signed());
        let bytes = u64::from(self.varint()?) * u64::from(self.quantum);
        self.pc = self.pc.checked_add(bytes)?;
        Some((self.pc, self.value))
    }
}

/// Whether `name`, a slice of `names`, begins where a name begins, and not in the middle of one.
fn is_start(names: &[u8], name: &str) -> bool {
    match (name.as_ptr() as usize).checked_sub(names.as_ptr() as usize) {
        Some(0) => true,
        Some(at) => names.get(at - 1) == Some(&0),
        None => false,
    }
}

/// Text up to its NUL.
fn text(bytes: &[u8], offset: u32) -> Option<&str> {
    let rest = bytes.get(usize::try_from(offset).ok()?..)?;
    let rest = &rest[..rest.len().min(NAME_MAX)];
    std::str::from_utf8(&rest[..memchr::memchr(0, rest)?]).ok()
}

fn half(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|bytes| u32::from_le_bytes(*bytes))
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|bytes| u64::from_le_bytes(*bytes))
}
