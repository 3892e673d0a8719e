//! `targets_file`: Prometheus' file_sd format, JSON or YAML, to servers. Wrong as a whole or right as a whole: half a file
//! must not look like a smaller fleet.

use std::collections::HashSet;

use super::kind::Pid;
use super::leaf::TEXT_BYTES_MAX;
use super::mistake::{Mistake, Place, shown};
use super::plan::ServerPlan;
use super::secret::UrlText;
use super::servers::SERVERS_MAX;
use super::table::Key;
use super::yaml::{self, Body, Entry, Node};
use super::{kind, url};

/// What a file of targets says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// The servers, each once, in the order of the file.
    pub servers: Vec<ServerPlan>,
    /// What is well formed and has no effect, in sentences.
    pub ignored: Vec<String>,
}

/// Labels that give the name of a server.
const NAMES: &[&str] = &["server_name", "name"];

/// Reads the text of the file `name`.
///
/// # Errors
/// The first mistake, with its place.
pub fn targets(name: &str, text: &str) -> Result<Targets, Mistake> {
    let mut reader = Reader {
        name,
        found: Targets::default(),
        seen: HashSet::new(),
        names: HashSet::new(),
        labels: Vec::new(),
        nameless: false,
    };
    let root = yaml::parse(text).map_err(|broken| reader.wrong(broken.mark, broken.text))?;
    // A file that is being written may be empty for a moment; `[]` says that there are no servers.
    let Body::List(groups) = &root.body else {
        let text = "this is no list of groups; write [{targets: [\"n1:8222\"]}], or [] for none";
        return Err(reader.wrong(root.mark, text.to_owned()));
    };
    for group in groups {
        reader.group(group)?;
    }
    Ok(reader.finish())
}

struct Reader<'a> {
    name: &'a str,
    found: Targets,
    seen: HashSet<String>,
    names: HashSet<String>,
    /// Labels without effect.
    labels: Vec<String>,
    /// Whether a name could not be given.
    nameless: bool,
}

