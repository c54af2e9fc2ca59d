//! TCP, TLS by name, and UDP, passed on unread.

mod sni;
mod tcp;
mod udp;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use portunus_testkit::{DEADLINE, Program, Signal};

/// Runs `serve` for each connection, on a thread of its own, for as long as the test runs.
fn origin(serve: impl Fn(TcpStream) + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Sends back what comes, as it comes, until the end.
fn echo(mut stream: TcpStream) {
    let mut copy = stream.try_clone().unwrap();
    // A reset ends it as well.
    let _ = std::io::copy(&mut stream, &mut copy);
    let _ = copy.shutdown(Shutdown::Write);
}

/// Says its name, and then as [`echo`].
fn named(name: &'static str) -> impl Fn(TcpStream) + Clone + Send + 'static {
    move |mut stream| {
        if stream.write_all(name.as_bytes()).is_ok() {
            echo(stream);
        }
    }
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_write_timeout(Some(DEADLINE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// The next `len` bytes as text.
#[track_caller]
fn read(stream: &mut TcpStream, len: usize) -> String {
    let mut bytes = vec![0; len];
    stream.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Everything up to the end of the stream.
#[track_caller]
fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    bytes
}

/// The record of the access log for which `is_it`.
fn record(program: &Program, is_it: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
    let parsed = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok();
    let line = program.wait_for_stdout(|line| parsed(line).is_some_and(|record| is_it(&record)));
    parsed(&line).unwrap()
}

/// Tells the program to stop, and waits until it takes nothing new.
fn begin_to_stop(program: &Program, listener: &str) {
    let address = program.address(listener);
    program.signal(Signal::TERM);
    portunus_testkit::eventually("new connections are refused", || {
        TcpStream::connect(&address).is_err()
    });
}
