//! Tokens of other implementations.

use portunus_testkit::{Folder, Origin, Program};
use serde_json::{Value, json};

use super::send;
use crate::python::Script;

const PEER: &str = include_str!("../../python/jwt_peer.py");

const CONFIG: &str = r#"
hosts:
  "*":
    routes:
      /**: {to: "{origin}", use: [{jwt: {audience: shop, keys: [{jwks: keys.json}]}}]}
"#;

#[test]
fn tokens_of_every_algorithm_that_others_make_pass() {
    let Some(mut peer) = Script::start(PEER, &["make"]) else { return };
    let origin = Origin::text("secret");
    for _ in 0..2 {
        let made = peer.json();
        let keys = json!({"keys": made["keys"]}).to_string();
        let program = Program::config(CONFIG).file("keys.json", &keys).fill("origin", &origin);
        let program = program.start();
        let tokens = made["tokens"].as_object().unwrap();
        assert_eq!(tokens.len(), 13);
        for (algorithm, token) in tokens {
            let token = token.as_str().unwrap();
            let answer = send(&program, token);
            assert_eq!(answer.status, 200, "{} {algorithm}: {answer:?}", made["maker"]);
            let (signed, signature) = token.rsplit_once('.').unwrap();
            let changed: String = signature.chars().rev().collect();
            send(&program, &format!("{signed}.{changed}")).assert_own(401, "auth.invalid");
        }
        assert!(made["keys"].as_array().is_some_and(|keys: &Vec<Value>| keys.len() == 6));
    }
}

#[test]
fn tokens_of_every_algorithm_that_we_make_are_good_elsewhere() {
    let (Some(mut maker), Some(mut checker)) =
        (Script::start(PEER, &["make"]), Script::start(PEER, &["check"]))
    else {
        return;
    };
    let (made, folder) = (maker.json(), Folder::new());
    for (algorithm, key) in made["private"].as_object().unwrap() {
        folder.write("key.json", &key.to_string());
        let command = format!(
            "key jwt --key key.json --alg {algorithm} --claim sub={algorithm}-user --claim aud=shop"
        );
        let token = folder.run(&command).with_code(0).stdout;
        let asked = json!({"key": key, "algorithm": algorithm, "token": token.trim_end()});
        checker.say(&asked.to_string());
        assert_eq!(checker.json()["sub"], format!("{algorithm}-user"));
    }
}
