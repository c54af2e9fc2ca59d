//! Keys, passwords, certificates and signatures, over the whole program.

use std::process::Command;

use portunus_testkit::{Answer, Authority, Client, Folder, Identity, Origin, Program, TlsClient};
use serde_json::Value;

use crate::python::Script;

const CONSUMERS: &str = r#"
consumers:
  - name: acme
    id: c-1
    keys: [old-key-of-16-and-more, {id: acme-new, value: new-key-of-16-and-more}, {value: late-key-of-16-and-more, expires: "2020-01-01T00:00:00Z"}]
    groups: [partners, eu]
    passwords: [{user: anna, hash: "{hash}"}]
    signatures: [{id: acme-hmac, secret: {secret}}]
    certificates: ["CN=robot"]
  - {name: guest, id: c-2}
"#;

/// bcrypt of `open sesame`.
const HASH: &str = "$2b$05$hfmhpVS99CD/Ne.5SZVw9usErwolbMH3V1GtxgvpSEPkCL9QcMcb2";
const SECRET: &str = "a-secret-of-thirty-two-bytes-abc";

/// The program with these consumers and one route.
fn program(uses: &str, origin: &Origin) -> Program {
    let config = format!(
        "{CONSUMERS}hosts:\n  \"*\":\n    use: {{uses}}\n    routes: {{/**: \"{{origin}}\"}}\n"
    );
    let setup = Program::config(&config).fill("uses", uses).fill("origin", origin);
    setup.fill("hash", HASH).fill("secret", SECRET).start()
}

/// What the upstream was told of who asks.
fn told(origin: &Origin) -> [Option<String>; 4] {
    let request = origin.last();
    let names = ["id", "username", "groups"].map(|name| format!("x-consumer-{name}"));
    let value = |name: &str| request.header(name).map(str::to_owned);
    [value(&names[0]), value(&names[1]), value(&names[2]), value("x-credential-identifier")]
}

fn get(client: &mut Client, headers: &[(&str, &str)]) -> Answer {
    let request = client.request("GET", "/orders/7");
    headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
}

#[test]
fn a_key_makes_a_request_one_of_its_consumer() {
    let origin = Origin::text("fine");
    let program = program("[api_key]", &origin);
    let mut client = program.client();
    for (key, id) in [("old-key-of-16-and-more", "acme-1"), ("new-key-of-16-and-more", "acme-new")]
    {
        assert_eq!(get(&mut client, &[("X-Api-Key", key)]).text(), "fine");
        let expected = ["c-1", "acme", "partners, eu", id].map(|text| Some(text.to_owned()));
        assert_eq!(told(&origin), expected);
    }
    let seen = origin.requests();
    assert!(seen.iter().all(|request| request.header("x-api-key").is_none()));
    for (headers, reason) in [
        (vec![], "auth.missing"),
        (vec![("X-Api-Key", "other")], "auth.invalid"),
        (vec![("X-Api-Key", "late-key-of-16-and-more")], "auth.expired"),
        (
            vec![("X-Api-Key", "old-key-of-16-and-more"), ("X-Api-Key", "new-key-of-16-and-more")],
            "auth.invalid",
        ),
    ] {
        let answer = get(&mut client, &headers);
        answer.assert_own(401, reason);
        assert!(answer.header("www-authenticate").unwrap().starts_with("ApiKey "), "{answer:?}");
    }
    assert_eq!(origin.requests().len(), 2);
    let metrics = program.metrics();
    for (decision, count) in [("passed", 2.0), ("missing", 1.0), ("invalid", 2.0), ("expired", 1.0)]
    {
        let decision = format!("api_key.{decision}");
        let labels = [("decision", decision.as_str())];
        assert_eq!(metrics.sum("portunus_filter_decisions_total", &labels), count, "{decision}");
    }
}

