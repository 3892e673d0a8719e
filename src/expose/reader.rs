//! The strict page reader: owns the question whether a page is well formed, for text 0.0.4 and OpenMetrics 1.0.
//!
//! Prometheus and promtool accept duplicate series and interleaved families without a word, so tests read
//! pages with this instead. It is stricter than both formats wherever our pages have no use for the freedom:
//! every family has TYPE and HELP, tokens stand one space apart, and there are no timestamps, no exemplars
//! and no carriage returns.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Which grammar a page is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text004,
    /// OpenMetrics text 1.0.
    OpenMetrics1,
}

/// What TYPE says of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Only rises, until its source restarts.
    Counter,
    /// May rise and fall.
    Gauge,
    /// Cumulative buckets with their sum and count.
    Histogram,
    /// A histogram whose buckets may shrink; OpenMetrics only.
    GaugeHistogram,
    /// Quantiles with their sum and count.
    Summary,
    /// Facts in labels; OpenMetrics only.
    Info,
    /// One sample a state, 0 or 1; OpenMetrics only.
    StateSet,
    /// `unknown` in OpenMetrics, `untyped` in 0.0.4.
    Unknown,
}

impl Kind {
    fn parse(word: &str, format: Format) -> Option<Kind> {
        Some(match (word, format) {
            ("counter", _) => Kind::Counter,
            ("gauge", _) => Kind::Gauge,
            ("histogram", _) => Kind::Histogram,
            ("summary", _) => Kind::Summary,
            ("untyped", Format::Text004) => Kind::Unknown,
            ("unknown", Format::OpenMetrics1) => Kind::Unknown,
            ("gaugehistogram", Format::OpenMetrics1) => Kind::GaugeHistogram,
            ("info", Format::OpenMetrics1) => Kind::Info,
            ("stateset", Format::OpenMetrics1) => Kind::StateSet,
            _ => return None,
        })
    }

    /// What may follow the family's name in the names of its samples.
    fn suffixes(self, format: Format) -> &'static [&'static str] {
        match (self, format) {
            (Kind::Counter, Format::OpenMetrics1) => &["_total", "_created"],
            (Kind::Counter | Kind::Gauge | Kind::Unknown | Kind::StateSet, _) => &[""],
            (Kind::Info, _) => &["_info"],
            (Kind::Histogram, Format::Text004) => &["_bucket", "_sum", "_count"],
            (Kind::Histogram, _) => &["_bucket", "_sum", "_count", "_created"],
            (Kind::GaugeHistogram, _) => &["_bucket", "_gsum", "_gcount"],
            (Kind::Summary, Format::Text004) => &["", "_sum", "_count"],
            (Kind::Summary, _) => &["", "_sum", "_count", "_created"],
        }
    }

    fn has_buckets(self) -> bool {
        matches!(self, Kind::Histogram | Kind::GaugeHistogram)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::GaugeHistogram => "gaugehistogram",
            Kind::Summary => "summary",
            Kind::Info => "info",
            Kind::StateSet => "stateset",
            Kind::Unknown => "unknown",
        })
    }
}

/// One line of the page that carries a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Name with its suffix, as written.
    pub name: String,
    /// Labels in the order written, unescaped.
    pub labels: Vec<(String, String)>,
    /// The value, rounded to what a float can hold.
    pub value: f64,
    /// The value as written: integers beyond 2^53 are compared by this.
    pub text: String,
    /// Line of the page, from 1.
    pub line: usize,
}

impl Sample {
    /// The value of one label.
    pub fn label(&self, name: &str) -> Option<&str> {
        let found = self.labels.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }

    /// `name{labels}` with the labels sorted and escaped; without braces when there are none.
    pub fn key(&self) -> String {
        let mut labels: Vec<_> = self.labels.iter().collect();
        labels.sort();
        spell(
            &self.name,
            labels.iter().map(|(k, v)| (k.as_str(), v.as_str())),
        )
    }

    fn includes(&self, labels: &[(&str, &str)]) -> bool {
        labels
            .iter()
            .all(|(name, value)| self.label(name) == Some(value))
    }

    /// Exact where both are whole numbers, which floats are not beyond 2^53.
    fn compare(&self, other: &Sample) -> Option<Ordering> {
        match (self.text.parse::<u64>(), other.text.parse::<u64>()) {
            (Ok(mine), Ok(theirs)) => Some(mine.cmp(&theirs)),
            _ => self.value.partial_cmp(&other.value),
        }
    }
}