impl Reader<'_> {
    fn wrong(&self, mark: yaml::Mark, text: String) -> Mistake {
        let place = Place::File {
            name: self.name.into(),
            line: mark.line,
            column: mark.column,
        };
        Mistake::new(place, text)
    }

    fn group(&mut self, group: &Node) -> Result<(), Mistake> {
        let Body::Map(entries) = &group.body else {
            let text = "a group has targets and perhaps labels; write {targets: [\"n1:8222\"]}";
            return Err(self.wrong(group.mark, text.to_owned()));
        };
        let (mut targets, mut name) = (None, None);
        for entry in entries {
            match (entry.key.as_str(), &entry.value.body) {
                ("targets", Body::List(list)) => targets = Some(list),
                ("targets", Body::Empty) => targets = Some(const { &Vec::new() }),
                ("labels", Body::Map(labels)) => name = self.labels(labels)?,
                ("labels", Body::Empty) => {}
                ("targets", _) => {
                    let text = "targets is no list; write [\"n1:8222\"]".to_owned();
                    return Err(self.wrong(entry.value.mark, text));
                }
                ("labels", _) => {
                    let text = "labels are no group of keys; write {server_name: n1}".to_owned();
                    return Err(self.wrong(entry.value.mark, text));
                }
                (other, _) => {
                    let text =
                        format!("{} is not a key here; use targets and labels", shown(other));
                    return Err(self.wrong(entry.mark, text));
                }
            }
        }
        let Some(targets) = targets else {
            let text = "this group has no targets; write targets: [\"n1:8222\"]".to_owned();
            return Err(self.wrong(group.mark, text));
        };
        let alone = targets.len() == 1;
        for target in targets {
            self.target(target, name.filter(|_| alone))?;
        }
        self.nameless |= name.is_some() && targets.len() > 1;
        Ok(())
    }

    /// The name that labels give; the others are noted.
    fn labels<'n>(&mut self, labels: &'n [Entry]) -> Result<Option<&'n str>, Mistake> {
        let mut name = None;
        for label in labels {
            if !NAMES.contains(&label.key.as_str()) {
                if !self.labels.contains(&label.key) && self.labels.len() < 10 {
                    self.labels.push(label.key.clone());
                }
                continue;
            }
            match &label.value.body {
                Body::Text(text) if text.len() <= TEXT_BYTES_MAX && !text.trim().is_empty() => {
                    // `server_name` says more than `name`.
                    if name.is_none() || label.key == NAMES[0] {
                        name = Some(text.as_str());
                    }
                }
                _ => {
                    let text = format!(
                        "the label {} is no text of at most {TEXT_BYTES_MAX} bytes; write {0}: n1",
                        label.key
                    );
                    return Err(self.wrong(label.value.mark, text));
                }
            }
        }
        Ok(name)
    }

    fn target(&mut self, target: &Node, name: Option<&str>) -> Result<(), Mistake> {
        let Body::Text(text) = &target.body else {
            let text = "a target is one text such as n1:8222".to_owned();
            return Err(self.wrong(target.mark, text));
        };
        let text = text.trim();
        if let Err(advice) = kind::read(Key::ServersUrl.leaf(), text) {
            let text = format!("target {} cannot be watched; {advice}", shown(text));
            return Err(self.wrong(target.mark, text));
        }
        if !self.seen.insert(url::identity(text)) {
            return Ok(());
        }
        if self.found.servers.len() == SERVERS_MAX {
            let text = format!(
                "this is target {}; {SERVERS_MAX} is the most",
                SERVERS_MAX + 1
            );
            return Err(self.wrong(target.mark, text));
        }
        let by_dns = url::by_dns(text);
        let free = |name: &&str| by_dns.is_none() && self.names.insert((*name).to_owned());
        let given = name.filter(free);
        self.nameless |= name.is_some() && given.is_none();
        self.found.servers.push(ServerPlan {
            url: UrlText::new(by_dns.unwrap_or(text)),
            by_dns: by_dns.is_some(),
            name: given.map(str::to_owned),
            pid: Pid::Auto,
            profiling_url: None,
        });
        Ok(())
    }

    fn finish(self) -> Targets {
        let mut found = self.found;
        if !self.labels.is_empty() {
            let names: Vec<_> = self.labels.iter().map(|label| shown(label)).collect();
            found.ignored.push(format!(
                "labels other than server_name and name have no effect: {}",
                names.join(", ")
            ));
        }
        if self.nameless {
            let text = "a name is given to one server only; groups of several targets and dns+ targets keep the brokers' own";
            found.ignored.push(text.to_owned());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// URL, by DNS, name.
    fn read(text: &str) -> Vec<(String, bool, Option<String>)> {
        let found = targets("t", text).unwrap_or_else(|mistake| panic!("{text}: {mistake}"));
        let plain =
            |server: ServerPlan| (server.url.expose().to_owned(), server.by_dns, server.name);
        found.servers.into_iter().map(plain).collect()
    }

    fn one(url: &str, by_dns: bool, name: Option<&str>) -> (String, bool, Option<String>) {
        (url.to_owned(), by_dns, name.map(str::to_owned))
    }

    #[test]
    fn json_and_yaml_say_the_same() {
        let json = "[\n\t{\"targets\": [\"n1:8222\", \"https://n2\"],\n\t \"labels\": {\"env\": \"prod\"}},\n\t\
                    {\"targets\": [\"dns+http://nats:8222\"]}\n]\n";
        let yaml = "- targets: ['n1:8222', https://n2]\n  labels: {env: prod}\n- targets:\n  - dns+http://nats:8222\n";
        let expected = [
            one("n1:8222", false, None),
            one("https://n2", false, None),
            one("http://nats:8222", true, None),
        ];
        assert_eq!(read(json), expected);
        assert_eq!(read(yaml), expected);
        assert_eq!(read("[]"), []);
        assert_eq!(read("[{\"targets\": [], \"labels\": {}}]"), []);
    }

    #[test]
    fn a_label_gives_the_name_of_one_server() {
        assert_eq!(
            read(
                "- {targets: [a], labels: {name: x, server_name: y}}\n- {targets: [b], labels: {name: z}}"
            ),
            [one("a", false, Some("y")), one("b", false, Some("z"))]
        );
        let text = "- {targets: [a, b], labels: {name: x}}\n- {targets: [c], labels: {name: y}}\n\
                    - {targets: [d], labels: {name: y}}\n- {targets: ['dns+http://e'], labels: {name: w}}";
        let found = targets("t", text).unwrap();
        let names: Vec<_> = found
            .servers
            .iter()
            .map(|server| server.name.as_deref())
            .collect();
        assert_eq!(names, [None, None, Some("y"), None, None]);
        assert_eq!(found.ignored.len(), 1, "{:?}", found.ignored);
        let found = targets("t", "- {targets: [a], labels: {env: prod, job: x}}").unwrap();
        assert!(
            found.ignored[0].ends_with("\"env\", \"job\""),
            "{:?}",
            found.ignored
        );
    }

    #[test]
    fn a_target_in_two_spellings_is_one() {
        assert_eq!(
            read("- {targets: ['n1:8222', 'http://N1:8222/', 'n1:8222']}").len(),
            1
        );
    }

    #[test]
    fn what_is_wrong_is_wrong_as_a_whole() {
        for (text, words) in [
            ("", "no list of groups"),
            ("{\"targets\": [\"a\"]}", "no list of groups"),
            ("[{\"targets\": [\"n1:8222\"", "YAML"),
            ("[{\"targets\": [\"n1:8222\"]}, {\"tar", ""),
            ("- n1:8222", "a group has targets"),
            ("- {labels: {a: b}}", "no targets"),
            ("- {targets: n1}", "targets is no list"),
            ("- {targets: [[a]]}", "one text"),
            ("- {targets: [a], labels: [b]}", "labels are no group"),
            ("- {targets: [a], label: {b: c}}", "\"label\" is not a key"),
            (
                "- {targets: ['nats://u:hunter2@n1:4222']}",
                "t:1:14: target \"nats://***@n1:4222\" cannot be watched; that is the client port",
            ),
            ("- {targets: ['n 1']}", "white space"),
            ("- {targets: ['']}", "cannot be watched"),
            ("- {targets: [a], labels: {name: ''}}", "the label name"),
            ("<html></html>", "no list of groups"),
        ] {
            let mistake = targets("t", text).unwrap_err().to_string();
            assert!(
                mistake.starts_with("t:") && mistake.contains(words),
                "{text}: {mistake}"
            );
        }
    }

    #[test]
    fn a_thousand_targets_are_fine_and_one_more_is_not() {
        let list = |count: usize| -> String {
            let all: Vec<_> = (0..count).map(|n| format!("n{n}:8222")).collect();
            format!("- targets: [{}]", all.join(", "))
        };
        assert_eq!(read(&list(1000)).len(), 1000);
        let mistake = targets("t", &list(1001)).unwrap_err();
        assert!(mistake.text.contains("this is target 1001"), "{mistake}");
    }
}
