//! The shape of `src`: which module may use which, who may touch the outside world, who may start tasks.

#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A module, and what it may use of ours: a module, or one path in it. A module may always use itself.
const LAYERS: &[(&str, &[&str])] = &[
    ("catalog", &[]),
    ("state", &["catalog"]),
    ("collect", &["catalog", "state"]),
    ("compat", &["state", "collect"]),
    ("source", &[]),
    ("profile", &["source"]),
    // Of profiles it knows the words for kinds and engines, no more.
    ("config", &["profile::Kind", "profile::EngineName"]),
    ("expose", &["catalog", "state"]),
    ("selfmon", &["catalog", "state"]),
    (
        "poll",
        &["catalog", "state", "collect", "compat", "expose", "source"],
    ),
    (
        "serve",
        // Of the collectors it knows the names that `collect[]` takes, no more.
        &["expose", "state", "catalog", "collect::specs", "selfmon"],
    ),
    (
        "app",
        &[
            "catalog", "state", "collect", "compat", "source", "config", "expose", "selfmon",
            "poll", "serve", "profile",
        ],
    ),
    ("main", &["app"]),
];

/// Modules that cannot fail on the outside world because they never touch it (invariant 1), and what they do without.
const PURE: &[&str] = &["catalog", "state", "collect", "compat", "expose"];
const OUTSIDE: &[&str] = &[
    "tokio",
    "reqwest",
    "hyper",
    "axum",
    "std::fs",
    "std::net",
    "std::thread",
    "std::env",
    "std::process",
    "Instant::now",
    "SystemTime",
    ".elapsed()",
    "tracing::",
];

/// Where tasks may be started (invariant 8), and how. Everything else hands a future to one of these.
const STARTERS: &[(&str, &str)] = &[
    // app owns the tasks of the sidecar: pollers, and one accept loop for each listener.
    ("src/app/", "spawn"),
    // Profiles, pages and the disk hold a thread; whoever asks waits for them at once.
    ("src/app/", "spawn_blocking"),
    // The one exception: a connection is a task of its accept loop, which owns it and ends it.
    ("src/serve/listener.rs", "spawn"),
    // Work for a core, waited for at once: a password against its hash.
    ("src/serve/password.rs", "spawn_blocking"),
    // Likewise: the joining of a large page.
    ("src/serve/metrics.rs", "spawn_blocking"),
    // Likewise: a profile to read, a look at /proc, and the native engine, which blocks for the length of a capture.
    ("src/profile/port.rs", "spawn_blocking"),
    ("src/profile/access.rs", "spawn_blocking"),
    ("src/profile/native/mod.rs", "spawn_blocking"),
    // No task of its own: a blocking look at /proc that the poller waits for at once.
    ("src/poll/poller.rs", "spawn_blocking"),
];

struct File {
    path: String,
    module: String,
    /// Modules from the root to this file, for `super::`.
    depth: usize,
    text: String,
    /// Without comments, contents of strings, and tests.
    code: String,
}

fn sources() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    walk(&root.join("src"), &mut paths);
    paths.sort();
    assert!(paths.len() > 40, "src was not found");
    paths.iter().map(|path| file(root, path)).collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

fn file(root: &Path, path: &Path) -> File {
    let text = fs::read_to_string(path).unwrap();
    let path = path
        .strip_prefix(root)
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let names: Vec<_> = path
        .trim_start_matches("src/")
        .trim_end_matches(".rs")
        .trim_end_matches("/mod")
        .split('/')
        .map(str::to_owned)
        .collect();
    File {
        module: names[0].clone(),
        depth: names.len(),
        code: without_tests(&bare(&text)),
        text,
        path,
    }
}

/// The code without comments and without what stands in strings. Lines stay where they are.
fn bare(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => string(rest),
            'r' if !out.ends_with(|c: char| c.is_alphanumeric() || c == '_') => raw_string(rest),
            '\'' => character(rest),
            _ => 0,
        };
        if skipped == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        out.extend(rest[..skipped].chars().filter(|c| *c == '\n'));
        rest = &rest[skipped..];
    }
    out
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

