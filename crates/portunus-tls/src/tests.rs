//! Sessions over real sockets, against tokio-rustls on the other side.

mod hostile;
mod identity;
mod serving;

use std::future::Future;
use std::sync::Arc;

use portunus_base::Wall;
use portunus_net::Io;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::*;

/// Runs a test on a runtime like a worker's.
fn run<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test)
}

/// Both ends of a connection.
async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    let (accepted, connected) = tokio::join!(listener.accept(), TcpStream::connect(to));
    (accepted.unwrap().0, connected.unwrap())
}

struct World {
    _folder: tempfile::TempDir,
    ca: Arc<LocalCa>,
    tickets: Arc<TicketKeys>,
    gate: HandshakeGate,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ca = Arc::new(LocalCa::open(folder.path()).unwrap());
        let tickets = Arc::new(TicketKeys::random(Wall(0)).unwrap());
        Self { _folder: folder, ca, tickets, gate: HandshakeGate::default() }
    }

    fn issue(&self, names: &[&str]) -> Certificate {
        self.ca.issue(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn server(&self, options: &ServerOptions, names: &[&[&str]]) -> Arc<ServerTls> {
        let mut table = CertTable::default();
        names.iter().for_each(|names| table.add(self.issue(names)));
        self.server_of(options, table)
    }

    fn server_of(&self, options: &ServerOptions, table: CertTable) -> Arc<ServerTls> {
        let store = Arc::new(CertStore::new(table));
        Arc::new(ServerTls::new(options, store, Arc::clone(&self.tickets), None).unwrap())
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca.pem().as_bytes()).unwrap()).unwrap();
        roots
    }

    fn client(&self) -> ClientConfig {
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .unwrap()
            .with_root_certificates(self.roots())
            .with_no_client_auth()
    }

    fn client_with_certificate(&self, ca: &LocalCa) -> ClientConfig {
        let (cert, key) = ca.issue_pem(&["robot.test".to_owned()]).unwrap();
        let chain = CertificateDer::pem_slice_iter(cert.as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(
            rustls::crypto::aws_lc_rs::default_provider(),
        ));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = builder.with_root_certificates(self.roots());
        builder.with_client_auth_cert(chain, key).unwrap()
    }

    /// Both ends of a session: ours, and the client's.
    async fn connect(
        &self,
        tls: &Arc<ServerTls>,
        config: ClientConfig,
        name: &str,
    ) -> (Result<Accepted, TlsError>, std::io::Result<TlsStream<TcpStream>>) {
        self.connect_with(tls, &Arc::new(config), name).await
    }

    async fn connect_with(
        &self,
        tls: &Arc<ServerTls>,
        config: &Arc<ClientConfig>,
        name: &str,
    ) -> (Result<Accepted, TlsError>, std::io::Result<TlsStream<TcpStream>>) {
        let (ours, theirs) = pair().await;
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let connector = TlsConnector::from(Arc::clone(config));
        let accepting = accept(Io::Tcp(ours), &[], tls, &self.gate);
        tokio::join!(accepting, connector.connect(name, theirs))
    }
}

fn kind(result: Result<Accepted, TlsError>) -> &'static str {
    result.map_or_else(|error| error.kind(), |_| "fine")
}

async fn read_all(io: &Io) -> std::io::Result<Vec<u8>> {
    let mut all = Vec::new();
    loop {
        let mut buf = Vec::with_capacity(4096);
        if io.read(&mut buf).await? == 0 {
            return Ok(all);
        }
        all.extend(buf);
    }
}

#[test]
fn facts_are_told_and_bytes_pass() {
    run(async {
        let world = World::new();
        let alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let tls =
            world.server(&ServerOptions { alpn, ..Default::default() }, &[&["a.test", "*.b.test"]]);
        let mut config = world.client();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (accepted, client) = world.connect(&tls, config, "x.b.test").await;
        let (accepted, mut client) = (accepted.unwrap(), client.unwrap());
        assert_eq!(accepted.facts.version, "TLSv1.3");
        assert_eq!(accepted.facts.server_name.as_deref(), Some("x.b.test"));
        assert_eq!(accepted.facts.alpn.as_deref(), Some(b"http/1.1".as_slice()));
        assert!(accepted.facts.cipher.starts_with("TLS_"), "{}", accepted.facts.cipher);
        assert!(!accepted.facts.resumed && accepted.facts.client.is_none());
        assert!(accepted.names.iter().any(|name| host_matches(name, "y.b.test")));
        client.write_all(b"ping").await.unwrap();
        let mut buf = Vec::with_capacity(100);
        assert_eq!(accepted.io.read(&mut buf).await.unwrap(), 4);
        accepted.io.write_both(b"po", b"ng", |_| {}).await.unwrap();
        accepted.io.shutdown_write();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "pong");
        client.shutdown().await.unwrap();
        assert_eq!(read_all(&accepted.io).await.unwrap(), b"");
    });
}

