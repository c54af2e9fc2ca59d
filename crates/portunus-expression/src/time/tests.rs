use super::*;

#[test]
fn durations_are_read_and_written() {
    for (text, written) in [
        ("0", "0s"),
        ("1h30m", "5400s"),
        ("-1.5s", "-1.5s"),
        ("+250ms", "0.25s"),
        (".5h", "1800s"),
        ("1.s", "1s"),
        ("1us1ns", "0.000001001s"),
        ("1.0000000009s", "1s"),
        ("2562047h", "9223369200s"),
    ] {
        let span = read_span(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(span_text(span), written, "{text}");
    }
    for wrong in
        ["", "-", "5", "s", "1d", "1h 1m", ".s", "1.2.3s", "2562048h", "99999999999999h", "--1s"]
    {
        assert_eq!(read_span(wrong), None, "{wrong}");
    }
}

#[test]
fn zones() {
    let hour =
        |name: &str| zone(name).map(|zone| TimePart::Hours.of_time(Timestamp::UNIX_EPOCH, &zone));
    assert_eq!(hour("UTC"), Some(0));
    assert_eq!(hour("+05:30"), Some(5));
    assert_eq!(hour("05:30"), Some(5));
    assert_eq!(hour("-02:00"), Some(22));
    for wrong in ["", "+5", "+15:00", "+01:60", "Nowhere/Else", "é"] {
        assert_eq!(hour(wrong), None, "{wrong}");
    }
}

#[test]
fn wall_times() {
    assert_eq!(of_wall(Wall(1_500_000)).to_string(), "1970-01-01T00:00:01.5Z");
    assert_eq!(of_wall(Wall(u64::MAX)), Timestamp::MAX);
}
