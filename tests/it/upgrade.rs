//! A new process takes the place of the running one, and no client notices.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;

use portunus_testkit::{Client, Gate, H2Client, Origin, Program, Signal, eventually};
use tungstenite::Message;

use crate::{tls, websocket};

const PLAIN: &str = "\
hosts: {\"*\": {routes: {/: {respond: a}, /up/**: \"{origin}\"}}}
pid_file: portunus.pid
workers: 2
";

const TOKEN: &str = "the-token-of-the-admin-api";

/// The same, with a token for the admin API.
fn with_token() -> Program {
    let config = format!("{PLAIN}admin: {{address: \"127.0.0.1:0\", token: {TOKEN}}}\n");
    Program::config(&config).fill("origin", "http://127.0.0.1:1").start()
}

/// Asks for an upgrade over the admin API, and does not wait for the answer.
fn ask_to_upgrade(program: &Program) -> Client {
    let mut admin = program.admin_client();
    let token = format!("Bearer {TOKEN}");
    admin.request("POST", "/api/upgrade").header("Authorization", &token).body("").start();
    admin
}

/// Asks again and again until it is told to stop: over connections of its own, or over one for as long as that is kept.
fn ask_on(address: &str, keep: bool, stop: &AtomicBool, asked: &AtomicUsize) {
    let mut client = Client::connect(address);
    while !stop.load(Relaxed) {
        let answer = client.get("/up/x");
        assert_eq!((answer.status, answer.text()), (200, "fine"));
        asked.fetch_add(1, Relaxed);
        if !keep || !answer.keeps_connection() {
            client = Client::connect(address);
        }
    }
}

#[test]
fn no_request_is_lost_over_many_upgrades() {
    let origin = Origin::text("fine");
    let mut program = Program::config(PLAIN).fill("origin", &origin).start();
    let address = program.address("web");
    let (stop, asked) = (&AtomicBool::new(false), &AtomicUsize::new(0));
    thread::scope(|scope| {
        for keep in [true, false, true, false] {
            let address = &address;
            scope.spawn(move || ask_on(address, keep, stop, asked));
        }
        for _ in 0..5 {
            let before = asked.load(Relaxed);
            let id = program.upgrade();
            assert_eq!(program.folder().read("portunus.pid"), format!("{id}\n"));
            assert_eq!(program.address("web"), address);
            eventually("requests go on", || asked.load(Relaxed) > before + 20);
        }
        stop.store(true, Relaxed);
    });
    assert_eq!(program.wait(), Some(0), "the first process ends by itself");
}

