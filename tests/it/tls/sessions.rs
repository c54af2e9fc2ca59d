//! Sessions that go on: across workers, reloads and nodes.

use portunus_testkit::{Program, TlsClient};

use super::{FINE, LISTENER, Site};

/// Connects and asks once; whether an earlier session went on.
#[track_caller]
fn resumes(client: &TlsClient, address: &str) -> bool {
    let mut connection = client.h1(address, "shop.test");
    assert_eq!(connection.get("/").text(), "fine");
    connection.tls().is_resumed
}

#[test]
fn a_session_goes_on_at_whichever_worker() {
    let site = Site::new();
    let program = site.config(&format!("workers: 2\n{LISTENER}{FINE}")).start();
    let address = program.address("web");
    for version in ["1.2", "1.3"] {
        let client = site.client().version(version);
        assert!(!resumes(&client, &address));
        for _ in 0..20 {
            assert!(resumes(&client, &address), "{version}");
        }
    }
}

#[test]
fn a_session_goes_on_after_a_reload() {
    let site = Site::new();
    let program = site.start();
    let address = program.address("web");
    for version in ["1.2", "1.3"] {
        let client = site.client().version(version);
        assert!(!resumes(&client, &address));
        program.reload(&format!("{LISTENER}{FINE}# {version}\n"));
        assert!(resumes(&client, &address), "{version}");
    }
}

#[test]
fn a_session_goes_on_at_another_node_with_the_same_key_file_and_nowhere_else() {
    let site = Site::new();
    let listener = LISTENER
        .replace("[{cert", "{ticket_keys: tickets.bin, certificates: [{cert")
        .replace("}]}}", "}]}}}");
    let start = |letters: &str| -> Program {
        let setup = site.config(&format!("{listener}{FINE}"));
        setup.file("tickets.bin", &letters.repeat(8)).start()
    };
    let (one, two, other) = (start("abcdef"), start("abcdef"), start("ghijkl"));
    for version in ["1.2", "1.3"] {
        let client = site.client().version(version);
        assert!(!resumes(&client, &one.address("web")));
        assert!(resumes(&client, &two.address("web")), "{version}");
        assert!(!resumes(&client, &other.address("web")), "{version}");
    }
}

#[test]
fn http_2_resumes_as_well() {
    let site = Site::new();
    let program = site.start();
    let client = site.client().alpn(&["h2"]);
    let address = program.address("web");
    assert_eq!(client.h2(&address, "shop.test").get("/").text(), "fine");
    let again = client.h2(&address, "shop.test");
    assert_eq!(again.get("/").text(), "fine");
    assert!(again.tls().is_resumed);
}
