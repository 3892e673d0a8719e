//! `natsight profile diff`: what changed between two files.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use super::{Exit, complain, unwritten, write_whole, wrong_ending};
use crate::config::DiffArgs;
use crate::profile::change::{Change, Scale};
use crate::profile::form::Form;
use crate::profile::pprof::{self, Told};
use crate::profile::{Profile, folded};

/// Bytes of a file that is read.
const FILE_MAX: u64 = 64 << 20;
const ENDINGS: &str = ".svg .folded .top.txt .top.json";

pub(super) fn diff(ask: &DiffArgs, err: &mut dyn Write) -> Exit {
    let form = Form::of_path(&ask.output);
    let form = form.filter(|form| {
        matches!(
            form,
            Form::Svg | Form::Folded | Form::TopText | Form::TopJson
        )
    });
    let Some(form) = form else {
        return complain(err, &[wrong_ending(&ask.output, ENDINGS)]);
    };
    let (before, after) = match (read(&ask.before), read(&ask.after)) {
        (Ok(before), Ok(after)) => (before, after),
        (before, after) => {
            let wrong: Vec<_> = [before.err(), after.err()].into_iter().flatten().collect();
            return complain(err, &wrong);
        }
    };
    let scale = match (ask.normalize, before.1.span, after.1.span) {
        (true, ..) => Scale::Totals,
        (false, one, two) if !one.is_zero() && !two.is_zero() => {
            Scale::By(two.as_secs_f64() / one.as_secs_f64())
        }
        _ => Scale::Plain,
    };
    let change = match Change::of(before.0, after.0, scale) {
        Ok(change) => change,
        Err(error) => return complain(err, &[error.to_string()]),
    };
    let title = format!("{} against {}", name(&ask.after), name(&ask.before));
    if let Err(error) = write_whole(&ask.output, |file| write(&change, form, &title, file)) {
        return unwritten(&ask.output, &error, err);
    }
    let _ = writeln!(err, "{}", change.sentence());
    let _ = writeln!(err, "written to {}", ask.output.display());
    Exit::Fine
}

fn write(change: &Change, form: Form, title: &str, file: &mut BufWriter<File>) -> io::Result<()> {
    match form {
        Form::Folded => {
            for line in change.lines() {
                writeln!(file, "{line}")?;
            }
            Ok(())
        }
        Form::TopText => file.write_all(change.text(title).as_bytes()),
        Form::TopJson => file.write_all(change.json(title)?.as_bytes()),
        _ => change.draw(title, file),
    }
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// Reads a profile by what its bytes are: gzipped or plain protobuf, or folded stacks.
fn read(path: &Path) -> Result<(Profile, Told), String> {
    let shown = path.display();
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_MAX + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("{shown} cannot be read: {error}"))?;
    if bytes.len() as u64 > FILE_MAX {
        return Err(format!("{shown} is larger than {} MiB", FILE_MAX >> 20));
    }
    let is_folded = path.extension().is_some_and(|ending| {
        ending.eq_ignore_ascii_case("folded") || ending.eq_ignore_ascii_case("txt")
    });
    if is_folded {
        return folded::read(&bytes[..])
            .map(|profile| (profile, Told::default()))
            .map_err(|error| format!("{shown}: {error}"));
    }
    pprof::read(&bytes)
        .map_err(|error| format!("{shown}: {error}; give a .pb.gz or a .folded file"))
}
