//! The web configuration file: every mistake at its place, in an operator's words.

use std::fs;
use std::time::Duration;

use natsight::config::{ClientAuth, Rate, TlsVersion, WebPlan, read_web};

/// Beside `web.yml` there are `c.pem` and `k.pem`.
fn read(text: &str) -> Result<(WebPlan, String), String> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("web.yml", text), ("c.pem", "C"), ("k.pem", "K")] {
        fs::write(folder.path().join(name), text).expect("it is written");
    }
    let place = format!("{}/", folder.path().display());
    let said = |lines: Vec<String>| lines.join("\n").replace(&place, "");
    match read_web(&folder.path().join("web.yml")).outcome {
        Ok((plan, warnings)) => {
            let warnings = warnings.iter().map(ToString::to_string).collect();
            Ok((plan, said(warnings)))
        }
        Err(mistakes) => Err(said(mistakes.iter().map(ToString::to_string).collect())),
    }
}

fn plan(text: &str) -> WebPlan {
    read(text)
        .unwrap_or_else(|mistakes| panic!("{text}\n{mistakes}"))
        .0
}

fn check(text: &str, expected: &str) {
    assert_eq!(read(text).err().unwrap_or_default(), expected, "of\n{text}");
}

/// A bcrypt hash of this cost.
fn hash(cost: &str) -> String {
    format!("$2y${cost}${}", "a".repeat(53))
}

#[test]
fn what_exporter_toolkit_takes_is_taken() {
    for text in [
        "",
        "{}",
        "tls_server_config:\n",
        "tls_server_config: {}",
        "basic_auth_users: ~",
    ] {
        assert_eq!(plan(text), WebPlan::default(), "{text}");
    }
    let tls = plan("tls_server_config: {cert_file: c.pem, key_file: k.pem}")
        .tls
        .unwrap();
    assert_eq!(
        (tls.certificate.expose(), tls.key.expose()),
        (&b"C"[..], &b"K"[..])
    );
    assert_eq!((tls.client_auth, tls.client_ca), (ClientAuth::None, None));
    assert_eq!(
        (tls.min_version, tls.max_version),
        (TlsVersion::Tls12, TlsVersion::Tls13)
    );
    assert!(tls.prefer_server_suites && tls.suites.is_empty() && tls.curves.is_empty());

    let text = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/web/whole.yml"
    ))
    .unwrap();
    let whole = plan(&text);
    let tls = whole.tls.unwrap();
    assert_eq!(tls.client_auth, ClientAuth::RequireAndVerify);
    assert_eq!(tls.client_ca.unwrap().expose(), b"C");
    assert_eq!(tls.allowed_sans, ["prometheus.example", "10.1.2.3"]);
    assert_eq!(tls.min_version, TlsVersion::Tls13);
    assert_eq!(tls.suites, ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"]);
    assert!(!tls.prefer_server_suites);
    assert_eq!(tls.curves, ["CurveP256", "X25519"]);
    assert_eq!(whole.headers.len(), 5);
    assert_eq!(
        whole
            .users
            .iter()
            .map(|user| user.name.as_str())
            .collect::<Vec<_>>(),
        ["alice", "bob"]
    );
    let rate = Rate {
        interval: Duration::from_millis(10),
        burst: 100,
    };
    assert_eq!(whole.rate, Some(rate));
    let (_, warnings) = read(&text).unwrap();
    assert_eq!(warnings, "");

    let text = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/web/common.yml"
    ))
    .unwrap();
    assert_eq!(plan(&text).users.len(), 2);
}

#[test]
fn older_spellings_and_switches_are_taken() {
    assert_eq!(plan("rate_limit: {interval: 0s, burst: 3}").rate, None);
    assert_eq!(plan("rate_limit: {interval: 0}").rate, None);
    let text = "tls_server_config: {cert: 'X', key: 'Y', client_auth_type: RequireClientCert, \
                cipher_suites: [TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305]}";
    let tls = plan(text).tls.unwrap();
    assert_eq!(
        (tls.certificate.expose(), tls.key.expose()),
        (&b"X"[..], &b"Y"[..])
    );
    assert_eq!(tls.client_auth, ClientAuth::RequireAny);
    assert_eq!(tls.suites, ["TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"]);
    for version in ["a", "b", "y"] {
        let text = format!(
            "basic_auth_users: {{x: '{}'}}",
            hash("10").replace("$2y", &format!("$2{version}"))
        );
        assert_eq!(plan(&text).users.len(), 1, "{version}");
    }
    let (_, warnings) = read("http_server_config: {http2: true}").unwrap();
    assert_eq!(
        warnings,
        "warning: web.yml:1:29: http_server_config.http2 has no effect: natsight speaks HTTP/1.1"
    );
}

