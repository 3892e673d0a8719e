//! Takes a body apart while it arrives: elements of chosen arrays one by one, never the whole body.
//!
//! The splitter knows where it is by a real path of objects and keys, so any order of keys, any white space and any
//! cut of the bytes into chunks give the same elements. It checks the form around elements; serde checks each element.
//! An element out of which nothing is cut and that stands whole in a chunk is decoded where it stands; only what goes on in
//! the next chunk is gone through byte by byte and copied.

use super::DecodeError;

/// Largest element, cut arrays not counted.
const ELEMENT_MAX: usize = 16 << 20;
/// Bytes of a cut array that may wait for labels that come after it.
pub(crate) const HELD_MAX: usize = 1 << 20;
/// Levels of nesting inside an element. serde_json itself stops at 128.
const DEPTH_MAX: usize = 100;
/// Buffers larger than this are given back after an answer.
const BUFFER_KEPT: usize = 256 << 10;

/// The key of a cut that stands for every member of an object whose keys are data: each is cut out if it is an object.
pub(crate) const EACH: &str = "*";
/// The same for members that are arrays: each is taken apart. The object around them must tell its labels at once, since a
/// member's name is told when it begins.
pub(crate) const EACH_ARRAY: &str = "*[]";

/// An array that is taken apart: its key in the object around it, and the arrays to take apart inside its elements.
#[derive(Debug)]
pub(crate) struct Cut {
    pub(crate) key: &'static str,
    pub(crate) inside: &'static [Cut],
}

/// Whether the labels of an object are known, so that elements inside it can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Labels {
    Known,
    Missing,
}

/// Takes elements. `depth` is 0 for the root object, 1 for the elements of an array cut from it, and so on.
pub(crate) trait Elements {
    /// An object is about to give elements: `head` is the object so far, closed, with the cut array left empty.
    /// Also called at the object's end with all of it, when an earlier call answered `Labels::Missing`.
    fn head(&mut self, depth: usize, head: &[u8], offset: u64) -> Result<Labels, DecodeError>;

    /// A member cut by [`EACH`] or [`EACH_ARRAY`] begins, at the depth that its `element`, or each of its elements, will
    /// have.
    fn member(&mut self, _depth: usize, _key: &str) {}

    /// Takes the element at the beginning of `text`, which goes on behind it, and gives its length. Nothing when it is not
    /// whole or not right: then it comes by `element`, which tells what is wrong. Asked where nothing is cut out of elements.
    fn whole(
        &mut self,
        _key: &'static str,
        _text: &str,
        _offset: u64,
    ) -> Result<Option<usize>, DecodeError> {
        Ok(None)
    }

    /// An object is complete: `bytes` is all of it, with cut arrays left empty. `key` names the array it is from.
    fn element(
        &mut self,
        depth: usize,
        key: &'static str,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), DecodeError>;
}

/// Takes a body that is one element: nothing is cut out of it.
pub(crate) struct Root<'a>(pub(crate) &'a mut TakeElement<'a>);

/// Takes the bytes of an element and where it ends in the body.
type TakeElement<'a> = dyn FnMut(&[u8], u64) -> Result<(), DecodeError> + 'a;

impl Elements for Root<'_> {
    fn head(&mut self, _depth: usize, _head: &[u8], _offset: u64) -> Result<Labels, DecodeError> {
        Ok(Labels::Known)
    }

