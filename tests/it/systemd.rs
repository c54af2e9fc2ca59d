//! A service manager: what it is told, and the sockets that it gives.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use portunus_testkit::{Client, DEADLINE, Program, Setup, Signal};

/// Hears what a program tells its manager.
struct Manager {
    socket: UnixDatagram,
    name: String,
}

impl Manager {
    fn new(test: &str) -> Self {
        let name = format!("portunus-{test}-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Self { socket, name }
    }

    fn watch(&self, setup: Setup) -> Setup {
        setup.variable("NOTIFY_SOCKET", &format!("@{}", self.name))
    }

    /// The next thing that it is told.
    fn hear(&self) -> String {
        let mut bytes = [0; 512];
        let length = self.socket.recv(&mut bytes).expect("a word of the program");
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }
}

const CONFIG: &str = "hosts: {\"*\": {routes: {/: {respond: a}}}}\n";

#[test]
fn the_manager_hears_of_start_reload_and_stop() {
    let manager = Manager::new("life");
    let mut program = manager.watch(Program::config(CONFIG)).start();
    assert_eq!(manager.hear(), "READY=1\nSTATUS=serving generation 1");
    program.reload(&CONFIG.replace("respond: a", "respond: b"));
    let reloading = manager.hear();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(manager.hear(), "READY=1\nSTATUS=serving generation 2");
    assert!(!program.try_reload("hosts: 7\n"));
    assert!(manager.hear().starts_with("RELOADING=1\n"));
    let refused = "READY=1\nSTATUS=serving generation 2, the last reload was refused";
    assert_eq!(manager.hear(), refused);
    program.signal(Signal::TERM);
    let stopping = manager.hear();
    assert!(stopping.starts_with("STOPPING=1\nSTATUS=stopping, "), "{stopping}");
    assert_eq!(program.wait(), Some(0));
}

#[test]
fn the_manager_hears_which_process_is_the_main_one_after_an_upgrade() {
    let manager = Manager::new("upgrade");
    let mut program = manager.watch(Program::config(CONFIG)).start();
    assert_eq!(manager.hear(), "READY=1\nSTATUS=serving generation 1");
    let id = program.upgrade();
    let mut heard = [manager.hear(), manager.hear()];
    heard.sort();
    assert_eq!(heard, [format!("MAINPID={id}"), "READY=1\nSTATUS=serving generation 1".into()]);
    assert_eq!(program.wait(), Some(0));
    program.signal(Signal::TERM);
    let stopping = manager.hear();
    assert!(stopping.starts_with("STOPPING=1\n"), "nothing of the first one's end: {stopping}");
}

#[test]
fn a_socket_that_the_manager_holds_is_handed_over_and_its_file_stays() {
    let folder = portunus_testkit::Folder::new();
    let path = folder.path("web.sock");
    let socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let config = format!("listeners: {{web: \"unix:{}\"}}\n{CONFIG}", path.display());
    let mut program = Program::config(&config).socket(socket).start();
    program.upgrade();
    assert_eq!(program.wait(), Some(0));
    assert_eq!(program.get("/").text(), "a");
    program.signal(Signal::TERM);
    program.wait_for_stderr(|line| line == "portunus: stopped");
    assert!(path.exists());
}

#[test]
fn the_watchdog_hears_that_all_is_well() {
    let manager = Manager::new("watchdog");
    let setup = manager.watch(Program::config(CONFIG)).variable("WATCHDOG_USEC", "20000");
    let program = setup.start();
    let mut beats = 0;
    while beats < 3 {
        beats += usize::from(manager.hear() == "WATCHDOG=1");
    }
    drop(program);
}

#[test]
fn a_listener_takes_the_socket_that_the_manager_holds() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap().to_string();
    let config = format!("listeners: {{web: \"{address}\"}}\nworkers: 2\n{CONFIG}");
    // It waits for the program instead of being refused.
    let mut early = Client::connect(&address);
    early.request("GET", "/").start();
    let mut program = Program::config(&config).socket(socket.try_clone().unwrap()).start();
    assert_eq!(early.read().text(), "a");
    assert_eq!(program.get("/").text(), "a");
    program.signal(Signal::TERM);
    assert_eq!(program.wait(), Some(0));
    let mut between = Client::connect(&address);
    between.request("GET", "/").start();
    let program = program.kill_and_start();
    assert_eq!(between.read().text(), "a");
    program.stop();
}

#[test]
fn a_socket_that_no_listener_wants_is_told_of() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let program = Program::config(CONFIG).socket(socket).start();
    program.wait_for_stderr(|line| line.contains("LISTEN_FDS"));
    assert_eq!(program.get("/").text(), "a");
    program.stop();
}

#[test]
fn the_file_of_a_socket_that_the_manager_holds_stays() {
    let folder = portunus_testkit::Folder::new();
    let path = folder.path("web.sock");
    let socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let config = format!("listeners: {{web: \"unix:{}\"}}\n{CONFIG}", path.display());
    let program = Program::config(&config).socket(socket).start();
    assert_eq!(program.get("/").text(), "a");
    program.stop();
    assert!(path.exists());
}