#[test]
fn large_bodies_pass_both_ways_at_once() {
    run(async {
        let world = World::new();
        let tls = world.server(&ServerOptions::default(), &[&["a.test"]]);
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let mut config = world.client();
            config = ClientConfig::builder_with_provider(config.crypto_provider().clone())
                .with_protocol_versions(&[version])
                .unwrap()
                .with_root_certificates(world.roots())
                .with_no_client_auth();
            let (accepted, client) = world.connect(&tls, config, "a.test").await;
            let (accepted, client) = (accepted.unwrap(), client.unwrap());
            let (mut reading, mut writing) = tokio::io::split(client);
            let sent: Vec<u8> = (0..3_000_000u32).map(|n| (n * 7 % 251) as u8).collect();
            let (io, copy) = (&accepted.io, sent.clone());
            let ours = async {
                // Echo with back-pressure: nothing is read while a write waits.
                loop {
                    let mut buf = Vec::with_capacity(5000);
                    if io.read(&mut buf).await.unwrap() == 0 {
                        break;
                    }
                    io.write_all(&buf).await.unwrap();
                }
                io.shutdown_write();
            };
            let theirs_write = async {
                writing.write_all(&copy).await.unwrap();
                writing.shutdown().await.unwrap();
            };
            let theirs_read = async {
                let mut got = Vec::new();
                reading.read_to_end(&mut got).await.unwrap();
                got
            };
            let ((), (), got) = tokio::join!(ours, theirs_write, theirs_read);
            assert!(got == sent, "{} of {}", got.len(), sent.len());
        }
    });
}

#[test]
fn sessions_are_resumed_but_not_across_contexts() {
    run(async {
        let world = World::new();
        let open = world.server(&ServerOptions::default(), &[&["a.test"]]);
        let config = Arc::new(world.client());
        let mut kinds = Vec::new();
        for _ in 0..3 {
            let (accepted, client) = world.connect_with(&open, &config, "a.test").await;
            let (accepted, mut client) = (accepted.unwrap(), client.unwrap());
            kinds.push((client.get_ref().1.handshake_kind().unwrap(), accepted.facts.resumed));
            // Tickets come with the first answer.
            accepted.io.write_all(b"x").await.unwrap();
            client.read_exact(&mut [0]).await.unwrap();
        }
        assert_eq!(
            kinds,
            [
                (HandshakeKind::Full, false),
                (HandshakeKind::Resumed, true),
                (HandshakeKind::Resumed, true)
            ]
        );
        // A ticket of a listener that asks nobody opens none that does.
        let closed = world.server(&mtls(&world.ca, ClientAuthMode::Require), &[&["a.test"]]);
        let (accepted, _client) = world.connect_with(&closed, &config, "a.test").await;
        assert_eq!(kind(accepted), "client_cert_missing");
    });
}

fn mtls(ca: &LocalCa, mode: ClientAuthMode) -> ServerOptions {
    let auth = ClientAuth { mode, ca_pem: ca.pem().as_bytes().to_vec(), crl_pems: Vec::new() };
    ServerOptions { client_auth: Some(auth), ..Default::default() }
}

