//! pprof's own form: gzipped protobuf, as `go tool pprof`, speedscope, Pyroscope and Parca read it and brokers write it.
//!
//! Messages from `github.com/google/pprof/proto/profile.proto`; fields that nobody here needs are left out.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use prost::Message;
use prost::encoding::{DecodeContext, decode_key, skip_field};

use super::{About, Frame, FrameId, Label, Profile, ValueType};

/// Bytes of a profile after unpacking.
pub const UNPACKED_MAX: u64 = 32 << 20;
/// Samples, locations, functions and texts of a profile. Each takes up to 36 times its bytes once it is decoded, so they are counted before.
pub const PARTS_MAX: usize = 1 << 19;

/// Why bytes are no profile.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PprofError {
    /// More than we hold.
    #[error("the profile is larger than {} MiB after unpacking", UNPACKED_MAX >> 20)]
    Large,
    /// More samples, locations, functions and texts than we hold.
    #[error("the profile has more than {PARTS_MAX} samples, locations, functions and texts")]
    Parts,
    /// Not gzip although it begins so, or cut off.
    #[error("the profile cannot be unpacked: {0}")]
    Gzip(#[from] io::Error),
    /// Not protobuf.
    #[error("the profile is no protobuf of pprof: {0}")]
    Proto(#[from] prost::DecodeError),
    /// A reference that leads nowhere, or no values at all.
    #[error("the profile does not hold together: {0}")]
    Broken(&'static str),
}

#[derive(Clone, PartialEq, Message)]
struct ProtoProfile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ProtoValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<ProtoSample>,
    #[prost(message, repeated, tag = "3")]
    mapping: Vec<ProtoMapping>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<ProtoLocation>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<ProtoFunction>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, tag = "9")]
    time_nanos: i64,
    #[prost(int64, tag = "10")]
    duration_nanos: i64,
    #[prost(message, optional, tag = "11")]
    period_type: Option<ProtoValueType>,
    #[prost(int64, tag = "12")]
    period: i64,
    #[prost(int64, repeated, tag = "13")]
    comment: Vec<i64>,
    #[prost(int64, tag = "14")]
    default_sample_type: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ProtoValueType {
    #[prost(int64, tag = "1")]
    name: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, Message)]
struct ProtoSample {
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
    #[prost(message, repeated, tag = "3")]
    label: Vec<ProtoLabel>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ProtoLabel {
    #[prost(int64, tag = "1")]
    key: i64,
    #[prost(int64, tag = "2")]
    text: i64,
    #[prost(int64, tag = "3")]
    number: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ProtoMapping {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(bool, tag = "7")]
    has_functions: bool,
    #[prost(bool, tag = "8")]
    has_filenames: bool,
    #[prost(bool, tag = "9")]
    has_line_numbers: bool,
    #[prost(bool, tag = "10")]
    has_inline_frames: bool,
}

#[derive(Clone, PartialEq, Message)]
struct ProtoLocation {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "2")]
    mapping_id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<ProtoLine>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ProtoLine {
    #[prost(uint64, tag = "1")]
    function_id: u64,
    #[prost(int64, tag = "2")]
    line: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ProtoFunction {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "3")]
    system_name: i64,
    #[prost(int64, tag = "4")]
    filename: i64,
}

/// What a file tells beside its profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// How long it was watched; zero for what was there at one moment.
    pub span: Duration,
    /// Samples in a second of CPU time, where there is a rate.
    pub rate: Option<u32>,
}

/// Reads a profile, gzipped or not. Samples that refer to what is not there are counted as left out.
///
/// # Errors
///
/// When it is none, or too large.
pub fn read(bytes: &[u8]) -> Result<(Profile, Told), PprofError> {
    let unpacked;
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut whole = Vec::new();
        GzDecoder::new(bytes)
            .take(UNPACKED_MAX + 1)
            .read_to_end(&mut whole)?;
        unpacked = whole;
        &unpacked
    } else {
        bytes
    };
    if bytes.len() as u64 > UNPACKED_MAX {
        return Err(PprofError::Large);
    }
    if parts(bytes)? > PARTS_MAX {
        return Err(PprofError::Parts);
    }
    let proto = ProtoProfile::decode(bytes)?;
    let cpu = proto.period_type.is_some_and(|kind| {
        let name = usize::try_from(kind.name).unwrap_or(usize::MAX);
        proto
            .string_table
            .get(name)
            .is_some_and(|name| name == "cpu")
    });
    let rate = 1_000_000_000_i64.checked_div(proto.period).unwrap_or(0);
    let told = Told {
        span: Duration::from_nanos(u64::try_from(proto.duration_nanos).unwrap_or(0)),
        rate: u32::try_from(rate).ok().filter(|rate| cpu && *rate > 0),
    };
    Ok((Reader::of(&proto)?.read()?, told))
}

/// How many fields the outermost message has.
fn parts(mut bytes: &[u8]) -> Result<usize, prost::DecodeError> {
    let context = DecodeContext::default();
    let mut parts = 0;
    while !bytes.is_empty() {
        let (tag, wire) = decode_key(&mut bytes)?;
        skip_field(wire, tag, &mut bytes, context.clone())?;
        parts += 1;
    }
    Ok(parts)
}

