//! What other programs make of our TLS.

use std::process::{Command, Stdio};

use super::{FINE, LISTENER, Site};

/// Severities of testssl.sh above LOW.
const SEVERE: &[&str] = &["MEDIUM", "HIGH", "CRITICAL", "FATAL", "WARN"];

/// The protocols, the ciphers and the known weaknesses, with default settings.
#[test]
fn testssl_finds_nothing_above_low() {
    let site = Site::new();
    let program = site.start();
    let report = program.path("report.json");
    let mut testssl = Command::new("testssl");
    testssl.args(["--quiet", "--color", "0", "--warnings", "off", "--nodns", "none"]);
    testssl.args(["--protocols", "--std", "--fs", "--vulnerable", "--jsonfile"]);
    testssl.arg(&report).arg(program.address("web")).stdin(Stdio::null());
    let Ok(output) = testssl.output() else {
        println!("skipped: testssl is not installed (Debian package testssl.sh)");
        return;
    };
    let text = std::fs::read_to_string(&report).unwrap_or_default();
    let told = String::from_utf8_lossy(&output.stdout);
    let findings: Vec<serde_json::Value> = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("no report ({error}): {text}\n{told}"));
    assert!(findings.len() > 30, "only {} findings:\n{told}", findings.len());
    let severe: Vec<_> = findings
        .iter()
        .filter(|finding| SEVERE.iter().any(|severity| finding["severity"] == *severity))
        .collect();
    assert!(severe.is_empty(), "{severe:#?}");
    let spoken = |id: &str| findings.iter().find(|finding| finding["id"] == id);
    for (id, offered) in [
        ("TLS1", "not offered"),
        ("TLS1_1", "not offered"),
        ("TLS1_2", "offered"),
        ("TLS1_3", "offered"),
    ] {
        let finding = spoken(id).and_then(|finding| finding["finding"].as_str());
        assert!(finding.is_some_and(|finding| finding.starts_with(offered)), "{id}: {finding:?}");
    }
}

/// Each request over each kind of connection is answered, by the count of another client.
#[test]
fn h2load_gets_an_answer_to_each_request() {
    let site = Site::new();
    let plain = LISTENER.replace("{web:", "{plain: \"127.0.0.1:0\", web:");
    let program = site.config(&format!("{plain}{FINE}")).start();
    let [secure, plain] = ["web", "plain"].map(|listener| program.address(listener));
    let cases = [
        (format!("https://{secure}/"), ["--npn-list=h2", "-m16"]),
        (format!("https://{secure}/"), ["--h1", "-m1"]),
        (format!("http://{plain}/"), ["-ph2c", "-m16"]),
    ];
    for (url, options) in cases {
        let mut h2load = Command::new("h2load");
        h2load.args(["-n2000", "-c8"]).args(options).arg(&url).stdin(Stdio::null());
        let Ok(output) = h2load.output() else {
            println!("skipped: h2load is not installed (Debian package nghttp2-client)");
            return;
        };
        let told = String::from_utf8_lossy(&output.stdout);
        let expected = "2000 total, 2000 started, 2000 done, 2000 succeeded, 0 failed, 0 errored";
        assert!(told.contains(expected), "{options:?}: {told}");
        assert!(told.contains("status codes: 2000 2xx"), "{options:?}: {told}");
    }
}