    fn element(
        &mut self,
        _depth: usize,
        _key: &'static str,
        bytes: &[u8],
        offset: u64,
    ) -> Result<(), DecodeError> {
        (self.0)(bytes, offset)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the root object.
    Start,
    /// In an object: a key or the end. `first` allows the end without a comma before it.
    Key {
        first: bool,
    },
    /// In a key.
    KeyText {
        escaped: bool,
    },
    Colon,
    /// Before a value of an object.
    Value,
    /// In a number, `true`, `false`, `null`.
    Word,
    /// In a string, array or object that is not taken apart.
    Inside {
        depth: usize,
        text: bool,
        escaped: bool,
    },
    /// After a value of an object.
    Comma,
    /// In a cut array: an element or the end.
    Element {
        first: bool,
    },
    /// After an element of a cut array.
    ElementComma,
    /// After the root object.
    End,
}

#[derive(Debug)]
struct Frame {
    /// Key of the array that this object is an element of; empty for the root.
    key: &'static str,
    cuts: &'static [Cut],
    /// The object so far, with cut arrays left empty.
    bytes: Vec<u8>,
    /// Where the key that is being read begins in `bytes`.
    key_start: usize,
    /// The array being cut.
    cut: Option<&'static Cut>,
    labels: Option<Labels>,
    /// Cut arrays that wait for labels: the cut, and the array with its brackets.
    held: Vec<(&'static Cut, Vec<u8>)>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Splitter {
    cuts: &'static [Cut],
    /// `ELEMENT_MAX` and `HELD_MAX`; smaller in tests.
    element_max: usize,
    held_max: usize,
    state: State,
    frames: Vec<Frame>,
    spare: Vec<Vec<u8>>,
    offset: u64,
    /// Whether the value being read goes to `held` instead of `bytes`.
    holding: bool,
}

impl Splitter {
    pub(crate) fn new(cuts: &'static [Cut]) -> Self {
        Self {
            cuts,
            element_max: ELEMENT_MAX,
            held_max: HELD_MAX,
            state: State::Start,
            frames: Vec::new(),
            spare: Vec::new(),
            offset: 0,
            holding: false,
        }
    }

    /// Lets this many bytes of an array wait for labels.
    pub(crate) fn hold_at_most(&mut self, bytes: usize) {
        self.held_max = bytes;
    }

    /// Forgets what was fed; keeps small buffers.
    pub(crate) fn reset(&mut self) {
        while let Some(frame) = self.frames.pop() {
            self.keep(frame.bytes);
        }
        self.state = State::Start;
        self.offset = 0;
        self.holding = false;
    }

    /// Feeds the next bytes of the body.
    pub(crate) fn feed(&mut self, bytes: &[u8], out: &mut dyn Elements) -> Result<(), DecodeError> {
        let base = self.offset;
        // Looked at once for all strings in it; a character that is cut comes whole by the slower way.
        let text = std::str::from_utf8(bytes)
            .or_else(|error| std::str::from_utf8(&bytes[..error.valid_up_to()]))
            .unwrap_or_default();
        let mut at = 0;
        while at < bytes.len() {
            at += self.step(&bytes[at..], text.get(at..).unwrap_or_default(), out)?;
            self.offset = base + at as u64;
        }
        Ok(())
    }

    /// The body is complete.
    pub(crate) fn finish(&mut self) -> Result<(), DecodeError> {
        if self.state == State::End {
            Ok(())
        } else {
            Err(DecodeError::Truncated {
                offset: self.offset,
            })
        }
    }

    /// Goes on by one token or a run of bytes; gives how many bytes were used; none when only the state changed.
    /// `text` is what of the bytes is known to be UTF-8.
    fn step(
        &mut self,
        bytes: &[u8],
        text: &str,
        out: &mut dyn Elements,
    ) -> Result<usize, DecodeError> {
        let blank = bytes.iter().take_while(|byte| is_blank(**byte)).count();
        match self.state {
            State::KeyText { escaped } => return self.key_text(bytes, escaped),
            State::Word => return self.word(bytes),
            State::Inside {
                depth,
                text,
                escaped,
            } => return self.inside(bytes, depth, text, escaped),
            _ if blank > 0 => return Ok(blank),
            State::Start => self
                .expect(bytes[0], b'{', "expected an object")
                .map(|()| self.push("", self.cuts))?,
            State::Key { first } => self.key(bytes[0], first, out)?,
            State::Colon => {
                self.expect(bytes[0], b':', "expected a colon")?;
                self.append(b":")?;
                self.state = State::Value;
            }
            State::Value => return self.value(bytes[0], out),
            State::Comma => self.comma(bytes[0], out)?,
            State::Element { first } => return self.array_element(bytes[0], text, first, out),
            State::ElementComma => match bytes[0] {
                b',' => self.state = State::Element { first: false },
                b']' => self.end_array(),
                _ => return Err(self.syntax("expected a comma or the end of the array")),
            },
            State::End => return Err(self.syntax("expected nothing after the object")),
        }
        Ok(1)
    }