#[test]
fn clients_are_known_by_their_certificates() {
    run(async {
        let world = World::new();
        let stranger = World::new();
        let required = world.server(&mtls(&world.ca, ClientAuthMode::Require), &[&["a.test"]]);
        let optional = world.server(&mtls(&world.ca, ClientAuthMode::Optional), &[&["a.test"]]);
        for tls in [&required, &optional] {
            let known = world.client_with_certificate(&world.ca);
            let (accepted, _client) = world.connect(tls, known, "a.test").await;
            let facts = accepted.unwrap().facts;
            let client = facts.client.as_ref().unwrap();
            assert_eq!(&*client.subject, "CN=robot.test");
            assert!(client.issuer.starts_with("CN=Portunus local authority "), "{}", client.issuer);
            assert_eq!(&*client.dns_names, ["robot.test".into()]);
            assert_eq!(client.fingerprint_sha256.len(), 64);
            let unknown = world.client_with_certificate(&stranger.ca);
            let (accepted, _client) = world.connect(tls, unknown, "a.test").await;
            assert_eq!(kind(accepted), "unknown_ca");
        }
        let (accepted, _client) = world.connect(&required, world.client(), "a.test").await;
        assert_eq!(kind(accepted), "client_cert_missing");
        let (accepted, _client) = world.connect(&optional, world.client(), "a.test").await;
        assert!(accepted.unwrap().facts.client.is_none());
    });
}

#[test]
fn certificates_are_chosen_by_name() {
    run(async {
        let world = World::new();
        let tls = world
            .server(&ServerOptions::default(), &[&["first.test"], &["*.b.test"], &["c.b.test"]]);
        for (name, fits) in
            [("c.b.test", "c.b.test"), ("d.b.test", "*.b.test"), ("first.test", "first.test")]
        {
            let (accepted, client) = world.connect(&tls, world.client(), name).await;
            assert_eq!(&*accepted.unwrap().names[0], fits);
            client.unwrap();
        }
        // No name fits: the first one is served, and the client judges.
        let (accepted, client) = world.connect(&tls, world.client(), "other.test").await;
        assert_eq!(kind(accepted), "peer_rejected_certificate");
        client.unwrap_err();
        // Replaced: the next handshake has the new one.
        let mut table = CertTable::default();
        table.add(world.issue(&["other.test"]));
        tls.store().replace(table);
        let (accepted, client) = world.connect(&tls, world.client(), "other.test").await;
        assert_eq!(kind(accepted), "fine");
        client.unwrap();
    });
}

#[test]
fn a_local_authority_makes_what_is_asked_for() {
    run(async {
        let world = World::new();
        let store = Arc::new(CertStore::self_signed(Arc::clone(&world.ca)));
        let options = ServerOptions::default();
        let tls = ServerTls::new(&options, store, Arc::clone(&world.tickets), None).unwrap();
        let tls = Arc::new(tls);
        for name in ["shop.test", "localhost", "127.0.0.1"] {
            let (accepted, client) = world.connect(&tls, world.client(), name).await;
            let names = accepted.unwrap().names;
            assert!(names.iter().any(|fits| host_matches(fits, name)), "{name}: {names:?}");
            client.unwrap();
        }
        // The authority is the same after a restart.
        let again = LocalCa::open(world.ca.path().parent().unwrap()).unwrap();
        assert_eq!(again.pem(), world.ca.pem());
    });
}

#[test]
fn what_is_no_tls_and_what_ends_early_is_told() {
    run(async {
        let world = World::new();
        let tls = world.server(&ServerOptions::default(), &[&["a.test"]]);
        let try_with = async |bytes: &[u8]| {
            let (ours, mut theirs) = pair().await;
            theirs.write_all(bytes).await.unwrap();
            theirs.shutdown().await.unwrap();
            kind(accept(Io::Tcp(ours), &[], &tls, &world.gate).await)
        };
        assert_eq!(try_with(b"GET / HTTP/1.1\r\n\r\n").await, "not_tls");
        assert_eq!(try_with(b"").await, "closed");
        assert_eq!(try_with(b"\x16\x03\x01\x00\x05\x01").await, "closed");
        assert_eq!(try_with(&[0x16, 3, 1, 0, 4, 1, 0, 0, 0]).await, "protocol");
        let only_13 = ServerOptions { min_version: MinVersion::V13, ..Default::default() };
        let tls = world.server(&only_13, &[&["a.test"]]);
        let provider = world.client().crypto_provider().clone();
        let old = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .with_root_certificates(world.roots())
            .with_no_client_auth();
        let (accepted, client) = world.connect(&tls, old, "a.test").await;
        assert_eq!(kind(accepted), "no_shared_version");
        client.unwrap_err();
    });
}

#[test]
fn an_end_without_farewell_is_no_end() {
    run(async {
        let world = World::new();
        let tls = world.server(&ServerOptions::default(), &[&["a.test"]]);
        let (accepted, client) = world.connect(&tls, world.client(), "a.test").await;
        let (mut socket, _) = client.unwrap().into_inner();
        socket.shutdown().await.unwrap();
        let mut buf = Vec::with_capacity(10);
        let error = accepted.unwrap().io.read(&mut buf).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    });
}

