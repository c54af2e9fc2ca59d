use crate::args::Args;
use crate::http::{Head, answer_length};

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn arguments_are_pairs() {
    let args = Args::parse(words("--rate 100 --path /1k")).unwrap();
    assert_eq!(args.required::<u64>("rate").unwrap(), 100);
    assert_eq!(args.required::<String>("path").unwrap(), "/1k");
    assert!(args.optional::<u64>("seconds").unwrap().is_none());
    assert!(args.required::<u64>("path").is_err());
    assert!(Args::parse(words("--rate")).is_err());
    assert!(Args::parse(words("rate 100")).is_err());
}

#[test]
fn an_answer_ends_where_its_content_length_says() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
    assert_eq!(answer_length(head.as_bytes()).unwrap(), Some(head.len() + 5));
    assert_eq!(answer_length(b"HTTP/1.1 200 OK\r\ncontent-le").unwrap(), None);
    assert!(answer_length(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n").is_err());
    assert!(answer_length(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
}

#[test]
fn a_head_tells_whether_the_connection_goes_on() {
    let answer =
        b"HTTP/1.1 503 Service Unavailable\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nno";
    let head = Head { status: 503, bytes: answer.len() - 2, body_bytes: Some(2), closes: true };
    assert_eq!(Head::parse(answer).unwrap(), Some(head));
    let open = Head::parse(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap().unwrap();
    assert_eq!((open.closes, open.body_bytes), (false, None));
    assert_eq!(Head::parse(b"HTTP/1.1 2").unwrap(), None);
    assert!(Head::parse(b"\x15\xff\0\r\n\r\n").is_err());
    assert!(Head::parse(b"SSH-2.0-x\r\n\r\n").is_err());
}