fn raw_string(text: &str) -> usize {
    let marks = text[1..].chars().take_while(|c| *c == '#').count();
    if !text[1 + marks..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(marks));
    let body = 2 + marks;
    text[body..]
        .find(&end)
        .map_or(text.len(), |at| body + at + end.len())
}

/// A character in quotes; a lifetime is none.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => text[2..].find('\'').map_or(0, |_| {
            let after = 3 + text[3..].find('\'').unwrap_or(0);
            after + 1
        }),
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
        None => 0,
    }
}

/// Without the items behind `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut out = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        out.push_str(&rest[..at]);
        let item = &rest[at..];
        let open = item.find(['{', ';']).unwrap_or(item.len());
        let end = if item[open..].starts_with('{') {
            open + block(&item[open..])
        } else {
            (open + 1).min(item.len())
        };
        rest = &item[end..];
    }
    out + rest
}

/// Length of a block in braces.
fn block(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

/// Names of the functions that the code calls and that begin like this.
fn calls<'a>(code: &'a str, like: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(like).filter_map(|(at, _)| {
        let rest = &code[at..];
        let len = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        rest[len..].starts_with('(').then_some(&rest[..len])
    })
}

/// Every path of ours that the code names, from the root: `crate::`, `natsight::` and climbing `super::`.
fn paths(code: &str, depth: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for root in ["crate::", "natsight::"] {
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().next_back().unwrap_or(' ');
            if !before.is_alphanumeric() && before != '_' {
                tree("", &code[at + root.len()..], &mut found);
            }
        }
    }
    let climb = "super::".repeat(depth);
    for (at, _) in code.match_indices(&climb) {
        let rest = &code[at + climb.len()..];
        if depth > 0 && !rest.starts_with("super::") {
            tree("", rest, &mut found);
        }
    }
    found
}

/// Reads `a::b`, `a::{b, c::{d}}`, `a::b as c`; gives what follows.
fn tree<'a>(prefix: &str, code: &'a str, found: &mut BTreeSet<String>) -> &'a str {
    let code = code.trim_start();
    if let Some(mut rest) = code.strip_prefix('{') {
        loop {
            rest = rest.trim_start().trim_start_matches(',').trim_start();
            if let Some(rest) = rest.strip_prefix('}') {
                return rest;
            }
            if rest.is_empty() {
                return rest;
            }
            rest = tree(prefix, rest, found);
            rest = rest.trim_start();
            if let Some(renamed) = rest.strip_prefix("as ") {
                rest = renamed.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
            }
        }
    }
    let len = code
        .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*')
        .unwrap_or(code.len());
    let (name, rest) = code.split_at(len);
    if name.is_empty() {
        return &code[code.chars().next().map_or(0, char::len_utf8)..];
    }
    let path = if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}::{name}")
    };
    match rest.strip_prefix("::") {
        Some(rest) => tree(&path, rest, found),
        None => {
            found.insert(path);
            rest
        }
    }
}

fn allowed(module: &str, path: &str) -> bool {
    let Some((_, uses)) = LAYERS.iter().find(|(name, _)| *name == module) else {
        return false;
    };
    let within = |root: &str| path == root || path.starts_with(&format!("{root}::"));
    within(module) || uses.iter().any(|root| within(root))
}