struct Reader<'a> {
    proto: &'a ProtoProfile,
    functions: HashMap<u64, &'a ProtoFunction>,
    locations: HashMap<u64, &'a ProtoLocation>,
    /// Frames of a location, leaf first.
    known: HashMap<u64, Option<Box<[FrameId]>>>,
}

impl<'a> Reader<'a> {
    fn of(proto: &'a ProtoProfile) -> Result<Self, PprofError> {
        if proto.sample_type.is_empty() {
            return Err(PprofError::Broken("it names no type of value"));
        }
        Ok(Self {
            proto,
            functions: proto
                .function
                .iter()
                .map(|function| (function.id, function))
                .collect(),
            locations: proto
                .location
                .iter()
                .map(|location| (location.id, location))
                .collect(),
            known: HashMap::new(),
        })
    }

    fn read(mut self) -> Result<Profile, PprofError> {
        let types = self.proto.sample_type.iter().map(|kind| {
            let text = |at| {
                self.text(at)
                    .ok_or(PprofError::Broken("a type of value has no name"))
            };
            Ok(ValueType::new(text(kind.name)?, text(kind.unit)?))
        });
        let mut profile = Profile::new(types.collect::<Result<_, PprofError>>()?);
        let default = self.proto.default_sample_type;
        let mut types = self.proto.sample_type.iter();
        if let Some(at) = types.position(|kind| default != 0 && kind.name == default) {
            profile.show(at);
        }
        let mut ids = Vec::new();
        for sample in &self.proto.sample {
            ids.clear();
            let found = sample
                .location_id
                .iter()
                .all(|location| self.location(*location, &mut profile, &mut ids));
            match self.labels(sample) {
                Some(labels) if found && !ids.is_empty() => {
                    profile.add(&ids, &sample.value, labels)
                }
                _ => profile.left_out += 1,
            }
        }
        Ok(profile)
    }

    fn text(&self, at: i64) -> Option<&'a str> {
        self.proto
            .string_table
            .get(usize::try_from(at).ok()?)
            .map(String::as_str)
    }

    fn labels(&self, sample: &ProtoSample) -> Option<Vec<Label>> {
        sample
            .label
            .iter()
            .map(|label| {
                let value = match label.text {
                    0 => label.number.to_string().into_boxed_str(),
                    text => self.text(text)?.into(),
                };
                Some((self.text(label.key)?.into(), value))
            })
            .collect()
    }

    /// Puts the frames of a location at the end of `ids`.
    fn location(&mut self, id: u64, profile: &mut Profile, ids: &mut Vec<FrameId>) -> bool {
        if !self.known.contains_key(&id) {
            let frames = self.frames(id, profile);
            self.known.insert(id, frames);
        }
        match self.known.get(&id) {
            Some(Some(frames)) => {
                ids.extend_from_slice(frames);
                true
            }
            _ => false,
        }
    }

    fn frames(&self, id: u64, profile: &mut Profile) -> Option<Box<[FrameId]>> {
        let lines = &self.locations.get(&id)?.line;
        lines
            .iter()
            .enumerate()
            .map(|(at, line)| {
                let function = self.functions.get(&line.function_id)?;
                profile.intern(Frame {
                    function: self.text(function.name)?.into(),
                    file: self.text(function.filename)?.into(),
                    line: u32::try_from(line.line).unwrap_or(0),
                    inlined: at + 1 < lines.len(),
                })
            })
            .collect()
    }
}

/// Writes a profile as gzipped protobuf. `taken` is when it began; what `about` tells stands in the comments.
///
/// # Errors
///
/// What writing says.
pub fn write(
    profile: &Profile,
    about: &About,
    taken: SystemTime,
    comments: &[String],
    to: impl Write,
) -> io::Result<()> {
    let mut writer = Writer::default();
    writer.text("");
    let mut proto = writer.proto(profile);
    proto.time_nanos = taken
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|time| i64::try_from(time.as_nanos()).ok())
        .unwrap_or(0);
    proto.duration_nanos = i64::try_from(about.span.as_nanos()).unwrap_or(i64::MAX);
    if let Some(rate) = about.rate {
        proto.period_type = Some(ProtoValueType {
            name: writer.text("cpu"),
            unit: writer.text("nanoseconds"),
        });
        proto.period = 1_000_000_000 / i64::from(rate.max(1));
    }
    proto.comment = comments
        .iter()
        .map(|comment| writer.text(comment))
        .collect();
    proto.string_table = writer.texts;
    let mut gzip = GzEncoder::new(to, Compression::default());
    gzip.write_all(&proto.encode_to_vec())?;
    gzip.finish()?.flush()
}

#[derive(Default)]
struct Writer {
    texts: Vec<String>,
    known: HashMap<String, i64>,
}

impl Writer {
    fn text(&mut self, text: &str) -> i64 {
        if let Some(at) = self.known.get(text) {
            return *at;
        }
        let at = i64::try_from(self.texts.len()).unwrap_or(0);
        self.texts.push(text.to_owned());
        self.known.insert(text.to_owned(), at);
        at
    }