#[test]
fn nobody_can_claim_to_be_a_consumer() {
    let origin = Origin::text("fine");
    let program = program("[{api_key: {optional: true}}]", &origin);
    let mut client = program.client();
    let lies = [
        ("X-Consumer-Id", "c-1"),
        ("x-consumer-USERNAME", "acme"),
        ("X-Consumer-Groups", "partners"),
        ("X-Consumer-Groups", "eu"),
        ("X-Credential-Identifier", "acme-1"),
    ];
    assert_eq!(get(&mut client, &lies).text(), "fine");
    assert_eq!(told(&origin), [const { None }; 4]);
    let mut known = lies.to_vec();
    known.push(("X-Api-Key", "new-key-of-16-and-more"));
    assert_eq!(get(&mut client, &known).text(), "fine");
    let request = origin.last();
    let values: Vec<_> = request.headers.all("x-consumer-groups").collect();
    assert_eq!(values, ["partners, eu"]);
    for lookalike in ["X_Consumer_Id", "X-Consumer_Username"] {
        let answer = get(&mut program.client(), &[(lookalike, "acme")]);
        assert_eq!(answer.status, 400, "{lookalike}: {answer:?}");
    }
}

#[test]
fn a_key_of_the_query_is_in_no_log() {
    let origin = Origin::text("fine");
    let program = program("[{api_key: {query: key}}]", &origin);
    assert_eq!(program.get("/a?x=1&key=new-key-of-16-and-more&y=2").text(), "fine");
    assert_eq!(origin.request().target, "/a?x=1&y=2");
    program.get("/a?key=wrong-key-of-16-and-more").assert_own(401, "auth.invalid");
    let line = program.wait_for_stdout(|line| line.contains("401"));
    assert!(line.contains("key=[hidden]") && !line.contains("wrong-key-of-16-and-more"), "{line}");
}

#[test]
fn a_password_is_checked_once_and_then_remembered() {
    let origin = Origin::text("fine");
    let program = program("[basic]", &origin);
    let mut client = program.client();
    // anna:open sesame
    let anna = "Basic YW5uYTpvcGVuIHNlc2FtZQ==";
    for _ in 0..3 {
        assert_eq!(get(&mut client, &[("Authorization", anna)]).text(), "fine");
        let expected = ["c-1", "acme", "partners, eu", "anna"].map(|text| Some(text.to_owned()));
        assert_eq!(told(&origin)[..3], expected[..3]);
    }
    assert!(origin.requests().iter().all(|request| request.header("authorization").is_none()));
    for (value, reason) in [
        ("Basic YW5uYTpvcGVu", "auth.invalid"),
        ("Basic Ym9iOm9wZW4gc2VzYW1l", "auth.invalid"),
        ("Basic *", "auth.invalid"),
        ("Bearer x", "auth.missing"),
    ] {
        let answer = get(&mut client, &[("Authorization", value)]);
        answer.assert_own(401, reason);
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, Some("Basic realm=\"portunus\", charset=\"UTF-8\""));
    }
}

#[test]
fn curl_gives_a_user() {
    let origin = Origin::text("fine");
    let program = program("[basic]", &origin);
    let url = format!("http://{}/", program.address("web"));
    let curl = |user: &str| {
        let output = Command::new("curl").args(["-s", "-u", user, &url]).output().ok()?;
        Some(String::from_utf8(output.stdout).unwrap())
    };
    let Some(answer) = curl("anna:open sesame") else {
        eprintln!("skipped: there is no curl");
        return;
    };
    assert_eq!(answer, "fine");
    assert!(curl("anna:wrong").unwrap().contains("auth.invalid"));
}

#[test]
fn a_file_of_users_is_read_again_by_a_reload() {
    let origin = Origin::text("fine");
    let config = "hosts: {\"*\": {use: [{basic: users}], routes: {/**: \"{origin}\"}}}";
    let file = |name: &str| format!("{name}:{HASH}\n");
    let program =
        Program::config(config).fill("origin", &origin).file("users", &file("bob")).start();
    let (anna, bob) = ("Basic YW5uYTpvcGVuIHNlc2FtZQ==", "Basic Ym9iOm9wZW4gc2VzYW1l");
    let mut client = program.client();
    assert_eq!(get(&mut client, &[("Authorization", bob)]).status, 200);
    assert_eq!(get(&mut client, &[("Authorization", anna)]).status, 401);
    program.folder().write("users", &file("anna"));
    program.reload(config);
    assert_eq!(get(&mut client, &[("Authorization", anna)]).status, 200);
    get(&mut client, &[("Authorization", bob)]).assert_own(401, "auth.invalid");
    program.folder().write("users", "anna:$apr1$x$y\n");
    assert!(!program.try_reload(config), "a weak hash is refused");
    assert_eq!(get(&mut client, &[("Authorization", anna)]).status, 200);
}