    fn key(&mut self, byte: u8, first: bool, out: &mut dyn Elements) -> Result<(), DecodeError> {
        match byte {
            b'"' => {
                let frame = self.top();
                frame.key_start = frame.bytes.len();
                self.state = State::KeyText { escaped: false };
                self.append(b"\"")
            }
            b'}' if first => self.end_object(out),
            _ => Err(self.syntax("expected a key")),
        }
    }

    fn key_text(&mut self, bytes: &[u8], escaped: bool) -> Result<usize, DecodeError> {
        let (used, escaped, ended) = string_run(bytes, escaped);
        self.append(&bytes[..used])?;
        self.state = if ended {
            State::Colon
        } else {
            State::KeyText { escaped }
        };
        Ok(used)
    }

    fn value(&mut self, byte: u8, out: &mut dyn Elements) -> Result<usize, DecodeError> {
        match byte {
            b'[' | b'{' => {
                if let Some(cut) = self.cut_here(byte) {
                    return match byte {
                        b'[' => self.begin_array(cut, out),
                        _ => self.begin_member(cut, out),
                    }
                    .map(|()| 1);
                }
                self.state = State::Inside {
                    depth: 0,
                    text: false,
                    escaped: false,
                };
            }
            b'"' => {
                self.state = State::Inside {
                    depth: 0,
                    text: false,
                    escaped: false,
                }
            }
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => self.state = State::Word,
            _ => return Err(self.syntax("expected a value")),
        }
        // The state that was chosen reads this byte again.
        Ok(0)
    }

    fn word(&mut self, bytes: &[u8]) -> Result<usize, DecodeError> {
        let used = bytes
            .iter()
            .take_while(|byte| !is_blank(**byte) && !matches!(byte, b',' | b'}' | b']'))
            .count();
        self.append(&bytes[..used])?;
        if used < bytes.len() {
            self.state = State::Comma;
        }
        Ok(used)
    }

    fn inside(
        &mut self,
        bytes: &[u8],
        mut depth: usize,
        mut text: bool,
        mut escaped: bool,
    ) -> Result<usize, DecodeError> {
        let mut at = 0;
        loop {
            if text {
                let (used, still_escaped, ended) = string_run(&bytes[at..], escaped);
                at += used;
                (escaped, text) = (still_escaped, !ended);
                if ended && depth == 0 {
                    break;
                }
            }
            let next = bytes[at..]
                .iter()
                .position(|byte| STRUCTURE[usize::from(*byte)]);
            let Some(found) = next.filter(|_| !text) else {
                self.state = State::Inside {
                    depth,
                    text,
                    escaped,
                };
                return self.append_value(bytes).map(|()| bytes.len());
            };
            at += found + 1;
            match bytes[at - 1] {
                b'"' => text = true,
                b'[' | b'{' if depth == DEPTH_MAX => {
                    return Err(DecodeError::TooDeep {
                        offset: self.offset + at as u64,
                        max: DEPTH_MAX,
                    });
                }
                b'[' | b'{' => depth += 1,
                _ => depth = depth.saturating_sub(1),
            }
            if depth == 0 && !text {
                break;
            }
        }
        self.append_value(&bytes[..at])?;
        self.holding = false;
        self.state = State::Comma;
        Ok(at)
    }

    fn comma(&mut self, byte: u8, out: &mut dyn Elements) -> Result<(), DecodeError> {
        match byte {
            b',' => {
                self.state = State::Key { first: false };
                self.append(b",")
            }
            b'}' => self.end_object(out),
            _ => Err(self.syntax("expected a comma or the end of the object")),
        }
    }

