//! `natsight profile`: one capture from the command line, into a file.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Exit, complain};
use crate::config::CaptureArgs;
use crate::profile::form::Form;
use crate::profile::native::{self, Progress, kallsyms::KernelNames};
use crate::profile::{Capture, Captured};

/// How often the line that tells how far it is changes.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

pub(super) fn profile(ask: &CaptureArgs, err: &mut dyn Write) -> Exit {
    let Some(form) = Form::of_path(&ask.output) else {
        let text = format!(
            "-o is {:?}; its ending picks the form, one of {}",
            ask.output.to_string_lossy(),
            Form::endings()
        );
        return complain(err, &[text]);
    };
    let taken = SystemTime::now();
    let capture = Capture {
        span: ask.span,
        rate: ask.rate,
    };
    let mut next = PROGRESS_EVERY;
    let mut watch = |progress: Progress| {
        if progress.elapsed >= next {
            next = progress.elapsed + PROGRESS_EVERY;
            let _ = write!(err, "\r{}", line(ask, progress));
            let _ = err.flush();
        }
        true
    };
    let captured = native::capture(ask.pid, &capture, &mut KernelNames::default(), &mut watch);
    if next > PROGRESS_EVERY {
        let _ = writeln!(err);
    }
    match captured {
        Ok(captured) => finish(ask, form, &captured, taken, err),
        Err(error) => {
            let _ = writeln!(err, "natsight: {error}");
            Exit::Failed
        }
    }
}

fn line(ask: &CaptureArgs, progress: Progress) -> String {
    let (elapsed, span) = (progress.elapsed.as_secs_f64(), ask.span.as_secs_f64());
    format!(
        "process {}: {elapsed:.1} of {span:.0} s, {} samples",
        ask.pid, progress.samples
    )
}

fn finish(
    ask: &CaptureArgs,
    form: Form,
    captured: &Captured,
    taken: SystemTime,
    err: &mut dyn Write,
) -> Exit {
    let title = format!("CPU time of process {}", ask.pid);
    if let Err(error) = write_whole(&ask.output, |file| {
        form.write(captured, &title, taken, file)
    }) {
        let _ = writeln!(
            err,
            "natsight: {} cannot be written: {error}",
            ask.output.display()
        );
        return Exit::Failed;
    }
    let _ = writeln!(err, "{}", captured.about.sentence());
    for missing in &captured.about.missing {
        let _ = writeln!(err, "missing: {missing}");
    }
    if captured.profile.samples().is_empty() {
        let _ = writeln!(err, "the process used no CPU time that could be sampled");
    }
    let _ = writeln!(err, "written to {}", ask.output.display());
    Exit::Fine
}

/// Writes beside the file and renames: a full disk leaves what was there before.
fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = PathBuf::from(beside);
    let mut file = BufWriter::new(File::create_new(&beside)?);
    let written = write(&mut file)
        .and_then(|()| file.flush())
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}
