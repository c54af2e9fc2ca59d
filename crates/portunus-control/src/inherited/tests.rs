use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;

use portunus_base::ListenerId;
use portunus_compile::ListenerBinding;
use portunus_net::{BoundSocket, ListenAddress};

use super::Inherited;
use crate::handover::SocketEntry;

fn binding(name: &str, address: &ListenAddress) -> ListenerBinding {
    let (id, address) = (ListenerId(0), address.clone());
    ListenerBinding { id, name: name.into(), address, https: false, udp: false }
}

fn entry(name: &str, wanted: &str) -> SocketEntry {
    SocketEntry { listener: Some(name.into()), wanted: wanted.into(), file: true }
}

fn ip(text: &str) -> ListenAddress {
    ListenAddress::Ip(text.parse().unwrap())
}

fn address_of(inherited: &mut Inherited, binding: &ListenerBinding) -> Option<ListenAddress> {
    inherited.take(binding)?.sockets.first().map(BoundSocket::address)
}

#[test]
fn a_listener_keeps_its_port_by_its_name_and_its_socket_by_its_address() {
    let sockets: [TcpListener; 3] = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [one, two, three]: [SocketAddr; 3] =
        [0, 1, 2].map(|index| sockets[index].local_addr().unwrap());
    let [first, second, third] = sockets.map(Into::into);
    let any = ip("127.0.0.1:0");
    let all = vec![
        (entry("one", "127.0.0.1:0"), first),
        (entry("two", "127.0.0.1:0"), second),
        (entry("three", &three.to_string()), third),
    ];
    let mut inherited = Inherited::handed_over(all, None);
    assert!(inherited.was_at(one.port(), false) && !inherited.was_at(one.port(), true));
    let two = Some(ListenAddress::Ip(two));
    assert_eq!(address_of(&mut inherited, &binding("two", &any)), two);
    assert_eq!(address_of(&mut inherited, &binding("two", &any)), None, "it is taken");
    let three = ListenAddress::Ip(three);
    assert_eq!(address_of(&mut inherited, &binding("renamed", &three)), Some(three));
    assert_eq!(address_of(&mut inherited, &binding("one", &ip("127.0.0.1:1"))), None);
    assert_eq!(inherited.close(), [], "what the process before has is nothing that was forgotten");
}

#[test]
fn the_file_of_a_socket_goes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.sock");
    let socket = UnixListener::bind(&path).unwrap();
    let address = ListenAddress::Unix(path);
    let all = vec![(entry("web", &address.to_string()), socket.into())];
    let taken = Inherited::handed_over(all, None).take(&binding("web", &address)).unwrap();
    assert!(taken.file);
}
