use super::*;

fn parse(section: &[u8]) -> Result<Vec<(String, String)>, H1Error> {
    let mut list = HeaderList::default();
    assert_eq!(section_len(section), Some(section.len()));
    check_section(section)?;
    list.store(section);
    parse_section(section, 0, &Limits::default(), &mut list)?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Ok(list.iter().map(|header| (text(header.name), text(header.value))).collect())
}

#[test]
fn names_keep_their_case_and_values_lose_their_padding() {
    let found =
        parse(b"\r\nhost: a\r\nX-Empty:\r\nX-Blank: \t \r\nX-Inner: \tb c\td \r\n\r\n").unwrap();
    let expected = [("host", "a"), ("X-Empty", ""), ("X-Blank", ""), ("X-Inner", "b c\td")];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(found, expected);
    assert_eq!(parse(b"\r\n\r\n").unwrap(), []);
}

#[test]
fn the_first_fault_is_named_wherever_it_stands() {
    for pad in 0..40 {
        let pad = "p".repeat(pad);
        let check = |value: &str, fault| {
            let section = format!("\r\nX-A: {pad}{value}{pad}\r\n\r\n");
            assert_eq!(parse(section.as_bytes()), Err(fault), "{value:?} at {}", pad.len());
        };
        check("\n", H1Error::BareLf);
        check("\r", H1Error::BareCr);
        check("\0", H1Error::BadHeaderValue);
        check("\x7f", H1Error::BadHeaderValue);
        check("\n\r\0", H1Error::BareLf);
        check("\x1f\n", H1Error::BadHeaderValue);
    }
}

#[test]
fn each_byte_is_allowed_in_a_value_or_not() {
    for byte in 0..=255u8 {
        let section = [b"\r\nX-A: b", &[byte][..], b"c\r\n\r\n"].concat();
        let allowed = byte == b'\t' || (byte >= 0x20 && byte != 0x7f);
        assert_eq!(check_section(&section).is_ok(), allowed, "{byte:#x}");
    }
}
