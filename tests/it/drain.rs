//! The end of the process.

use portunus_testkit::{Client, Gate, Origin, Program, Signal, eventually, faulty};

/// An origin that finishes its answer when it is told to.
fn waiting() -> (Origin, Gate) {
    let gate = Gate::new();
    let opened = gate.clone();
    let origin = Origin::raw(move |mut peer| {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
        opened.wait();
        peer.send("def");
        peer.wait_for_close();
    });
    (origin, gate)
}

fn drains(signal: Signal) {
    let (origin, gate) = waiting();
    let mut program = Program::before(&origin);
    let address = program.address("web");
    let mut client = program.client();
    client.request("GET", "/").start();
    let head = client.read_head();
    program.signal(signal);
    eventually("new connections are refused", || std::net::TcpStream::connect(&address).is_err());
    gate.open();
    let answer = client.read_body(&head);
    assert_eq!((answer.text(), answer.is_complete), ("abcdef", true));
    client.wait_for_close();
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn a_graceful_stop_finishes_what_runs_and_takes_nothing_new() {
    drains(Signal::TERM);
}

#[test]
fn quit_stops_gracefully_too() {
    drains(Signal::QUIT);
}

#[test]
fn idle_clients_do_not_hold_up_the_stop() {
    let program = Program::config("hosts: {\"*\": {routes: {/: {respond: a}}}}").start();
    let mut client = program.client();
    client.get("/");
    program.stop();
    client.wait_for_close();
}

#[test]
fn what_runs_longer_than_the_grace_is_cut() {
    let origin = faulty::silent();
    let mut program =
        Program::config("shutdown: 100ms\nhosts: {\"*\": {routes: {/: \"{origin}\"}}}\n")
            .fill("origin", &origin)
            .start();
    let mut client = program.client();
    client.request("GET", "/").start();
    origin.wait_for(1);
    program.signal(Signal::TERM);
    assert_eq!(program.wait(), Some(0));
    client.wait_for_close();
    program.wait_for_stderr(|line| line.contains("the grace is over"));
}

#[test]
fn a_second_interrupt_forces_the_end() {
    let origin = faulty::silent();
    let mut program = Program::before(&origin);
    let address = program.address("web");
    let mut client = Client::connect(&address);
    client.request("GET", "/").start();
    origin.wait_for(1);
    program.signal(Signal::INT);
    eventually("new connections are refused", || std::net::TcpStream::connect(&address).is_err());
    program.signal(Signal::INT);
    assert_eq!(program.wait(), Some(2));
}

#[test]
fn while_it_drains_it_lives_and_is_not_ready() {
    let (origin, gate) = waiting();
    let program = Program::before(&origin);
    let address = program.address("web");
    assert_eq!(program.admin("/readyz").status, 200);
    let mut client = program.client();
    client.request("GET", "/").start();
    client.read_head();
    let mut admin = program.admin_client();
    program.signal(Signal::TERM);
    eventually("new connections are refused", || std::net::TcpStream::connect(&address).is_err());
    assert_eq!(admin.get("/readyz").status, 503);
    assert_eq!(admin.get("/healthz").status, 200);
    gate.open();
}