/// One metric family: what its metadata says, and its samples in the order written.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Name as in TYPE: OpenMetrics leaves `_total` and `_info` to the samples.
    pub name: String,
    /// From TYPE.
    pub kind: Kind,
    /// From HELP, unescaped.
    pub help: Option<String>,
    /// From UNIT; never there in 0.0.4, which has no such line.
    pub unit: Option<String>,
    /// May be empty: metadata alone is a valid family.
    pub samples: Vec<Sample>,
}

/// A page that broke no rule.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// Families in the order written.
    pub families: Vec<Family>,
}

/// The first rule that a page broke. Nobody branches on which: the sentence is for whoever reads the failed test.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {sentence}")]
pub struct ReadError {
    /// Line of the page, from 1.
    pub line: usize,
    /// What is wrong, with the offending words in it.
    pub sentence: String,
}

/// [`Page::only`] found none or several.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found} samples match {wanted}; exactly one should")]
pub struct NotOne {
    /// The name and labels that were asked for.
    pub wanted: String,
    /// How many there are.
    pub found: usize,
}

/// Reads a whole page, or says which line breaks which rule.
pub fn read(text: &[u8], format: Format) -> Result<Page, ReadError> {
    let text = whole(text)?;
    let mut reader = Reader::new(format);
    for line in text.split_terminator('\n') {
        reader.line += 1;
        reader.take(line)?;
    }
    reader.finish()
}

impl Page {
    /// The family of that name, as in its TYPE line.
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    /// The sample with exactly these labels, in any order.
    pub fn sample(&self, name: &str, labels: &[(&str, &str)]) -> Option<&Sample> {
        self.named(name)
            .find(|sample| sample.labels.len() == labels.len() && sample.includes(labels))
    }

    /// All samples whose labels include these, in page order.
    pub fn find(&self, name: &str, labels: &[(&str, &str)]) -> Vec<&Sample> {
        self.named(name)
            .filter(|sample| sample.includes(labels))
            .collect()
    }

    /// The one sample whose labels include these.
    pub fn only(&self, name: &str, labels: &[(&str, &str)]) -> Result<&Sample, NotOne> {
        match self.find(name, labels)[..] {
            [sample] => Ok(sample),
            ref several => Err(NotOne {
                wanted: spell(name, labels.iter().copied()),
                found: several.len(),
            }),
        }
    }

    /// The value of the one sample whose labels include these.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.only(name, labels).ok().map(|sample| sample.value)
    }

    /// How many samples there are.
    pub fn series(&self) -> usize {
        self.families.iter().map(|f| f.samples.len()).sum()
    }

    /// Every series by its canonical key (see [`Sample::key`]) with its value as written: two pages compare by these.
    pub fn series_keys(&self) -> BTreeMap<String, &str> {
        let samples = self.families.iter().flat_map(|family| &family.samples);
        samples
            .map(|sample| (sample.key(), sample.text.as_str()))
            .collect()
    }

    fn named<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a Sample> + use<'a, 'n> {
        let families = self.families.iter();
        let families = families.filter(move |family| name.starts_with(&family.name));
        families
            .flat_map(|family| &family.samples)
            .filter(move |sample| sample.name == name)
    }
}

/// Suffixes that OpenMetrics gives to samples; no family may take one that makes it look like another's sample.
const RESERVED: &[&str] = &[
    "_total", "_created", "_count", "_sum", "_bucket", "_info", "_gcount", "_gsum",
];

fn refuse<T>(line: usize, sentence: impl Into<String>) -> Result<T, ReadError> {
    let sentence = sentence.into();
    Err(ReadError { line, sentence })
}

fn spell<'a>(name: &str, labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut key = name.to_owned();
    for (index, (label, value)) in labels.enumerate() {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"");
        key.push(if index == 0 { '{' } else { ',' });
        key += &format!("{label}=\"{}\"", value.replace('\n', "\\n"));
    }
    if key.len() > name.len() {
        key.push('}');
    }
    key
}

/// What concerns the bytes of the page as a whole.
fn whole(bytes: &[u8]) -> Result<&str, ReadError> {
    let line_at = |offset: usize| 1 + memchr::memchr_iter(b'\n', &bytes[..offset]).count();
    if let Some(at) = memchr::memchr(b'\r', bytes) {
        return refuse(line_at(at), "there is a carriage return");
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(fault) => return refuse(line_at(fault.valid_up_to()), "there is invalid UTF-8"),
    };
    if !text.is_empty() && !text.ends_with('\n') {
        return refuse(line_at(bytes.len()), "the last line has no newline");
    }
    Ok(text)
}

