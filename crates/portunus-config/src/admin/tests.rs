use std::fs;

use crate::spec::AdminAddressSpec;
use crate::{AdminPlace, Disk, Env, ListenAddress};

/// The port of the admin API in a configuration, with its token.
fn found(text: &str, env: &[(&str, &str)]) -> Option<(u16, Result<Option<String>, String>)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("portunus.yaml");
    fs::write(&path, text).unwrap();
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let env: Env = env.iter().map(pair).collect();
    let AdminPlace { address, token } = AdminPlace::find(&path, &Disk, &env)?;
    let AdminAddressSpec::On(ListenAddress::Tcp(address)) = address else { panic!("{address:?}") };
    Some((address.port(), token.map(|token| token.map(|token| token.expose().to_owned()))))
}

#[test]
fn what_is_lacking_elsewhere_does_not_matter() {
    let elsewhere = "hosts: {\"${NAME}\": {routes: {/: \"${TARGET}\"}}}\nzzz: 1\n";
    assert_eq!(found(elsewhere, &[]), Some((8170, Ok(None))));
    let both = format!("{elsewhere}admin: {{address: 127.0.0.1:9, token: secret}}\n");
    assert_eq!(found(&both, &[]), Some((9, Ok(Some("secret".to_owned())))));
    let short = format!("{elsewhere}admin: 127.0.0.1:${{PORT:-7}}\n");
    assert_eq!(found(&short, &[]), Some((7, Ok(None))));
    assert_eq!(
        found(elsewhere, &[("PORTUNUS_ADMIN__ADDRESS", "127.0.0.1:6")]),
        Some((6, Ok(None)))
    );
}

#[test]
fn an_address_that_lacks_something_is_not_guessed() {
    assert_eq!(found("admin: 127.0.0.1:${PORT}\n", &[]), None);
    assert_eq!(found("admin: {address: \"${ADDRESS}\", token: a}\n", &[]), None);
    assert_eq!(found("admin: {address: nowhere}\n", &[]), None);
    assert_eq!(found("admin: {adress: 127.0.0.1:9}\n", &[]), None);
    assert_eq!(found("include: [absent.yaml]\n", &[]), None, "it may stand there");
    assert_eq!(found("hosts: [\n", &[]), None);
}

#[test]
fn a_token_that_is_not_here_leaves_the_address() {
    for token in ["{env: TOKEN}", "\"${TOKEN}\"", "{file: absent}"] {
        let text = format!("admin: {{address: 127.0.0.1:9, token: {token}}}\n");
        let (port, found) = found(&text, &[]).unwrap();
        assert_eq!(port, 9);
        let why = found.unwrap_err();
        assert!(why.contains("TOKEN") || why.contains("absent"), "{why}");
    }
}
