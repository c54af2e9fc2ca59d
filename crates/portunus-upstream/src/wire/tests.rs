use super::*;

fn body(framing: Framing, bytes: &[u8], cut: usize) -> (Vec<u8>, Step, usize) {
    let mut reader = BodyReader::new(framing, &Limits::default());
    let mut buffer = ReadBuffer::new(Vec::with_capacity(64));
    let (mut got, mut last) = (Vec::new(), Step::Starved);
    for part in bytes.chunks(cut) {
        buffer.make_room(64).extend_from_slice(part);
        loop {
            last = reader.step(&mut buffer).unwrap();
            match &last {
                Step::Piece(piece) => got.extend_from_slice(buffer.piece(piece.clone())),
                Step::Starved | Step::End => break,
            }
        }
    }
    (got, last, buffer.filled().len())
}

#[test]
fn bodies_come_whole_however_they_are_cut() {
    let chunked = b"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\nNEXT";
    for cut in 1..chunked.len() {
        assert_eq!(body(Framing::Chunked, chunked, cut), (b"abcde".to_vec(), Step::End, 4));
        assert_eq!(body(Framing::Length(5), b"abcdeNEXT", cut), (b"abcde".to_vec(), Step::End, 4));
        assert_eq!(body(Framing::Close, b"abcde", cut), (b"abcde".to_vec(), Step::Starved, 0));
    }
}

#[test]
fn the_end_of_the_stream_cuts_what_has_a_length() {
    let limits = Limits::default();
    assert!(BodyReader::new(Framing::Close, &limits).close().is_ok());
    assert!(BodyReader::new(Framing::Length(1), &limits).close().is_err());
    assert!(BodyReader::new(Framing::Chunked, &limits).close().is_err());
    assert!(BodyReader::new(Framing::None, &limits).close().is_ok());
}
