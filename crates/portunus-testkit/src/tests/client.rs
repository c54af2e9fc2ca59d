use crate::{Client, End, Framing, Origin, Response};

fn connect(origin: &Origin) -> Client {
    Client::connect(&origin.address().to_string())
}

#[test]
fn requests_of_a_kept_connection_arrive_as_they_were_sent() {
    let origin = Origin::new(|request| Response::text(format!("{} it", request.method)));
    let mut client = connect(&origin);
    assert_eq!(client.get("/a?b").text(), "GET it");
    let answer = client.request("PUT", "/c").header("X-A", "1").body("four").send();
    assert!(answer.keeps_connection());
    let request = origin.wait_for(2);
    assert_eq!((request.method.as_str(), request.target.as_str()), ("PUT", "/c"));
    assert_eq!((request.header("x-a"), request.text()), (Some("1"), "four"));
    assert_eq!((origin.connections(), request.connection), (1, 1));
}

#[test]
fn chunks_and_trailers_go_both_ways() {
    let origin = Origin::new(|_| Response::chunks(&["ab", "c"], &[("X-End", "1")]));
    let answer =
        connect(&origin).request("POST", "/").chunks(&["d", "ef"], &[("X-Sum", "2")]).send();
    assert_eq!((answer.text(), answer.framing), ("abc", Framing::Chunked));
    assert_eq!(answer.trailers.one("x-end"), Some("1"));
    let request = origin.request();
    assert_eq!((request.text(), request.trailers.one("x-sum")), ("def", Some("2")));
}

#[test]
fn interim_answers_come_before_the_final_one() {
    let origin = Origin::new(|_| Response::text("a").after("103 Early Hints", "Link: </x>\r\n"));
    let answer = connect(&origin).get("/");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.interim[0].headers.one("link"), Some("</x>"));
}

#[test]
fn an_answer_to_head_has_no_body() {
    let origin = Origin::text("abc");
    let mut client = connect(&origin);
    let answer = client.request("HEAD", "/").send();
    assert_eq!((answer.header("content-length"), answer.text()), (Some("3"), ""));
    assert_eq!(client.get("/").text(), "abc");
}

#[test]
fn the_end_of_the_connection_ends_a_body_without_length() {
    let origin = Origin::new(|_| Response::until_close("abc"));
    let mut client = connect(&origin);
    let answer = client.get("/");
    assert_eq!((answer.text(), answer.is_complete), ("abc", true));
    assert!(!answer.keeps_connection());
    assert_eq!(client.wait_for_close(), End::Closed);
}

#[test]
#[should_panic(expected = "bare CR, LF or NUL")]
fn a_bare_line_feed_in_an_answer_is_seen() {
    let origin = crate::faulty::saying("HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n");
    connect(&origin).get("/");
}

#[test]
#[should_panic(expected = "contradicting framing")]
fn contradicting_framing_in_an_answer_is_seen() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n";
    connect(&crate::faulty::saying(head)).get("/");
}

#[test]
#[should_panic(expected = "bytes instead of the end")]
fn bytes_after_the_last_answer_are_seen() {
    let origin = crate::faulty::saying("HTTP/1.1 204 None\r\n\r\nmore");
    let mut client = connect(&origin);
    client.get("/");
    client.wait_for_close();
}
