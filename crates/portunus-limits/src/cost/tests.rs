use super::*;
use portunus_spec::NoLookup;

#[test]
fn costs_are_written_as_they_are_read() {
    for cost in [
        Cost::Fixed(3),
        Cost::RequestHeader { name: "X-Cost".to_owned(), max: None },
        Cost::RequestHeader { name: "X-Cost".to_owned(), max: Some(9) },
        Cost::ResponseHeader("X-Cost".to_owned()),
        Cost::ResponseBytes(ByteSize(1024)),
    ] {
        let mut reader = Reader::new(&NoLookup);
        assert_eq!(Cost::read(&cost.write(), &mut reader), Some(cost));
    }
}

#[test]
fn sizes_and_headers_of_answers_are_costs_afterwards() {
    let mut exchange = Exchange::default();
    exchange.bytes.response = 1025;
    exchange.response.headers.append(b"X-Cost", b" 12 ");
    let header = |name: &str| Cost::ResponseHeader(name.to_owned());
    assert_eq!(Cost::ResponseBytes(ByteSize(1024)).after(&exchange), 2);
    assert_eq!(Cost::ResponseBytes(ByteSize(0)).after(&exchange), 1025);
    assert_eq!((header("X-Cost").after(&exchange), header("X-None").after(&exchange)), (12, 1));
    assert_eq!((header("X-Cost").before(&exchange, || 9), Cost::Fixed(5).after(&exchange)), (1, 0));
}

#[test]
fn a_client_cannot_ask_for_more_than_there_ever_is() {
    let mut exchange = Exchange::default();
    exchange.request.headers.append(b"X-Cost", b"4294967295");
    let cost = |max| Cost::RequestHeader { name: "X-Cost".to_owned(), max };
    assert_eq!(cost(None).before(&exchange, || 9), 9);
    assert_eq!(cost(Some(3)).before(&exchange, || 9), 3);
    let mut low = Exchange::default();
    low.request.headers.append(b"X-Cost", b"0");
    assert_eq!(cost(Some(3)).before(&low, || 9), 1);
}
