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
                    for which in [Step::First, Step::Later] {
                        gate.pass(which, || done.set(done.get() + 1)).await;
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
        assert!(most <= 3 * STEPS, "{most} steps ran between two turns");
    });
}

#[test]
fn what_was_begun_is_brought_to_its_end_before_the_next_begins() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let gate = Rc::new(HandshakeGate::default());
        let begun = Rc::new(Cell::new(0));
        for _ in 0..1000 {
            let (gate, begun) = (Rc::clone(&gate), Rc::clone(&begun));
            spawn_local(async move { gate.pass(Step::First, || begun.set(begun.get() + 1)).await });
        }
        gate.pass(Step::Later, || ()).await;
        assert!(begun.get() <= 2 * STEPS, "{} began before it", begun.get());
    });
}
