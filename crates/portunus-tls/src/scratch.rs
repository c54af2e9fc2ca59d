//! Working memory of a thread: connections hold no buffers of their own while nothing is under way.

use std::cell::Cell;

thread_local! {
    static INCOMING: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static OUTGOING: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static GATHERED: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Bytes as they come from the socket. What it holds at first means nothing; it only saves filling it with zeros.
pub(crate) fn incoming<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    with(&INCOMING, work)
}

/// Bytes as they go to the socket. What it holds at first means nothing, as above.
pub(crate) fn outgoing<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    with(&OUTGOING, work)
}

/// Plain bytes that make one record together; empty at first.
pub(crate) fn gathered<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    with(&GATHERED, |bytes| {
        bytes.clear();
        work(bytes)
    })
}

/// Makes room for so many bytes; what is there already is not written once more.
pub(crate) fn grow(bytes: &mut Vec<u8>, len: usize) {
    if bytes.len() < len {
        bytes.resize(len, 0);
    }
}

fn with<R>(
    place: &'static std::thread::LocalKey<Cell<Vec<u8>>>,
    work: impl FnOnce(&mut Vec<u8>) -> R,
) -> R {
    let mut bytes = place.take();
    let done = work(&mut bytes);
    if bytes.capacity() <= KEEP_MAX {
        place.set(bytes);
    }
    done
}

/// Larger memory is given back.
const KEEP_MAX: usize = 256 * 1024;
