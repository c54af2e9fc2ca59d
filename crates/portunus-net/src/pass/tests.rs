use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use super::{PASSED_MAX, pass, receive};

#[test]
fn a_listening_socket_arrives_with_the_connections_that_wait_in_it() {
    let (giver, mut taker) = UnixStream::pair().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (&giver).write_all(b"before").unwrap();
    pass(&giver, &[listener.as_fd(), listener.as_fd()]).unwrap();
    drop(listener);
    let mut before = [0; 6];
    taker.read_exact(&mut before).unwrap();
    let [first, second] = <[_; 2]>::try_from(receive(&taker).unwrap()).unwrap();
    drop(first);
    let (mut accepted, _) = TcpListener::from(second).accept().unwrap();
    accepted.write_all(b"hello").unwrap();
    drop(accepted);
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
}

#[test]
fn as_many_as_promised_go_at_once_and_no_more() {
    let (giver, taker) = UnixStream::pair().unwrap();
    let many = vec![giver.as_fd(); PASSED_MAX + 1];
    assert!(pass(&giver, &many).is_err());
    pass(&giver, &many[1..]).unwrap();
    assert_eq!(receive(&taker).unwrap().len(), PASSED_MAX);
    drop(giver);
    let gone = receive(&taker).unwrap_err();
    assert_eq!(gone.kind(), std::io::ErrorKind::UnexpectedEof);
}
