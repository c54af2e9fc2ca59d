use std::cell::Cell;

use super::*;
use crate::{DialTo, Io, dial};

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn a_free_port_is_shared_by_all_sockets_and_bytes_pass() {
    let any = ListenAddress::Ip("127.0.0.1:0".parse().unwrap());
    let mut sockets = ListenSocket::bind(&any, 3).unwrap();
    assert!(sockets.iter().all(|socket| socket.address() == sockets[0].address()));
    let socket = sockets.remove(0);
    sockets.clear();
    run(async {
        let listener = Listener::adopt(socket).unwrap();
        let ListenAddress::Ip(address) = listener.address().clone() else { unreachable!() };
        let client = dial(DialTo::Ip(address)).await.unwrap();
        let server = Io::adopt(listener.accept().await.unwrap().socket).unwrap();
        let taken = Cell::new(0);
        client.write_both(b"he", b"llo", |bytes| taken.set(taken.get() + bytes)).await.unwrap();
        assert_eq!(taken.get(), 5);
        let mut buf = Vec::with_capacity(16);
        while buf.len() < 5 {
            server.read(&mut buf).await.unwrap();
        }
        assert_eq!(buf, b"hello");
        assert!(!server.is_stale());
        client.shutdown_write();
        server.readable().await.unwrap();
        assert!(server.is_stale());
        assert_eq!(client.addresses().1, address);
    });
}

#[test]
fn a_used_address_is_one_clear_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = ListenAddress::Ip(taken.local_addr().unwrap());
    let fault = ListenSocket::bind(&address, 1).unwrap_err();
    assert!(fault.to_string().ends_with("the address is in use by another process"), "{fault}");
}

#[test]
fn a_dead_unix_socket_is_replaced_and_a_live_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let address = ListenAddress::Unix(dir.path().join("s"));
    drop(ListenSocket::bind(&address, 1).unwrap());
    let live = ListenSocket::bind(&address, 2).unwrap();
    assert!(ListenSocket::bind(&address, 1).is_err());
    assert_eq!(live.len(), 2);
}
