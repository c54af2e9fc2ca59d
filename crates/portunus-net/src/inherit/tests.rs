use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;

use super::*;

#[test]
fn each_kind_of_listener_is_known() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = ListenAddress::Ip(tcp.local_addr().unwrap());
    let adopted = BoundSocket::adopt(tcp.into()).unwrap();
    assert_eq!((adopted.address(), adopted.is_udp()), (at, false));
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = ListenAddress::Ip(udp.local_addr().unwrap());
    let adopted = BoundSocket::adopt(udp.into()).unwrap();
    assert_eq!((adopted.address(), adopted.is_udp()), (at, true));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.sock");
    let adopted = BoundSocket::adopt(UnixListener::bind(&path).unwrap().into()).unwrap();
    assert_eq!(adopted.address(), ListenAddress::Unix(path));
}

#[test]
fn what_is_no_listener_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connected = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    assert!(BoundSocket::adopt(connected.into()).is_err());
    assert!(BoundSocket::adopt(std::fs::File::open("/dev/null").unwrap().into()).is_err());
}
