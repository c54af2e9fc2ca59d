use std::os::linux::net::SocketAddrExt as _;

use super::*;

fn env(pairs: &[(&str, &str)]) -> Env {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn next(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 256];
    let length = socket.recv(&mut bytes).unwrap();
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

#[test]
fn states_go_to_the_socket_of_the_manager() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    let notifier = Notifier::new(&env(&[("NOTIFY_SOCKET", path.to_str().unwrap())]));
    notifier.ready("generation 1");
    assert_eq!(next(&manager), "READY=1\nSTATUS=generation 1");
    notifier.reloading();
    let reloading = next(&manager);
    let (_, time) = reloading.split_once("RELOADING=1\nMONOTONIC_USEC=").unwrap();
    assert!(time.lines().next().unwrap().parse::<u64>().unwrap() > 0);
    notifier.stopping("2 connections");
    assert_eq!(next(&manager), "STOPPING=1\nSTATUS=2 connections");
}

#[test]
fn a_name_without_a_file_is_a_socket_too() {
    let name = format!("portunus-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let manager = UnixDatagram::bind_addr(&address).unwrap();
    Notifier::new(&env(&[("NOTIFY_SOCKET", &format!("@{name}"))])).ready("");
    assert_eq!(next(&manager), "READY=1\nSTATUS=");
}

#[test]
fn the_watchdog_is_fed_twice_as_often_as_it_wants_and_only_by_its_own_process() {
    let own = std::process::id().to_string();
    let every = |pairs: &[(&str, &str)]| Notifier::new(&env(pairs)).watchdog;
    assert_eq!(every(&[("WATCHDOG_USEC", "3000000")]), Some(Duration::from_millis(1500)));
    assert_eq!(
        every(&[("WATCHDOG_USEC", "20"), ("WATCHDOG_PID", &own)]),
        Some(Duration::from_micros(10))
    );
    assert_eq!(every(&[("WATCHDOG_USEC", "20"), ("WATCHDOG_PID", "1")]), None);
    assert_eq!(every(&[("WATCHDOG_USEC", "0")]), None);
    assert_eq!(every(&[]), None);
}

#[test]
fn a_manager_that_is_not_there_is_no_trouble() {
    Notifier::new(&env(&[("NOTIFY_SOCKET", "/nowhere/at/all")])).ready("");
    Notifier::new(&env(&[])).ready("");
}
