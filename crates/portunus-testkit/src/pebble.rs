//! A real authority of ACME: Debian's `pebble`, on ports of its own.

use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};

use crate::folder::Killed;
use crate::{Folder, TlsClient, eventually};

/// A running `pebble`; it ends with the value.
#[derive(Debug)]
pub struct Pebble {
    process: Killed,
    port: u16,
    management_port: u16,
    roots: String,
    _folder: Folder,
}

/// What a `pebble` is started with.
#[derive(Clone, Copy, Debug)]
pub struct PebbleSetup {
    /// Where it looks for the answers to http-01.
    pub http_port: u16,
    /// Where it looks for those to tls-alpn-01.
    pub tls_port: u16,
    /// The DNS server that it asks.
    pub dns_port: u16,
    /// How long its certificates live.
    pub life: Duration,
    /// Accounts must be bound to this key.
    pub eab: Option<(&'static str, &'static str)>,
    /// How many requests of a hundred it refuses because of their nonce.
    pub bad_nonces: u32,
}

impl Default for PebbleSetup {
    fn default() -> Self {
        let life = Duration::from_secs(90 * 24 * 3600);
        Self { http_port: 1, tls_port: 1, dns_port: 1, life, eab: None, bad_nonces: 5 }
    }
}

impl Pebble {
    /// Starts one; `None`, and a word about it, where it is not installed.
    #[must_use]
    #[track_caller]
    #[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
    pub fn start(setup: &PebbleSetup) -> Option<Self> {
        let folder = Folder::new();
        let roots = write_certificate(&folder.path(""));
        let (port, management_port) = (free_port(), free_port());
        folder.write("config.json", &setup.config(&folder, [port, management_port]).to_string());
        let process = Command::new("pebble")
            .arg("-config")
            .arg(folder.path("config.json"))
            .args(["-dnsserver", &format!("127.0.0.1:{}", setup.dns_port)])
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_AUTHZREUSE", "0")
            .env("PEBBLE_WFE_NONCEREJECT", setup.bad_nonces.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(process) = process else {
            println!("skipped: there is no pebble here (Debian package pebble)");
            return None;
        };
        let process = Killed(process);
        eventually("pebble listens", || {
            [port, management_port]
                .iter()
                .all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok())
        });
        Some(Self { process, port, management_port, roots, _folder: folder })
    }

    /// The URL of its directory.
    #[must_use]
    pub fn directory(&self) -> String {
        format!("https://127.0.0.1:{}/dir", self.port)
    }

    /// The authority of its directory's own certificate, in PEM.
    #[must_use]
    pub fn roots(&self) -> &str {
        &self.roots
    }

    /// A client that trusts the certificates that it issues.
    #[must_use]
    #[track_caller]
    pub fn client(&self) -> TlsClient {
        let address = format!("127.0.0.1:{}", self.management_port);
        let mut own = TlsClient::trusting_pem(&self.roots).h1(&address, "127.0.0.1");
        TlsClient::trusting_pem(own.get("/roots/0").text())
    }

    /// Ends it now.
    pub fn kill(&mut self) {
        // It may have ended already.
        let _ = self.process.0.kill();
        let _ = self.process.0.wait();
    }
}

impl PebbleSetup {
    fn config(&self, folder: &Folder, [port, management_port]: [u16; 2]) -> Value {
        let keys: serde_json::Map<_, _> =
            self.eab.iter().map(|(id, key)| ((*id).to_owned(), json!(key))).collect();
        json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{management_port}"),
            "certificate": folder.path("cert.pem"),
            "privateKey": folder.path("key.pem"),
            "httpPort": self.http_port,
            "tlsPort": self.tls_port,
            "externalAccountBindingRequired": self.eab.is_some(),
            "externalAccountMACKeys": keys,
            "certificateValidityPeriod": self.life.as_secs(),
            "retryAfter": {"authz": 1, "order": 1},
        }})
    }
}

/// Writes `cert.pem` and `key.pem` for 127.0.0.1 into a folder, and gives the root to trust.
#[must_use]
pub fn write_certificate(folder: &Path) -> String {
    let new_key = || KeyPair::generate().expect("a key");
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, new_key()).expect("an authority");
    let key = new_key();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("an address");
    let leaf = leaf.signed_by(&key, &ca).expect("a certificate");
    for (name, text) in [("cert.pem", leaf.pem()), ("key.pem", key.serialize_pem())] {
        std::fs::write(folder.join(name), text).expect("a file in the folder");
    }
    ca.pem()
}

/// A port that was free a moment ago: pebble cannot say which one it took.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A name server to which every name is 127.0.0.1, and nothing else. It ends with the test's process.
///
/// Gives its port.
#[must_use]
pub fn local_names() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let port = socket.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        let mut query = [0; 1024];
        while let Ok((len, from)) = socket.recv_from(&mut query) {
            if let Some(answer) = query.get(..len).and_then(answer) {
                // Who asked may be gone.
                let _ = socket.send_to(&answer, from);
            }
        }
    });
    port
}

/// The answer to a query of one question (RFC 1035 section 4); `None` to anything else.
fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let (header, rest) = query.split_at_checked(HEADER)?;
    let name = rest.iter().position(|&byte| byte == 0)? + 1;
    let question = rest.get(..name + 4)?;
    let is_a = question.get(name..)? == [0, 1, 0, 1];
    let mut answer = header.get(..2)?.to_vec();
    // An answer with authority; one question, perhaps one record.
    answer.extend([0x84, 0, 0, 1, 0, u8::from(is_a), 0, 0, 0, 0]);
    answer.extend(question);
    if is_a {
        // The name of the question, A, IN, for a second, four bytes.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
    }
    Some(answer)
}

const HEADER: usize = 12;
