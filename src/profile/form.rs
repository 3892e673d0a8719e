//! The forms in which a profile is written, by the ending of a file's name.

use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

use super::{Captured, flame, folded, pprof};

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// Flame graph.
    Svg,
    /// Folded stacks.
    Folded,
    /// pprof's gzipped protobuf.
    Pprof,
}

impl Form {
    /// All, with the ending that picks each.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::Svg, ".svg"),
        (Self::Folded, ".folded"),
        (Self::Pprof, ".pb.gz"),
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
        match self {
            Self::Svg => flame::write(profile, profile.shown(), title, &about.sentence(), &mut to),
            Self::Folded => folded::write(profile, profile.shown(), &mut to),
            Self::Pprof => {
                let comments: Vec<_> = std::iter::once(about.sentence())
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
        assert_eq!(
            (form("hot.png"), form("svg"), form("..")),
            (None, None, None)
        );
    }
}
