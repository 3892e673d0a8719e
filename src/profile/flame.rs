//! Flame graphs as SVG, drawn by inferno, coloured by subsystem.

use std::io::{self, Write};

use inferno::flamegraph::color::PaletteMap;
use inferno::flamegraph::{self, Direction, Options};

use super::{Profile, folded, subsystem};

/// Frames narrower than this share of the whole (in percent) are not drawn: they could not be seen, and make most of the file.
const MIN_WIDTH_PERCENT: f64 = 0.1;
/// Of pictures that are shown where no script runs; in a browser they are as wide as the window.
const IMAGE_WIDTH: usize = 1200;
/// Height of the line that explains the colours.
const LEGEND_HEIGHT: usize = 22;
/// The widest that is drawn, 19 hours of CPU time or 64 TiB: inferno multiplies with what it is given.
const WIDTH_MAX: i64 = 1 << 46;
/// As inferno colours differences.
const CHANGES: [(&str, (u8, u8, u8)); 3] = [
    ("grew", (255, 120, 120)),
    ("shrank", (120, 120, 255)),
    ("as before", (250, 250, 250)),
];
/// What is left of the path of the broker's package.
const SHORT: &str = "server.";

/// Which way it grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grows {
    /// Roots at the bottom: a flame.
    Up,
    /// Roots at the top: an icicle.
    Down,
}

/// Writes the values of type `index` as SVG. What is below zero (memory that came back between two times) has no width, so it is left out,
/// and the subtitle says so. An empty profile gives a picture that says so in `title`.
///
/// # Errors
///
/// What drawing or writing says.
pub fn write(
    profile: &Profile,
    index: usize,
    grows: Grows,
    title: &str,
    subtitle: &str,
    to: impl Write,
) -> io::Result<()> {
    let mut lines = shortened(folded::lines(profile, index));
    let all = lines.len();
    lines.retain(|line| !value_of(line).starts_with('-'));
    if lines.is_empty() {
        return empty(title, subtitle, to);
    }
    let subtitle = match all - lines.len() {
        0 => subtitle.to_owned(),
        shrank => format!("{subtitle}; {shrank} stacks that shrank are left out"),
    };
    let subtitle = &subtitle;
    let mut palette = palette(&lines);
    let unit = profile
        .types()
        .get(index)
        .map_or("samples", |kind| &*kind.unit);
    let mut options = options(title, subtitle, unit);
    options.palette_map = Some(&mut palette);
    if grows == Grows::Down {
        options.direction = Direction::Inverted;
    }
    let parts = subsystem::Subsystem::ALL.map(|part| (part.name(), part.colour()));
    draw(&mut options, &lines, &parts, to)
}

/// Draws, and explains the colours below.
fn draw(
    options: &mut Options<'_>,
    lines: &[String],
    colours: &[(&str, (u8, u8, u8))],
    mut to: impl Write,
) -> io::Result<()> {
    let mut picture = Vec::new();
    let lines = lines.iter().map(String::as_str);
    flamegraph::from_lines(options, lines, &mut picture).map_err(io::Error::other)?;
    let picture = String::from_utf8(picture).map_err(io::Error::other)?;
    to.write_all(with_legend(picture, colours).as_bytes())
}

/// The picture with one line more; as it is where its beginning is not as inferno writes it.
fn with_legend(picture: String, colours: &[(&str, (u8, u8, u8))]) -> String {
    let parts = || {
        let (before, rest) = picture.split_once(" height=\"")?;
        let (height, rest) = rest.split_once('"')?;
        let (between, rest) = rest.split_once(&format!(" {height}\""))?;
        let (content, after) = rest.rsplit_once("</svg>")?;
        Some((
            before,
            height.parse::<usize>().ok()?,
            between,
            content,
            after,
        ))
    };
    let Some((before, height, between, content, after)) = parts() else {
        return picture;
    };
    let mut legend = String::new();
    for (at, (name, (red, green, blue))) in colours.iter().enumerate() {
        let x = 0.8 + 98.4 * at as f64 / colours.len() as f64;
        legend += &format!(
            "<svg x=\"{x:.2}%\" y=\"{height}\" font-family=\"monospace\" font-size=\"12\"><rect y=\"4\" width=\"12\" height=\"12\" fill=\"rgb({red},{green},{blue})\"/><text x=\"16\" y=\"14\">{name}</text></svg>\n"
        );
    }
    let whole = height + LEGEND_HEIGHT;
    format!("{before} height=\"{whole}\"{between} {whole}\"{content}{legend}</svg>{after}")
}

/// Writes lines `stack before after` as SVG: widths are of `after`, what grew is red, what shrank blue.
///
/// # Errors
///
/// What drawing or writing says.
pub fn draw_change(
    lines: &[String],
    unit: &str,
    title: &str,
    subtitle: &str,
    to: impl Write,
) -> io::Result<()> {
    let lines: Vec<_> = shortened(lines.to_vec())
        .into_iter()
        .map(|line| not_below_zero(&line))
        .collect();
    // inferno takes stacks that the second does not have for no stacks at all.
    if lines.iter().all(|line| line.ends_with(" 0")) {
        return empty(title, subtitle, to);
    }
    let mut options = options(title, subtitle, unit);
    draw(&mut options, &lines, &CHANGES, to)
}

