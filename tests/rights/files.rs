//! The files behind the rights, with the binary: read at the start, re-read when they change, never shown.

use std::fs;
use std::path::Path;

use natsight::expose::reader::{self, Format};
use tempfile::TempDir;

use super::broker::Broker;
use super::program::{Ended, Sidecar, run};
use super::*;

/// A folder with `web.yml`, a certificate for localhost and its key, and a token.
pub(super) struct Folder {
    dir: TempDir,
    pub(super) authority: Authority,
}

/// TLS as most write it.
const TLS: &str = "tls_server_config: {cert_file: web.pem, key_file: web.key}\n";

impl Folder {
    pub(super) fn new(web: &str) -> Self {
        let this = Self {
            dir: tempfile::tempdir().expect("a folder"),
            authority: Authority::new(),
        };
        this.authority
            .sign(&["localhost"])
            .write(this.dir.path(), "web");
        this.write("web.yml", web);
        this.write("token", "s3cret-token\n");
        this
    }

    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.dir.path().join(name), text).expect("it is written");
    }

    pub(super) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_string_lossy().into_owned()
    }

    fn start(&self, broker: &Broker, more: &[&str]) -> Sidecar {
        let (url, web) = (broker.url(), self.path("web.yml"));
        let mut args = vec![url.as_str(), "--web-config-file", web.as_str()];
        args.extend(more);
        Sidecar::start(&args)
    }

    pub(super) fn client(&self) -> Client {
        Client::new(&self.authority)
    }
}

/// A line of the page.
async fn series(client: &Client, addr: SocketAddr, name: &str, labels: &[(&str, &str)]) -> f64 {
    let found = secure(client, addr, "GET /metrics").await.expect("a page");
    let page = reader::read(&found.body, Format::Text004).expect("a page");
    page.value(name, labels).expect(name)
}

/// Asks again and again until it is so.
async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let end = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < end, "not in time: {what}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_served_without_a_restart() {
    let (broker, folder) = (Broker::start("n1"), Folder::new(TLS));
    let sidecar = folder.start(&broker, &[]);
    let addr = sidecar.public;
    let old = folder.client();
    assert_eq!(secure(&old, addr, HEALTHY).await.expect("TLS").status, 200);
    assert_eq!(
        secure(&old, sidecar.admin, "GET /-/reload")
            .await
            .expect("TLS")
            .status,
        405
    );

    // First half a renewal: the new certificate with the old key.
    let next = Authority::new();
    let identity = next.sign(&["localhost"]);
    folder.write("web.pem", &identity.cert);
    let line = sidecar.wait_for(&["stays in force"]);
    assert!(
        line.contains("web.yml:1:") && line.contains("key_file does not belong"),
        "{line}"
    );
    assert_eq!(
        secure(&old, addr, HEALTHY)
            .await
            .expect("the old one")
            .status,
        200
    );

    folder.write("web.key", &identity.key);
    let new = Client::new(&next);
    eventually("the new certificate", || async {
        secure(&new, addr, HEALTHY).await.is_ok()
    })
    .await;
    assert!(secure(&old, addr, HEALTHY).await.is_err());
    let reloads = "natsight_rights_reloads_total";
    eventually("counted", || async {
        let of = async |result| {
            series(
                &new,
                addr,
                reloads,
                &[("side", "listeners"), ("result", result)],
            )
            .await
        };
        of("success").await > 0.5 && of("failure").await > 0.5
    })
    .await;
    let end = series(
        &new,
        addr,
        "natsight_tls_certificate_not_after_timestamp_seconds",
        &[],
    )
    .await;
    assert!(end > 6e10, "{end}");
    let lines = sidecar.lines();
    let said = lines.iter().filter(|line| line.contains("stays in force"));
    assert_eq!(said.count(), 1, "{lines:#?}");
}

