//! What is written about the configuration: `docs/config.md`, its example file and the manual page, made from the table.

use std::io::{self, Write};

use super::args;
use super::leaf::{Effect, Kind, Leaf};
use super::table::LEAVES;
use super::units::{show_duration, show_size};

/// The doc comment of a row as sentences.
pub(super) fn sentence(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A complete configuration file. What has no default, or no effect yet, is commented out; taking the `#` away
/// leaves it valid.
pub fn example() -> String {
    let mut text = String::new();
    let mut section = "";
    let mut list = "";
    for leaf in LEAVES {
        let (head, tail) = leaf.path.split_once('.').unwrap_or(("", leaf.path));
        let (parent, indent) = match head {
            "" | "servers[]" => ("", ""),
            _ => (head, "  "),
        };
        if parent != section && !parent.is_empty() {
            text.push_str(&format!("{}{parent}:\n", comment(parent)));
        }
        section = parent;
        let entry = match parent {
            "" => leaf.path,
            _ => tail,
        };
        text.push_str(&example_lines(leaf, entry, indent, &mut list));
    }
    text
}

/// Whether the example writes it: with the default, so that nothing changes and nothing is warned of.
fn active(leaf: &Leaf) -> bool {
    leaf.default().is_some() && leaf.effect == Effect::Now
}

/// A section is commented out when all of it is.
fn comment(section: &str) -> &'static str {
    let written = LEAVES
        .iter()
        .any(|leaf| leaf.path.split('.').next() == Some(section) && active(leaf));
    if written { "" } else { "#" }
}

fn example_lines(leaf: &Leaf, entry: &str, indent: &str, list: &mut &str) -> String {
    let mark = if active(leaf) { "" } else { "#" };
    let value = scalar(leaf.sample());
    let doc = match leaf.effect {
        Effect::Now => sentence(leaf.doc),
        Effect::Later => format!("(no effect in this version) {}", sentence(leaf.doc)),
    };
    let Some((name, key)) = entry.split_once("[]") else {
        *list = "";
        return format!("{mark}{indent}{entry}: {value}  # {doc}\n");
    };
    let Some(key) = key.strip_prefix('.') else {
        return format!("{mark}{indent}{name}: [{value}]  # {doc}\n");
    };
    let list_path = &leaf.path[..leaf.path.find("[]").unwrap_or(0)];
    let first = *list != list_path;
    *list = list_path;
    let header = if first {
        format!("#{indent}{name}:\n")
    } else {
        String::new()
    };
    let dash = if first { "- " } else { "  " };
    format!("{header}#{indent}  {dash}{key}: {value}  # {doc}\n")
}

/// A text as YAML would want it written.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
        && !text.contains(['*', '#']);
    if plain {
        text.to_owned()
    } else {
        format!("{text:?}")
    }
}

/// The text of `docs/config.md`.
pub fn markdown() -> String {
    let mut text = format!(
        "# Configuration\n\n\
         Made from the table in `src/config/table.rs`; `BLESS=1 cargo test --test config` rewrites it.\n\n\
         Everything is optional. A flag beats its environment variable, which beats the file\n\
         (`--config FILE` or `{}`). Lists are set in the file only; URLs given as arguments replace `servers`.\n\
         An empty variable counts as unset, except where empty means `off`.\n\
         `natsight check-config FILE` reports every mistake at once, with line and column.\n\n\
         Durations are written `500ms`, `5s`, `1m30s`, `1h`, `1d`; sizes `16MB`, `256MiB` or plain bytes.\n\n\
         ## A complete file\n\n\
         ```yaml\n{}```\n\n\
         ## Keys\n\n\
         Keys marked (later) are valid and checked, and have no effect in this version.\n\n\
         | key | flag | variable | values | default | meaning |\n|---|---|---|---|---|---|\n",
        super::CONFIG_VARIABLE,
        example()
    );
    for leaf in LEAVES {
        let code =
            |text: Option<String>| text.map_or("file only".to_owned(), |text| format!("`{text}`"));
        let later = if leaf.effect == Effect::Later {
            " (later)"
        } else {
            ""
        };
        text.push_str(&format!(
            "| `{}`{later} | {} | {} | {} | {} | {} |\n",
            leaf.path,
            code(leaf.flag()),
            code(leaf.variable()),
            values(leaf.kind).replace('|', "\\|"),
            leaf.default()
                .map_or("unset".to_owned(), |text| format!("`{text}`")),
            sentence(leaf.doc).replace('|', "\\|"),
        ));
    }
    text
}

/// What may be written, in a few words.
fn values(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Pattern => "name, `*` for any part".to_owned(),
        Kind::HostName => "host name".to_owned(),
        Kind::Path => "path".to_owned(),
        Kind::Listen { off: true } => "address:port, :port, `off`".to_owned(),
        Kind::Listen { off: false } => "address:port, :port".to_owned(),
        Kind::Url { schemes, bare } => {
            let bare = if bare { ", or host:port" } else { "" };
            format!("URL with {}{bare}", schemes.join(", "))
        }
        Kind::Duration { min, max, off } => {
            let zero = if off { "`0` (off), " } else { "" };
            format!("{zero}{} to {}", show_duration(min), show_duration(max))
        }
        Kind::Size { min, max } => format!("{} to {}", show_size(min), show_size(max)),
        Kind::Number { min, max } => format!("{min} to {max}"),
        Kind::Count { min, max } => format!("{min} to {max}"),
        Kind::Switch => "`true`, `false`".to_owned(),
        Kind::Word(words) => words
            .iter()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>()
            .join(", "),
        Kind::Compat => "`off`, `exporter`, `exporter=PREFIX`, `surveyor`".to_owned(),
        Kind::Pid => "`auto`, `off`, a number".to_owned(),
        Kind::Secret => "text, never shown".to_owned(),
    }
}

/// Writes the manual page, with all commands on it.
pub fn man(out: &mut dyn Write) -> io::Result<()> {
    let command = args::command();
    let page = clap_mangen::Man::new(command.clone());
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    writeln!(out, ".SH COMMANDS")?;
    for sub in command.get_subcommands() {
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        let examples = sub
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        let arguments: String = sub
            .get_positionals()
            .map(|arg| {
                format!(
                    " {}",
                    arg.get_value_names()
                        .and_then(<[_]>::first)
                        .map_or("", |name| name.as_str())
                )
            })
            .collect();
        writeln!(
            out,
            ".SS \"{}{arguments}\"\n{}\n.PP\n.nf\n{}\n.fi",
            sub.get_name(),
            roff(&about),
            roff(&examples)
        )?;
    }
    if let Some(serve) = command
        .get_subcommands()
        .find(|sub| sub.get_name() == "serve")
    {
        clap_mangen::Man::new(serve.clone()).render_options_section(out)?;
    }
    writeln!(out, ".SH ENVIRONMENT\n{}", roff(ENVIRONMENT))?;
    writeln!(out, ".SH EXIT STATUS\n{}", roff(EXIT_STATUS))
}

const ENVIRONMENT: &str = "Each option has the variable that its description names. \
     NATSIGHT_CONFIG names the configuration file. A flag beats its variable, which beats the file.";

const EXIT_STATUS: &str = "0 fine; 1 warning found; 2 critical found, or it failed; 64 wrong before any contact (usage, configuration).";

/// Text that troff takes as text.
fn roff(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    let guard = |line: &str| {
        if line.starts_with(['.', '\'']) {
            format!("\\&{line}")
        } else {
            line.to_owned()
        }
    };
    escaped.lines().map(guard).collect::<Vec<_>>().join("\n")
}
