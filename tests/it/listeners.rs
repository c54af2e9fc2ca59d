//! Where clients are accepted.

use std::os::unix::fs::FileTypeExt;

use portunus_testkit::{Client, Folder, Origin, Program};

#[test]
fn a_unix_socket_serves() {
    let origin = Origin::text("a");
    let sockets = Folder::new();
    let program = Program::config(
        "listeners: {web: \"unix:{socket}\"}\nhosts: {\"*\": {routes: {/: \"{origin}\"}}}\n",
    )
    .fill("socket", sockets.path("web.sock").display())
    .fill("origin", &origin)
    .start();
    assert!(program.address("web").starts_with("unix:"));
    assert_eq!(program.get("/").text(), "a");
    program.stop();
}

#[test]
fn a_socket_file_that_a_dead_process_left_is_in_nobody_s_way() {
    let sockets = Folder::new();
    let path = sockets.path("web.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(std::fs::metadata(&path).unwrap().file_type().is_socket());
    let config =
        "listeners: {web: \"unix:{socket}\"}\nhosts: {\"*\": {routes: {/: {respond: a}}}}\n";
    let program = Program::config(config).fill("socket", path.display()).start();
    assert_eq!(program.get("/").text(), "a");
}

#[test]
fn ipv6_serves_and_tells_the_client_s_address() {
    let program = Program::config(
        "listeners: {web: \"[::1]:0\"}\nhosts: {\"*\": {routes: {/: {respond: \"{client.ip}\"}}}}\n",
    )
    .start();
    assert!(program.address("web").starts_with("[::1]:"));
    assert_eq!(program.get("/").text(), "::1");
}

#[test]
fn several_listeners_serve_side_by_side() {
    let program = Program::config(
        "listeners: {web: \"127.0.0.1:0\", other: \"127.0.0.1:0\"}\nhosts: {\"*\": {routes: {/: {respond: a}}}}\n",
    )
    .start();
    for listener in ["web", "other"] {
        assert_eq!(Client::connect(&program.address(listener)).get("/").text(), "a");
    }
}

#[test]
fn several_workers_serve_one_listener() {
    let program =
        Program::config("workers: 2\nhosts: {\"*\": {routes: {/: {respond: a}}}}\n").start();
    let mut clients: Vec<_> = (0..20).map(|_| program.client()).collect();
    for client in &mut clients {
        assert_eq!(client.get("/").text(), "a");
    }
}

#[test]
fn an_upstream_may_listen_on_ipv6() {
    let listener = std::net::TcpListener::bind("[::1]:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let origin = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().unwrap();
        let count = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv6").unwrap();
        count
    });
    let program = Program::before(&url);
    assert_eq!(program.get("/").text(), "v6");
    assert!(origin.join().unwrap() > 0);
}
