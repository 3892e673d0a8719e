//! What tests ask of a page. The only place that knows how pages are parsed: swap the parsing here for
//! `natsight::expose::reader` when it is there.

use anyhow::{Context, Result, bail};

type Labels = Vec<(String, String)>;

#[derive(Debug, Default)]
pub(crate) struct Page {
    samples: Vec<(String, Labels, f64)>,
}

impl Page {
    pub(crate) fn read(text: &str) -> Result<Self> {
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let samples = lines.map(|line| sample(line).with_context(|| line.to_owned()));
        Ok(Self {
            samples: samples.collect::<Result<_>>()?,
        })
    }

    /// Values of every series of this name that has these labels, with all of its labels.
    pub(crate) fn all<'a>(
        &'a self,
        name: &'a str,
        labels: &'a [(&str, &str)],
    ) -> impl Iterator<Item = (&'a Labels, f64)> {
        let same = |series: &Labels| labels.iter().all(|(k, v)| label(series, k) == Some(v));
        self.samples
            .iter()
            .filter(move |(found, series, _)| found == name && same(series))
            .map(|(_, series, value)| (series, *value))
    }

    /// The one series that fits; none, or several, is `None`.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut all = self.all(name, labels);
        let (_, value) = all.next()?;
        all.next().is_none().then_some(value)
    }

    pub(crate) fn is(&self, name: &str, labels: &[(&str, &str)], wanted: f64) -> Result<()> {
        match self.value(name, labels) {
            Some(value) if (value - wanted).abs() < f64::EPSILON * wanted.abs().max(1.0) => Ok(()),
            Some(value) => bail!("{name}{labels:?} is {value}, not {wanted}"),
            None => {
                let all: Vec<_> = self.all(name, &[]).collect();
                bail!("{name}{labels:?} is not on the page, or more than once; there: {all:?}")
            }
        }
    }

    /// Names of all series, once for each.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.samples.iter().map(|(name, _, _)| name.as_str())
    }

    /// Names of the series that have this label value.
    pub(crate) fn names_with<'a>(
        &'a self,
        key: &'a str,
        value: &'a str,
    ) -> impl Iterator<Item = &'a str> {
        let with = move |labels: &Labels| label(labels, key) == Some(value);
        let found = self
            .samples
            .iter()
            .filter(move |(_, labels, _)| with(labels));
        found.map(|(name, _, _)| name.as_str())
    }
}

pub(crate) fn label<'a>(labels: &'a Labels, key: &str) -> Option<&'a str> {
    labels
        .iter()
        .find(|(name, _)| name == key)
        .map(|(_, value)| value.as_str())
}

fn sample(line: &str) -> Result<(String, Labels, f64)> {
    let (series, value) = line.rsplit_once(' ').context("no value")?;
    let value = value.parse().context("no number")?;
    let Some((name, rest)) = series.split_once('{') else {
        return Ok((series.to_owned(), Vec::new(), value));
    };
    let mut rest = rest.strip_suffix('}').context("no closing brace")?;
    let mut labels = Vec::new();
    while !rest.is_empty() {
        let (key, after) = rest.split_once("=\"").context("no label value")?;
        let (text, after) = quoted(after).context("no closing quote")?;
        labels.push((key.to_owned(), text));
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    Ok((name.to_owned(), labels, value))
}

/// The text up to the closing quote, unescaped, and what follows the quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}