#[test]
fn an_idle_connection_is_answered_once_more_and_told_to_go() {
    let origin = Origin::text("fine");
    let mut program = Program::config(PLAIN).fill("origin", &origin).start();
    let (mut idle, mut fresh) = (program.client(), program.client());
    assert!(idle.get("/").keeps_connection());
    let h2 = H2Client::connect(&program.address("web"));
    assert_eq!(h2.get("/").text(), "a");
    program.upgrade();
    h2.wait_for_goaway();
    for client in [&mut idle, &mut fresh] {
        let answer = client.get("/");
        assert_eq!((answer.text(), answer.keeps_connection()), ("a", false));
        client.wait_for_close();
    }
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn connections_that_wait_are_accepted_also_by_fewer_workers() {
    let config = PLAIN.replace("workers: 2", "workers: 4");
    let mut program = Program::config(&config).fill("origin", "http://127.0.0.1:1").start();
    program.write_config(&PLAIN.replace("workers: 2", "workers: 1"));
    program.upgrade();
    assert_eq!(program.wait(), Some(0));
    // The kernel spreads them over four sockets.
    for _ in 0..64 {
        assert_eq!(program.get("/").text(), "a");
    }
}

#[test]
fn what_is_open_lives_on_until_the_grace_is_over() {
    let gate = Gate::new();
    let opened = gate.clone();
    let download = Origin::raw(move |mut peer| {
        peer.request();
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
        opened.wait();
        peer.send("def");
        peer.wait_for_close();
    });
    let chat = websocket::echoing();
    let config = "shutdown: 2s\nhosts: {\"*\": {routes: {/file: \"{file}\", /chat: \"{chat}\"}}}\n";
    let setup = Program::config(config).fill("file", &download).fill("chat", &chat);
    let mut program = setup.start();
    let mut client = program.client();
    client.request("GET", "/file").start();
    let head = client.read_head();
    let mut socket = websocket::connect(&program, "/chat");
    program.upgrade();
    assert_eq!(websocket::ask(&mut socket, "hello"), "hello");
    gate.open();
    let answer = client.read_body(&head);
    assert_eq!((answer.text(), answer.is_complete), ("abcdef", true));
    assert!(matches!(socket.read(), Ok(Message::Close(Some(_)))), "the grace is over");
    assert_eq!(program.wait(), Some(0));
    let mut socket = websocket::connect(&program, "/chat");
    assert_eq!(websocket::ask(&mut socket, "hello"), "hello");
}

#[test]
fn a_configuration_that_is_wrong_changes_nothing() {
    let mut program = Program::config(PLAIN).fill("origin", "http://127.0.0.1:1").start();
    let id = program.id();
    program.write_config("hosts: 7\n");
    program.signal(Signal::USR2);
    program.wait_for_stderr(|line| line.ends_with("goes on: the configuration has errors"));
    assert_eq!(program.folder().read("portunus.pid"), format!("{id}\n"));
    assert_eq!(program.get("/").text(), "a");
    assert_eq!(program.admin("/readyz").status, 200);
    program.write_config(PLAIN);
    assert_ne!(program.upgrade(), id);
    assert_eq!(program.wait(), Some(0));
    assert_eq!(program.get("/").text(), "a");
}

const KEYS: &str = r#"
hosts:
  "*": {use: [api_key, {quota: 3/month per consumer}], routes: {/: {respond: fine}}}
consumers:
  - {name: acme}
admin: {address: "127.0.0.1:0", token: the-token-of-the-admin-api}
pid_file: portunus.pid
"#;

/// Makes a key at run time.
#[track_caller]
fn make_key(program: &Program, id: &str) -> String {
    program.folder().write("admin.token", TOKEN);
    let token = program.path("admin.token");
    let (admin, token) = (program.admin_address(), token.display());
    let arguments =
        format!("key create --consumer acme --id {id} --admin {admin} --token-file {token}");
    program.folder().run(&arguments).with_code(0).stdout.trim_end().to_owned()
}

#[track_caller]
fn status(program: &Program, key: &str) -> u16 {
    program.client().request("GET", "/").header("X-Api-Key", key).send().status
}

#[test]
fn keys_and_quotas_go_on_in_the_new_process() {
    let mut program = Program::config(KEYS).start();
    let first = make_key(&program, "first");
    assert_eq!(status(&program, &first), 200);
    program.upgrade();
    assert_eq!(program.wait(), Some(0));
    assert_eq!(status(&program, &first), 200);
    let second = make_key(&program, "second");
    program.upgrade();
    assert_eq!(status(&program, &second), 200, "the third of the month");
    assert_eq!(status(&program, &first), 429);
}

#[test]
fn one_that_fails_late_gives_everything_back() {
    let mut program = Program::config(KEYS).start();
    let first = make_key(&program, "first");
    assert_eq!(status(&program, &first), 200);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let other = taken.local_addr().unwrap();
    let listeners = format!("listeners: {{web: \"127.0.0.1:0\", other: \"{other}\"}}\n");
    program.write_config(&format!("{listeners}{KEYS}"));
    program.signal(Signal::USR2);
    program.wait_for_stderr(|line| line.contains("goes on: ") && line.contains("in use"));
    let id = program.id();
    assert_eq!(program.folder().read("portunus.pid"), format!("{id}\n"));
    let second = make_key(&program, "second");
    assert_eq!(status(&program, &second), 200);
    program.write_config(KEYS);
    program.upgrade();
    assert_eq!(program.wait(), Some(0));
    assert_eq!(status(&program, &first), 200, "the third of the month");
    assert_eq!(status(&program, &second), 429, "what was used before and after counts");
}

#[test]
fn sessions_of_tls_go_on_in_the_new_process() {
    let site = tls::Site::new();
    let mut program = site.config(&format!("{}{}", tls::LISTENER, tls::FINE)).start();
    let address = program.address("web");
    let client = site.client();
    let resumes = || {
        let mut connection = client.h1(&address, "shop.test");
        assert_eq!(connection.get("/").text(), "fine");
        connection.tls().is_resumed
    };
    assert!(!resumes());
    program.upgrade();
    assert_eq!(program.wait(), Some(0));
    assert!(resumes());
    program.upgrade();
    assert!(resumes());
}

#[test]
fn every_kind_of_socket_is_handed_over() {
    let origin = UdpSocket::bind("127.0.0.1:0").unwrap();
    let folder = portunus_testkit::Folder::new();
    let (web, admin) = (folder.path("web.sock"), folder.path("admin.sock"));
    let config = format!(
        "listeners:\n  web: \"unix:{}\"\n  names: {{address: \"127.0.0.1:0\", udp: {{to: dns}}}}\n\
         upstreams: {{dns: {}}}\nadmin: \"unix:{}\"\nhosts: {{\"*\": {{routes: {{/: {{respond: a}}}}}}}}\n",
        web.display(),
        origin.local_addr().unwrap(),
        admin.display(),
    );
    let mut program = Program::config(&config).start();
    let names = program.address("names");
    for _ in 0..2 {
        program.upgrade();
        assert_eq!(program.wait(), Some(0));
        assert_eq!((program.get("/").text(), program.admin("/readyz").status), ("a", 200));
        assert_eq!(program.address("names"), names);
        let client = UdpSocket::bind("127.0.0.1:0").unwrap();
        client.send_to(b"who", &names).unwrap();
        let mut packet = [0; 8];
        assert_eq!(origin.recv(&mut packet).unwrap(), 3);
    }
    program.signal(Signal::TERM);
    eventually("the files of sockets are removed", || !web.exists() && !admin.exists());
}

#[test]
fn the_command_tells_what_became_of_it() {
    let mut program = Program::config(PLAIN).fill("origin", "http://127.0.0.1:1").start();
    let admin = program.admin_address();
    program.write_config("hosts: 7\n");
    let failed = program.folder().run(&format!("upgrade --admin {admin}")).with_code(1);
    assert!(failed.stderr.contains("the configuration has errors"), "{failed:?}");
    program.write_config(PLAIN);
    let done = program.folder().run(&format!("upgrade --admin {admin}")).with_code(0);
    assert_eq!(done.stdout, format!("upgraded, process {} serves\n", program.succeeded()));
    assert_eq!(program.wait(), Some(0));
    assert_eq!(program.get("/").text(), "a");
}

#[test]
fn a_reload_that_comes_meanwhile_is_done_by_whoever_serves_then() {
    let mut program = with_token();
    let mut admin = ask_to_upgrade(&program);
    program.signal(Signal::HUP);
    let id = program.succeeded();
    program.wait_for_stderr(|line| line.starts_with("portunus: reloaded, generation 2"));
    assert_eq!(admin.read().json()["pid"], id);
}

#[test]
fn while_one_is_under_way_another_one_is_refused() {
    let mut program = with_token();
    assert_eq!(program.admin_client().request("POST", "/api/upgrade").body("").send().status, 401);
    let (mut one, mut other) = (ask_to_upgrade(&program), ask_to_upgrade(&program));
    let mut answers = [one.read(), other.read()];
    answers.sort_by_key(|answer| answer.status);
    let [done, refused] = &answers;
    assert_eq!((done.status, refused.status), (200, 422));
    assert_eq!(refused.json()["error"], "an upgrade is under way");
    assert_eq!(done.json()["pid"], program.succeeded());
}
