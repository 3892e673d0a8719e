//! The forms in which a profile is written, by the ending of a file's name.

use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

use super::flame::{self, Grows};
use super::top::Top;
use super::{Captured, folded, pprof, speedscope};

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// Flame graph with the roots at its top.
    Icicle,
    /// Flame graph.
    Svg,
    /// Folded stacks.
    Folded,
    /// pprof's gzipped protobuf.
    Pprof,
    /// speedscope's JSON.
    Speedscope,
    /// Table of functions for people.
    TopText,
    /// Table of functions as JSON.
    TopJson,
}

impl Form {
    /// All, with the ending that picks each; the first that fits counts.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Icicle, ".icicle.svg"),
        (Self::Svg, ".svg"),
        (Self::Folded, ".folded"),
        (Self::Pprof, ".pb.gz"),
        (Self::Speedscope, ".speedscope.json"),
        (Self::TopText, ".top.txt"),
        (Self::TopJson, ".top.json"),
    ];

    /// The form that a file's name asks for.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        Self::ALL
            .iter()
            .find(|(_, ending)| name.ends_with(ending))
            .map(|(form, _)| *form)
    }

    /// All endings, for messages.
    #[must_use]
    pub fn endings() -> String {
        Self::ALL.map(|(_, ending)| ending).join(" ")
    }

    /// Writes what a profile shows by default. `title` says whose it is; how it came to be stands below it.
    ///
    /// # Errors
    ///
    /// What drawing or writing says.
    pub fn write(
        self,
        captured: &Captured,
        title: &str,
        taken: SystemTime,
        mut to: impl Write,
    ) -> io::Result<()> {
        let (profile, about) = (&captured.profile, &captured.about);
        let shown = profile.shown();
        let story = about.sentence();
        match self {
            Self::Icicle => flame::write(profile, shown, Grows::Down, title, &story, &mut to),
            Self::Svg => flame::write(profile, shown, Grows::Up, title, &story, &mut to),
            Self::Folded => folded::write(profile, shown, &mut to),
            Self::Speedscope => speedscope::write(profile, title, &mut to),
            Self::TopText => to.write_all(Top::of(profile, shown).text(title, about).as_bytes()),
            Self::TopJson => {
                let json = Top::of(profile, shown).json(title, about)?;
                to.write_all(json.as_bytes())
            }
            Self::Pprof => {
                let comments: Vec<_> = std::iter::once(story)
                    .chain(about.missing.iter().cloned())
                    .collect();
                pprof::write(profile, about, taken, &comments, &mut to)
            }
        }?;
        to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_picks_the_form() {
        let form = |name: &str| Form::of_path(Path::new(name));
        assert_eq!(form("a/hot.svg"), Some(Form::Svg));
        assert_eq!(form("HOT.PB.GZ"), Some(Form::Pprof));
        assert_eq!(form("x.folded"), Some(Form::Folded));
        assert_eq!(form("x.icicle.svg"), Some(Form::Icicle));
        assert_eq!(form("x.top.json"), Some(Form::TopJson));
        assert_eq!(
            (form("hot.png"), form("svg"), form("..")),
            (None, None, None)
        );
    }
}
