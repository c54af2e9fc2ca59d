//! `tls: self_signed`: a local authority for trying out, and curl that trusts it.

use std::process::Command;

use portunus_testkit::{Program, TlsClient};

const CONFIG: &str = "listeners: {web: {address: \"127.0.0.1:0\", tls: self_signed}}\nhosts: {\"*\": {routes: {/**: {respond: fine}}}}\n";

fn start() -> Program {
    Program::config(CONFIG).start()
}

/// The authority, as the command prints it.
fn trust(program: &Program) -> String {
    let finished = program.folder().run("cert trust -c portunus.yaml").with_code(0);
    let (_, rest) =
        finished.stdout.split_once("-----BEGIN CERTIFICATE-----").expect("a certificate");
    let (body, _) = rest.split_once("-----END CERTIFICATE-----").expect("a certificate");
    format!("-----BEGIN CERTIFICATE-----{body}-----END CERTIFICATE-----\n")
}

#[test]
fn any_name_gets_a_certificate_by_the_local_authority() {
    let program = start();
    let client = TlsClient::trusting_pem(&trust(&program));
    for name in ["localhost", "shop.localhost", "a.b.example", "127.0.0.1"] {
        let mut client = client.h1(&program.address("web"), name);
        assert_eq!(client.get("/").text(), "fine", "{name}");
    }
}

#[test]
fn curl_trusts_what_cert_trust_prints() {
    let program = start();
    program.folder().write("ca.pem", &trust(&program));
    let port = program.address("web").replace("127.0.0.1:", "");
    for version in ["--http1.1", "--http2"] {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", version, "--cacert"]);
        curl.arg(program.path("ca.pem"));
        curl.args(["--resolve", &format!("shop.localhost:{port}:127.0.0.1")]);
        curl.args(["--write-out", " %{http_version}", &format!("https://shop.localhost:{port}/")]);
        let Ok(output) = curl.output() else {
            println!("skipped: curl is not installed");
            return;
        };
        let said = String::from_utf8_lossy(&output.stdout);
        let expected = if version == "--http2" { "fine 2" } else { "fine 1.1" };
        assert_eq!(said, expected, "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_authority_stays_the_same_and_its_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let program = start();
    let first = trust(&program);
    assert_eq!(trust(&program), first);
    program.reload(&format!("{CONFIG}# again\n"));
    let client = TlsClient::trusting_pem(&first);
    assert_eq!(client.h1(&program.address("web"), "new.localhost").get("/").text(), "fine");
    let mut folders = vec![program.path("state")];
    let mut keys = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                folders.push(entry.path());
            } else if std::fs::read_to_string(entry.path())
                .is_ok_and(|text| text.contains("PRIVATE KEY"))
            {
                assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
                keys += 1;
            }
        }
    }
    assert!(keys > 0);
}