#[tokio::test]
async fn a_certificate_that_has_expired_is_said_once_and_a_new_one_taken() {
    let (broker, folder) = (Broker::start("n1"), Folder::new(TLS));
    let good = fs::read_to_string(folder.path("web.pem")).expect("it is there");
    let key = fs::read_to_string(folder.path("web.key")).expect("it is there");
    let ended = folder.authority.sign_until(&["localhost"], 2020);
    ended.write(folder.dir.path(), "web");
    let sidecar = folder.start(&broker, &[]);
    sidecar.wait_for(&["certificate of the listeners has expired"]);
    let client = folder.client();
    assert!(secure(&client, sidecar.public, HEALTHY).await.is_err());
    folder.write("web.pem", &good);
    folder.write("web.key", &key);
    eventually("the good one", || async {
        secure(&client, sidecar.public, HEALTHY).await.is_ok()
    })
    .await;
    let lines = sidecar.lines();
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains("has expired"))
            .count(),
        1,
        "{lines:#?}"
    );
}

/// Long enough to be let in before, on a busy machine.
const SHORT: Duration = Duration::from_secs(3);

#[tokio::test]
async fn a_certificate_that_expires_while_natsight_runs_is_said_once_and_a_new_one_taken() {
    let (broker, folder) = (Broker::start("n1"), Folder::new(TLS));
    let good = folder.authority.sign(&["localhost"]);
    let ending = folder.authority.sign_for(&["localhost"], SHORT);
    ending.write(folder.dir.path(), "web");
    let sidecar = folder.start(&broker, &[]);
    let client = folder.client();
    let mut kept = client.connect(sidecar.public).await.expect("still good");
    sidecar.wait_for(&["certificate of the listeners has expired"]);
    eventually("refused by clients", || async {
        secure(&client, sidecar.public, HEALTHY).await.is_err()
    })
    .await;
    // Who is connected goes on.
    let ask = b"GET /-/healthy HTTP/1.1\r\nHost: h\r\n\r\n";
    kept.write_all(ask).await.expect("sent");
    let mut status = [0; 12];
    kept.read_exact(&mut status).await.expect("an answer");
    assert_eq!(&status, b"HTTP/1.1 200");
    good.write(folder.dir.path(), "web");
    eventually("the good one", || async {
        secure(&client, sidecar.public, HEALTHY).await.is_ok()
    })
    .await;
    let lines = sidecar.lines();
    let said = lines.iter().filter(|line| line.contains("has expired"));
    assert_eq!(said.count(), 1, "{lines:#?}");
}

#[tokio::test]
async fn tokens_and_users_change_without_a_restart() {
    let (broker, folder) = (Broker::start("n1"), Folder::new(""));
    let token = folder.path("token");
    let sidecar = folder.start(&broker, &["--admin-token-file", &token]);
    let reload = async |token: &str| {
        let token = format!("Bearer {token}");
        let headers = [JSON, ("Authorization", token.as_str())];
        plain(sidecar.admin, "POST /-/reload", &headers)
            .await
            .status
    };
    assert_eq!(reload("s3cret-token").await, 200);
    folder.write("token", "another");
    eventually("the new token", || async { reload("another").await == 200 }).await;
    assert_eq!(reload("s3cret-token").await, 403);
    // An empty file opens nothing.
    folder.write("token", "\n");
    let line = sidecar.wait_for(&["stays in force"]);
    assert!(
        line.contains("is empty") && !line.contains("another"),
        "{line}"
    );
    // Let in, and then told what a reload meets: the same file.
    assert_eq!((reload("another").await, reload("").await), (400, 403));

    let hash = bcrypt::hash("hunter2", 4).expect("a hash");
    folder.write("web.yml", &format!("basic_auth_users: {{prom: {hash}}}\n"));
    folder.write("token", "another");
    eventually("users", || async {
        plain(sidecar.public, HEALTHY, &[]).await.status == 401
    })
    .await;
    let right = basic("prom:hunter2");
    let found = plain(sidecar.public, HEALTHY, &[("Authorization", &right)]).await;
    assert_eq!(found.status, 200);
    fs::remove_file(folder.path("web.yml")).expect("it was there");
    sidecar.wait_for(&["stays in force", "web.yml cannot be read"]);
    assert_eq!(plain(sidecar.public, HEALTHY, &[]).await.status, 401);
    folder.write("web.yml", "");
    eventually("open again", || async {
        plain(sidecar.public, HEALTHY, &[]).await.status == 200
    })
    .await;
}