    /// The cut that the key just read stands for, when an array or an object follows.
    fn cut_here(&mut self, byte: u8) -> Option<&'static Cut> {
        let frame = self.top();
        if byte == b'{' {
            return frame.cuts.iter().find(|cut| cut.key == EACH);
        }
        let quoted = frame.bytes[frame.key_start..].strip_suffix(b":")?;
        let key = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        let named = |name: &[u8]| {
            let each = |cut: &&Cut| cut.key == EACH || cut.key == EACH_ARRAY;
            let mut arrays = frame.cuts.iter().filter(|cut| !each(cut));
            let any = || frame.cuts.iter().find(|cut| cut.key == EACH_ARRAY);
            arrays.find(|cut| cut.key.as_bytes() == name).or_else(any)
        };
        if key.contains(&b'\\') {
            let key: String = serde_json::from_slice(quoted).ok()?;
            return named(key.as_bytes());
        }
        named(key)
    }

    fn begin_member(
        &mut self,
        cut: &'static Cut,
        out: &mut dyn Elements,
    ) -> Result<(), DecodeError> {
        self.hand_over_key(out)?;
        self.append(b"0")?;
        self.push(EACH, cut.inside);
        Ok(())
    }

    /// The member's key goes to `out`, and leaves no trace in the object around it.
    fn hand_over_key(&mut self, out: &mut dyn Elements) -> Result<(), DecodeError> {
        let (depth, offset) = (self.frames.len(), self.offset);
        let frame = self.top();
        let quoted = &frame.bytes[frame.key_start..];
        let quoted = quoted.strip_suffix(b":").unwrap_or(quoted);
        let key = super::decode::key(quoted, offset)?;
        out.member(depth, &key);
        frame.bytes.truncate(frame.key_start);
        self.append(b"\"\":")
    }

    fn begin_array(
        &mut self,
        cut: &'static Cut,
        out: &mut dyn Elements,
    ) -> Result<(), DecodeError> {
        if cut.key == EACH_ARRAY {
            self.hand_over_key(out)?;
        }
        self.append(b"[]")?;
        self.top().cut = Some(cut);
        self.state = State::Element { first: true };
        Ok(())
    }

    fn array_element(
        &mut self,
        byte: u8,
        text: &str,
        first: bool,
        out: &mut dyn Elements,
    ) -> Result<usize, DecodeError> {
        match byte {
            b']' if first => self.end_array(),
            b'{' => match (self.labels(out)?, self.top().cut) {
                (Labels::Missing, _) => self.hold()?,
                (Labels::Known, None) => return Err(self.syntax("expected a key")),
                (Labels::Known, Some(cut)) => {
                    if cut.inside.is_empty()
                        && let Some(used) = out.whole(cut.key, text, self.offset)?
                    {
                        self.state = State::ElementComma;
                        return Ok(used);
                    }
                    self.push(cut.key, cut.inside);
                }
            },
            _ => return Err(self.syntax("expected an object in the array")),
        }
        Ok(1)
    }

    /// Keeps the array, from this element on, until the labels are known.
    fn hold(&mut self) -> Result<(), DecodeError> {
        let frame = self.top();
        let Some(cut) = frame.cut.take() else {
            return Err(self.syntax("expected a key"));
        };
        // The array's bracket and this element's brace are used up already.
        frame.held.push((cut, b"[{".to_vec()));
        self.holding = true;
        self.state = State::Inside {
            depth: 2,
            text: false,
            escaped: false,
        };
        Ok(())
    }

    fn end_array(&mut self) {
        self.top().cut = None;
        self.state = State::Comma;
    }

    /// Whether the labels of the current object are known, asking once for each state of knowledge.
    fn labels(&mut self, out: &mut dyn Elements) -> Result<Labels, DecodeError> {
        let depth = self.frames.len() - 1;
        let offset = self.offset;
        let frame = self.top();
        if frame.labels != Some(Labels::Known) {
            frame.bytes.push(b'}');
            let labels = out.head(depth, &frame.bytes, offset);
            frame.bytes.pop();
            frame.labels = Some(labels?);
        }
        Ok(frame.labels.unwrap_or(Labels::Missing))
    }

