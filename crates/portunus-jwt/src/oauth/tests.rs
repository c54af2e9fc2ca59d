use super::*;
use portunus_http::percent_decode_into;
use proptest::prelude::*;

#[test]
fn names_and_secrets_are_encoded_as_in_forms() {
    // RFC 6749 section 2.3.1.
    assert_eq!(
        basic("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw"),
        "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"
    );
    assert_eq!(basic("a:b", "c d"), format!("Basic {}", STANDARD.encode("a%3Ab:c+d")));
    assert_eq!(form(&[("a", "b c"), ("é", "&=")]), b"a=b+c&%C3%A9=%26%3D");
}

proptest! {
    #[test]
    fn a_form_is_read_back(text in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut out = Vec::new();
        form_encode_into(&text, &mut out);
        prop_assert!(out.iter().all(|byte| byte.is_ascii_graphic() && !b"&=;".contains(byte)));
        out.iter_mut().for_each(|byte| if *byte == b'+' { *byte = b' ' });
        let mut read = Vec::new();
        percent_decode_into(&out, &mut read);
        prop_assert_eq!(read, text);
    }
}