#[tokio::test]
async fn a_reload_takes_other_files_or_refuses_them_all() {
    let (broker, folder) = (Broker::start("n1"), Folder::new(TLS));
    let (config, url) = (folder.path("natsight.yml"), broker.url());
    folder.write("natsight.yml", &format!("servers: [{{url: {url}}}]\n"));
    let sidecar = Sidecar::start(&["--config", &config]);
    let reload = async || plain(sidecar.admin, "POST /-/reload", &[JSON]).await;
    let (token, web) = (folder.path("token"), folder.path("web.yml"));
    folder.write("token", "two words");
    folder.write(
        "natsight.yml",
        &format!("web_config_file: {web}\nadmin_token_file: {token}\n"),
    );
    let refused = reload().await;
    assert_eq!(refused.status, 400);
    assert!(refused.error().contains("admin_token_file") && refused.error().contains("line 1"));
    assert_eq!(
        plain(sidecar.public, HEALTHY, &[]).await.status,
        200,
        "still plain HTTP"
    );
    folder.write("token", "t");
    assert_eq!(reload().await.status, 200);
    let found = secure(&folder.client(), sidecar.public, HEALTHY).await;
    assert_eq!(found.expect("TLS").status, 200);
    let found = secure(&folder.client(), sidecar.admin, "POST /-/reload").await;
    assert_eq!(found.expect("TLS").status, 403);
}

fn refused(ended: &Ended, words: &[&str]) {
    assert_eq!((ended.code, ended.out.as_str()), (64, ""), "{ended:?}");
    for word in words {
        assert!(ended.err.contains(word), "{word}: {}", ended.err);
    }
}

