//! The filter `grpc_web`.

use portunus_testkit::{H2Client, Origin, Program, Response, Transport};

const CONFIG: &str = r#"
upstreams: {shop: {endpoints: "{origin}", http: 2}}
hosts: {"*": {use: [grpc_web], routes: {/shop.Shop/**: shop}}}
"#;

/// An origin of gRPC that sends each message back, and the program before it.
fn start() -> (Origin, Program) {
    let origin = Origin::over(Transport::h2(), |request| {
        let trailers = [("grpc-status", "0"), ("grpc-message", "done")];
        let text = String::from_utf8(request.body.clone()).unwrap();
        Response::chunks(&[&text], &trailers).header("content-type", "application/grpc+proto")
    });
    let program = Program::config(CONFIG).fill("origin", &origin).start();
    (origin, program)
}

/// A message of gRPC: five bytes of head, and `abc`.
const MESSAGE: &[u8] = b"\0\0\0\0\x03abc";
/// The same in base64.
const TEXT: &str = "AAAAAANhYmM=";

/// The trailers as the last message of an answer.
fn trailers(message: &[u8]) -> String {
    let (head, text) = message.split_at(5);
    assert_eq!(head[0], 0x80, "the flag of trailers");
    assert_eq!(u32::from_be_bytes(head[1..].try_into().unwrap()) as usize, text.len());
    String::from_utf8(text.to_vec()).unwrap()
}

#[test]
fn a_browser_s_call_becomes_grpc_and_its_trailers_a_message() {
    let (origin, program) = start();
    let mut client = program.client();
    let sending = client.request("POST", "/shop.Shop/Echo").header("X-Grpc-Web", "1");
    let answer = sending.header("Content-Type", "application/grpc-web+proto").body(MESSAGE).send();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/grpc-web+proto"));
    let (message, last) = answer.body.split_at(MESSAGE.len());
    assert_eq!(message, MESSAGE);
    let told = trailers(last).to_ascii_lowercase();
    assert!(told.contains("grpc-status:0\r\n") || told.contains("grpc-status: 0\r\n"), "{told}");
    assert!(told.contains("done"), "{told}");
    assert_eq!(answer.header("content-length"), None);
    let request = origin.request();
    assert_eq!(request.header("content-type"), Some("application/grpc+proto"));
    assert_eq!((request.header("te"), request.header("x-grpc-web")), (Some("trailers"), None));
    assert_eq!(request.body, MESSAGE);
}

#[test]
fn text_goes_both_ways_over_http_2_as_well() {
    let (origin, program) = start();
    let client = H2Client::connect(&program.address("web"));
    let sending = client.request("POST", "/shop.Shop/Echo");
    let sending = sending.header("content-type", "application/grpc-web-text");
    let answer = sending.body(TEXT).send();
    assert_eq!(answer.header("content-type"), Some("application/grpc-web-text+proto"));
    assert!(answer.text().starts_with(TEXT), "{answer:?}");
    assert!(answer.trailers.0.is_empty(), "{answer:?}");
    assert_eq!(origin.request().body, MESSAGE);
}

#[test]
fn text_that_is_no_base64_is_refused() {
    let (origin, program) = start();
    let mut client = program.client();
    let sending = client.request("POST", "/shop.Shop/Echo");
    let sending = sending.header("Content-Type", "application/grpc-web-text").body("!!!!");
    let answer = sending.send();
    assert!(answer.status == 400 || answer.header("grpc-status").is_some(), "{answer:?}");
    assert!(origin.requests().iter().all(|request| !request.is_complete));
}

#[test]
fn a_call_of_grpc_itself_passes_untouched() {
    let (_origin, program) = start();
    let client = H2Client::connect(&program.address("web"));
    let sending = client.request("POST", "/shop.Shop/Echo").header("te", "trailers");
    let answer = sending.header("content-type", "application/grpc+proto").body(MESSAGE).send();
    assert_eq!(answer.body, MESSAGE, "{answer:?}");
    assert_eq!(answer.trailers.one("grpc-status"), Some("0"));
}
