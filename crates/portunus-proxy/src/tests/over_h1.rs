//! Upstreams that choose HTTP/2 and want some requests over HTTP/1.

use std::path::PathBuf;

use portunus_h2::{ErrorCode, Server, ServerOptions as H2Options};
use portunus_http::{Framing, RequestHead, ResponseHead};
use portunus_net::Io;
use portunus_tls::{
    CertStore, CertTable, ClientOptions, ClientTls, HandshakeGate, LocalCa, ServerOptions,
    ServerTls, TicketKeys,
};

use super::*;

/// A folder that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("portunus-proxy-{}-{name}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn alpn(names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| name.as_bytes().to_vec()).collect()
}

/// An upstream of both versions behind TLS. Over HTTP/2 it knows no upgrades, and wants `/old` over HTTP/1; there it
/// upgrades whoever asks for it.
fn both(worker: &Worker, metrics: &Registry, ca: &LocalCa) -> Snapshot {
    let any = ListenAddress::Ip("127.0.0.1:0".parse().unwrap());
    let socket = ListenSocket::bind(&any, 1).unwrap().remove(0);
    let ListenAddress::Ip(address) = socket.address().clone() else { unreachable!() };
    let mut table = CertTable::default();
    table.add(ca.issue(&["127.0.0.1".to_owned()]).unwrap());
    let options = ServerOptions { alpn: alpn(&["h2", "http/1.1"]), ..ServerOptions::default() };
    let tickets = Arc::new(TicketKeys::random(Wall(0)).unwrap());
    let store = Arc::new(CertStore::new(table));
    let tls = Arc::new(ServerTls::new(&options, store, tickets, None).unwrap());
    let own = worker.clone();
    worker.spawn(async move {
        let listener = Listener::adopt(socket).unwrap();
        loop {
            let io = Io::adopt(listener.accept().await.unwrap().socket).unwrap();
            own.spawn(serve_both(io, Arc::clone(&tls), own.clone()));
        }
    });
    let ca_pem = Some(ca.pem().as_bytes().to_vec());
    let options = ClientOptions { ca_pem, alpn: alpn(&["h2", "http/1.1"]), ..Default::default() };
    let client = Arc::new(ClientTls::new(&options).unwrap());
    snapshot_with(metrics, address, |plan| plan.tls = Some(client))
}

async fn serve_both(io: Io, tls: Arc<ServerTls>, worker: Worker) {
    let gate = HandshakeGate::default();
    let accepted = portunus_tls::accept(io, &[], &tls, &gate).await.unwrap();
    match accepted.facts.alpn.as_deref() {
        Some(b"h2") => serve_h2(accepted.io, worker).await,
        _ => serve_h1(accepted.io).await,
    }
}

async fn serve_h2(io: Io, worker: Worker) {
    let options = H2Options { extended_connect: false, ..H2Options::default() };
    let mut server = Server::handshake(io, Vec::new(), &options, &worker).await.unwrap();
    while let Some(Ok(request)) = server.accept().await {
        let mut head = RequestHead::default();
        request.head_into(&mut head).unwrap();
        let (_incoming, mut answer) = request.split();
        if head.path() == b"/old" {
            answer.reset(ErrorCode::HTTP_1_1_REQUIRED);
            continue;
        }
        let mut head = ResponseHead::default();
        head.set_status(200);
        answer.head(&head, Framing::Length(7)).unwrap();
        answer.body(b"over h2").await.unwrap();
        answer.end(None);
        answer.flush().await.unwrap();
    }
}

async fn serve_h1(io: Io) {
    let mut seen = Vec::with_capacity(4096);
    while !seen.ends_with(b"\r\n\r\n") {
        assert!(io.read(&mut seen).await.unwrap() > 0);
    }
    let upgrades = seen.windows(12).any(|text| text.eq_ignore_ascii_case(b"upgrade: raw"));
    let answer: &[u8] = match upgrades {
        true => b"HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\nover h1",
        false => b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nover h1",
    };
    io.write_all(answer).await.unwrap();
    // Keeps the connection until the other side lets go of it.
    let _ = io.read(&mut Vec::with_capacity(64)).await;
}

/// Asks through the program; both kinds of request over each kind of connection, one after the other.
fn answers(name: &str, requests: &'static [(&'static str, &'static str)]) -> Vec<String> {
    let folder = Folder::new(name);
    let ca = LocalCa::open(&folder.0).unwrap();
    serve_while(
        move |worker, metrics| both(worker, metrics, &ca),
        move |address| {
            let ask = |(request, last): &(&str, &str)| ask(address, request, last);
            requests.iter().map(ask).collect()
        },
    )
}

const PLAIN: &str = "GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n";
const UPGRADE: &str =
    "GET / HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n";
const OLD: &str = "GET /old HTTP/1.1\r\nHost: shop.test\r\n\r\n";
const OLD_POST: &str = "POST /old HTTP/1.1\r\nHost: shop.test\r\nContent-Length: 3\r\n\r\nabc";

#[test]
fn an_upgrade_that_http_2_does_not_take_goes_over_http_1() {
    let answers = answers("upgrade", &[(UPGRADE, "over h1"), (PLAIN, "over h2")]);
    assert!(answers[0].starts_with("HTTP/1.1 101 "), "{answers:?}");
    assert!(answers[1].starts_with("HTTP/1.1 200 "), "{answers:?}");
}

#[test]
fn what_is_wanted_over_http_1_goes_there_where_that_is_safe() {
    let answers = answers(
        "required",
        &[(PLAIN, "over h2"), (OLD, "over h1"), (OLD_POST, "}\n"), (PLAIN, "over h2")],
    );
    assert!(answers[1].starts_with("HTTP/1.1 200 "), "{answers:?}");
    assert!(answers[2].starts_with("HTTP/1.1 502 "), "{answers:?}");
}
