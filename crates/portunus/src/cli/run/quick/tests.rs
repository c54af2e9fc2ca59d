use super::QuickOptions;

fn options(to: &[&str]) -> QuickOptions {
    QuickOptions {
        host: Some("a.localhost".to_owned()),
        to: to.iter().map(|&url| url.to_owned()).collect(),
        listen: Some("127.0.0.1:0".to_owned()),
        tls: false,
        admin: Some("off".to_owned()),
    }
}

#[test]
fn the_flags_make_a_configuration_that_loads() {
    let text = options(&["http://127.0.0.1:3000", "http://127.0.0.1:3001"]).text().unwrap();
    let loaded = portunus_config::load_text("command line", &text, &Default::default());
    assert!(loaded.diagnostics.is_empty(), "{}", loaded.diagnostics.lines(&loaded.sources));
    let spec = loaded.spec.unwrap();
    assert_eq!(spec.hosts.names().collect::<Vec<_>>(), ["a.localhost"]);
    assert_eq!(spec.listeners.get("web").unwrap().address.to_string(), "127.0.0.1:0");
}

#[test]
fn with_tls_another_port_and_a_local_authority_are_meant() {
    let options = QuickOptions { tls: true, listen: None, ..options(&["http://127.0.0.1:3000"]) };
    let loaded =
        portunus_config::load_text("command line", &options.text().unwrap(), &Default::default());
    assert!(loaded.diagnostics.is_empty(), "{}", loaded.diagnostics.lines(&loaded.sources));
    let spec = loaded.spec.unwrap();
    let listener = spec.listeners.get("web").unwrap();
    assert_eq!(listener.address.to_string(), "127.0.0.1:8443");
    assert!(listener.serves_https());
}

#[test]
fn a_mistake_in_a_flag_is_a_diagnostic() {
    let text = options(&["ftp://127.0.0.1"]).text().unwrap();
    let loaded = portunus_config::load_text("command line", &text, &Default::default());
    let lines = loaded.diagnostics.lines(&loaded.sources);
    assert!(lines.contains("command line:") && lines.contains("error"), "{lines}");
}

#[test]
fn without_a_target_a_file_is_meant() {
    assert_eq!(options(&[]).text(), None);
}
