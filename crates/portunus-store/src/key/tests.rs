use super::{BODY_DIGITS, KeyText, PREFIX, SUM_DIGITS, base62, crc32};

/// Whether a text is of the form of our keys, as a scanner for leaked secrets would look at it.
fn fits(text: &str) -> bool {
    let rest = text.strip_prefix(PREFIX).and_then(|rest| rest.split_at_checked(BODY_DIGITS));
    let Some((body, sum)) = rest else { return false };
    body.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && sum == base62(&crc32(body.as_bytes()).to_be_bytes(), SUM_DIGITS)
}

#[test]
fn keys_are_of_one_form_and_never_twice_the_same() {
    let keys: Vec<KeyText> = (0..100).map(|_| KeyText::generate().unwrap()).collect();
    for key in &keys {
        assert_eq!(key.expose().len(), "portunus_".len() + 49);
        assert!(fits(key.expose()), "{}", key.expose());
        assert_eq!(format!("{key:?}"), "KeyText(..)");
    }
    let mut texts: Vec<&str> = keys.iter().map(KeyText::expose).collect();
    texts.sort_unstable();
    texts.dedup();
    assert_eq!(texts.len(), keys.len());
}

#[test]
fn the_form_is_pinned() {
    let zeros = KeyText::of(&[0; 32]);
    assert_eq!(&zeros.expose()[..52], format!("portunus_{}", "0".repeat(43)));
    // 2^256 - 1 in base 62.
    let full = KeyText::of(&[255; 32]);
    assert_eq!(&full.expose()[9..52], "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
}

#[test]
fn the_sum_is_crc_32() {
    // The check value of the catalogue of CRCs.
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    assert_eq!(base62(&[0, 61], 2), "0z");
    assert_eq!(base62(&[0, 62], 2), "10");
}

#[test]
fn a_changed_key_does_not_fit() {
    let key = KeyText::of(&[7; 32]);
    for at in 0..key.expose().len() {
        let mut text = key.expose().to_owned().into_bytes();
        text[at] = if text[at] == b'a' { b'b' } else { b'a' };
        assert!(!fits(std::str::from_utf8(&text).unwrap()), "at {at}");
    }
    for text in ["", "portunus_", "portunus_ß", &key.expose()[..57]] {
        assert!(!fits(text));
    }
}
