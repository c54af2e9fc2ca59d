use super::*;

#[test]
fn a_question_is_a_frame_with_one_field() {
    assert_eq!(message(""), [0, 0, 0, 0, 0]);
    assert_eq!(message("a.B"), *b"\0\0\0\0\x05\x0a\x03a.B");
    let long = "x".repeat(200);
    assert_eq!(message(&long).get(..8), Some(&[0, 0, 0, 0, 203, 0x0a, 200, 1][..]));
}

async fn judged(status: u16, grpc: Option<&str>, body: &'static [u8]) -> Result<(), String> {
    let mut answer = Response::builder().status(status);
    if let Some(code) = grpc {
        answer = answer.header("grpc-status", code);
    }
    judge(answer.body(Full::new(Bytes::from_static(body))).unwrap()).await
}

#[tokio::test]
async fn only_a_service_that_serves_is_healthy() {
    assert_eq!(judged(200, Some("0"), b"\0\0\0\0\x02\x08\x01").await, Ok(()));
    for (status, grpc, body, told) in [
        (200, Some("0"), &b"\0\0\0\0\x02\x08\x02"[..], "it is not serving"),
        (200, Some("0"), b"\0\0\0\0\x02\x08\x03", "it does not know the service"),
        (200, Some("0"), b"\0\0\0\0\0", "its state is unknown"),
        (200, Some("0"), b"\0\0\0\0\x09\x08\x01", "its state is unknown"),
        (200, Some("0"), b"", "its state is unknown"),
        (200, Some("12"), b"", "it answered grpc-status 12"),
        (200, None, b"", "it answered no gRPC"),
        (404, None, b"", "it answered 404"),
    ] {
        assert_eq!(judged(status, grpc, body).await, Err(told.to_owned()));
    }
}
