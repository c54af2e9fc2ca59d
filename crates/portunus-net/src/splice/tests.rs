use super::*;
use crate::{DialTo, ListenAddress, ListenSocket, Listener, dial};

async fn pair() -> (Io, Io) {
    let any = ListenAddress::Ip("127.0.0.1:0".parse().unwrap());
    let socket = ListenSocket::bind(&any, 1).unwrap().remove(0);
    let listener = Listener::adopt(socket).unwrap();
    let ListenAddress::Ip(address) = listener.address().clone() else { unreachable!() };
    let client = dial(DialTo::Ip(address)).await.unwrap();
    (client, Io::adopt(listener.accept().await.unwrap().socket).unwrap())
}

#[test]
fn a_long_body_passes_whole_and_a_short_one_is_noticed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let ((source, from), (to, sink)) = (pair().await, pair().await);
        let sent: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
        let pipes = Pipes::default();
        let mut pipe = pipes.take().unwrap();
        let mut got = Vec::new();
        let moving = async {
            let left = sent.len() as u64 + 10;
            let mut splice = Splice { from: &from, to: &to, pipe: &mut pipe, left };
            loop {
                match splice.fill().await {
                    Ok(true) => assert!(splice.drain().await.unwrap() > 0),
                    Ok(false) => unreachable!("ten bytes never come"),
                    Err(error) => break error,
                }
            }
        };
        let sending = async {
            source.write_all(&sent).await.unwrap();
            source.shutdown_write();
        };
        let taking = async {
            while got.len() < sent.len() {
                got.reserve(65_536);
                sink.read(&mut got).await.unwrap();
            }
        };
        let (error, (), ()) = tokio::join!(moving, sending, taking);
        assert!(matches!(error, SpliceError::From(e) if e.kind() == io::ErrorKind::UnexpectedEof));
        assert!(got == sent);
    });
}

#[test]
fn a_burst_takes_what_is_there_and_leaves_the_pipe_empty() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let ((source, from), (to, sink)) = (pair().await, pair().await);
        let pipes = Pipes::default();
        let mut pipe = pipes.take().unwrap();
        let mut splice = Splice { from: &from, to: &to, pipe: &mut pipe, left: u64::MAX };
        assert_eq!(splice.burst().await.unwrap(), None);
        source.write_all(b"abc").await.unwrap();
        from.readable().await.unwrap();
        assert_eq!(splice.burst().await.unwrap(), Some(3));
        assert_eq!(splice.burst().await.unwrap(), None);
        let mut got = Vec::with_capacity(16);
        assert_eq!((sink.read(&mut got).await.unwrap(), &*got), (3, &b"abc"[..]));
        source.shutdown_write();
        from.readable().await.unwrap();
        assert_eq!(splice.burst().await.unwrap(), Some(0));
        pipes.give(pipe);
        assert_eq!(pipes.free.borrow().len(), 1);
    });
}

#[test]
fn only_so_many_pipes_are_open_at_once() {
    let pipes = Pipes::default();
    let mut taken: Vec<_> = (0..OPEN_MAX).map(|_| pipes.take().unwrap()).collect();
    assert!(pipes.take().is_none());
    pipes.give(taken.pop().unwrap());
    assert!(pipes.take().is_some());
    taken.truncate(OPEN_MAX - 2);
    assert!(pipes.take().is_some());
}