    fn end_object(&mut self, out: &mut dyn Elements) -> Result<(), DecodeError> {
        self.release_held(out)?;
        self.append(b"}")?;
        let depth = self.frames.len() - 1;
        let Some(frame) = self.frames.pop() else {
            return Err(self.syntax("expected an object"));
        };
        let result = out.element(depth, frame.key, &frame.bytes, self.offset + 1);
        self.keep(frame.bytes);
        self.state = match self.frames.last() {
            None => State::End,
            Some(around) if around.cut.is_some() => State::ElementComma,
            Some(_) => State::Comma,
        };
        result
    }

    /// Goes through the arrays that waited for the labels of the object that ends now.
    fn release_held(&mut self, out: &mut dyn Elements) -> Result<(), DecodeError> {
        let held = std::mem::take(&mut self.top().held);
        if held.is_empty() {
            return Ok(());
        }
        let offset = self.offset;
        for (cut, bytes) in held {
            if self.labels(out)? == Labels::Missing {
                return Err(self.syntax("an object has no name"));
            }
            self.top().cut = Some(cut);
            self.state = State::Element { first: true };
            self.feed(&bytes[1..], out)?;
        }
        self.offset = offset;
        Ok(())
    }

    fn push(&mut self, key: &'static str, cuts: &'static [Cut]) {
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        bytes.push(b'{');
        self.frames.push(Frame {
            key,
            cuts,
            bytes,
            key_start: 0,
            cut: None,
            labels: None,
            held: Vec::new(),
        });
        self.state = State::Key { first: true };
    }

    fn keep(&mut self, bytes: Vec<u8>) {
        if bytes.capacity() <= BUFFER_KEPT {
            self.spare.push(bytes);
        }
    }

    /// Every state but `Start` and `End` has an object around it.
    fn top(&mut self) -> &mut Frame {
        self.frames
            .last_mut()
            .expect("a state inside an object has a frame")
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let max = self.element_max;
        let frame = self.top();
        if frame.bytes.len() + bytes.len() > max {
            return Err(DecodeError::ElementTooLarge { max });
        }
        frame.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn append_value(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        if !self.holding {
            return self.append(bytes);
        }
        let held: usize = self.top().held.iter().map(|(_, bytes)| bytes.len()).sum();
        if held + bytes.len() > self.held_max {
            return Err(DecodeError::LabelsLate { max: self.held_max });
        }
        if let Some((_, waiting)) = self.top().held.last_mut() {
            waiting.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn expect(&self, byte: u8, expected: u8, what: &'static str) -> Result<(), DecodeError> {
        if byte == expected {
            Ok(())
        } else {
            Err(self.syntax(what))
        }
    }

    fn syntax(&self, what: &'static str) -> DecodeError {
        DecodeError::Syntax {
            offset: self.offset,
            what,
        }
    }
}

/// Bytes that change the depth or begin a string.
static STRUCTURE: [bool; 256] = {
    let mut table = [false; 256];
    table[b'"' as usize] = true;
    table[b'{' as usize] = true;
    table[b'}' as usize] = true;
    table[b'[' as usize] = true;
    table[b']' as usize] = true;
    table
};

/// Goes on inside a string: bytes used, whether the next byte is escaped, whether the string ended.
fn string_run(bytes: &[u8], escaped: bool) -> (usize, bool, bool) {
    let mut at = usize::from(escaped && !bytes.is_empty());
    if escaped && bytes.is_empty() {
        return (0, true, false);
    }
    while let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[at..]) {
        at += found + 1;
        if bytes[at - 1] == b'"' {
            return (at, false, true);
        }
        if at == bytes.len() {
            return (at, true, false);
        }
        at += 1;
    }
    (bytes.len(), false, false)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}

#[cfg(test)]
mod property;
#[cfg(test)]
mod tests;
