use std::time::Duration;

use super::*;

const DEADLINE: Duration = Duration::from_secs(20);

fn block_on<R>(future: impl Future<Output = R>) -> R {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bounded = async { tokio::time::timeout(DEADLINE, future).await };
    runtime.block_on(bounded).expect("it takes no time")
}

fn listener(address: &str) -> UdpListener {
    let socket = UdpListenSocket::bind(address.parse().unwrap(), 1).unwrap().remove(0);
    UdpListener::adopt(socket).unwrap()
}

async fn reply_of(link: &UdpLink) -> Vec<u8> {
    let mut buffer = UdpBuffer::default();
    loop {
        link.readable().await.unwrap();
        match link.try_receive(&mut buffer) {
            Ok(packet) => return packet.to_vec(),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
    }
}

#[test]
fn packets_go_there_and_back_over_both_families() {
    block_on(async {
        for (bound, at) in
            [("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "::1"), ("[::]:0", "127.0.0.1")]
        {
            let listener = listener(bound);
            let at: IpAddr = at.parse().unwrap();
            let link = UdpLink::connect((at, listener.address().port()).into()).unwrap();
            let mut buffer = UdpBuffer::default();
            for size in [0, 1, 1400, 60_000] {
                let packet = vec![7; size];
                link.try_send(&packet).unwrap();
                let packets = listener.receive(&mut buffer).await.unwrap();
                assert_eq!(packets.iter().collect::<Vec<_>>(), [&packet[..]], "{bound} {size}");
                assert_eq!(packets.path.client().ip(), at);
                assert_eq!(packets.path.own_ip(), Some(at));
                let path = packets.path;
                listener.send(&packet, path).unwrap();
                assert_eq!(reply_of(&link).await, packet);
            }
        }
    });
}

#[test]
fn an_answer_comes_from_the_address_that_was_asked() {
    block_on(async {
        let listener = listener("0.0.0.0:0");
        // The whole of 127/8 is this machine; by itself it would answer from 127.0.0.1.
        let asked: IpAddr = "127.0.0.9".parse().unwrap();
        let link = UdpLink::connect((asked, listener.address().port()).into()).unwrap();
        link.try_send(b"?").unwrap();
        let mut buffer = UdpBuffer::default();
        let packets = listener.receive(&mut buffer).await.unwrap();
        assert_eq!(packets.path.own_ip(), Some(asked));
        let path = packets.path;
        listener.send(b"!", path).unwrap();
        assert_eq!(reply_of(&link).await, b"!");
    });
}

#[test]
fn a_packet_in_fragments_comes_from_the_address_that_was_asked_too() {
    block_on(async {
        let listener = listener("[::]:0");
        let asked: IpAddr = "::1".parse().unwrap();
        let link = UdpLink::connect((asked, listener.address().port()).into()).unwrap();
        link.try_send(b"?").unwrap();
        let mut buffer = UdpBuffer::default();
        let path = listener.receive(&mut buffer).await.unwrap().path;
        let large = vec![1; 65_000];
        listener.send_in_fragments(&large, path).unwrap();
        assert_eq!(reply_of(&link).await, large);
    });
}

#[test]
fn packets_that_came_together_are_told_apart() {
    let path = UdpPath { peer: "127.0.0.1:1".parse().unwrap(), own: None };
    let all = |bytes, stride| Packets { path, bytes, stride }.iter().collect::<Vec<&[u8]>>();
    assert_eq!(all(b"aabbc", 2), [&b"aa"[..], b"bb", b"c"]);
    assert_eq!(all(b"aabbc", 5), [&b"aabbc"[..]]);
    assert_eq!(all(b"", 0), [&b""[..]]);
}

#[test]
fn all_sockets_of_a_listener_share_its_port() {
    let sockets = UdpListenSocket::bind("127.0.0.1:0".parse().unwrap(), 3).unwrap();
    let address = sockets[0].address();
    assert_ne!(address.port(), 0);
    assert!(sockets.iter().all(|socket| socket.address() == address));
}

#[test]
fn nobody_at_the_endpoint_is_noticed() {
    block_on(async {
        let nobody = {
            let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.local_addr().unwrap()
        };
        let link = UdpLink::connect(nobody).unwrap();
        for _ in 0..2 {
            link.try_send(b"?").unwrap();
            let refused = loop {
                if let Err(error) = link.readable().await {
                    break error.kind();
                }
            };
            assert_eq!(refused, io::ErrorKind::ConnectionRefused);
        }
    });
}