fn options<'a>(title: &str, subtitle: &str, unit: &str) -> Options<'a> {
    let mut options = Options::default();
    options.title = title.to_owned();
    options.subtitle = Some(subtitle.to_owned());
    options.count_name = unit.to_owned();
    options.min_width = MIN_WIDTH_PERCENT;
    options
}

fn value_of(line: &str) -> &str {
    line.rsplit_once(' ').map_or("", |(_, value)| value)
}

/// `stack before after` with what is below zero as zero, and what is beyond all sense as much as can be drawn.
fn not_below_zero(line: &str) -> String {
    let mut parts = line.rsplitn(3, ' ');
    let zero = |value: Option<&str>| {
        let value: i64 = value.and_then(|value| value.parse().ok()).unwrap_or(0);
        value.clamp(0, WIDTH_MAX)
    };
    let (after, before) = (zero(parts.next()), zero(parts.next()));
    format!("{} {before} {after}", parts.next().unwrap_or_default())
}

/// The path of the broker's package would take the room of the function's name in most boxes.
fn shortened(mut lines: Vec<String>) -> Vec<String> {
    for line in &mut lines {
        for path in ["v2/server.", "server."] {
            let path = format!("{}{path}", subsystem::BROKER);
            if line.contains(&path) {
                *line = line.replace(&path, SHORT);
            }
        }
    }
    lines
}

/// A colour for each name. A name that belongs to no part by itself has a quiet one.
fn palette(lines: &[String]) -> PaletteMap {
    // The bar below all others has no name.
    let (red, green, blue) = subsystem::Subsystem::Other.colour();
    let mut text = format!("->rgb({red},{green},{blue})\n");
    let names = lines
        .iter()
        .filter_map(|line| line.rsplit_once(' '))
        .flat_map(|(stack, _)| stack.split(';'));
    let names: std::collections::BTreeSet<_> = names.collect();
    for name in names {
        let whole = name.strip_prefix(SHORT);
        let whole = whole.map(|own| format!("{}{SHORT}{own}", subsystem::BROKER));
        let part = subsystem::of_function(whole.as_deref().unwrap_or(name));
        let part = part.unwrap_or(subsystem::Subsystem::Other);
        let (red, green, blue) = part.colour();
        text.push_str(&format!("{name}->rgb({red},{green},{blue})\n"));
    }
    PaletteMap::from_reader(&mut text.as_bytes()).unwrap_or_default()
}

fn empty(title: &str, subtitle: &str, mut to: impl Write) -> io::Result<()> {
    let (title, subtitle) = (escaped(title), escaped(subtitle));
    write!(
        to,
        r#"<?xml version="1.0" standalone="no"?>
<svg version="1.1" width="100%" height="120" viewBox="0 0 {IMAGE_WIDTH} 120" xmlns="http://www.w3.org/2000/svg" font-family="monospace">
<rect width="100%" height="100%" fill="rgb(248,248,248)"/>
<text x="50%" y="30" text-anchor="middle" font-size="17">{title}</text>
<text x="50%" y="60" text-anchor="middle" font-size="12">{subtitle}</text>
<text x="50%" y="95" text-anchor="middle" font-size="14">Nothing was seen: the process used no CPU time, or holds nothing of this kind.</text>
</svg>
"#
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(text: &str, title: &str) -> String {
        let profile = folded::read(text.as_bytes()).unwrap();
        let mut out = Vec::new();
        write(&profile, 0, Grows::Up, title, "99 Hz", &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_are_drawn_escaped_and_in_the_colour_of_their_part() {
        let picture = svg("runtime.goexit;crypto/tls.<evil>&;x_[k] 10\n", "of <n1>");
        assert!(
            picture.contains("of &lt;n1&gt;") && picture.contains("crypto/tls.&lt;evil&gt;&amp;"),
            "{picture}"
        );
        assert!(
            picture.contains("rgb(190,140,215)") && picture.contains("rgb(170,170,170)"),
            "{picture}"
        );
        assert!(!picture.contains("<evil>"));
        // A legend, and room for it; the bar below all others is no lock.
        assert!(picture.contains(">jetstream</text>"), "{picture}");
        let (_, rest) = picture.split_once(" height=\"").unwrap();
        let (height, rest) = rest.split_once('"').unwrap();
        assert!(
            rest.contains(&format!("viewBox=\"0 0 1200 {height}\"")),
            "{picture}"
        );
        assert!(!picture.contains("rgb(230,0,0)"), "{picture}");
    }

    #[test]
    fn nothing_seen_is_a_picture_too() {
        let picture = svg("", "of \"<n1>\"");
        assert!(
            picture.contains("Nothing was seen") && picture.contains("of &quot;&lt;n1&gt;&quot;"),
            "{picture}"
        );
    }

    #[test]
    fn what_shrank_has_no_width_and_is_told_of() {
        let picture = svg("main;grew 5\nmain;shrank -7\n", "of n1");
        assert!(
            picture.contains("grew") && picture.contains("1 stacks that shrank are left out"),
            "{picture}"
        );
        assert!(!picture.contains(">main;shrank"));
        assert!(svg("main;shrank -7\n", "of n1").contains("Nothing was seen"));
        let mut out = Vec::new();
        let lines = ["a -5 7".to_owned(), "b 3 -4".to_owned()];
        draw_change(&lines, "bytes", "of n1", "", &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains(">a "));
    }
}
