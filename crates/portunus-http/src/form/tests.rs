use proptest::prelude::*;

use super::*;
use crate::is_unreserved;

fn encoded(text: &[u8]) -> String {
    let mut out = Vec::new();
    form_encode_into(text, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn forms_have_plus_for_spaces_and_few_plain_letters() {
    assert_eq!(encoded(b"a b  c "), "a+b++c+");
    assert_eq!(encoded("ü&=+~*-._%".as_bytes()), "%C3%BC%26%3D%2B%7E*-._%25");
    assert_eq!(form_decoded(b"a+b%2Bc%zz%2"), b"a b+c%zz%2");
    let mut out = Vec::new();
    form_encode_pairs([(&b"a"[..], &b"b c"[..]), ("é".as_bytes(), b"&=")], &mut out);
    assert_eq!(out, b"a=b+c&%C3%A9=%26%3D");
}

#[test]
fn parts_of_urls_have_no_plus() {
    let mut out = Vec::new();
    percent_encode_into("ü/? ~".as_bytes(), is_unreserved, &mut out);
    assert_eq!(out, b"%C3%BC%2F%3F%20~");
}

proptest! {
    #[test]
    fn what_is_encoded_is_read_back(text in prop::collection::vec(any::<u8>(), 0..40)) {
        let out = encoded(&text);
        prop_assert!(out.bytes().all(|byte| byte.is_ascii_graphic() && !b"&=;".contains(&byte)));
        prop_assert_eq!(form_decoded(out.as_bytes()), text);
    }
}
