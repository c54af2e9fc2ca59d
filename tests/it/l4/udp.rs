//! UDP.

use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use portunus_testkit::{DEADLINE, Program, Signal, eventually};

use super::record;

const CONFIG: &str = "
listeners: {dns: {address: \"{at}\", udp: {udp}}}
upstreams: {names: {endpoints: [{endpoints}]}}
log: {access: {to: stdout}}
";

fn start(udp: &str, endpoints: &[SocketAddr]) -> Program {
    start_at("127.0.0.1:0", udp, endpoints)
}

fn start_at(at: &str, udp: &str, endpoints: &[SocketAddr]) -> Program {
    let endpoints: Vec<_> = endpoints.iter().map(|address| format!("\"{address}\"")).collect();
    let setup = Program::config(CONFIG).fill("at", at).fill("udp", udp);
    setup.fill("endpoints", endpoints.join(", ")).start()
}

/// Sends each packet back behind `name`, and tells where it came from.
fn replica(name: &'static str) -> (SocketAddr, Receiver<SocketAddr>) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let answer = [name.as_bytes(), &buffer[..len]].concat();
            // Nobody may listen any more.
            let _ = socket.send_to(&answer[..answer.len().min(65_507)], from);
            let _ = tell.send(from);
        }
    });
    (address, told)
}

/// A client that takes packets from the program alone.
struct Client(UdpSocket);

impl Client {
    fn new(program: &Program) -> Self {
        Self::to(&program.address("dns"))
    }

    fn to(address: &str) -> Self {
        let own = if address.starts_with('[') { "[::1]:0" } else { "127.0.0.1:0" };
        let socket = UdpSocket::bind(own).unwrap();
        socket.connect(address).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self(socket)
    }

    #[track_caller]
    fn ask(&self, packet: &[u8]) -> Vec<u8> {
        self.0.send(packet).unwrap();
        self.answer()
    }

    #[track_caller]
    fn answer(&self) -> Vec<u8> {
        let mut buffer = vec![0; 65_536];
        let len = self.0.recv(&mut buffer).unwrap();
        buffer.truncate(len);
        buffer
    }
}

#[test]
fn packets_go_there_and_back_whole() {
    let (replica, _) = replica("");
    let program = start("names", &[replica]);
    let client = Client::new(&program);
    for size in [0, 1, 512, 1472, 9000, 60_000] {
        let packet: Vec<u8> = (0..size).map(|n| n as u8).collect();
        assert!(client.ask(&packet) == packet, "{size} bytes");
    }
}

#[test]
fn ipv6_clients_reach_ipv4_endpoints_and_all_addresses_answer_from_themselves() {
    let (replica, _) = replica("");
    let program = start_at("[::]:0", "names", &[replica]);
    let address = program.address("dns");
    let port = address.rsplit_once(':').unwrap().1;
    assert_eq!(Client::to(&format!("[::1]:{port}")).ask(b"six"), b"six");
    assert_eq!(Client::to(&format!("127.0.0.1:{port}")).ask(b"four"), b"four");
    // An answer from any other address would not reach a connected socket.
    assert_eq!(Client::to(&format!("127.0.0.7:{port}")).ask(b"seven"), b"seven");
}

#[test]
fn a_client_keeps_its_endpoint_and_clients_are_spread() {
    let ((a, from_a), (b, from_b)) = (replica("a"), replica("b"));
    let program = start("names", &[a, b]);
    let clients: Vec<_> = (0..6).map(|_| Client::new(&program)).collect();
    let mut first = Vec::new();
    for client in &clients {
        first.push(client.ask(b""));
    }
    for (client, first) in clients.iter().zip(&first) {
        assert_eq!(&client.ask(b""), first);
    }
    let count = |name: &[u8]| first.iter().filter(|one| *one == name).count();
    assert_eq!((count(b"a"), count(b"b")), (3, 3));
    // Each session has one socket of its own.
    for from in [from_a, from_b] {
        let all: std::collections::BTreeSet<_> = from.try_iter().collect();
        assert_eq!(all.len(), 3);
    }
}

#[test]
fn sessions_are_counted_end_in_silence_and_are_logged() {
    let (replica, from) = replica("!");
    let program = start("{to: names, idle: 300ms}", &[replica]);
    let client = Client::new(&program);
    assert_eq!(client.ask(b"abc"), b"!abc");
    let (listener, upstream) = ([("listener", "dns")], [("upstream", "names")]);
    let counted = |open: f64| {
        let metrics = program.metrics();
        metrics.sum("portunus_listener_connections_open", &listener) == open
            && metrics.sum("portunus_upstream_requests_in_flight", &upstream) == open
            && metrics.sum("portunus_listener_received_bytes_total", &listener) == 3.0
            && metrics.sum("portunus_listener_sent_bytes_total", &listener) == 4.0
            && metrics.sum("portunus_upstream_sent_bytes_total", &upstream) == 4.0
    };
    eventually("the session ends", || counted(0.0));
    let line = record(&program, |record| record["listener"] == "dns");
    assert_eq!((&line["protocol"], &line["upstream"]), (&"udp".into(), &"names".into()), "{line}");
    assert_eq!((&line["bytes_in"], &line["bytes_out"]), (&3.into(), &4.into()), "{line}");
    assert_eq!(line.get("reason"), None, "{line}");
    // The next packet begins another one.
    assert_eq!(client.ask(b"d"), b"!d");
    // The system may give the second socket the port of the first one: what is counted tells them apart.
    assert_eq!(from.try_iter().count(), 2);
    let total = program.metrics().sum("portunus_listener_connections_total", &listener);
    assert_eq!(total, 2.0);
}

