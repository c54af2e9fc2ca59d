use portunus_base::{Clock, SystemClock, Wall};
use proptest::prelude::*;

use super::*;

fn record() -> AccessRecord<'static> {
    AccessRecord {
        time: Wall(1_795_502_726_050_000),
        request_id: b"r-1",
        client_ip: Some("192.0.2.7".parse().unwrap()),
        client_port: 5000,
        peer_ip: Some("2001:db8::1".parse().unwrap()),
        listener: "web",
        protocol: "h1",
        scheme: "http",
        method: b"GET",
        host: b"shop.example.com",
        path: b"/orders/7",
        query: b"full=1",
        version: "HTTP/1.1",
        status: 200,
        phase: "finish",
        route: "shop /orders",
        upstream: "orders",
        endpoint: "10.0.0.1:80",
        attempts: 2,
        duration_us: 12_345,
        upstream_us: Some(11_000),
        bytes_in: 210,
        bytes_out: 1_300,
        user_agent: b"curl/8.0",
        ..AccessRecord::default()
    }
}

fn written(format: &Format, record: &AccessRecord<'_>) -> String {
    let mut out = Vec::new();
    format.write(record, &mut TimeCache::default(), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn json_has_the_fields_in_their_order() {
    let expected = concat!(
        r#"{"time":"2026-11-24T06:45:26.050Z","request_id":"r-1","client.ip":"192.0.2.7","#,
        r#""client.port":5000,"peer.ip":"2001:db8::1","listener":"web","protocol":"h1","scheme":"http","#,
        r#""method":"GET","host":"shop.example.com","path":"/orders/7","query":"full=1","#,
        r#""version":"HTTP/1.1","status":200,"phase":"finish","route":"shop /orders","#,
        r#""upstream":"orders","endpoint":"10.0.0.1:80","attempts":2,"retried":true,"#,
        r#""duration_ms":12.345,"upstream_ms":11.000,"bytes_in":210,"bytes_out":1300,"#,
        r#""user_agent":"curl/8.0"}"#,
    );
    assert_eq!(written(&Format::json(), &record()), expected);
}

#[test]
fn common_and_combined_are_those_of_apache() {
    let common =
        "192.0.2.7 - - [24/Nov/2026:06:45:26 +0000] \"GET /orders/7?full=1 HTTP/1.1\" 200 1300";
    assert_eq!(written(&Format::common(), &record()), common);
    assert_eq!(written(&Format::combined(), &record()), format!("{common} \"-\" \"curl/8.0\""));
    let user = AccessRecord { user: b"ann lee", ..record() };
    assert!(written(&Format::common(), &user).starts_with("192.0.2.7 - ann\\x20lee ["));
}

#[test]
fn templates_are_filled_in() {
    let check = |template: &str, expected| {
        assert_eq!(written(&template.parse().unwrap(), &record()), expected);
    };
    check(
        "{client.ip} {method} {path} {status} {duration_ms}",
        "192.0.2.7 GET /orders/7 200 12.345",
    );
    check("{{{status}}} {referer}|{retried}", "{200} -|true");
}

#[test]
fn bad_formats_say_what_to_write() {
    let check = |text: &str, expected: FormatError| {
        assert_eq!(text.parse::<Format>().unwrap_err(), expected, "{text}");
    };
    let unknown = |name: &str, nearest| FormatError::Unknown { name: name.to_owned(), nearest };
    check("{stauts}", unknown("stauts", Some("status")));
    check("{zzzzzz}", unknown("zzzzzz", None));
    check("{status", FormatError::Unclosed);
    check("status}{", FormatError::Unopened);
    check("{status}\n{path}", FormatError::Newline);
    check("jsno", FormatError::NoFormat);
    let text = unknown("zzzzzz", None).to_string();
    assert!(text.contains("client.ip, client.port"), "{text}");
}

fn formats() -> [Format; 4] {
    let template = "{host} \"{path}\" {query} {user} \"{user_agent}\" {method} {request_id}";
    [Format::json(), Format::common(), Format::combined(), template.parse().unwrap()]
}

#[test]
fn a_second_line_needs_no_memory() {
    let mut times = TimeCache::default();
    for format in formats() {
        let mut out = Vec::with_capacity(4096);
        format.write(&record(), &mut times, &mut out);
        format.write(&record(), &mut times, &mut out);
        assert_eq!(out.capacity(), 4096);
    }
}

#[test]
#[ignore = "a measurement, for an optimised build: prints the time of one line in each form"]
fn the_cost_of_a_line() {
    let mut times = TimeCache::default();
    let mut out = Vec::with_capacity(64 * 1024);
    let rounds = 1_000_000;
    for format in formats() {
        let start = SystemClock.mono();
        for _ in 0..rounds {
            out.clear();
            format.write(std::hint::black_box(&record()), &mut times, &mut out);
        }
        let us = SystemClock.mono().since_us(start);
        println!("{} ns for {} bytes", us * 1000 / rounds, out.len());
    }
}

proptest! {
    #[test]
    fn no_bytes_break_a_line(bytes: Vec<u8>, more: Vec<u8>) {
        let hostile = AccessRecord {
            host: &bytes,
            path: &more,
            query: &bytes,
            method: &more,
            user: &bytes,
            user_agent: &more,
            referer: &bytes,
            request_id: &more,
            ..record()
        };
        for format in formats() {
            let line = written(&format, &hostile);
            prop_assert!(!line.contains(char::is_control), "{line:?}");
        }
        let line = written(&Format::json(), &hostile);
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(&value["status"], 200);
        // Quotes inside are escaped, so the line has those of the form only.
        let line = written(&Format::combined(), &hostile);
        let bare = line.replace("\\\\", "").replace("\\\"", "");
        prop_assert_eq!(bare.matches('"').count(), 6);
    }
}
