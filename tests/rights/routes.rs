//! The binary with everything locked: each route of both listeners, asked for by people without rights.

use super::broker::Broker;
use super::files::Folder;
use super::program::Sidecar;
use super::*;

/// TLS, certificates of clients, users; the token and `/probe` are in the other files.
const LOCKED: &str = "tls_server_config: {cert_file: web.pem, key_file: web.key, client_ca_file: ca.pem, \
                      client_auth_type: RequireAndVerifyClientCert}\n";
const TOKEN: &str = "Bearer s3cret-token";
const PROFILES_TOKEN: &str = "Bearer another-s3cret";

/// The token that a line of the admin listener wants, and the other one.
fn wanted(line: &str) -> Option<(&'static str, &'static str)> {
    let below = |start: &str| line.contains(start);
    if below("/-/reload") || below("/api/v1/events") {
        return Some((TOKEN, PROFILES_TOKEN));
    }
    let captures = ["/api/v1/profiles", "/api/v1/alerts", "/debug/pprof/profile"];
    let profiles = captures.into_iter().any(below);
    profiles.then_some((PROFILES_TOKEN, TOKEN))
}

struct Locked {
    sidecar: Sidecar,
    folder: Folder,
    _broker: Broker,
}

impl Locked {
    fn start() -> Self {
        let hash = bcrypt::hash("hunter2", 4).expect("a hash");
        let folder = Folder::new(&format!("{LOCKED}basic_auth_users: {{prom: '{hash}'}}\n"));
        folder.write("ca.pem", &folder.authority.pem());
        let broker = Broker::start("n1");
        folder.write("profiles-token", "another-s3cret");
        folder.write(
            "natsight.yml",
            &format!(
                "web_config_file: {}\nadmin_token_file: {}\n\
                 profiles: {{token_file: {}, dir: {}}}\nservers: [{{url: '{}'}}]\n\
                 probe: {{allow: ['http://127.0.0.0/8:{}']}}\n",
                folder.path("web.yml"),
                folder.path("token"),
                folder.path("profiles-token"),
                folder.path("captures"),
                broker.url(),
                broker.addr().port(),
            ),
        );
        let sidecar = Sidecar::start(&["--config", &folder.path("natsight.yml")]);
        sidecar.wait_for(&["server is up"]);
        Self {
            sidecar,
            folder,
            _broker: broker,
        }
    }

    fn lines(&self) -> Vec<(SocketAddr, String)> {
        all_lines(self.sidecar.public, self.sidecar.admin)
    }

    /// Somebody with a good certificate.
    fn known(&self) -> Client {
        let client = Client::new(&self.folder.authority);
        client.showing(&self.folder.authority.sign(&["c.example"]))
    }
}

async fn asked(client: &Client, addr: SocketAddr, line: &str, shown: &str) -> Reply {
    let stream = client.connect(addr).await.expect("TLS");
    let mut headers = vec![JSON];
    if !shown.is_empty() {
        headers.push(("Authorization", shown));
    }
    let found = exchange(stream, &request(line, &headers)).await;
    found.expect("an answer")
}

#[tokio::test]
async fn nobody_gets_anything_from_any_route_without_a_certificate() {
    let locked = Locked::start();
    let nobody = Client::new(&locked.folder.authority);
    let stranger = nobody.showing(&Authority::new().sign(&["c.example"]));
    let ended = nobody.showing(&locked.folder.authority.sign_until(&["c.example"], 2020));
    for (addr, line) in locked.lines() {
        for (name, client) in [
            ("nobody", &nobody),
            ("stranger", &stranger),
            ("ended", &ended),
        ] {
            let right = basic("prom:hunter2");
            let found = match client.connect(addr).await {
                Ok(stream) => {
                    let headers = [JSON, ("Authorization", right.as_str())];
                    exchange(stream, &request(&line, &headers)).await
                }
                Err(error) => Err(error),
            };
            assert!(found.is_err(), "{name} {line}: {found:?}");
        }
        let found = plain(addr, &line, &[JSON, ("Authorization", TOKEN)]).await;
        assert_eq!(found.status, 400, "{line}");
        assert!(found.error().contains("https://"), "{line}");
    }
}

#[tokio::test]
async fn nobody_gets_anything_from_any_route_without_password_and_token() {
    let locked = Locked::start();
    let known = locked.known();
    let right = basic("prom:hunter2");
    let wrong = ["prom:wrong", "prom:", "other:hunter2", ":"].map(basic);
    for (addr, line) in locked.lines() {
        let admin = addr == locked.sidecar.admin;
        let mut tries = vec![("", 401), ("Bearer s3cret-toke", 401), ("Bearer", 401)];
        tries.extend(wrong.iter().map(|shown| (shown.as_str(), 401)));
        let token = wanted(&line).filter(|_| admin);
        if let Some((_, other)) = token {
            tries.extend([
                (right.as_str(), 403),
                ("Bearer s3cret-toke", 403),
                (other, 403),
            ]);
            tries.remove(1);
        } else if !admin {
            tries.push((TOKEN, 401));
        }
        for (shown, status) in tries {
            let found = asked(&known, addr, &line, shown).await;
            assert_eq!(found.status, status, "{line} {shown:?}");
            if !line.starts_with("HEAD") {
                // A sentence, and nothing else.
                let error = found.error();
                assert!(
                    error.contains("missing or wrong") || error.contains("the token"),
                    "{error}"
                );
            }
        }
        let enough = token.map_or(right.as_str(), |(token, _)| token);
        let status = asked(&known, addr, &line, enough).await.status;
        assert!(![401, 403].contains(&status), "{line}: {status}");
    }
}

#[tokio::test]
async fn every_route_of_the_table_is_there() {
    let locked = Locked::start();
    let known = locked.known();
    for route in ROUTES {
        let line = format!("{} {}", route.method, route.path);
        let (addr, shown) = match route.listener {
            "public" => (locked.sidecar.public, basic("prom:hunter2")),
            _ => (
                locked.sidecar.admin,
                wanted(&line).map_or(TOKEN, |(token, _)| token).to_owned(),
            ),
        };
        let found = asked(&known, addr, &line, &shown).await;
        // The route is there, and the capture {id} is not.
        let no_capture = found.status == 404 && found.error().contains("no capture \"{id}\"");
        assert!(
            ![404, 405].contains(&found.status) || no_capture,
            "{line}: {}",
            found.status
        );
    }
}

/// A route that is not in the table would be asked for by no test of rights.
#[test]
fn routes_are_made_from_the_table_alone() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/serve");
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).expect("a folder") {
        let path = file.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("text");
        let makes = [
            ".route(",
            ".route_service(",
            ".nest(",
            ".nest_service(",
            ".merge(",
        ];
        for line in text
            .lines()
            .filter(|line| makes.iter().any(|make| line.contains(make)))
        {
            found.push(line.trim().to_owned());
        }
    }
    found.sort();
    // The second is `/metrics` at the path that the older exporter's command line chooses, behind the same rights.
    let known = [
        "Some(path) => routes.route(path, get(metrics::metrics)),",
        "router.route(route.path, (route.handler)())",
    ];
    assert_eq!(found, known);
}
