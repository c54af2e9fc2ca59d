use std::net::{TcpListener, TcpStream};

use super::{ReservedPort, check_free};

#[test]
fn a_reserved_port_refuses_connections_and_is_given_to_nobody_else() {
    let port = ReservedPort::take(0).unwrap();
    let refused = TcpStream::connect(port.address()).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    let others: Vec<_> = (0..200).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    assert!(others.iter().all(|other| other.local_addr().unwrap() != port.address()));
    assert_ne!(ReservedPort::take(0).unwrap().address(), port.address());
}

#[test]
fn a_port_in_use_is_told_in_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = check_free(port, "--port").unwrap_err().to_string();
    assert!(error.starts_with(&format!("port {port} is in use")), "{error}");
    assert!(check_free(0, "--port").is_ok());
}
