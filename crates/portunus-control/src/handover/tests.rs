use std::net::TcpListener;
use std::os::unix::net::UnixStream;

use portunus_base::{ListenerId, Wall};
use portunus_compile::ListenerBinding;
use portunus_net::ListenAddress;
use portunus_tls::TicketSeeds;

use super::{Gift, Manifest, SocketEntry, Takeover, give};

fn entry(listener: Option<&str>) -> SocketEntry {
    SocketEntry { listener: listener.map(str::to_owned), wanted: "127.0.0.1:0".into(), file: false }
}

fn binding(name: &str, address: ListenAddress) -> ListenerBinding {
    ListenerBinding { id: ListenerId(0), name: name.into(), address, https: false, udp: false }
}

#[tokio::test]
async fn all_that_is_given_arrives_where_it_belongs() {
    let (old, new) = UnixStream::pair().unwrap();
    let all: Vec<_> = (0..200).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let address = |index: usize| ListenAddress::Ip(all[index].local_addr().unwrap());
    let name = |index: usize| ["a", "b"][index % 2];
    let listeners = all.iter().enumerate();
    let mut sockets: Vec<_> = listeners
        .map(|(index, one)| (entry(Some(name(index))), one.try_clone().unwrap().into()))
        .collect();
    sockets.push((entry(None), TcpListener::bind("127.0.0.1:0").unwrap().into()));
    let tickets = Some(TicketSeeds { bytes: vec![7; 48], made: Wall(9) });
    old.set_nonblocking(true).unwrap();
    let mut old = tokio::net::UnixStream::from_std(old).unwrap();
    let received =
        tokio::task::spawn_blocking(|| Takeover { over: new, confined: None }.receive().unwrap());
    give::give(&mut old, Gift { sockets, tickets, confined: None }).await.unwrap();
    let mut inherited = received.await.unwrap();

    let seeds = inherited.tickets.take().unwrap();
    assert_eq!((seeds.bytes, seeds.made), (vec![7; 48], Wall(9)));
    let anywhere = || ListenAddress::Ip("127.0.0.1:0".parse().unwrap());
    assert!(inherited.take(&binding("c", anywhere())).is_none());
    let b = inherited.take(&binding("b", anywhere())).unwrap();
    let found: Vec<_> = b.sockets.iter().map(portunus_net::BoundSocket::address).collect();
    assert_eq!(found, (0..200).filter(|index| index % 2 == 1).map(address).collect::<Vec<_>>());
    assert!(inherited.take_admin(":0").is_none());
    assert!(inherited.take_admin("127.0.0.1:0").is_some());
}

#[test]
fn a_manifest_of_another_version_is_read() {
    let of_now = Manifest { sockets: vec![entry(Some("web"))], tickets: None, confined: None };
    let text = serde_json::to_string(&of_now).unwrap();
    let expected =
        r#"{"sockets":[{"listener":"web","wanted":"127.0.0.1:0","file":false}],"tickets":null}"#;
    assert_eq!(text, expected, "older and newer versions read this");
    let newer = r#"{"sockets":[{"listener":"web","wanted":":80","colour":1}],"limits":{}}"#;
    let read: Manifest = serde_json::from_str(newer).unwrap();
    assert_eq!(read.sockets[0].wanted, ":80");
}
