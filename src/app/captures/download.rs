//! A kept capture in the form that somebody asks for.

use crate::profile::form::Form;
use crate::profile::store::{Facts, Store};
use crate::profile::{Captured, pprof};
use crate::serve::{CaptureRefusal, Download};

/// The ending of a bundle's file.
pub(super) const ARCHIVE: &str = "tar.gz";

/// The forms of what a file holds, as they are asked for.
pub(super) fn forms(file: &str) -> Vec<&'static str> {
    if file == ARCHIVE {
        return vec![ARCHIVE];
    }
    Form::ALL
        .iter()
        .map(|(_, ending)| ending.trim_start_matches('.'))
        .collect()
}

/// The one of `known` that is asked for.
fn ending(known: &[&'static str], form: &str) -> Result<&'static str, CaptureRefusal> {
    known
        .iter()
        .find(|ending| **ending == form)
        .copied()
        .ok_or_else(|| {
            let short: String = form.chars().take(40).collect();
            CaptureRefusal::Unknown(format!(
                "there is no form {short:?} of it; it has {}",
                known.join(", ")
            ))
        })
}

/// A form of any profile, with its ending.
#[cfg(feature = "self-profile")]
pub(super) fn known_form(form: &str) -> Result<(Form, &'static str), CaptureRefusal> {
    ending(&forms(""), form).map(|ending| (form_of(ending), ending))
}

fn form_of(ending: &str) -> Form {
    Form::ALL
        .iter()
        .find(|(_, known)| known.trim_start_matches('.') == ending)
        .map_or(Form::Pprof, |(form, _)| *form)
}

/// Reads and makes; blocks.
pub(super) fn make(store: &Store, facts: &Facts, form: &str) -> Result<Download, CaptureRefusal> {
    let ending = ending(&forms(&facts.file), form)?;
    let failed =
        |text: String| CaptureRefusal::Failed(format!("the capture cannot be read: {text}"));
    let bytes = store
        .read(facts)
        .map_err(|error| failed(error.to_string()))?;
    let bytes = if ending == facts.file {
        bytes
    } else {
        written(facts, &bytes, ending).map_err(failed)?
    };
    Ok(Download {
        bytes,
        ending,
        name: format!("{}-{}", facts.kind, &facts.id[..8.min(facts.id.len())]),
    })
}

fn written(facts: &Facts, bytes: &[u8], ending: &str) -> Result<Vec<u8>, String> {
    let form = form_of(ending);
    let (profile, _) = pprof::read(bytes).map_err(|error| error.to_string())?;
    let captured = Captured {
        profile,
        about: facts.about.clone(),
    };
    let mut made = Vec::new();
    form.write(&captured, &facts.title, facts.taken(), &mut made)
        .map_err(|error| error.to_string())?;
    Ok(made)
}
