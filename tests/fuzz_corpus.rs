//! The kept corpus of the fuzz targets through the functions that are fuzzed.

#[allow(unreachable_pub, reason = "a crate of its own where it is fuzzed")]
#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::fs;
use std::path::Path;

use natsight::collect::specs;
use targets::{COLLECTORS, TARGETS};

/// Bytes of all that is kept.
const KEPT_MAX: usize = 300 << 10;

#[test]
fn kept_inputs_are_taken_by_their_targets() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut kept = 0;
    for (name, target) in TARGETS {
        let folder =
            fs::read_dir(corpus.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
        // What a run found goes by its hash, and may be much.
        paths.retain(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().contains('-'))
        });
        assert!(!paths.is_empty(), "{name} has no corpus");
        for path in paths {
            eprintln!("{}", path.display());
            let data = fs::read(&path).unwrap();
            kept += data.len();
            target(&data);
        }
    }
    assert!(kept <= KEPT_MAX, "{kept} bytes are kept");
}

#[test]
fn every_collector_is_fuzzed() {
    let names: Vec<_> = specs().map(|spec| spec.name).collect();
    for name in &names {
        assert!(
            COLLECTORS.contains(name),
            "add {name} to COLLECTORS of fuzz/src/answers.rs, at its end"
        );
    }
    assert_eq!(names.len(), COLLECTORS.len());
}
