use proptest::prelude::*;

use super::*;

#[test]
fn known_encodings() {
    let mut writer = Writer::default();
    writer.number(1, 150);
    writer.text(2, b"testing");
    writer.message(3, |inner| inner.number(1, 150));
    writer.number(4, 0);
    writer.text(5, b"");
    writer.message(6, |_| {});
    let bytes = writer.into_bytes();
    assert_eq!(bytes, b"\x08\x96\x01\x12\x07testing\x1a\x03\x08\x96\x01\x32\x00");
    let found = fields(&bytes).unwrap();
    let numbers: Vec<u32> = found.iter().map(|(field, _)| *field).collect();
    assert_eq!(numbers, [1, 2, 3, 6]);
    assert_eq!(found[0].1.number(), 150);
    assert_eq!(found[1].1.bytes(), b"testing");
    assert_eq!((found[0].1.bytes(), found[1].1.number()), (&b""[..], 0));
}

#[test]
fn fixed_numbers_are_passed_over_and_broken_messages_are_none() {
    assert_eq!(
        fields(b"\x0d\x01\x02\x03\x04\x11\x01\x02\x03\x04\x05\x06\x07\x08").unwrap().len(),
        2
    );
    for broken in [
        &b"\x08"[..],
        b"\x08\x80",
        b"\x12\x05abc",
        b"\x0b",
        b"\x00\x01",
        b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a",
    ] {
        assert_eq!(fields(broken), None, "{broken:?}");
    }
}

proptest! {
    #[test]
    fn numbers_and_bytes_come_back(number in 1u64.., bytes in prop::collection::vec(any::<u8>(), 1..300)) {
        let mut writer = Writer::default();
        writer.number(7, number);
        writer.bytes(300, &bytes);
        let message = writer.into_bytes();
        prop_assert_eq!(fields(&message).unwrap(), [(7, Value::Number(number)), (300, Value::Bytes(&bytes))]);
    }

    #[test]
    fn no_message_breaks_the_reader(message in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = fields(&message);
    }
}
