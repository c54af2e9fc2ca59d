//! An authority that wants to be left alone. It needs no pebble.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use portunus_acme::{ChallengeKind, Directory, FaultKind, FolderStorage, Issuer, Names};
use portunus_base::{Clock as _, SystemClock};
use portunus_testkit::write_certificate;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::edge::{Edge, Told};
use crate::world::{next, plan};

/// Answers everything with 429 and two hours of pause; counts what comes.
async fn busy_authority(tasks: &mut JoinSet<()>) -> (Directory, Arc<AtomicU32>) {
    let folder = tempfile::tempdir().unwrap();
    let roots = write_certificate(folder.path());
    let chain = CertificateDer::from_pem_file(folder.path().join("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.path().join("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/dir", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicU32::new(0));
    let (acceptor, counter) = (TlsAcceptor::from(Arc::new(config)), Arc::clone(&asked));
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = acceptor.accept(stream).await.unwrap();
            let mut head = vec![0; 4096];
            assert!(stream.read(&mut head).await.unwrap() > 0);
            counter.fetch_add(1, Relaxed);
            let answer = "HTTP/1.1 429 Busy\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(answer.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
    });
    (Directory { url, roots: Some(roots.into_bytes()), eab: None }, asked)
}

#[tokio::test]
async fn an_authority_that_asks_for_a_pause_gets_it_for_all_names() {
    let mut tasks = JoinSet::new();
    let (directory, asked) = busy_authority(&mut tasks).await;
    let folder = tempfile::tempdir().unwrap();
    let (edge, mut told) = Edge::new();
    let storage = Arc::new(FolderStorage::new(folder.path()));
    let (issuer, _) = Issuer::new(storage, edge);
    let first = plan(vec![directory], ChallengeKind::Http01, &["a.example.test"]);
    let mut second = first.clone();
    second.certificates.push(Names::new(["b.example.test"]).unwrap());
    let (plans, receiver) = watch::channel(Arc::new(first));
    tasks.spawn(issuer.run(receiver));
    let is_paused = |told: Told| {
        let Told::Failed { kind, text, next, .. } = told else { panic!("issued") };
        assert_eq!(kind, FaultKind::RateLimited, "{text}");
        let wait_s = next.0.saturating_sub(SystemClock.wall().0) / 1_000_000;
        assert!((7000..=7200).contains(&wait_s), "{wait_s}");
    };
    is_paused(next(&mut told).await);
    plans.send(Arc::new(second)).unwrap();
    is_paused(next(&mut told).await);
    is_paused(next(&mut told).await);
    assert_eq!(asked.load(Relaxed), 1, "a reload does not ask again, and other names neither");
}
