//! The catalog for people and for programs: `natsight metrics` and `docs/metrics.md`.

use std::fmt::Write;

use super::{CATALOG, Def};

/// The catalog as a Markdown page.
pub fn markdown() -> String {
    let mut out = String::from(
        "# Metrics\n\n\
         Every family that natsight shows, in the order of the page. Families of a broker carry `server_name` and, in a\n\
         cluster, `nats_cluster` before the labels given here. Level `core` is always shown, `detail` by `collect[]` or by\n\
         configuration. The tier says how often a family is refreshed; the tiers are the keys of `poll` (`docs/config.md`).\n\
         A family marked *twin* is repeated without the prefix `nats_` where `standard_names` says so.\n\n\
         This page is generated: `BLESS=1 cargo test --test contract`.\n",
    );
    let mut origin = None;
    for def in CATALOG {
        if origin != Some(def.origin) {
            origin = Some(def.origin);
            let _ = write!(
                out,
                "\n## From {}, tier {}\n\n| family | type | unit | labels | level | meaning |\n|---|---|---|---|---|---|\n",
                def.origin.as_str(),
                def.origin.tier().as_str()
            );
        }
        let labels = def
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect::<Vec<_>>()
            .join(" ");
        let twin = if def.twin { " *twin*" } else { "" };
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {labels} | {}{twin} | {} |",
            def.name,
            def.kind.as_str(),
            def.unit(),
            def.level.as_str(),
            def.help.replace('|', "\\|"),
        );
    }
    out
}

/// One family as JSON shows it.
#[derive(Debug, serde::Serialize)]
pub struct Family {
    name: &'static str,
    r#type: &'static str,
    unit: &'static str,
    help: &'static str,
    labels: Vec<&'static str>,
    level: &'static str,
    tier: &'static str,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    twin: Option<&'static str>,
}

/// The catalog, to be written as an array of JSON objects.
pub fn json() -> Vec<Family> {
    CATALOG.iter().map(family).collect()
}

fn family(def: &Def) -> Family {
    let server: &[&str] = if def.is_of_a_server() {
        &["server_name", "nats_cluster"]
    } else {
        &[]
    };
    Family {
        name: def.name,
        r#type: def.kind.as_str(),
        unit: def.unit(),
        help: def.help,
        labels: server.iter().chain(def.labels).copied().collect(),
        level: def.level.as_str(),
        tier: def.origin.tier().as_str(),
        source: def.origin.as_str(),
        twin: def.twin_name(),
    }
}
