use std::cell::Cell;
use std::rc::Rc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::task::spawn_local;

use super::*;

#[test]
fn two_thousand_at_once_let_everybody_else_have_turns() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let gate = Rc::new(HandshakeGate::default());
        let done = Rc::new(Cell::new(0));
        let all: Vec<_> = (0..2000)
            .map(|_| {
                let (gate, done) = (Rc::clone(&gate), Rc::clone(&done));
                spawn_local(async move {
                    for _ in 0..2 {
                        gate.pass(|| done.set(done.get() + 1)).await;
                    }
                })
            })
            .collect();
        // Somebody whose bytes come by a socket.
        let (mut here, mut there) = UnixStream::pair().unwrap();
        let (mut before, mut most) = (0, 0);
        while done.get() < 4000 {
            here.write_all(b"x").await.unwrap();
            there.read_exact(&mut [0]).await.unwrap();
            most = most.max(done.get() - before);
            before = done.get();
        }
        for one in all {
            one.await.unwrap();
        }
        assert!(most <= 2 * STEPS, "{most} steps ran between two turns");
    });
}