    /// Frames become locations. An inlined frame and those that it is part of are one location of several lines.
    fn proto(&mut self, profile: &Profile) -> ProtoProfile {
        let mut proto = ProtoProfile {
            sample_type: profile
                .types()
                .iter()
                .map(|kind| ProtoValueType {
                    name: self.text(&kind.name),
                    unit: self.text(&kind.unit),
                })
                .collect(),
            mapping: vec![ProtoMapping {
                id: 1,
                has_functions: true,
                has_filenames: true,
                has_line_numbers: true,
                has_inline_frames: true,
            }],
            ..ProtoProfile::default()
        };
        let mut functions = HashMap::new();
        let mut locations = HashMap::<&[FrameId], u64>::new();
        for sample in profile.samples() {
            let mut location_id = Vec::new();
            for group in groups(profile, &sample.stack) {
                let next = locations.len() as u64 + 1;
                let id = *locations.entry(group).or_insert_with(|| {
                    let line = group.iter().map(|id| {
                        self.line(profile.frame(*id), &mut functions, &mut proto.function)
                    });
                    proto.location.push(ProtoLocation {
                        id: next,
                        mapping_id: 1,
                        line: line.collect(),
                    });
                    next
                });
                location_id.push(id);
            }
            let label = sample.labels.iter();
            let label = label.map(|(key, text)| ProtoLabel {
                key: self.text(key),
                text: self.text(text),
                number: 0,
            });
            let label = label.collect();
            proto.sample.push(ProtoSample {
                location_id,
                value: sample.values.to_vec(),
                label,
            });
        }
        let shown = profile.types().get(profile.shown());
        proto.default_sample_type = shown.map_or(0, |kind| self.text(&kind.name));
        proto
    }

    fn line(
        &mut self,
        frame: &Frame,
        known: &mut HashMap<(i64, i64), u64>,
        functions: &mut Vec<ProtoFunction>,
    ) -> ProtoLine {
        let (name, filename) = (self.text(&frame.function), self.text(&frame.file));
        let function_id = *known.entry((name, filename)).or_insert_with(|| {
            let id = functions.len() as u64 + 1;
            functions.push(ProtoFunction {
                id,
                name,
                system_name: name,
                filename,
            });
            id
        });
        ProtoLine {
            function_id,
            line: frame.line.into(),
        }
    }
}

/// Parts of a stack that end in a frame which is not inlined.
fn groups<'a>(profile: &'a Profile, stack: &'a [FrameId]) -> impl Iterator<Item = &'a [FrameId]> {
    stack.split_inclusive(|id| !profile.frame(*id).inlined)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, line: u32, inlined: bool) -> Frame {
        Frame {
            function: function.into(),
            file: "client.go".into(),
            line,
            inlined,
        }
    }

    fn sample_profile() -> Profile {
        let mut profile = Profile::new(vec![
            ValueType::new("samples", "count"),
            ValueType::new("cpu", "nanoseconds"),
        ]);
        let frames = [
            frame("inner", 5, true),
            frame("outer", 70, false),
            frame("main", 1, false),
        ];
        let ids = frames.map(|frame| profile.intern(frame).unwrap());
        profile.add(
            &ids,
            &[2, 20],
            vec![("stream".into(), "ORDERS \"é\"".into())],
        );
        profile.add(&ids[1..], &[1, 10], Vec::new());
        profile
    }

    fn written(profile: &Profile) -> Vec<u8> {
        let mut bytes = Vec::new();
        let about = About {
            rate: Some(99),
            span: Duration::from_secs(10),
            ..About::default()
        };
        write(
            profile,
            &about,
            SystemTime::UNIX_EPOCH,
            &["one".to_owned()],
            &mut bytes,
        )
        .unwrap();
        bytes
    }

    #[test]
    fn what_is_written_is_read_again() {
        let profile = sample_profile();
        let (again, told) = read(&written(&profile)).unwrap();
        assert_eq!((told.span, told.rate), (Duration::from_secs(10), Some(99)));
        assert_eq!(again.types(), profile.types());
        assert_eq!(again.frames(), profile.frames());
        assert_eq!(again.samples(), profile.samples());
    }

    #[test]
    fn an_empty_profile_is_one() {
        let profile = Profile::new(vec![ValueType::new("cpu", "nanoseconds")]);
        assert_eq!(read(&written(&profile)).unwrap().0.samples(), []);
    }

    #[test]
    fn a_profile_cut_off_is_refused() {
        let bytes = written(&sample_profile());
        for end in 0..bytes.len() {
            assert!(read(&bytes[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn references_that_lead_nowhere_are_counted() {
        let proto = ProtoProfile {
            sample_type: vec![ProtoValueType { name: 1, unit: 1 }],
            sample: vec![ProtoSample {
                location_id: vec![9],
                value: vec![1],
                label: vec![],
            }],
            string_table: vec![String::new(), "cpu".to_owned()],
            ..ProtoProfile::default()
        };
        let (profile, _) = read(&proto.encode_to_vec()).unwrap();
        assert_eq!((profile.samples().len(), profile.left_out), (0, 1));
    }
}