struct Reader {
    format: Format,
    line: usize,
    page: Page,
    /// Places of the closed families in the page, with the line each ended before.
    closed: HashMap<String, (usize, usize)>,
    open: Option<Open>,
    ended: bool,
}

/// The family whose lines are being read.
struct Open {
    name: String,
    line: usize,
    kind: Option<Kind>,
    help: Option<String>,
    unit: Option<String>,
    samples: Vec<Sample>,
    series: HashSet<u128>,
    points: Vec<Point>,
    point_of: HashMap<u128, usize>,
}

/// The samples that are one metric: the same labels but for `le`, `quantile` or the state.
struct Point {
    line: usize,
    /// The highest bucket so far: its bound and its place in the samples.
    top: Option<(f64, usize)>,
    count: Option<usize>,
    has_sum: bool,
}

impl Reader {
    fn new(format: Format) -> Reader {
        Reader {
            format,
            line: 0,
            page: Page::default(),
            closed: HashMap::new(),
            open: None,
            ended: false,
        }
    }

    fn open_metrics(&self) -> bool {
        self.format == Format::OpenMetrics1
    }

    fn take(&mut self, line: &str) -> Result<(), ReadError> {
        if self.ended {
            return refuse(self.line, "there is text after `# EOF`");
        }
        if line.is_empty() && self.open_metrics() {
            return refuse(self.line, "there is a blank line");
        }
        match line.bytes().next() {
            None => Ok(()),
            Some(b'#') => self.comment(line),
            Some(_) => self.sample(line),
        }
    }

    fn finish(mut self) -> Result<Page, ReadError> {
        if self.open_metrics() && !self.ended {
            return refuse(self.line.max(1), "the page does not end with `# EOF`");
        }
        self.line += 1;
        self.close()?;
        Ok(self.page)
    }

    fn comment(&mut self, line: &str) -> Result<(), ReadError> {
        if self.open_metrics() && line == "# EOF" {
            self.ended = true;
            return Ok(());
        }
        let mut words = line.splitn(4, ' ');
        let (hash, word) = (words.next(), words.next().unwrap_or(""));
        let is_metadata = match word {
            "TYPE" | "HELP" => hash == Some("#"),
            "UNIT" => hash == Some("#") && self.open_metrics(),
            _ => false,
        };
        if is_metadata {
            return match (words.next(), words.next()) {
                (Some(name), Some(rest)) if !rest.is_empty() => self.metadata(word, name, rest),
                _ => refuse(
                    self.line,
                    format!("{word} needs a name and a text after it"),
                ),
            };
        }
        if self.open_metrics() {
            let sentence = format!("`{line}` is neither TYPE, HELP, UNIT nor EOF");
            return refuse(self.line, sentence);
        }
        // Parsers that skip blanks would take it for metadata; a comment must not be one for some readers only.
        let first = line[1..].split_whitespace().next();
        match first {
            Some(word @ ("TYPE" | "HELP")) => refuse(
                self.line,
                format!("{word} must be written `# {word} name text`, one space apart"),
            ),
            _ => Ok(()),
        }
    }

    fn metadata(&mut self, word: &str, name: &str, rest: &str) -> Result<(), ReadError> {
        let (line, format) = (self.line, self.format);
        let open = self.enter(name)?;
        if !open.samples.is_empty() {
            return refuse(line, format!("{word} of `{name}` comes after its samples"));
        }
        let repeated = match word {
            "TYPE" => {
                let Some(kind) = Kind::parse(rest, format) else {
                    return refuse(line, format!("`{rest}` is no type of this format"));
                };
                open.kind.replace(kind).is_some()
            }
            "HELP" => open.help.replace(help(line, rest, format)?).is_some(),
            _ => open.unit.replace(rest.to_owned()).is_some(),
        };
        if repeated {
            return refuse(line, format!("{word} of `{name}` is repeated"));
        }
        Ok(())
    }

