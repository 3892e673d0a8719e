//! Families as they stand on a page: those of the catalog, then the twins under standard names.

use std::sync::LazyLock;

use super::page::TextFormat;
use crate::catalog::{CATALOG, Def, Kind, Metric};

/// Place of a family on the page. Twins come after all families of the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FamilyId(u16);

impl FamilyId {
    /// The family under its own name.
    pub fn native(metric: Metric) -> Self {
        Self(metric as u16)
    }

    /// The family under its standard name, when it has one.
    pub fn twin(metric: Metric) -> Option<Self> {
        let count = u16::try_from(CATALOG.len()).unwrap_or(u16::MAX);
        metric
            .def()
            .twin_name()
            .map(|_| Self(count + metric as u16))
    }

    /// The catalog's row.
    pub fn def(self) -> &'static Def {
        &CATALOG[self.place() % CATALOG.len()]
    }

    /// Name of its samples.
    pub fn name(self) -> &'static str {
        let def = self.def();
        if self.place() < CATALOG.len() {
            def.name
        } else {
            def.twin_name().unwrap_or(def.name)
        }
    }

    /// Whether its samples, or another family's of this name, would be taken for each other.
    pub(super) fn takes(self, name: &str) -> bool {
        let suffix = name.strip_prefix(self.name());
        match self.def().kind {
            Kind::Histogram => matches!(suffix, Some("" | "_bucket" | "_sum" | "_count")),
            Kind::Counter | Kind::Gauge | Kind::Info => suffix == Some(""),
        }
    }

    pub(super) fn place(self) -> usize {
        usize::from(self.0)
    }

    /// How many places there are, twins included.
    pub(super) fn places() -> usize {
        2 * CATALOG.len()
    }

    /// HELP, TYPE and UNIT lines.
    pub(super) fn header(self, format: TextFormat) -> &'static [u8] {
        static TEXT: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| headers(TextFormat::Text004));
        static OPEN_METRICS: LazyLock<Vec<Vec<u8>>> =
            LazyLock::new(|| headers(TextFormat::OpenMetrics1));
        match format {
            TextFormat::Text004 => &TEXT[self.place()],
            TextFormat::OpenMetrics1 => &OPEN_METRICS[self.place()],
        }
    }
}

/// Every family that a page may hold.
pub fn families() -> impl Iterator<Item = FamilyId> {
    let native = CATALOG.iter().map(|def| FamilyId::native(def.metric));
    native.chain(CATALOG.iter().filter_map(|def| FamilyId::twin(def.metric)))
}

fn headers(format: TextFormat) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new(); FamilyId::places()];
    for id in families() {
        all[id.place()] = header(id, format).into_bytes();
    }
    all
}

fn header(id: FamilyId, format: TextFormat) -> String {
    let def = id.def();
    let help = def.help.replace('\\', r"\\");
    match format {
        TextFormat::Text004 => {
            // The older format has no type for facts.
            let kind = if def.kind == Kind::Info {
                Kind::Gauge
            } else {
                def.kind
            };
            format!(
                "# HELP {0} {help}\n# TYPE {0} {1}\n",
                id.name(),
                kind.as_str()
            )
        }
        TextFormat::OpenMetrics1 => {
            let name = match def.kind {
                Kind::Counter => id.name().trim_end_matches("_total"),
                Kind::Info => id.name().trim_end_matches("_info"),
                Kind::Gauge | Kind::Histogram => id.name(),
            };
            let unit = match (def.kind, def.unit()) {
                (Kind::Info, _) | (_, "") => String::new(),
                (_, unit) => format!("# UNIT {name} {unit}\n"),
            };
            let help = help.replace('"', "\\\"");
            format!(
                "# TYPE {name} {}\n{unit}# HELP {name} {help}\n",
                def.kind.as_str()
            )
        }
    }
}
