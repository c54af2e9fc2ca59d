//! TCP.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use portunus_testkit::{
    Client, End, Origin, Program, Response, TlsServer, Transport, eventually, faulty,
};

use super::super::tls::Site;
use super::{begin_to_stop, connect, echo, named, origin, read, read_to_end, record};

const CONFIG: &str = "
listeners: {db: {address: \"127.0.0.1:0\", tcp: {tcp}}}
upstreams: {store: {endpoints: [{endpoints}]}}
log: {access: {to: stdout}}
";

/// A program that passes TCP on to these endpoints.
fn start(tcp: &str, endpoints: &[SocketAddr]) -> Program {
    let endpoints: Vec<_> = endpoints.iter().map(SocketAddr::to_string).collect();
    Program::config(CONFIG).fill("tcp", tcp).fill("endpoints", endpoints.join(", ")).start()
}

/// An address where nobody listens.
fn nobody(held: &impl std::fmt::Display) -> SocketAddr {
    held.to_string().trim_start_matches("http://").parse().unwrap()
}

#[test]
fn bytes_go_both_ways_as_they_come() {
    let program = start("store", &[origin(echo)]);
    let mut client = connect(&program.address("db"));
    for text in ["a", "\0\r\n", "GET / HTTP/1.1\r\n\r\n"] {
        client.write_all(text.as_bytes()).unwrap();
        assert_eq!(read(&mut client, text.len()), text);
    }
}

#[test]
fn a_server_may_speak_first() {
    let program = start("store", &[origin(named("220 hello"))]);
    let mut client = connect(&program.address("db"));
    assert_eq!(read(&mut client, 9), "220 hello");
}

#[test]
fn the_end_of_one_side_is_not_that_of_the_other() {
    // It answers when it has heard all.
    let after_all = |mut stream: TcpStream| {
        let all = read_to_end(&mut stream);
        stream.write_all(&all).unwrap();
    };
    let program = start("store", &[origin(after_all)]);
    let mut client = connect(&program.address("db"));
    client.write_all(b"all that there is").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_to_end(&mut client), b"all that there is");

    // And the other way round: it says all, and then hears.
    let (heard, hears) = std::sync::mpsc::channel();
    let first = move |mut stream: TcpStream| {
        stream.write_all(b"first").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        heard.send(read_to_end(&mut stream)).unwrap();
    };
    let program = start("store", &[origin(first)]);
    let mut client = connect(&program.address("db"));
    assert_eq!(read_to_end(&mut client), b"first");
    client.write_all(b"then").unwrap();
    drop(client);
    assert_eq!(hears.recv_timeout(portunus_testkit::DEADLINE).unwrap(), b"then");
}

#[test]
fn much_arrives_whole_both_ways() {
    let program = start("store", &[origin(echo)]);
    let mut client = connect(&program.address("db"));
    let sent: Vec<u8> = (0..20_000_000u32).map(|n| (n % 251) as u8).collect();
    let mut sender = client.try_clone().unwrap();
    let copy = sent.clone();
    let sending = std::thread::spawn(move || {
        // Pieces of all sizes, around those at which the program changes its ways.
        let mut rest = &copy[..];
        for size in [1, 100, 16_383, 16_384, 16_385, 70_000, 300_000].into_iter().cycle() {
            let (piece, after) = rest.split_at(size.min(rest.len()));
            sender.write_all(piece).unwrap();
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        sender.shutdown(Shutdown::Write).unwrap();
    });
    assert!(read_to_end(&mut client) == sent);
    sending.join().unwrap();
}

#[test]
fn a_connection_is_counted_and_one_line_of_the_log() {
    let endpoint = origin(echo);
    let program = start("store", &[endpoint]);
    let mut client = connect(&program.address("db"));
    client.write_all(b"12345").unwrap();
    assert_eq!(read(&mut client, 5), "12345");
    let (listener, upstream) = ([("listener", "db")], [("upstream", "store")]);
    let is_counted = |open: f64| {
        let metrics = program.metrics();
        metrics.sum("portunus_listener_received_bytes_total", &listener) == 5.0
            && metrics.sum("portunus_listener_sent_bytes_total", &listener) == 5.0
            && metrics.sum("portunus_upstream_received_bytes_total", &upstream) == 5.0
            && metrics.sum("portunus_upstream_sent_bytes_total", &upstream) == 5.0
            && metrics.sum("portunus_listener_connections_total", &listener) == 1.0
            && metrics.sum("portunus_listener_connections_open", &listener) == open
            && metrics.sum("portunus_upstream_requests_in_flight", &upstream) == open
            && metrics.sum("portunus_endpoint_requests_in_flight", &upstream) == open
            && metrics.sum("portunus_endpoint_connections_total", &upstream) == 1.0
    };
    eventually("an open connection is counted while it is open", || is_counted(1.0));
    drop(client);
    eventually("it is open no longer", || is_counted(0.0));
    let line = record(&program, |record| record["listener"] == "db");
    assert_eq!((&line["protocol"], &line["upstream"]), (&"tcp".into(), &"store".into()), "{line}");
    assert_eq!((&line["bytes_in"], &line["bytes_out"]), (&5.into(), &5.into()), "{line}");
    assert_eq!((&line["attempts"], &line["client.ip"]), (&1.into(), &"127.0.0.1".into()));
    assert!(line["endpoint"].as_str().unwrap().ends_with(&endpoint.to_string()), "{line}");
    assert!(line["duration_ms"].as_f64() >= line["connect_ms"].as_f64(), "{line}");
    assert_eq!(line.get("reason"), None, "{line}");
}

#[test]
fn an_endpoint_that_refuses_is_passed_over_and_left_alone() {
    let refusing = faulty::refusing();
    let program = start("store", &[nobody(&refusing), origin(echo)]);
    for _ in 0..6 {
        let mut client = connect(&program.address("db"));
        client.write_all(b"x").unwrap();
        assert_eq!(read(&mut client, 1), "x");
    }
    let metrics = program.metrics();
    let sum = |result| {
        let labels = [("upstream", "store"), ("result", result)];
        metrics.sum("portunus_endpoint_connections_total", &labels)
    };
    assert_eq!((sum("failure"), sum("success")), (1.0, 6.0));
    assert_eq!(metrics.sum("portunus_upstream_retries_total", &[("upstream", "store")]), 1.0);
}

#[test]
fn without_an_endpoint_the_client_is_reset_and_the_log_says_why() {
    let refusing = faulty::refusing();
    let program = start("store", &[nobody(&refusing)]);
    let mut client = connect(&program.address("db"));
    let error = client.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let line = record(&program, |record| record["listener"] == "db");
    assert_eq!(line["reason"], "upstream.connect_refused", "{line}");
    assert_eq!(line["upstream"], "store");
}

#[test]
fn an_endpoint_that_does_not_answer_is_given_up() {
    let silent = faulty::unreachable();
    let tcp = "{to: store, timeouts: {connect: 100ms}}";
    let program = start(tcp, &[nobody(&silent), origin(echo)]);
    for _ in 0..2 {
        let mut client = connect(&program.address("db"));
        client.write_all(b"x").unwrap();
        assert_eq!(read(&mut client, 1), "x");
    }
}

#[test]
fn a_cut_stays_a_cut() {
    // Closing with unread bytes is a reset.
    let cut = |mut stream: TcpStream| {
        stream.write_all(b"half of").unwrap();
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
    };
    let program = start("store", &[origin(cut)]);
    let mut client = connect(&program.address("db"));
    assert_eq!(read(&mut client, 7), "half of");
    client.write_all(b"goes on").unwrap();
    let error = client.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    let line = record(&program, |record| record["listener"] == "db");
    assert_eq!(line["reason"], "upstream.reset", "{line}");
}

#[test]
fn silence_ends_a_connection_and_bytes_keep_it() {
    let program = start("{to: store, timeouts: {idle: 400ms}}", &[origin(echo)]);
    let mut quiet = connect(&program.address("db"));
    quiet.set_read_timeout(Some(Duration::from_millis(10))).unwrap();
    let mut busy = connect(&program.address("db"));
    eventually("the quiet one ends", || {
        busy.write_all(b"x").unwrap();
        assert_eq!(read(&mut busy, 1), "x");
        matches!(quiet.read(&mut [0]), Ok(0))
    });
    busy.write_all(b"still").unwrap();
    assert_eq!(read(&mut busy, 5), "still");
    let line = record(&program, |record| record["listener"] == "db");
    assert_eq!((&line["reason"], &line["bytes_in"]), (&"tcp.idle_timeout".into(), &0.into()));
}

#[test]
fn old_age_ends_a_connection_whatever_it_does() {
    let program = start("{to: store, timeouts: {lifetime: 300ms}}", &[origin(echo)]);
    let mut client = connect(&program.address("db"));
    let talking = || -> std::io::Result<()> {
        loop {
            client.write_all(b"x")?;
            client.read_exact(&mut [0])?;
        }
    };
    assert_ne!({ talking }().unwrap_err().kind(), ErrorKind::WouldBlock);
    let line = record(&program, |record| record["listener"] == "db");
    assert_eq!(line["reason"], "tcp.lifetime", "{line}");
}

#[test]
fn a_graceful_stop_lets_connections_finish() {
    let mut program = start("store", &[origin(echo)]);
    let mut client = connect(&program.address("db"));
    client.write_all(b"before").unwrap();
    assert_eq!(read(&mut client, 6), "before");
    begin_to_stop(&program, "db");
    client.write_all(b"after").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_to_end(&mut client), b"after");
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn a_reload_leaves_connections_alone_and_leads_new_ones_elsewhere() {
    let program = Program::config("listeners: {db: {address: \"127.0.0.1:0\", tcp: \"{a}\"}}\n")
        .fill("a", origin(named("a")))
        .fill("b", origin(named("b")))
        .start();
    let mut old = connect(&program.address("db"));
    assert_eq!(read(&mut old, 1), "a");
    program.reload("listeners: {db: {address: \"127.0.0.1:0\", tcp: \"{b}\"}}\n");
    assert_eq!(read(&mut connect(&program.address("db")), 1), "b");
    old.write_all(b"still").unwrap();
    assert_eq!(read(&mut old, 5), "still");
}

#[test]
fn connections_beyond_the_most_are_closed() {
    let config =
        "listeners: {db: {address: \"127.0.0.1:0\", tcp: \"{a}\", limits: {connections_max: 1}}}\n";
    let program = Program::config(config).fill("a", origin(named("a"))).start();
    let mut first = connect(&program.address("db"));
    assert_eq!(read(&mut first, 1), "a");
    assert!(matches!(connect(&program.address("db")).read(&mut [0]), Ok(0) | Err(_)));
    drop(first);
    eventually("there is room again", || {
        let mut next = connect(&program.address("db"));
        matches!(next.read(&mut [0]), Ok(1))
    });
}

#[test]
fn the_endpoint_is_told_who_the_client_is() {
    let config = "
listeners: {db: {address: \"127.0.0.1:0\", tcp: store}}
upstreams: {store: {endpoints: \"{a}\", proxy_protocol: v1}}
";
    let program = Program::config(config).fill("a", origin(echo)).start();
    let address = program.address("db");
    let mut client = connect(&address);
    let port = client.local_addr().unwrap().port();
    let own_port = address.rsplit_once(':').unwrap().1;
    let line = format!("PROXY TCP4 127.0.0.1 127.0.0.1 {port} {own_port}\r\n");
    assert_eq!(read(&mut client, line.len()), line);
    client.write_all(b"x").unwrap();
    assert_eq!(read(&mut client, 1), "x");
}

#[test]
fn connections_are_balanced() {
    let counts: [Arc<AtomicUsize>; 2] = Default::default();
    let endpoints = counts.clone().map(|count| {
        origin(move |stream| {
            count.fetch_add(1, Ordering::SeqCst);
            echo(stream);
        })
    });
    let program = start("store", &endpoints);
    for _ in 0..10 {
        let mut client = connect(&program.address("db"));
        client.write_all(b"x").unwrap();
        assert_eq!(read(&mut client, 1), "x");
    }
    assert_eq!(counts.map(|count| count.load(Ordering::SeqCst)), [5, 5]);
}

#[test]
fn tls_may_be_ended_before_the_bytes_go_on() {
    let site = Site::new();
    let origin = Origin::new(|_| Response::text("plain").then_close());
    let config = "listeners: {db: {address: \"127.0.0.1:0\", tls: [{cert: site.pem, key: site.key}], tcp: \"{origin}\"}}\n";
    let program = site.config(config).fill("origin", origin.address()).start();
    let mut client = site.client().h1(&program.address("db"), "shop.test");
    assert_eq!(client.get("/").text(), "plain");
    assert_eq!(client.wait_for_close(), End::Closed);
    assert!(origin.request().tls.is_none());
}

#[test]
fn tls_may_begin_where_the_bytes_go_on() {
    let site = Site::new();
    let tls = TlsServer::new(&site.identity);
    let origin = Origin::over(Transport::h1().tls(&tls), |_| Response::text("secret"));
    let config = "
listeners: {web: {address: \"127.0.0.1:0\", tcp: store}}
upstreams: {store: {endpoints: \"{origin}\", tls: {ca: ca.pem, server_name: shop.test}}}
";
    let program = site.config(config).fill("origin", &origin).start();
    assert_eq!(program.get("/").text(), "secret");
    assert_eq!(origin.request().tls().server_name.as_deref(), Some("shop.test"));
}

#[test]
fn http_and_other_protocols_share_a_port() {
    let config = "
listeners: {all: {address: \"127.0.0.1:0\", protocols: [h1], tcp: \"{other}\"}}
hosts: {\"*\": {routes: {/**: {respond: http}}}}
";
    let program = Program::config(config).fill("other", origin(named("+"))).start();
    let address = program.address("all");
    assert_eq!(Client::connect(&address).get("/").text(), "http");
    let mut other = connect(&address);
    other.write_all(b"SSH-2.0-x\r\n").unwrap();
    assert_eq!(read(&mut other, 12), "+SSH-2.0-x\r\n");
    // A client that waits for its server.
    assert_eq!(read(&mut connect(&address), 1), "+");
    // What begins like HTTP and never becomes it.
    let mut short = connect(&address);
    short.write_all(b"GE").unwrap();
    short.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_to_end(&mut short), b"+GE");
}