#[test]
fn wrong_files_are_told_before_the_start_all_at_once() {
    let folder = Folder::new(
        "tls_server_config:\n  cert_file: web.pem\n  key_file: none.key\nbasic_auth_user: {}\n",
    );
    folder.write("token", "");
    let (web, token, config) = (
        folder.path("web.yml"),
        folder.path("token"),
        folder.path("natsight.yml"),
    );
    folder.write(
        "natsight.yml",
        &format!("web_config_file: {web}\nadmin_token_file: {token}\n"),
    );
    let words = [
        "web.yml:3:13: tls_server_config.key_file ",
        "none.key cannot be read: No such file",
        "web.yml:4:1: \"basic_auth_user\" is not a key; did you mean basic_auth_users?",
        "token is empty",
    ];
    let ended = run(&["check-config", &config], &[]);
    refused(&ended, &words);
    assert_eq!(ended.err.lines().count(), 3, "{}", ended.err);
    refused(&run(&["serve", "--config", &config], &[]), &words);
    let ended = run(&["serve", "--web-config-file", "/nonexistent/web.yml"], &[]);
    refused(
        &ended,
        &[
            "web_config_file /nonexistent/web.yml cannot be read",
            "check the path",
        ],
    );

    let other = folder.authority.sign(&["localhost"]);
    folder.write("web.key", &other.key);
    folder.write("web.yml", &format!("\n\n{TLS}"));
    folder.write("token", "t");
    refused(
        &run(&["check-config", &config], &[]),
        &["web.yml:3:51: tls_server_config.key_file does not belong"],
    );

    folder.write("web.yml", "http_server_config: {http2: true}\n");
    let ended = run(&["check-config", &config], &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(
        ended
            .err
            .contains("web.yml:1:29: http_server_config.http2 has no effect"),
        "{}",
        ended.err
    );
}

/// What is planted, and must be found nowhere.
const PLANTED: &[&str] = &["hunter2", "s3cret", "$2b$", "PRIVATE KEY"];

fn clean(what: &str, text: &str, key: &str) {
    for planted in PLANTED.iter().chain([&key]) {
        assert!(!text.contains(planted), "{what} shows {planted}: {text}");
    }
    // `u:hunter2` and `prom:hunter2` as the header of basic auth spells them.
    for coded in [basic("u:hunter2"), basic("prom:hunter2")] {
        assert!(
            !text.contains(coded.trim_start_matches("Basic ")),
            "{what} shows {coded}"
        );
    }
}

#[tokio::test]
async fn secrets_are_shown_nowhere() {
    let hash = bcrypt::hash("hunter2", 4).expect("a hash");
    let folder = Folder::new(&format!("{TLS}basic_auth_users: {{prom: '{hash}'}}\n"));
    let broker = Broker::start("n1");
    let key = fs::read_to_string(folder.path("web.key")).expect("a key");
    let key = key.lines().nth(1).expect("a line of the key").to_owned();
    let url = broker.url().replace("http://", "http://u:hunter2@");
    folder.write(
        "natsight.yml",
        &format!(
            "log: {{level: trace}}\nweb_config_file: {}\nadmin_token_file: {}\nservers: [{{url: '{url}'}}]\n",
            folder.path("web.yml"),
            folder.path("token"),
        ),
    );
    let config = folder.path("natsight.yml");
    let sidecar = Sidecar::start(&["--config", &config]);
    sidecar.wait_for(&["server is up"]);
    let client = folder.client();
    let (right, wrong) = (basic("prom:hunter2"), basic("prom:hunter2x"));
    let token = ["Bearer s3cret-token", "Bearer s3cret-tokex"];
    for (addr, line) in all_lines(sidecar.public, sidecar.admin) {
        for shown in [right.as_str(), &wrong, token[0], token[1]] {
            let stream = client.connect(addr).await.expect("TLS");
            let headers = [JSON, ("Authorization", shown)];
            let found = exchange(stream, &request(&line, &headers))
                .await
                .expect("an answer");
            clean(&line, &format!("{found:?} {}", found.text()), &key);
        }
    }
    broken(&folder, &config, &hash, &key);
    folder.write("token", "s3cret\nnew");
    sidecar.wait_for(&["stays in force"]);
    for line in sidecar.lines() {
        clean("the log", &line, &key);
    }
    in_memory(&folder, &key);
}

/// Broken files that hold secrets, each in a place where its content could slip into a sentence.
fn broken(folder: &Folder, config: &str, hash: &str, key: &str) {
    for (name, text) in [
        (
            "web.key",
            format!("-----BEGIN PRIVATE KEY hunter2\n{key}\n"),
        ),
        (
            "web.key",
            format!("-----BEGIN PRIVATE KEY-----\n{key}!!\n-----END PRIVATE KEY-----\n"),
        ),
        ("token", "s3cret one\ns3cret two\n".to_owned()),
        ("web.yml", "basic_auth_users: {prom: hunter2}\n".to_owned()),
        (
            "web.yml",
            format!("basic_auth_users: {{prom: ['{hash}']}}\n"),
        ),
        ("web.yml", "basic_auth_users: hunter2\n".to_owned()),
        (
            "web.yml",
            format!(
                "basic_auth_users: {{prom: '{}'}}\n",
                hash.replace("$04$", "$31$")
            ),
        ),
        (
            "web.yml",
            format!("tls_server_config: {{cert_file: web.pem, key: [\"{key}\"]}}\n"),
        ),
        (
            "web.yml",
            format!("tls_server_config: {{cert_file: web.pem, key: \"{key}\"}}\n"),
        ),
        (
            "web.yml",
            format!("tls_server_config: {{cert_file: web.pem, key: |\n-----BEGIN {key}\n"),
        ),
    ] {
        let before = fs::read_to_string(folder.path(name)).expect("it is there");
        folder.write(name, &text);
        let ended = run(&["check-config", config], &[]);
        assert_eq!(ended.code, 64, "{name} {text}: {ended:?}");
        clean(&text, &format!("{}{}", ended.out, ended.err), key);
        folder.write(name, &before);
    }
}

/// What a core dump of settings, or a forgotten `{:?}`, would show.
fn in_memory(folder: &Folder, key: &str) {
    let read = natsight::config::read_web(Path::new(&folder.path("web.yml")));
    clean("the web configuration", &format!("{read:?} {read:#?}"), key);
    let text = fs::read_to_string(folder.path("natsight.yml")).expect("it is there");
    let flags = natsight::config::Flags::default();
    let plan = natsight::config::load(Some(("f", &text)), &[], &flags).expect("a plan");
    clean("the plan", &format!("{plan:?} {plan:#?}"), key);
    let identity = folder.authority.sign(&["localhost"]);
    let rights = Rights {
        tls: Some(Tls::new(&input(&identity)).expect("TLS")),
        users: users(),
        admin_token: Some("s3cret-token".to_owned()),
        ..Rights::default()
    };
    clean("rights", &format!("{rights:?} {rights:#?}"), key);
}