    /// The open family, which is the one of this name from here on.
    fn enter(&mut self, name: &str) -> Result<&mut Open, ReadError> {
        if self.open.as_ref().is_none_or(|open| open.name != name) {
            self.close()?;
            if !is_metric_name(name) {
                return refuse(self.line, format!("`{name}` is no metric name"));
            }
            if let Some((_, end)) = self.closed.get(name) {
                return refuse(self.line, apart(name, *end));
            }
        }
        let line = self.line;
        Ok(self.open.get_or_insert_with(|| Open::new(name, line)))
    }

    fn close(&mut self) -> Result<(), ReadError> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let kind = self.settled(&open)?;
        if kind.has_buckets() {
            open.check_buckets()?;
        }
        let place = (self.page.families.len(), self.line);
        self.closed.insert(open.name.clone(), place);
        self.page.families.push(Family {
            name: open.name,
            kind,
            help: open.help,
            unit: open.unit,
            samples: open.samples,
        });
        Ok(())
    }

    /// Checks the metadata once it must be complete: at the first sample, or when the family ends without one.
    fn settled(&self, open: &Open) -> Result<Kind, ReadError> {
        let name = &open.name;
        let Some(kind) = open.kind else {
            return refuse(open.line, format!("`{name}` has no TYPE"));
        };
        if !open.samples.is_empty() {
            return Ok(kind);
        }
        if open.help.is_none() {
            return refuse(open.line, format!("`{name}` has no HELP"));
        }
        if let Some(unit) = &open.unit {
            if matches!(kind, Kind::Info | Kind::StateSet) {
                return refuse(open.line, format!("`{name}` is {kind}, which has no UNIT"));
            }
            let stem = name.strip_suffix(unit.as_str());
            if !stem.is_some_and(|stem| stem.ends_with('_')) {
                let sentence = format!("`{name}` does not end with its UNIT, `_{unit}`");
                return refuse(open.line, sentence);
            }
        }
        if let Some((family, suffix)) = self.clash(open, kind) {
            let sentence = format!("`{family}{suffix}` is a family and `{family}` is one too");
            return refuse(open.line, sentence);
        }
        Ok(kind)
    }

    /// Another family from which this one differs by a suffix that is reserved: the shorter name and the suffix.
    fn clash<'a>(&'a self, open: &'a Open, kind: Kind) -> Option<(&'a str, &'static str)> {
        let reserved = |kind: Kind| match self.format {
            Format::OpenMetrics1 => RESERVED,
            Format::Text004 => kind.suffixes(self.format),
        };
        RESERVED.iter().find_map(|suffix| {
            if reserved(kind).contains(suffix)
                && self.closed.contains_key(&format!("{}{suffix}", open.name))
            {
                return Some((open.name.as_str(), *suffix));
            }
            let (place, _) = self.closed.get(open.name.strip_suffix(suffix)?)?;
            let shorter = &self.page.families[*place];
            let clashes = reserved(shorter.kind).contains(suffix);
            clashes.then_some((shorter.name.as_str(), *suffix))
        })
    }

    fn sample(&mut self, line: &str) -> Result<(), ReadError> {
        let sample = parse_sample(self.line, line)?;
        let Some(open) = &self.open else {
            return refuse(
                self.line,
                format!("`{}` has no TYPE before it", sample.name),
            );
        };
        let kind = self.settled(open)?;
        let suffixes = kind.suffixes(self.format);
        let suffix = sample.name.strip_prefix(&open.name);
        let Some(suffix) = suffixes.iter().find(|known| suffix == Some(known)) else {
            return refuse(self.line, self.stray(open, kind, &sample.name));
        };
        check_special(&sample, kind, &open.name, suffix, self.format)?;
        check_value(&sample, kind, suffix, self.format)?;
        let format = self.format;
        match &mut self.open {
            Some(open) => open.add(sample, kind, suffix, format),
            None => Ok(()),
        }
    }

    /// Why a sample cannot stand in the open family.
    fn stray(&self, open: &Open, kind: Kind, sample: &str) -> String {
        let owner = self.page.families.iter().find(|family| {
            let suffix = sample.strip_prefix(&family.name);
            suffix.is_some_and(|suffix| family.kind.suffixes(self.format).contains(&suffix))
        });
        if let Some((_, end)) = owner.and_then(|family| self.closed.get(&family.name)) {
            return apart(sample, *end);
        }
        let allowed = kind.suffixes(self.format).iter();
        let allowed: Vec<_> = allowed.map(|s| format!("`{}{s}`", open.name)).collect();
        let (name, allowed) = (&open.name, allowed.join(", "));
        format!("`{sample}` is not of the {kind} `{name}`, whose samples are {allowed}")
    }
}

