use super::*;

#[test]
fn buffers_come_back_empty_and_grown_ones_do_not() {
    let buffers = Buffers::default();
    let mut buffer = buffers.take();
    buffer.extend_from_slice(b"secret");
    let place = buffer.as_ptr();
    buffers.give(buffer);
    let again = buffers.take();
    assert!(again.is_empty() && again.as_ptr() == place);
    buffers.give(Vec::with_capacity(10 * BUFFER_BYTES));
    buffers.give(Vec::new());
    assert!(buffers.free.borrow().is_empty());
}
