//! What tests ask of a page, which must be well formed to be asked at all.

use anyhow::{Result, bail};
use natsight::expose::reader::{self, Format, Sample};

#[derive(Debug)]
pub(crate) struct Page(reader::Page);

impl Page {
    pub(crate) fn read(text: &str) -> Result<Self> {
        Ok(Self(reader::read(text.as_bytes(), Format::Text004)?))
    }

    /// Every series of this name that has these labels.
    pub(crate) fn all(&self, name: &str, labels: &[(&str, &str)]) -> Vec<&Sample> {
        self.0.find(name, labels)
    }

    /// The one series that fits; none, or several, is `None`.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.0.value(name, labels)
    }

    pub(crate) fn is(&self, name: &str, labels: &[(&str, &str)], wanted: f64) -> Result<()> {
        match self.value(name, labels) {
            Some(value) if value == wanted => Ok(()),
            Some(value) => bail!("{name}{labels:?} is {value}, not {wanted}"),
            None => {
                let there: Vec<_> = self.all(name, &[]).iter().map(|s| s.key()).collect();
                bail!("{name}{labels:?} is not on the page, or more than once; there: {there:?}")
            }
        }
    }

    pub(crate) fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.0.families.iter().flat_map(|family| &family.samples)
    }
}
