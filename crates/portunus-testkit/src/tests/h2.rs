use crate::{Broken, Fault, Frames, Gate, H2Client, Origin, Response, Transport, flag, kind};

fn connect(origin: &Origin) -> H2Client {
    H2Client::connect(&origin.address().to_string())
}

#[test]
fn bodies_and_trailers_go_both_ways() {
    let origin =
        Origin::over(Transport::h2(), |_| Response::chunks(&["ab", "c"], &[("x-end", "1")]));
    let client = connect(&origin);
    let answer = client.request("POST", "/a?b").chunks(&["d", "ef"], &[("x-sum", "2")]).send();
    assert_eq!((answer.text(), answer.trailers.one("x-end")), ("abc", Some("1")));
    let request = origin.request();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/a?b"));
    assert_eq!((request.text(), request.trailers.one("x-sum")), ("def", Some("2")));
    assert_eq!(request.host(), Some("shop.test"));
}

#[test]
fn interim_answers_come_before_the_final_one() {
    let origin = Origin::over(Transport::h2(), |_| {
        Response::text("a").after("103 Early Hints", "link: </x>\r\n").after("102 On", "")
    });
    let answer = connect(&origin).get("/");
    assert_eq!(answer.status, 200);
    let lines: Vec<_> = answer.interim.iter().map(|head| head.line.as_str()).collect();
    assert_eq!(lines, ["HTTP/2 103", "HTTP/2 102"]);
    assert_eq!(answer.interim[0].headers.one("link"), Some("</x>"));
}

#[test]
fn resets_and_goaways_are_told_by_their_codes() {
    let origin =
        Origin::h2_raw(Transport::h2(), |exchange| match exchange.request().target.as_str() {
            "/refuse" => exchange.reset(7),
            _ => exchange.abort(11),
        });
    let client = connect(&origin);
    let broken = client.request("GET", "/refuse").try_send().unwrap_err();
    assert_eq!(broken, Broken::Reset("REFUSED_STREAM".to_owned()));
    assert!(client.request("GET", "/calm").try_send().is_err());
    assert_eq!(client.wait_for_close(), Err(Broken::GoAway("ENHANCE_YOUR_CALM".to_owned())));
}

#[test]
fn a_goaway_in_good_order_lets_go_on_what_is_under_way() {
    let gate = Gate::new();
    let opened = gate.clone();
    let origin = Origin::h2_raw(Transport::h2(), move |mut exchange| {
        exchange.read_request();
        exchange.begin(200, &[]);
        exchange.goaway();
        opened.wait();
        exchange.send("late");
        exchange.end();
    });
    let client = connect(&origin);
    let stream = client.request("GET", "/").start().unwrap();
    client.wait_for_goaway();
    gate.open();
    assert_eq!(stream.finish().text(), "late");
    assert_eq!(client.wait_for_close(), Ok(()));
}

#[test]
fn a_client_that_goes_away_is_seen() {
    let gate = Gate::new();
    let seen = gate.clone();
    let origin = Origin::h2_raw(Transport::h2(), move |mut exchange| {
        exchange.record();
        if exchange.wait_for_reset() == Some(8) {
            seen.open();
        }
    });
    let client = connect(&origin);
    let mut stream = client.request("POST", "/").open();
    origin.wait_for(1);
    stream.cancel();
    gate.wait();
}

#[test]
fn what_is_not_read_is_not_sent() {
    let origin = Origin::h2_raw(Transport::h2(), |mut exchange| {
        exchange.begin(200, &[]);
        exchange.send_as_taken(vec![b'a'; 100_000]);
        exchange.end();
    });
    let client = H2Client::connect_with(&origin.address().to_string(), 1000);
    let mut stream = client.request("GET", "/").start().unwrap();
    assert_eq!(stream.data().unwrap().len(), 1000);
    assert_eq!(stream.finish().body.len(), 99_000);
}

#[test]
fn bare_frames_are_read_and_written() {
    let origin = Origin::over(Transport::h2(), |request| {
        let status = request.target.trim_start_matches('/').parse().unwrap_or(200);
        Response::status(status)
    });
    let mut frames = Frames::connect(&origin.address().to_string());
    for (stream, status) in (1..).step_by(2).zip([200, 204, 304, 404, 500, 418, 503, 431, 421]) {
        frames.get(stream, &format!("/{status}"));
        assert_eq!(frames.status(stream), status);
    }
    frames.settle();
    let malformed = [(":method", "GET"), (":scheme", "http"), (":path", "/"), ("connection", "a")];
    frames.headers(99, flag::END_STREAM, &malformed);
    assert_eq!(frames.fault(), Fault::Stream(99, 1));
    frames.send(kind::PING, flag::NONE, 0, b"short");
    assert_eq!(frames.fault(), Fault::Connection(1));
    frames.wait_for_close();
}
