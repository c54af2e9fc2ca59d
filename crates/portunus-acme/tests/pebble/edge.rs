//! A small edge that takes the work of an issuer: certificates, answers on two ports, events.
#![expect(clippy::disallowed_types, reason = "tests run on threads that are no workers")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use portunus_acme::{Event, FaultKind, Issued, Outlet, TlsAnswer};
use portunus_base::Wall;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// What an issuer said.
#[derive(Debug)]
pub(crate) enum Told {
    Issued { directory: String, not_after: Wall },
    Found { not_after: Wall },
    Failed { kind: FaultKind, text: String, next: Wall, not_after: Option<Wall> },
}

/// What the edge has now.
#[derive(Debug, Default)]
struct Held {
    certificates: Vec<Arc<Issued>>,
    http: HashMap<String, String>,
    tls: HashMap<String, Arc<CertifiedKey>>,
}

/// The edge as an issuer sees it.
#[derive(Debug)]
pub(crate) struct Edge {
    held: Mutex<Held>,
    told: mpsc::UnboundedSender<Told>,
}

impl Edge {
    pub(crate) fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Told>) {
        let (told, events) = mpsc::unbounded_channel();
        (Arc::new(Self { held: Mutex::default(), told }), events)
    }

    pub(crate) fn certificates(&self) -> Vec<Arc<Issued>> {
        self.held.lock().unwrap().certificates.clone()
    }

    pub(crate) fn has_answers(&self) -> bool {
        let held = self.held.lock().unwrap();
        !held.http.is_empty() || !held.tls.is_empty()
    }

    /// Answers http-01 on a port; it goes with the tasks.
    pub(crate) async fn serve_http(self: &Arc<Self>, tasks: &mut JoinSet<()>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let edge = Arc::clone(self);
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                edge.answer_http(stream).await;
            }
        });
        port
    }

    async fn answer_http(&self, mut stream: TcpStream) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let Ok(byte) = stream.read_u8().await else { return };
            head.push(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let path = head.split(' ').nth(1).unwrap();
        let token = path.strip_prefix("/.well-known/acme-challenge/").unwrap_or_default();
        let answer = self.held.lock().unwrap().http.get(token).cloned();
        let (status, body) = answer.map_or(("404 No", String::new()), |answer| ("200 OK", answer));
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        );
        // Pebble may have gone.
        let _ = stream.write_all(text.as_bytes()).await;
    }

    /// Answers tls-alpn-01 on a port; it goes with the tasks.
    pub(crate) async fn serve_tls(self: &Arc<Self>, tasks: &mut JoinSet<()>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"acme-tls/1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    // It is over with the handshake.
                    let _ = stream.shutdown().await;
                }
            }
        });
        port
    }
}

impl Outlet for Edge {
    fn certificates(&self, all: &[Arc<Issued>]) {
        self.held.lock().unwrap().certificates = all.to_vec();
    }

    fn http_answer(&self, token: &str, answer: Option<&str>) {
        let http = &mut self.held.lock().unwrap().http;
        match answer {
            Some(answer) => http.insert(token.to_owned(), answer.to_owned()),
            None => http.remove(token),
        };
    }

    fn tls_answer(&self, name: &str, answer: Option<&TlsAnswer>) {
        let tls = &mut self.held.lock().unwrap().tls;
        match answer {
            Some(answer) => tls.insert(name.to_owned(), Arc::new(certified(answer))),
            None => tls.remove(name),
        };
    }

    fn event(&self, event: &Event<'_>) {
        let told = match event {
            Event::Issued(issued) => Told::Issued {
                directory: issued.directory().to_owned(),
                not_after: issued.not_after(),
            },
            Event::Found(found) => Told::Found { not_after: found.not_after() },
            Event::Failed { fault, next, not_after, .. } => Told::Failed {
                kind: fault.kind,
                text: fault.to_string(),
                next: *next,
                not_after: *not_after,
            },
        };
        // A test that has seen enough does not listen any more.
        let _ = self.told.send(told);
    }
}

impl ResolvesServerCert for Edge {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_challenge =
            hello.alpn().is_some_and(|mut list| list.any(|one| one == b"acme-tls/1"));
        let name = hello.server_name().filter(|_| is_challenge)?;
        self.held.lock().unwrap().tls.get(name).cloned()
    }
}

fn certified(answer: &TlsAnswer) -> CertifiedKey {
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let key = PrivateKeyDer::from_pem_slice(answer.key_pem.as_bytes()).unwrap();
    let chain = CertificateDer::from_pem_slice(answer.chain_pem.as_bytes()).unwrap();
    CertifiedKey::new(vec![chain], provider.key_provider.load_private_key(key).unwrap())
}
