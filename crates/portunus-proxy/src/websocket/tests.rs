use super::*;

#[test]
fn the_proof_is_that_of_the_standard() {
    // RFC 6455 section 1.3.
    assert_eq!(accept_of(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

#[test]
fn what_is_there_stays() {
    let mut request = RequestHead::default();
    add_key(&mut request, [1, 2]);
    let key = request.headers.value(KEY).unwrap().to_vec();
    assert_eq!(STANDARD.decode(&key).unwrap().len(), 16);
    add_key(&mut request, [3, 4]);
    assert_eq!(request.headers.values(KEY).count(), 1);
    let mut answer = ResponseHead::default();
    answer.headers.append_id(HeaderId::SecWebsocketAccept, b"x");
    add_accept(&request, &mut answer);
    assert_eq!(answer.headers.value_of(HeaderId::SecWebsocketAccept), Some(&b"x"[..]));
}