fn apart(name: &str, end: usize) -> String {
    format!("`{name}` belongs to a family that ended before line {end}")
}

impl Open {
    fn new(name: &str, line: usize) -> Open {
        Open {
            name: name.to_owned(),
            line,
            kind: None,
            help: None,
            unit: None,
            samples: Vec::new(),
            series: HashSet::new(),
            points: Vec::new(),
            point_of: HashMap::new(),
        }
    }

    fn add(
        &mut self,
        sample: Sample,
        kind: Kind,
        suffix: &str,
        format: Format,
    ) -> Result<(), ReadError> {
        let special = special_label(kind, &self.name);
        // A label with an empty value is the same as none, so it does not make another series.
        let (mut point, mut series) = (0, fingerprint("", &sample.name));
        for (name, value) in sample.labels.iter().filter(|(_, value)| !value.is_empty()) {
            let print = fingerprint(name, value);
            series = print.wrapping_add(series);
            if Some(name.as_str()) != special {
                point = print.wrapping_add(point);
            }
        }
        if !self.series.insert(series) {
            return refuse(sample.line, format!("`{}` is there twice", sample.key()));
        }
        if kind.has_buckets() || format == Format::OpenMetrics1 {
            self.add_to_point(point, &sample, kind, suffix, format)?;
        }
        self.samples.push(sample);
        Ok(())
    }

    fn add_to_point(
        &mut self,
        print: u128,
        sample: &Sample,
        kind: Kind,
        suffix: &str,
        format: Format,
    ) -> Result<(), ReadError> {
        let place = *self.point_of.entry(print).or_insert(self.points.len());
        if place == self.points.len() {
            self.points.push(Point::new(sample.line));
        } else if format == Format::OpenMetrics1 && place + 1 != self.points.len() {
            let sentence = format!("`{}` stands apart from its like", sample.key());
            return refuse(sample.line, sentence);
        }
        if !kind.has_buckets() {
            return Ok(());
        }
        let point = &mut self.points[place];
        match suffix {
            "_bucket" => {
                let bound = sample.label("le").and_then(number).unwrap_or(f64::NAN);
                if let Some((below, index)) = point.top {
                    check_step(sample, bound, below, &self.samples[index])?;
                }
                point.top = Some((bound, self.samples.len()));
            }
            "_count" | "_gcount" => point.count = Some(self.samples.len()),
            "_sum" | "_gsum" => point.has_sum = true,
            _ => {}
        }
        Ok(())
    }

    /// What can only be known when all samples of a histogram are there.
    fn check_buckets(&self) -> Result<(), ReadError> {
        for point in &self.points {
            let miss = |what| {
                let sentence = format!("a label set of `{}` has no {what}", self.name);
                refuse(point.line, sentence)
            };
            let Some((_, top)) = point.top.filter(|(bound, _)| *bound == f64::INFINITY) else {
                return miss("`+Inf` bucket");
            };
            let Some(count) = point.count else {
                return miss("count");
            };
            if !point.has_sum {
                return miss("sum");
            }
            let (top, count) = (&self.samples[top], &self.samples[count]);
            if top.compare(count) != Some(Ordering::Equal) {
                let (top, value) = (&top.text, &count.text);
                let sentence = format!("`{}` is {value}, its `+Inf` bucket {top}", count.key());
                return refuse(count.line, sentence);
            }
        }
        Ok(())
    }
}

impl Point {
    fn new(line: usize) -> Point {
        Point {
            line,
            top: None,
            count: None,
            has_sum: false,
        }
    }
}

