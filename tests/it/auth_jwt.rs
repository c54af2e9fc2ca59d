//! Tokens: the filters `jwt`, `introspection` and `client_credentials`, before issuers that rotate, fail and lie.

mod client_credentials;
mod introspection;
mod issuer;
mod peers;

use portunus_testkit::{Answer, Folder, Origin, Program, faulty};
use serde_json::{Value, json};

use issuer::{Issuer, IssuerKey, encode, now};

const CONFIG: &str = r#"
hosts:
  "*":
    routes:
      /**:
        to: "{origin}"
        use:
          - jwt: {issuer: "{issuer}", audience: shop, forward_claims: {X-User: sub}, {more}}
"#;

fn program(issuer: &str, origin: &Origin, more: &str) -> Program {
    let setup = Program::config(CONFIG).fill("issuer", issuer).fill("origin", origin);
    setup.fill("more", more).start()
}

/// Claims that hold for an hour.
fn claims(issuer: &str) -> Value {
    json!({"iss": issuer, "aud": "shop", "sub": "alice", "exp": now() + 3600, "scope": "read"})
}

fn send(program: &Program, token: &str) -> Answer {
    program.client().request("GET", "/").header("Authorization", &format!("Bearer {token}")).send()
}

#[test]
fn a_token_of_a_key_that_discovery_finds_passes() {
    let (issuer, key, origin) = (Issuer::new(), IssuerKey::new("k1"), Origin::text("secret"));
    issuer.publish(&[&key]);
    let program = program(&issuer.url(), &origin, "strip: true");
    let token = key.token(&claims(&issuer.url()));
    let mut client = program.client();
    let request = client.request("GET", "/").header("Authorization", &format!("Bearer {token}"));
    assert_eq!(
        request.header("X-User", "mallory").header("x_user", "mallory").send().text(),
        "secret"
    );
    let passed = origin.request();
    assert_eq!(passed.headers.all("x-user").collect::<Vec<_>>(), ["alice"]);
    assert_eq!((passed.header("x_user"), passed.header("authorization")), (None, None));

    let answer = program.get("/");
    answer.assert_own(401, "auth.missing");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"api\""));
    let old = key.token(&json!({"iss": issuer.url(), "aud": "shop", "exp": now() - 60}));
    let answer = send(&program, &old);
    answer.assert_own(401, "auth.expired");
    assert!(answer.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    assert_eq!((origin.requests().len(), issuer.fetches()), (1, 1));
}

#[test]
fn attacks_on_tokens_are_refused() {
    let (issuer, key, origin) = (Issuer::new(), IssuerKey::new("k1"), Origin::text("secret"));
    issuer.publish(&[&key]);
    let program = program(&issuer.url(), &origin, "scopes: [read]");
    let good = claims(&issuer.url());
    assert_eq!(send(&program, &key.token(&good)).status, 200);
    let text = good.to_string();
    let header = |more: &str| format!(r#"{{"alg":"ES256","kid":"k1"{more}}}"#);
    let attacker = IssuerKey::new("k1");
    let jwk = attacker.public();
    let unsigned = |algorithm: &str| {
        format!("{}.{}.", encode(format!(r#"{{"alg":"{algorithm}"}}"#)), encode(&text))
    };
    let twice = text.replacen('{', r#"{"sub":"admin","#, 1);
    for (attack, token) in [
        ("alg none", unsigned("none")),
        ("alg None", unsigned("None")),
        ("no alg", format!("{}.{}.", encode("{}"), encode(&text))),
        ("a forged signature", attacker.token(&good)),
        ("a key in the header", attacker.token_with(&header(&format!(r#","jwk":{jwk}"#)), &text)),
        ("jku", attacker.token_with(&header(r#","jku":"https://attacker.example/"#), &text)),
        ("crit", key.token_with(&header(r#","crit":["exp"]"#), &text)),
        ("b64", key.token_with(&header(r#","b64":false"#), &text)),
        ("alg twice", key.token_with(&header(r#","alg":"none""#), &text)),
        ("a claim twice", key.token_with(&header(""), &twice)),
        ("another algorithm of the key", key.token_with(r#"{"alg":"ES384","kid":"k1"}"#, &text)),
        ("a public key as a secret", key.token_with(r#"{"alg":"HS256","kid":"k1"}"#, &text)),
        ("an unknown key", key.token_with(r#"{"alg":"ES256","kid":"../../dev/null"}"#, &text)),
        ("another audience", key.token(&json!({"iss": issuer.url(), "aud": "x", "exp": now() + 9}))),
        ("another issuer", key.token(&json!({"iss": "x", "aud": "shop", "exp": now() + 9}))),
        ("no end", key.token(&json!({"iss": issuer.url(), "aud": "shop"}))),
        ("the future", key.token(&json!({"iss": issuer.url(), "aud": "shop", "exp": now() + 999, "nbf": now() + 99}))),
        ("a huge one", key.token(&json!({"iss": issuer.url(), "aud": "shop", "exp": now() + 9, "x": "y".repeat(8192)}))),
        ("an encrypted one", "a.b.c.d.e".to_owned()),
        ("padding", key.token(&good) + "="),
        ("no token", "x".to_owned()),
    ] {
        let answer = send(&program, &token);
        assert_eq!(answer.status, 401, "{attack}: {answer:?}");
        answer.assert_own(401, "auth.invalid");
        assert!(!answer.text().contains(&token), "{attack}: the token is shown");
    }
    let poor =
        key.token(&json!({"iss": issuer.url(), "aud": "shop", "exp": now() + 9, "scope": "write"}));
    let answer = send(&program, &poor);
    answer.assert_own(403, "auth.forbidden");
    let challenge = answer.header("www-authenticate").unwrap();
    assert!(
        challenge.contains("error=\"insufficient_scope\"") && challenge.ends_with("scope=\"read\"")
    );
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn a_new_key_is_fetched_when_a_token_names_it_and_an_old_one_is_forgotten() {
    let (issuer, old, new) = (Issuer::new(), IssuerKey::new("k1"), IssuerKey::new("k2"));
    let origin = Origin::text("secret");
    issuer.publish(&[&old]);
    let program = program(&issuer.url(), &origin, "jwks: {cooldown: 0s}");
    let (first, second) = (old.token(&claims(&issuer.url())), new.token(&claims(&issuer.url())));
    // Twice, so that it is remembered.
    assert_eq!(send(&program, &first).status, 200);
    assert_eq!(send(&program, &first).status, 200);
    issuer.publish(&[&new]);
    assert_eq!(send(&program, &second).status, 200);
    send(&program, &first).assert_own(401, "auth.invalid");
    assert_eq!(send(&program, &second).status, 200);
}

#[test]
fn tokens_that_name_unknown_keys_do_not_make_us_ask_all_the_time() {
    let (issuer, key, origin) = (Issuer::new(), IssuerKey::new("k1"), Origin::text("secret"));
    issuer.publish(&[&key]);
    let program = program(&issuer.url(), &origin, "");
    assert_eq!(send(&program, &key.token(&claims(&issuer.url()))).status, 200);
    for number in 0..50 {
        let token = IssuerKey::new(&format!("x{number}")).token(&claims(&issuer.url()));
        send(&program, &token).assert_own(401, "auth.invalid");
    }
    // One fetch at the start, and at most one more should the cooldown have passed on a slow machine.
    assert!(issuer.fetches() <= 2, "{} fetches", issuer.fetches());
}

#[test]
fn keys_stay_while_the_issuer_is_down() {
    let (issuer, key, origin) = (Issuer::new(), IssuerKey::new("k1"), Origin::text("secret"));
    issuer.publish(&[&key]);
    let program = program(&issuer.url(), &origin, "cache: 0, jwks: {cooldown: 0s}");
    let token = key.token(&claims(&issuer.url()));
    assert_eq!(send(&program, &token).status, 200);
    issuer.set_down(true);
    let unknown = IssuerKey::new("k2");
    let later = unknown.token(&claims(&issuer.url()));
    send(&program, &later).assert_own(401, "auth.invalid");
    program.wait_for_stderr(|text| text.contains("the old ones stay"));
    assert_eq!(send(&program, &token).status, 200);
    issuer.publish(&[&key, &unknown]);
    issuer.set_down(false);
    assert_eq!(send(&program, &later).status, 200);
}

#[test]
fn without_keys_nobody_passes_and_nobody_waits_for_long() {
    let (key, origin) = (IssuerKey::new("k1"), Origin::text("secret"));
    for issuer in [faulty::refusing().to_string(), faulty::silent().to_string()] {
        let program = program(&issuer, &origin, "");
        send(&program, &key.token(&claims(&issuer))).assert_own(503, "auth.keys_unavailable");
        // A request without a token does not wait for keys.
        program.get("/").assert_own(401, "auth.missing");
    }
    let liar = Issuer::new();
    liar.publish(&[&key]);
    liar.pretend("https://attacker.example");
    let program = program(&liar.url(), &origin, "");
    send(&program, &key.token(&claims(&liar.url()))).assert_own(503, "auth.keys_unavailable");
    program
        .wait_for_stderr(|text| text.contains("they are of the issuer `https://attacker.example`"));
    assert!(origin.requests().is_empty());
}

#[test]
fn a_thousand_keys_are_fine() {
    let (issuer, key, origin) = (Issuer::new(), IssuerKey::new("k999"), Origin::text("secret"));
    let decoy = IssuerKey::new("x").public();
    let mut keys: Vec<Value> = (0..999)
        .map(|number| {
            let mut key = decoy.clone();
            key["kid"] = json!(format!("k{number}"));
            key
        })
        .collect();
    keys.push(key.public());
    issuer.publish_json(keys);
    let program = program(&issuer.url(), &origin, "");
    assert_eq!(send(&program, &key.token(&claims(&issuer.url()))).status, 200);
    let nameless = key.token_with(r#"{"alg":"ES256"}"#, &claims(&issuer.url()).to_string());
    send(&program, &nameless).assert_own(401, "auth.invalid");
}

#[test]
fn a_reload_keeps_the_keys() {
    let (issuer, key, origin) = (Issuer::new(), IssuerKey::new("k1"), Origin::text("secret"));
    issuer.publish(&[&key]);
    let program = program(&issuer.url(), &origin, "");
    let token = key.token(&claims(&issuer.url()));
    assert_eq!(send(&program, &token).status, 200);
    issuer.set_down(true);
    let config = program.folder().read("portunus.yaml");
    program.reload(&config.replace("audience: shop", "audience: shop, scopes: [read]"));
    assert_eq!(send(&program, &token).status, 200);
    program.reload(&config.replace("audience: shop", "audience: shop, scopes: [admin]"));
    send(&program, &token).assert_own(403, "auth.forbidden");
}

#[test]
fn keys_are_fetched_again_when_their_time_is_over() {
    let (issuer, key, origin) = (Issuer::new(), IssuerKey::new("k1"), Origin::text("secret"));
    issuer.set_down(true);
    issuer.publish(&[&key]);
    let program = program(&issuer.url(), &origin, "");
    program.wait_for_stderr(|text| text.contains("there are none yet"));
    // Nobody asks: the next attempt comes by itself.
    issuer.set_down(false);
    issuer.wait_for_fetches(1);
    let token = key.token(&claims(&issuer.url()));
    portunus_testkit::eventually("the keys are there", || send(&program, &token).status == 200);
}

#[test]
fn written_keys_are_explained_and_tested() {
    let key = IssuerKey::new("k1");
    let set = json!({"keys": [key.public()]}).to_string();
    let folder = Folder::with(&format!(
        r#"
hosts:
  "*":
    routes:
      /**: {{to: shop, use: [{{jwt: {{keys: [{{jwks: '{set}'}}], audience: shop}}}}]}}
upstreams: {{shop: http://127.0.0.1:9}}
tests:
  - {{name: nobody, request: GET http://a.test/, expect: {{status: 401, reason: auth.missing}}}}
  - name: a token of the key
    request: GET http://a.test/
    headers: {{Authorization: "Bearer {good}"}}
    expect: {{upstream: shop}}
  - name: a token of another key
    request: GET http://a.test/
    headers: {{Authorization: "Bearer {bad}"}}
    expect: {{status: 401, reason: auth.invalid}}
"#,
        good = key.token(&claims("x")),
        bad = IssuerKey::new("k1").token(&claims("x")),
    ));
    let _ = folder.run("test -c portunus.yaml").with_code(0);
    let header = format!("Authorization: Bearer {}", key.token(&claims("x")));
    let arguments = ["explain", "-c", "portunus.yaml", "GET", "http://a.test/", "-H", &header];
    let told = folder.run_with(&arguments).with_code(0);
    assert!(told.stdout.contains("the token of `alice` is good"), "{told:?}");
}

#[test]
fn one_of_several_ways_may_wait_for_keys() {
    let (issuer, key, origin) = (Issuer::new(), IssuerKey::new("k1"), Origin::text("secret"));
    issuer.publish(&[&key]);
    let config = r#"
consumers: [{name: acme, keys: [a-key-of-acme]}]
hosts:
  "*":
    routes:
      /**: {to: "{origin}", use: [{any_of: [api_key, {jwt: {issuer: "{issuer}", audience: shop}}]}]}
"#;
    let setup = Program::config(config).fill("issuer", issuer.url()).fill("origin", &origin);
    let program = setup.start();
    assert_eq!(send(&program, &key.token(&claims(&issuer.url()))).status, 200);
    let answer = program.client().request("GET", "/").header("X-Api-Key", "a-key-of-acme").send();
    assert_eq!(answer.status, 200);
    program.get("/").assert_own(401, "auth.missing");
    send(&program, "x").assert_own(401, "auth.invalid");
}

#[test]
fn decisions_are_counted() {
    let (issuer, key, origin) = (Issuer::new(), IssuerKey::new("k1"), Origin::text("secret"));
    issuer.publish(&[&key]);
    let program = program(&issuer.url(), &origin, "");
    assert_eq!(send(&program, &key.token(&claims(&issuer.url()))).status, 200);
    program.get("/").assert_own(401, "auth.missing");
    let text = program.admin("/metrics").text().to_owned();
    let count = |word: &str| {
        text.lines()
            .any(|line| line.contains(&format!("decision=\"jwt.{word}\"")) && line.ends_with(" 1"))
    };
    assert!(count("accepted") && count("missing"), "{text}");
}