#[test]
fn a_certificate_makes_a_request_one_of_its_consumer() {
    let config = format!(
        r#"{CONSUMERS}
listeners:
  web:
    address: "127.0.0.1:0"
    tls:
      certificates: [{{cert: site.pem, key: site.key}}]
      client_auth: {{ca: clients.pem, mode: optional}}
hosts:
  "*":
    routes:
      /known/**: {{use: [{{mtls: {{consumers_only: true}}}}], to: "{{origin}}"}}
      /**: {{use: [{{mtls: {{require: {{subject: "CN=r*"}}}}}}], to: "{{origin}}"}}
"#
    );
    let (site, clients) = (Authority::new("of the site"), Authority::new("of clients"));
    let origin = Origin::text("fine");
    let setup = Program::config(&config).fill("origin", &origin);
    let setup = setup.fill("hash", HASH).fill("secret", SECRET);
    let setup = setup.identity("site", &site.issue(&["shop.test"]));
    let program = setup.file("clients.pem", &clients.pem()).start();
    let connect = |name: Option<&str>| {
        let client = TlsClient::trusting(&site);
        let client = match name {
            Some(name) => client.identity(&clients.client(name)),
            None => client,
        };
        client.h1(&program.address("web"), "shop.test")
    };
    let lie = ("Client-Cert", ":AAAA:");
    assert_eq!(get(&mut connect(Some("robot")), &[lie]).text(), "fine");
    assert_eq!(told(&origin)[1].as_deref(), Some("acme"));
    assert_eq!(get(&mut connect(Some("rover")), &[]).text(), "fine");
    assert_eq!(told(&origin)[1], None);
    connect(Some("rover")).get("/known/1").assert_own(401, "auth.invalid");
    connect(Some("other")).get("/").assert_own(401, "auth.invalid");
    get(&mut connect(None), &[lie]).assert_own(401, "auth.missing");
}

#[test]
fn one_of_several_ways_is_enough() {
    let origin = Origin::text("fine");
    let program = program("[{any_of: [api_key, basic, hmac]}, {anonymous: guest}]", &origin);
    let mut client = program.client();
    let anna = ("Authorization", "Basic YW5uYTpvcGVuIHNlc2FtZQ==");
    for headers in [
        vec![("X-Api-Key", "new-key-of-16-and-more")],
        vec![anna],
        vec![("X-Api-Key", "wrong"), anna],
    ] {
        assert_eq!(get(&mut client, &headers).text(), "fine", "{headers:?}");
        assert_eq!(told(&origin)[1].as_deref(), Some("acme"), "{headers:?}");
    }
    let answer = get(&mut client, &[]);
    answer.assert_own(401, "auth.missing");
    assert_eq!(answer.headers.all("www-authenticate").count(), 3, "{answer:?}");
    let wrong = [("Authorization", "Basic YW5uYTp4")];
    get(&mut client, &wrong).assert_own(401, "auth.invalid");
}

#[test]
fn everybody_is_a_guest_at_least() {
    let origin = Origin::text("fine");
    let program = program("[{api_key: {optional: true}}, {anonymous: guest}]", &origin);
    let mut client = program.client();
    for (headers, expected) in
        [(vec![], "guest"), (vec![("X-Api-Key", "new-key-of-16-and-more")], "acme")]
    {
        assert_eq!(get(&mut client, &headers).text(), "fine");
        assert_eq!(told(&origin)[1].as_deref(), Some(expected));
    }
    get(&mut client, &[("X-Api-Key", "wrong")]).assert_own(401, "auth.invalid");
}

const SIGNER: &str = include_str!("../python/sign_request.py");

/// The status that a client gets which signs with a library of others; `None` where that is not installed.
fn sign(program: &Program, algorithm: &str, key_id: &str, key: &str, case: &str) -> Option<Value> {
    let address = program.address("web");
    Some(Script::start(SIGNER, &[&address, algorithm, key_id, key, case])?.json())
}

const SIGNED: &str = r#"
hosts:
  "*":
    use:
      - hmac:
          nonce: required
          window: 5m
          keys:
            ec: {public: {file: ec.pub}}
            rsa: {public: {file: rsa.pub}}
            v15: {public: {file: rsa.pub}, algorithm: rsa-v1_5-sha256}
    routes: {/**: "{origin}"}
"#;

#[test]
fn signatures_of_another_library_hold() {
    let origin = Origin::text("fine");
    let keys = Authority::new("of keys");
    let (ec, rsa) = (keys.issue(&["ec"]), keys.leaf(&["rsa"]).rsa().issue());
    let config = format!("{CONSUMERS}{SIGNED}");
    let setup = Program::config(&config).fill("origin", &origin).fill("hash", HASH);
    let setup = setup.fill("secret", SECRET).file("ec.pub", &public_key(&ec));
    let program = setup.file("rsa.pub", &public_key(&rsa)).start();
    for (algorithm, key_id, key) in [
        ("HMAC_SHA256", "acme-hmac", SECRET),
        ("ECDSA_P256_SHA256", "ec", ec.key_pem()),
        ("RSA_PSS_SHA512", "rsa", rsa.key_pem()),
        ("RSA_V1_5_SHA256", "v15", rsa.key_pem()),
    ] {
        // The nonce of the second `get` is that of the first.
        for (case, expected) in [
            ("get", "fine"),
            ("post", "fine"),
            ("get", "was used before"),
            ("changed", "does not fit the body"),
        ] {
            let Some(seen) = sign(&program, algorithm, key_id, key, case) else { return };
            assert!(seen["body"].as_str().unwrap().contains(expected), "{key_id} {case}: {seen}");
        }
    }
    let seen = origin.requests();
    let credentials: Vec<_> =
        seen.iter().filter_map(|request| request.header("x-credential-identifier")).collect();
    let expected = ["acme-hmac", "ec", "rsa", "v15"];
    assert_eq!(credentials, expected.map(|id| [id, id]).concat());

    program.reload(&config.replace("5m", "4m"));
    let wrong = SECRET.replace('a', "b");
    for (key, expected) in [(SECRET, "was used before"), (&wrong, "does not fit the request")] {
        let seen = sign(&program, "HMAC_SHA256", "acme-hmac", key, "get").unwrap();
        assert!(seen["body"].as_str().unwrap().contains(expected), "after a reload: {seen}");
    }
}

/// The public key of a certificate in PEM.
fn public_key(identity: &Identity) -> String {
    let folder = Folder::new();
    folder.write("key.pem", identity.key_pem());
    let path = folder.path("key.pem");
    let mut openssl = Command::new("openssl");
    let output = openssl.args(["pkey", "-pubout", "-in"]).arg(path).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn explain_says_who_it_would_be() {
    let origin = Origin::text("fine");
    let program = program("[{any_of: [api_key, basic]}]", &origin);
    let explain = |header: &str| {
        let arguments =
            ["explain", "-c", "portunus.yaml", "GET", "http://shop.test/", "-H", header];
        let finished = program.folder().run_with(&arguments);
        format!("{}{}", finished.stdout, finished.stderr)
    };
    let known = explain("X-Api-Key: new-key-of-16-and-more");
    assert!(known.contains("it is acme, by acme-new"), "{known}");
    let anna = explain("Authorization: Basic YW5uYTpvcGVuIHNlc2FtZQ==");
    assert!(anna.contains("it is acme"), "{anna}");
    let nobody = explain("A: b");
    assert!(nobody.contains("api_key: 401 auth.missing; basic: 401 auth.missing"), "{nobody}");
}