/// Labels are summed, so their order does not matter. 128 bits: a chance collision on a page is out of the question.
fn fingerprint(name: &str, value: &str) -> u128 {
    let half = |seed: u64| {
        let mut hasher = DefaultHasher::new();
        (seed, name, value).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

fn check_step(sample: &Sample, bound: f64, below: f64, lower: &Sample) -> Result<(), ReadError> {
    if bound <= below {
        let sentence = format!("`{}` comes after `le` {below}", sample.key());
        return refuse(sample.line, sentence);
    }
    if sample.compare(lower) == Some(Ordering::Less) {
        let (key, value, less) = (sample.key(), &lower.text, &sample.text);
        let sentence = format!("`{key}` is {less}, less than {value} in the bucket below");
        return refuse(sample.line, sentence);
    }
    Ok(())
}

/// The label that tells the samples of one metric apart.
fn special_label(kind: Kind, family: &str) -> Option<&str> {
    match kind {
        Kind::Histogram | Kind::GaugeHistogram => Some("le"),
        Kind::Summary => Some("quantile"),
        Kind::StateSet => Some(family),
        Kind::Counter | Kind::Gauge | Kind::Info | Kind::Unknown => None,
    }
}

/// `le`, `quantile` and the state stand where they belong, only there, and are what they should be.
fn check_special(
    sample: &Sample,
    kind: Kind,
    family: &str,
    suffix: &str,
    format: Format,
) -> Result<(), ReadError> {
    let Some(special) = special_label(kind, family) else {
        return Ok(());
    };
    let wanted = matches!(suffix, "" | "_bucket");
    let text = match (sample.label(special), wanted) {
        (Some(text), true) => text,
        (None, false) => return Ok(()),
        (None, true) => {
            let sentence = format!("`{}` has no label `{special}`", sample.key());
            return refuse(sample.line, sentence);
        }
        (Some(_), false) => {
            let sentence = format!("`{}` must not have the label `{special}`", sample.key());
            return refuse(sample.line, sentence);
        }
    };
    let fits = match kind {
        Kind::StateSet => return Ok(()),
        Kind::Summary => number(text).is_some_and(|q| (0.0..=1.0).contains(&q)),
        _ => text == "+Inf" || number(text).is_some_and(f64::is_finite),
    };
    if !fits {
        let sentence = format!("`{text}` is no value for the label `{special}`");
        return refuse(sample.line, sentence);
    }
    if format == Format::OpenMetrics1 && text != "+Inf" && !is_canonical(text) {
        let sentence = format!("`{special}` is `{text}`; write it as a float, such as 1.0 or 0.25");
        return refuse(sample.line, sentence);
    }
    Ok(())
}

fn check_value(sample: &Sample, kind: Kind, suffix: &str, format: Format) -> Result<(), ReadError> {
    let (value, text) = (sample.value, &sample.text);
    let counts = match suffix {
        "_bucket" | "_count" | "_gcount" => true,
        "_total" | "_sum" => format == Format::OpenMetrics1,
        _ => false,
    };
    if counts && (value.is_nan() || value < 0.0) {
        let sentence = format!("`{}` is {text}; a count is at least 0", sample.name);
        return refuse(sample.line, sentence);
    }
    let fits = match kind {
        Kind::Info => value == 1.0,
        Kind::StateSet => value == 0.0 || value == 1.0,
        _ => true,
    };
    if !fits {
        let sentence = format!("`{}` is {text}, which {kind} cannot be", sample.name);
        return refuse(sample.line, sentence);
    }
    Ok(())
}

fn parse_sample(line: usize, text: &str) -> Result<Sample, ReadError> {
    let end = text.find(['{', ' ']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if !is_metric_name(name) {
        return refuse(line, format!("`{name}` is no metric name"));
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => parse_labels(line, rest)?,
        None => (Vec::new(), rest),
    };
    let Some(rest) = rest.strip_prefix(' ') else {
        return refuse(line, format!("`{name}` has no space before its value"));
    };
    let (word, after) = match rest.split_once(' ') {
        Some((word, after)) => (word, Some(after)),
        None => (rest, None),
    };
    let Some(value) = number(word) else {
        return refuse(line, format!("`{word}` is no number"));
    };
    match after {
        None => Ok(Sample {
            name: name.to_owned(),
            labels,
            value,
            text: word.to_owned(),
            line,
        }),
        Some(after) if after.starts_with('#') => refuse(line, format!("`{name}` has an exemplar")),
        Some(after) if number(after.split(' ').next().unwrap_or("")).is_some() => {
            refuse(line, format!("`{name}` has a timestamp"))
        }
        Some(after) => refuse(line, format!("`{after}` stands after the value")),
    }
}

type Labels = Vec<(String, String)>;

/// Labels up to and with the closing brace, and what follows it.
fn parse_labels(line: usize, text: &str) -> Result<(Labels, &str), ReadError> {
    let mut labels = Labels::new();
    let mut rest = text;
    if let Some(rest) = rest.strip_prefix('}') {
        return Ok((labels, rest));
    }
    loop {
        let (name, value, after) = parse_label(line, rest)?;
        if labels.iter().any(|(known, _)| known == name) {
            return refuse(line, format!("the label `{name}` is there twice"));
        }
        labels.push((name.to_owned(), value));
        rest = match (after.strip_prefix(','), after.strip_prefix('}')) {
            (Some(rest), _) => rest,
            (_, Some(rest)) => return Ok((labels, rest)),
            _ => {
                let sentence = format!("neither `,` nor `}}` follows the label `{name}`");
                return refuse(line, sentence);
            }
        };
        if rest.starts_with('}') {
            return refuse(line, "there is a comma before `}`");
        }
    }
}

fn parse_label(line: usize, text: &str) -> Result<(&str, String, &str), ReadError> {
    let end = text.find(['=', ',', '}', '"']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if !is_label_name(name) {
        return refuse(line, format!("`{name}` is no label name"));
    }
    let Some(rest) = rest.strip_prefix("=\"") else {
        return refuse(line, format!("the label `{name}` has no `=\"` after it"));
    };
    let mut end = 0;
    loop {
        end += match memchr::memchr2(b'"', b'\\', &rest.as_bytes()[end..]) {
            Some(at) => at,
            None => return refuse(line, format!("the label `{name}` has no closing quote")),
        };
        if rest.as_bytes()[end] == b'"' {
            break;
        }
        // Past the backslash and the first byte of what it escapes, which is no quote but itself.
        end = rest.len().min(end + 2);
    }
    match unescape(&rest[..end], "\\\"n") {
        Ok(value) => Ok((name, value, &rest[end + 1..])),
        Err(what) => refuse(line, format!("the label `{name}` has {what}")),
    }
}

fn help(line: usize, text: &str, format: Format) -> Result<String, ReadError> {
    let known = match format {
        Format::Text004 => "\\n",
        Format::OpenMetrics1 => "\\\"n",
    };
    unescape(text, known).or_else(|what| refuse(line, format!("HELP has {what}")))
}

/// Takes the backslashes off the characters that have them, or says what stands there instead.
/// Whatever can be escaped must be: 0.0.4 has no escape for quotes in HELP, OpenMetrics has no bare ones.
fn unescape(text: &str, known: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let (before, after) = match rest.split_once('\\') {
            Some((before, after)) => (before, Some(after)),
            None => (rest, None),
        };
        if known.contains('"') && before.contains('"') {
            return Err("a quote without a backslash".to_owned());
        }
        out.push_str(before);
        let Some(after) = after else {
            return Ok(out);
        };
        let mut chars = after.chars();
        match chars.next() {
            Some('n') => out.push('\n'),
            Some(char) if known.contains(char) => out.push(char),
            Some(char) => return Err(format!("the escape `\\{char}`")),
            None => return Err("a backslash at its end".to_owned()),
        }
        rest = chars.as_str();
    }
}

fn is_metric_name(name: &str) -> bool {
    let starts = |c: u8| c.is_ascii_alphabetic() || c == b'_' || c == b':';
    name.bytes().next().is_some_and(starts) && name.bytes().all(|c| starts(c) || c.is_ascii_digit())
}

/// Two leading underscores are left to Prometheus itself.
fn is_label_name(name: &str) -> bool {
    is_metric_name(name) && !name.contains(':') && !name.starts_with("__")
}

/// Decimal numbers, `NaN`, `+Inf` and `-Inf`, and none of the other spellings that Rust or Go take.
fn number(text: &str) -> Option<f64> {
    match text {
        "NaN" => return Some(f64::NAN),
        "+Inf" => return Some(f64::INFINITY),
        "-Inf" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    // What else Rust takes, `inf` and `nan` in any case, is not finite; nor is what is too big.
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// Whether a bound is spelled as a float and without idle digits: `1.0`, `0.25`, `1e+06`; not `1`, `0.250` or `01.0`.
/// Label values are compared as text, so one number must not have two of them.
fn is_canonical(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (digits, power) = match text.split_once('e') {
        Some((digits, _)) => (digits, true),
        None => (text, false),
    };
    let (whole, part) = match digits.split_once('.') {
        Some((whole, part)) => (whole, Some(part)),
        None => (digits, None),
    };
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let part_fits = match part {
        None => power,
        Some("0") => !power,
        Some(part) => all_digits(part) && !part.ends_with('0'),
    };
    all_digits(whole) && (whole == "0" || !whole.starts_with('0')) && part_fits
}
