use super::*;
use portunus_filter::testing::header;

#[test]
fn challenges_say_what_is_wrong() {
    let challenge = |reply: &Reply| header(reply, "WWW-Authenticate").unwrap().to_owned();
    assert_eq!(challenge(&missing("shop")), "Bearer realm=\"shop\"");
    let reply = refused("shop", &FilterReason::INVALID, "The \"thing\" is\nwröng.", "read");
    let expected = "Bearer realm=\"shop\", error=\"invalid_token\", error_description=\"The 'thing' is?wr?ng.\"";
    assert_eq!((reply.status, challenge(&reply).as_str()), (401, expected));
    let reply = refused("shop", &FilterReason::FORBIDDEN, "No.", "read write");
    let expected = "Bearer realm=\"shop\", error=\"insufficient_scope\", error_description=\"No.\", scope=\"read write\"";
    assert_eq!((reply.status, challenge(&reply).as_str()), (403, expected));
}