#[test]
fn packets_keep_a_session() {
    let (replica, from) = replica("");
    let program = start("{to: names, idle: 400ms}", &[replica]);
    let (quiet, busy) = (Client::new(&program), Client::new(&program));
    assert_eq!(quiet.ask(b"x"), b"x");
    eventually("the quiet session ends", || {
        assert_eq!(busy.ask(b"x"), b"x");
        let labels = [("listener", "dns")];
        let metrics = program.metrics();
        metrics.sum("portunus_listener_connections_total", &labels) == 2.0
            && metrics.sum("portunus_listener_connections_open", &labels) == 1.0
    });
    assert_eq!(busy.ask(b"x"), b"x");
    let sockets: std::collections::BTreeSet<_> = from.try_iter().collect();
    assert_eq!(sockets.len(), 2);
}

#[test]
fn the_session_that_was_silent_longest_makes_room() {
    let (replica, _) = replica("");
    let program = start("{to: names, sessions_max: 2}", &[replica]);
    let clients: Vec<_> = (0..3).map(|_| Client::new(&program)).collect();
    for client in &clients {
        assert_eq!(client.ask(b"x"), b"x");
    }
    let open = || {
        let labels = [("listener", "dns")];
        program.metrics().sum("portunus_listener_connections_open", &labels)
    };
    eventually("two are left", || open() == 2.0);
    let line = record(&program, |record| record["listener"] == "dns");
    assert_eq!(line["reason"], "limit.sessions", "{line}");
    let port = clients[0].0.local_addr().unwrap().port();
    assert_eq!(line["client.port"], port, "{line}");
}

#[test]
fn an_endpoint_without_a_listener_is_left_for_another() {
    let nobody = {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.local_addr().unwrap()
    };
    let (replica, _) = replica("");
    let program = start("names", &[nobody, replica]);
    let clients: Vec<_> = (0..4).map(|_| Client::new(&program)).collect();
    for client in &clients {
        client.0.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        eventually("an answer", || {
            client.0.send(b"x").unwrap();
            client.0.recv(&mut [0; 8]).is_ok()
        });
    }
    let line = record(&program, |record| record["reason"] == "upstream.connect_refused");
    assert!(line["endpoint"].as_str().unwrap().ends_with(&nobody.to_string()), "{line}");
    let labels = [("upstream", "names"), ("result", "failure")];
    assert_eq!(program.metrics().sum("portunus_endpoint_connections_total", &labels), 1.0);
}

#[test]
fn nothing_comes_without_an_endpoint() {
    let config = "
listeners: {dns: {address: \"127.0.0.1:0\", udp: \"nowhere.invalid:53\"}}
log: {access: {to: stdout}}
";
    let program = Program::config(config).start();
    let client = Client::new(&program);
    client.0.send(b"x").unwrap();
    let line = record(&program, |record| record["listener"] == "dns");
    assert_eq!(line["reason"], "upstream.unresolved", "{line}");
}

#[test]
fn a_stop_waits_for_an_answer_that_is_on_its_way_and_not_for_silence() {
    // It answers when it is told to.
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut program = start("names", &[socket.local_addr().unwrap()]);
    let client = Client::new(&program);
    client.0.send(b"?").unwrap();
    let (_, from) = socket.recv_from(&mut [0; 8]).unwrap();
    program.signal(Signal::TERM);
    program.wait_for_stderr(|line| line.contains("stopping"));
    socket.send_to(b"!", from).unwrap();
    assert_eq!(client.answer(), b"!");
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn tcp_and_udp_may_share_a_port() {
    let (replica, _) = replica("");
    // Nobody else takes ports of this address.
    let udp = UdpSocket::bind("127.90.1.1:0").unwrap();
    let port = udp.local_addr().unwrap();
    drop(udp);
    let config = "
listeners: {dns: {address: \"{port}\", udp: \"{udp}\"}, dns_too: {address: \"{port}\", tcp: \"{tcp}\"}}
";
    let setup = Program::config(config).fill("port", port).fill("udp", replica);
    let program = setup.fill("tcp", super::origin(super::named("tcp"))).start();
    assert_eq!(Client::new(&program).ask(b"udp"), b"udp");
    assert_eq!(super::read(&mut super::connect(&program.address("dns_too")), 3), "tcp");
}