#[test]
fn imports_are_read_however_they_are_written() {
    let code = bare(
        "use crate::state::Row;\nuse crate::{catalog::{Metric, Def as D}, poll};\nuse crate::{\n    app,\n    \
         expose::{self, Part},\n};\nfn f(x: crate::serve::Site) { super::super::config::load(\"crate::lie\") }\n\
         // crate::comment\nlet c = 'x'; let q = '\\''; let s = r#\"crate::raw \" \"#; use $crate::selfmon::X;",
    );
    let found: Vec<_> = paths(&without_tests(&code), 2).into_iter().collect();
    assert_eq!(
        found,
        [
            "app",
            "catalog::Def",
            "catalog::Metric",
            "config::load",
            "expose::Part",
            "expose::self",
            "poll",
            "selfmon::X",
            "serve::Site",
            "state::Row",
        ]
    );
    let tested =
        "fn a() {}\n#[cfg(test)]\nmod tests { use crate::app::X; fn f() { {} } }\nfn b() {}";
    assert_eq!(without_tests(tested), "fn a() {}\n\nfn b() {}");
}

#[test]
fn imports_point_downwards() {
    let mut wrong = Vec::new();
    for file in sources().iter().filter(|file| file.module != "lib") {
        for path in paths(&file.code, file.depth) {
            let root = path.split("::").next().unwrap_or_default();
            let ours = LAYERS.iter().any(|(name, _)| *name == root);
            if ours && !allowed(&file.module, &path) {
                wrong.push(format!("{} uses {path}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_of_layers_knows_every_module() {
    let files = sources();
    let modules: BTreeSet<_> = files
        .iter()
        .map(|file| file.module.as_str())
        .filter(|module| *module != "lib")
        .collect();
    let listed: BTreeSet<_> = LAYERS.iter().map(|(name, _)| *name).collect();
    assert_eq!(modules, listed);
    // Downwards: what a module uses stands above it in the table.
    for (place, (name, uses)) in LAYERS.iter().enumerate() {
        for used in *uses {
            let root = used.split("::").next().unwrap_or_default();
            let above = LAYERS[..place].iter().any(|(module, _)| *module == root);
            assert!(above, "{name} uses {used}, which does not stand above it");
        }
    }
}

#[test]
fn the_middle_never_touches_the_outside_world() {
    let mut wrong = Vec::new();
    for file in sources() {
        if !PURE.contains(&file.module.as_str()) {
            continue;
        }
        for word in OUTSIDE {
            if file.code.contains(word) {
                wrong.push(format!("{} has {word}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_app_starts_tasks() {
    let mut wrong = Vec::new();
    let mut used = BTreeSet::new();
    for file in sources() {
        for call in calls(&file.code, "spawn") {
            let starter = STARTERS
                .iter()
                .position(|(place, how)| file.path.starts_with(place) && call == *how);
            match starter {
                Some(place) => drop(used.insert(place)),
                None => wrong.push(format!("{} calls {call}", file.path)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        used.len(),
        STARTERS.len(),
        "an exception is no longer needed"
    );
}

#[test]
fn only_main_ends_the_process() {
    for file in sources() {
        for word in ["process::exit", "process::abort"] {
            assert!(!file.code.contains(word), "{} has {word}", file.path);
        }
    }
}

#[test]
fn every_file_says_first_what_it_owns() {
    for file in sources() {
        let first = file.text.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("//! ") && first.len() > 20,
            "{} begins with {first:?}",
            file.path
        );
    }
}

#[test]
fn no_file_silences_the_tools() {
    for file in sources() {
        for lint in ["too_many_lines", "unwrap_used", "disallowed_methods"] {
            assert!(!file.code.contains(lint), "{} allows {lint}", file.path);
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let limits = fs::read_to_string(root.join("clippy.toml")).unwrap();
    assert!(
        limits
            .lines()
            .any(|line| line == "too-many-lines-threshold = 70")
    );
}

#[test]
fn the_architecture_page_names_every_module() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ARCHITECTURE.md");
    let text = fs::read_to_string(page).expect("docs/ARCHITECTURE.md is there");
    for (module, _) in LAYERS {
        assert!(
            text.contains(&format!("`{module}`")) || text.contains(&format!("src/{module}")),
            "docs/ARCHITECTURE.md does not name {module}"
        );
    }
}
