use super::*;

fn event(consumed: usize, data: Range<usize>, end: bool) -> ChunkEvent {
    ChunkEvent { consumed, data, end }
}

#[test]
fn one_call_takes_one_run_of_payload_and_the_framing_around_it() {
    let mut decoder = Chunked::new(&Limits::default());
    assert_eq!(decoder.decode(b"5\r\nhello\r\n0\r\n\r\nnext"), Ok(event(15, 3..8, true)));
    assert!(decoder.is_end() && decoder.trailers().is_empty());
    assert_eq!(decoder.decode(b"next"), Ok(event(0, 0..0, true)));
}

#[test]
fn the_next_payload_waits_for_the_next_call() {
    let mut decoder = Chunked::new(&Limits::default());
    let body = b"1;a=b\r\nx\r\n2\r\nyz";
    assert_eq!(decoder.decode(body), Ok(event(13, 7..8, false)));
    assert_eq!(decoder.decode(&body[13..]), Ok(event(2, 0..2, false)));
    assert_eq!(decoder.decode(b""), Ok(event(0, 0..0, false)));
}

#[test]
fn input_may_come_byte_by_byte() {
    let mut decoder = Chunked::new(&Limits::default());
    let body = b"A\r\n0123456789\r\n0\r\nX-Sum: 1\r\nx-b:\r\n\r\n";
    let mut payload = Vec::new();
    for (at, byte) in body.iter().enumerate() {
        let event = decoder.decode(&[*byte]).unwrap();
        assert_eq!((event.consumed, event.end), (1, at + 1 == body.len()), "byte {at}");
        payload.extend(event.data.map(|_| *byte));
    }
    assert_eq!(payload, b"0123456789");
    assert_eq!(decoder.trailers().value(b"x-sum"), Some(&b"1"[..]));
    assert_eq!(decoder.trailers().len(), 2);
}

#[test]
fn the_largest_chunk_is_below_two_to_the_sixty() {
    let mut decoder = Chunked::new(&Limits::default());
    assert_eq!(decoder.decode(b"fffffffffffffff\r\nab"), Ok(event(19, 17..19, false)));
    let mut decoder = Chunked::new(&Limits::default());
    assert_eq!(decoder.decode(b"1000000000000000\r\n"), Err(H1Error::BadChunkSize));
}

#[test]
fn trailers_take_no_more_memory_than_a_head() {
    let limits = Limits { header_bytes_max: 100, ..Limits::default() };
    let mut decoder = Chunked::new(&limits);
    assert!(decoder.decode(b"0\r\n").is_ok());
    let mut fed = 0;
    let fault = loop {
        match decoder.decode(b"X: 1\r\n") {
            Ok(event) => fed += event.consumed,
            Err(fault) => break fault,
        }
    };
    assert_eq!(fault, H1Error::HeadersTooLarge);
    assert!((90..=100).contains(&fed), "{fed}");
    assert!(decoder.section.len() <= 100);
}

#[test]
fn extensions_are_bounded_over_the_whole_body() {
    let limits = Limits { line_bytes_max: 10, ..Limits::default() };
    let mut decoder = Chunked::new(&limits);
    assert!(decoder.decode(b"1;12345\r\nx\r\n").is_ok());
    assert!(decoder.decode(b"1;12345\r\nx\r\n").is_ok());
    assert_eq!(decoder.decode(b"1;1\r\nx\r\n"), Err(H1Error::ChunkExtensionsTooLong));
}
