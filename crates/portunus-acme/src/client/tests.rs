use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, StatusCode};
use portunus_base::Wall;

use super::{Client, Pause, retry_at};

const NOW: Wall = Wall(1_000_000_000_000_000);

#[test]
fn retry_after_is_seconds_or_a_date() {
    assert_eq!(retry_at(" 60 ", NOW), Some(Wall(NOW.0 + 60_000_000)));
    let date = retry_at("Sun, 09 Sep 2001 01:47:40 GMT", NOW);
    assert_eq!(date, Some(Wall(NOW.0 + 60_000_000)));
    assert_eq!(retry_at("soon", NOW), None);
}

#[test]
fn only_a_refusal_makes_a_pause_and_none_lasts_for_ever() {
    let pause = Pause::default();
    let until = || pause.until_us.load(std::sync::atomic::Ordering::Relaxed);
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("120"));
    pause.note(StatusCode::OK, &headers, NOW);
    assert_eq!(until(), 0, "an order that is being worked on has this header too");
    pause.note(StatusCode::TOO_MANY_REQUESTS, &headers, NOW);
    assert_eq!(until(), NOW.0 + 120_000_000);
    headers.insert(RETRY_AFTER, HeaderValue::from_static("99999999999999999999"));
    pause.note(StatusCode::SERVICE_UNAVAILABLE, &headers, NOW);
    assert_eq!(until(), NOW.0 + 120_000_000, "not a number that we know");
    headers.insert(RETRY_AFTER, HeaderValue::from_static("999999999"));
    pause.note(StatusCode::SERVICE_UNAVAILABLE, &headers, NOW);
    assert_eq!(until(), NOW.0 + 7 * 24 * 3600 * 1_000_000);
}

#[test]
fn roots_without_a_certificate_are_refused() {
    let error = Client::new(Some(b"nothing")).err().unwrap();
    assert!(error.to_string().contains("no certificate"), "{error}");
}
