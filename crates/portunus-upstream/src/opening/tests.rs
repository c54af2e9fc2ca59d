use std::task::{Context, Poll, Waker};

use portunus_exchange::{ErrorKind, Retry};

use super::*;

fn poll<F: Future>(future: &mut std::pin::Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn those_who_wait_share_the_outcome() {
    let refused = ProxyError::upstream(ErrorKind::ConnectRefused, Retry::Unsent);
    for failed in [None, Some(refused)] {
        let (opening, pending) = Opening::shared();
        let mut waits = [Box::pin(pending.wait()), Box::pin(pending.wait())];
        waits.iter_mut().for_each(|wait| assert!(poll(wait).is_pending()));
        assert_eq!((pending.waiting(), pending.is_over()), (2, false));
        match failed {
            Some(error) => opening.fail(error),
            None => drop(opening),
        }
        for wait in &mut waits {
            assert_eq!(poll(wait), Poll::Ready(failed.map_or(Ok(()), Err)));
        }
        drop(waits);
        assert_eq!((pending.waiting(), pending.is_over()), (0, true));
    }
}
