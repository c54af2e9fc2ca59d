//! What other programs make of our TLS.

use std::process::{Command, Stdio};

use super::Site;

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
