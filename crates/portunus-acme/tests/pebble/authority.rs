//! A real authority: Debian's `pebble`, on ports of its own.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use portunus_acme::{Directory, Eab};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;

/// A running `pebble`; it ends with the value.
pub(crate) struct Pebble {
    process: Child,
    port: u16,
    roots: String,
    _folder: TempDir,
}

/// What a `pebble` is started with.
pub(crate) struct PebbleSetup {
    /// Where it looks for the answers to http-01.
    pub(crate) http_port: u16,
    /// Where it looks for those to tls-alpn-01.
    pub(crate) tls_port: u16,
    /// The DNS server that it asks.
    pub(crate) dns_port: u16,
    /// How long its certificates live.
    pub(crate) life: Duration,
    /// Accounts must be bound to this key.
    pub(crate) eab: Option<(&'static str, &'static str)>,
    /// How many requests of a hundred it refuses because of their nonce.
    pub(crate) bad_nonces: u32,
}

impl Default for PebbleSetup {
    fn default() -> Self {
        let life = Duration::from_secs(90 * 24 * 3600);
        Self { http_port: 1, tls_port: 1, dns_port: 1, life, eab: None, bad_nonces: 5 }
    }
}

impl Pebble {
    /// Starts one; `None`, and a word about it, where it is not installed.
    pub(crate) async fn start(setup: &PebbleSetup) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let roots = write_certificate(folder.path());
        let port = free_port();
        let config = folder.path().join("config.json");
        std::fs::write(&config, setup.config(folder.path(), port).to_string()).unwrap();
        let process = Command::new("pebble")
            .arg("-config")
            .arg(config)
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
        let pebble = Self { process, port, roots, _folder: folder };
        crate::world::within("pebble listens", async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        Some(pebble)
    }

    pub(crate) fn directory(&self) -> Directory {
        let url = format!("https://127.0.0.1:{}/dir", self.port);
        Directory { url, roots: Some(self.roots.clone().into_bytes()), eab: None }
    }

    pub(crate) fn directory_with(&self, (key_id, key): (&str, &str)) -> Directory {
        Directory { eab: Some(Eab::new(key_id, key).unwrap()), ..self.directory() }
    }

    pub(crate) fn kill(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        self.process.wait().unwrap();
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        self.kill();
    }
}

impl PebbleSetup {
    fn config(&self, folder: &Path, port: u16) -> Value {
        let keys: serde_json::Map<_, _> =
            self.eab.iter().map(|(id, key)| ((*id).to_owned(), json!(key))).collect();
        json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": "",
            "certificate": folder.join("cert.pem"),
            "privateKey": folder.join("key.pem"),
            "httpPort": self.http_port,
            "tlsPort": self.tls_port,
            "externalAccountBindingRequired": self.eab.is_some(),
            "externalAccountMACKeys": keys,
            "certificateValidityPeriod": self.life.as_secs(),
            "retryAfter": {"authz": 1, "order": 1},
        }})
    }
}

/// The certificate of its own API; gives the root to trust.
pub(crate) fn write_certificate(folder: &Path) -> String {
    let mut ca = CertificateParams::new(vec![]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &ca).unwrap();
    std::fs::write(folder.join("cert.pem"), leaf.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    ca.pem()
}

/// A port that was free a moment ago: pebble cannot say which one it took.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