#[test]
fn keys_and_types_are_checked_where_they_stand() {
    check(
        "tls_server_confg: {}\nbasic_auth_users: [x]\nzzz: 1\nrate_limit: {brust: 1}\nrate_limit: {}\n",
        "web.yml:1:1: \"tls_server_confg\" is not a key; did you mean tls_server_config?\n\
         web.yml:2:19: basic_auth_users is a list; write keys below it: a user each, with a bcrypt hash\n\
         web.yml:3:1: \"zzz\" is not a key; known here: tls_server_config, http_server_config, basic_auth_users, rate_limit\n\
         web.yml:4:14: \"brust\" in rate_limit is not a key; did you mean burst?\n\
         web.yml:5:1: \"rate_limit\" is written twice, first in line 4; keep one",
    );
    check(
        "- a",
        "web.yml:1:1: the file is a list; write keys below it: tls_server_config, http_server_config, basic_auth_users, rate_limit",
    );
    check(
        "a: b: c",
        "web.yml:1:5: this is not valid YAML: mapping values are not allowed in this context",
    );
}

#[test]
fn tls_that_does_not_hold_is_refused() {
    let check = |more: &str, expected: &str| {
        let text = format!("tls_server_config:\n  cert_file: c.pem\n  key_file: k.pem\n{more}");
        check(&text, expected);
    };
    check(
        "  cert: x\n",
        "web.yml:2:14: tls_server_config.cert_file stands beside tls_server_config.cert; keep one of them",
    );
    for version in ["TLS10", "TLS11"] {
        check(
            &format!("  min_version: {version}\n"),
            &format!(
                "web.yml:4:16: tls_server_config.min_version is \"{version}\"; that version is not safe (RFC 8996) and not spoken here; write TLS12 or TLS13"
            ),
        );
    }
    check(
        "  max_version: 1.3\n",
        "web.yml:4:16: tls_server_config.max_version is 1.3; write TLS12 or TLS13",
    );
    check(
        "  min_version: TLS13\n  max_version: TLS12\n",
        "web.yml:5:16: tls_server_config.max_version is TLS12; it must not be below min_version (TLS13)",
    );
    check(
        "  curve_preferences: [X25519, CurveP521]\n",
        "web.yml:4:31: tls_server_config.curve_preferences has \"CurveP521\", which is not safe or not spoken here; write some of X25519, CurveP256, CurveP384",
    );
    check(
        "  prefer_server_cipher_suites: yes\n",
        "web.yml:4:32: tls_server_config.prefer_server_cipher_suites is \"yes\"; write true or false",
    );
    check(
        "  cipher_suites: TLS_AES_128_GCM_SHA256\n",
        "web.yml:4:18: tls_server_config.cipher_suites is a text; write a list",
    );
    check(
        "  client_allowed_sans: ['']\n  client_auth_type: RequireAnyClientCert\n",
        "web.yml:4:25: an entry of tls_server_config.client_allowed_sans is empty; take it out",
    );
    let text =
        read("tls_server_config: {cert: x, key: y, cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]}")
            .unwrap_err();
    assert!(text.starts_with("web.yml:1:54: tls_server_config.cipher_suites has \"TLS_RSA_WITH_AES_128_CBC_SHA\", which is not safe"), "{text}");
}

#[test]
fn clients_are_asked_for_what_can_be_checked() {
    let check = |more: &str, expected: &str| {
        check(
            &format!("tls_server_config: {{cert: c, key: k, {more}}}"),
            expected,
        );
    };
    for auth in ["RequireAndVerifyClientCert", "VerifyClientCertIfGiven"] {
        check(
            &format!("client_auth_type: {auth}"),
            &format!(
                "web.yml:1:56: tls_server_config.client_auth_type is {auth}; it needs tls_server_config.client_ca_file, which says whose certificates are good"
            ),
        );
    }
    check(
        "client_auth_type: Always",
        "web.yml:1:56: tls_server_config.client_auth_type is \"Always\"; write one of NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven, RequireAndVerifyClientCert",
    );
    check(
        "client_ca_file: c.pem",
        "web.yml:1:54: tls_server_config.client_ca_file has no effect without tls_server_config.client_auth_type; write RequireAndVerifyClientCert there, or take it out",
    );
    check(
        "client_allowed_sans: [a]",
        "web.yml:1:59: tls_server_config.client_allowed_sans has no effect without tls_server_config.client_auth_type; write RequireAndVerifyClientCert there",
    );
}