#[test]
fn garbage_in_a_session_breaks_it() {
    run(async {
        let world = World::new();
        let tls = world.server(&ServerOptions::default(), &[&["a.test"]]);
        let (accepted, client) = world.connect(&tls, world.client(), "a.test").await;
        let (mut socket, _) = client.unwrap().into_inner();
        socket.write_all(&[0x17, 3, 3, 0, 20]).await.unwrap();
        socket.write_all(&[1; 20]).await.unwrap();
        let accepted = accepted.unwrap();
        let mut buf = Vec::with_capacity(10);
        for _ in 0..2 {
            let error = accepted.io.read(&mut buf).await.unwrap_err();
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
        }
        assert!(accepted.io.write_all(b"x").await.is_err());
    });
}

#[test]
fn an_idle_session_holds_no_buffer() {
    run(async {
        let world = World::new();
        let tls = world.server(&ServerOptions::default(), &[&["a.test"]]);
        let (accepted, client) = world.connect(&tls, world.client(), "a.test").await;
        let (accepted, mut client) = (accepted.unwrap(), client.unwrap());
        client.write_all(&[7; 40_000]).await.unwrap();
        let mut got = 0;
        while got < 40_000 {
            let mut buf = Vec::with_capacity(1000);
            got += accepted.io.read(&mut buf).await.unwrap();
        }
        let Io::Layered(layer) = &accepted.io else { panic!() };
        let mut buf = Vec::with_capacity(1);
        assert_eq!(layer.try_read(&mut buf).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        assert!(format!("{layer:?}").contains("held: 0"), "{layer:?}");
    });
}

#[test]
fn upstreams_are_checked() {
    run(async {
        let (world, stranger) = (World::new(), World::new());
        let (cert, key) = world.ca.issue_pem(&["up.test".to_owned()]).unwrap();
        let chain = CertificateDer::pem_slice_iter(cert.as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let provider = world.client().crypto_provider().clone();
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(server));
        let dial = async |options: ClientOptions, host: &str| {
            let tls = Arc::new(ClientTls::new(&options).unwrap());
            let mut last = ("", false);
            for _ in 0..2 {
                let (ours, theirs) = pair().await;
                let serving = async {
                    let mut stream = acceptor.accept(theirs).await.ok()?;
                    stream.write_all(b"hello").await.ok()?;
                    stream.shutdown().await.ok()
                };
                let asking = async {
                    match connect(Io::Tcp(ours), &tls, host).await {
                        Ok((io, facts)) => {
                            assert_eq!(read_all(&io).await.unwrap(), b"hello");
                            ("fine", facts.resumed)
                        }
                        Err(error) => (error.kind(), false),
                    }
                };
                last = tokio::join!(asking, serving).0;
            }
            last
        };
        let ca_pem = Some(world.ca.pem().as_bytes().to_vec());
        let trusting = ClientOptions { ca_pem, ..Default::default() };
        assert_eq!(dial(trusting.clone(), "up.test").await, ("fine", true));
        assert_eq!(dial(trusting.clone(), "other.test").await, ("name_mismatch", false));
        let named = ClientOptions { server_name: Some("up.test".to_owned()), ..trusting };
        assert_eq!(dial(named, "other.test").await.0, "fine");
        let ca_pem = Some(stranger.ca.pem().as_bytes().to_vec());
        let strange = ClientOptions { ca_pem, ..Default::default() };
        assert_eq!(dial(strange.clone(), "up.test").await.0, "unknown_ca");
        let blind = ClientOptions { insecure_skip_verify: true, ..strange };
        assert_eq!(dial(blind, "other.test").await.0, "fine");
    });
}

#[test]
fn mistakes_in_files_are_told() {
    let world = World::new();
    let (cert, key) = world.ca.issue_pem(&["a.test".to_owned()]).unwrap();
    let (_, other) = world.ca.issue_pem(&["a.test".to_owned()]).unwrap();
    let message = |cert: &str, key: &str| {
        load_pair(cert.as_bytes(), key.as_bytes(), None).unwrap_err().message
    };
    assert_eq!(message(&cert, &other), "certificate and private key do not fit");
    assert_eq!(message(&key, &key), "there is no certificate in it, only a private key");
    assert_eq!(message(&cert, &cert), "there is no private key in it, only certificates");
    assert_eq!(message("", &key), "there is no certificate in it");
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----";
    assert_eq!(message(&cert, encrypted), "the private key is encrypted");
    let facts = load_pair(cert.as_bytes(), key.as_bytes(), None).unwrap();
    assert_eq!(facts.facts().names, ["a.test".into()]);
    assert_eq!((facts.facts().key, facts.facts().self_signed), (KeyKind::Ecdsa, false));
    assert!(TicketKeys::from_file(&[0; 81]).is_err());
    assert!(TicketKeys::from_file(&[]).is_err());
    assert!(TicketKeys::from_file(&[0; 160]).is_ok());
}

#[test]
fn tickets_outlive_two_changes_of_keys() {
    use crate::ticket::BoundTickets;
    use rustls::server::ProducesTickets as _;
    const HALF_DAY: u64 = 12 * 3600 * 1_000_000;
    let keys = Arc::new(TicketKeys::random(Wall(0)).unwrap());
    let tickets = BoundTickets::new(Arc::clone(&keys), [1; 32]);
    let ticket = tickets.encrypt(b"state").unwrap();
    assert_ne!(ticket, tickets.encrypt(b"state").unwrap());
    for (turn, open) in [(0, true), (1, true), (2, true), (3, false)] {
        keys.rotate(Wall(turn * HALF_DAY));
        assert_eq!(tickets.decrypt(&ticket).is_some(), open, "after {turn}");
    }
    assert!(
        BoundTickets::new(keys, [2; 32]).decrypt(&tickets.encrypt(b"state").unwrap()).is_none()
    );
    assert!(tickets.decrypt(b"short").is_none());
}

#[test]
fn keys_of_tickets_go_on_in_another_process() {
    use crate::ticket::BoundTickets;
    use rustls::server::ProducesTickets as _;
    const DAY: u64 = 24 * 3600 * 1_000_000;
    let old = Arc::new(TicketKeys::random(Wall(0)).unwrap());
    let of = |keys: &Arc<TicketKeys>| BoundTickets::new(Arc::clone(keys), [1; 32]);
    let first = of(&old).encrypt(b"first").unwrap();
    old.rotate(Wall(DAY));
    let second = of(&old).encrypt(b"second").unwrap();
    let seeds = old.seeds().unwrap();
    assert_eq!(format!("{seeds:?}"), "TicketSeeds(2)", "they are secret");
    let new = Arc::new(TicketKeys::resume(&seeds).unwrap());
    assert_eq!(of(&new).decrypt(&first).unwrap(), b"first");
    assert_eq!(of(&new).decrypt(&second).unwrap(), b"second");
    assert_eq!(of(&old).decrypt(&of(&new).encrypt(b"third").unwrap()).unwrap(), b"third");
    // They are not young again.
    new.rotate(Wall(2 * DAY));
    assert!(of(&old).decrypt(&of(&new).encrypt(b"fourth").unwrap()).is_none());
    assert!(TicketKeys::from_file(&[0; 80]).unwrap().seeds().is_none(), "files are read again");
    let cut = crate::TicketSeeds { bytes: seeds.bytes[1..].to_vec(), made: seeds.made };
    assert!(TicketKeys::resume(&cut).is_err());
}

#[test]
fn an_authority_that_several_make_at_once_is_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("ca.key.new"), "left over").unwrap();
    let pems = std::thread::scope(|scope| {
        let open = || LocalCa::open(folder.path()).unwrap().pem().to_owned();
        [(); 8].map(|()| scope.spawn(open)).map(|maker| maker.join().unwrap())
    });
    assert!(pems.iter().all(|pem| *pem == pems[0]));
    let mode = |name: &str| {
        std::os::unix::fs::MetadataExt::mode(&folder.path().join(name).metadata().unwrap()) & 0o777
    };
    assert_eq!(mode("ca.key"), 0o600);
    assert!(!folder.path().join("ca.key.new").exists());
}

#[test]
fn keys_are_not_shown() {
    let client = Some((b"certificate".to_vec(), vec![77; 4]));
    let shown = format!("{:?}", ClientOptions { client, ..ClientOptions::default() });
    assert!(shown.contains("shows_certificate: true") && !shown.contains("77"), "{shown}");
}
