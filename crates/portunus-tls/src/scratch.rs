//! Working memory of a thread: connections hold no buffers of their own while nothing is under way.

use std::cell::Cell;

thread_local! {
    static INCOMING: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static OUTGOING: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static GATHERED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Bytes as they come from the socket.
pub(crate) fn incoming<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    with(&INCOMING, work)
}

/// Bytes as they go to the socket.
pub(crate) fn outgoing<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    with(&OUTGOING, work)
}

/// Plain bytes that make one record together.
pub(crate) fn gathered<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    with(&GATHERED, work)
}

fn with<R>(
    place: &'static std::thread::LocalKey<Cell<Vec<u8>>>,
    work: impl FnOnce(&mut Vec<u8>) -> R,
) -> R {
    let mut bytes = place.take();
    bytes.clear();
    let done = work(&mut bytes);
    if bytes.capacity() <= KEEP_MAX {
        place.set(bytes);
    }
    done
}

/// Larger memory is given back.
const KEEP_MAX: usize = 256 * 1024;