#[test]
fn certificate_and_key_come_together() {
    let (text, says) = (
        "tls_server_config:\n  min_version: TLS12\n",
        "TLS needs a certificate and its key",
    );
    check(
        text,
        &format!(
            "web.yml:2:3: tls_server_config has no cert_file; {says}\nweb.yml:2:3: tls_server_config has no key_file; {says}"
        ),
    );
    let wrong =
        read("tls_server_config: {cert_file: none.pem, key_file: ., client_ca_file: /dev/zero}")
            .unwrap_err();
    let lines: Vec<_> = wrong.lines().collect();
    assert_eq!(lines.len(), 3, "{wrong}");
    for (line, words) in lines.iter().zip([
        "web.yml:1:32: tls_server_config.cert_file none.pem cannot be read: No such file",
        "web.yml:1:52: tls_server_config.key_file . cannot be read: Is a directory",
        "web.yml:1:71: tls_server_config.client_ca_file /dev/zero is larger than 1048576 bytes",
    ]) {
        assert!(line.starts_with(words), "{line}");
    }
}

#[test]
fn users_need_hashes_that_can_be_checked_in_time() {
    let make = "make one with: htpasswd -nBC 10 USER";
    let not =
        |place: &str| format!("web.yml:{place}: basic_auth_users.a is not a bcrypt hash; {make}");
    for wrong in [
        "hunter2",
        "$2y$10$short",
        "$2x$10$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ] {
        check(&format!("basic_auth_users: {{a: '{wrong}'}}"), &not("1:23"));
    }
    check(
        &format!("basic_auth_users: {{a: '{}!'}}", &hash("10")[..59]),
        &not("1:23"),
    );
    for cost in ["03", "16", "31"] {
        let said = read(&format!("basic_auth_users: {{a: '{}'}}", hash(cost))).unwrap_err();
        assert!(
            said.contains(&format!("of cost {}", cost.trim_start_matches('0'))),
            "{said}"
        );
        assert!(said.contains("must be 4 to 15"), "{said}");
    }
    check(
        "basic_auth_users: {a: }",
        &format!("web.yml:1:21: basic_auth_users.a has no hash; {make}"),
    );
    let said = read(&format!("basic_auth_users: {{'a:b': '{}'}}", hash("10"))).unwrap_err();
    assert!(said.contains("take colons"), "{said}");
}

#[test]
fn headers_and_rates_are_checked() {
    check(
        "http_server_config:\n  http2: maybe\n  headers: {X-Frame-Options: allow, X-Powered-By: x, Strict-Transport-Security: 'ä'}\n",
        "web.yml:2:10: http_server_config.http2 is \"maybe\"; write true or false\n\
         web.yml:3:30: http_server_config.headers.X-Frame-Options is \"allow\"; write one of deny, sameorigin\n\
         web.yml:3:37: \"X-Powered-By\" in http_server_config.headers is not a key; known here: Content-Security-Policy, X-Frame-Options, X-Content-Type-Options, X-XSS-Protection, Strict-Transport-Security\n\
         web.yml:3:81: http_server_config.headers.Strict-Transport-Security is \"ä\"; write it in one line of printable ASCII",
    );
    check(
        "rate_limit: {interval: 1s}",
        "web.yml:1:13: rate_limit has no burst; write how many requests may come at once, such as burst: 10",
    );
    check(
        "rate_limit: {interval: 1s, burst: 0}",
        "web.yml:1:35: rate_limit.burst is 0; write a whole number from 1, such as 10",
    );
    check(
        "rate_limit: {interval: often, burst: 1}",
        "web.yml:1:24: rate_limit.interval is \"often\"; write a duration of at most 1h such as 100ms, or 0s for no limit",
    );
}
