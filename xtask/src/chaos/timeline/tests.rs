use super::{Timeline, Window};

const REPORT: &str = r#"{"slices":[
    {"good":98,"lost":{},"latencies":[[100,90],[200,8]]},
    {"good":2,"lost":{"503":1,"timeout":2},"latencies":[[200,1],[9000,1]]},
    {"good":0,"lost":{"connect":5},"latencies":[]}]}"#;

#[test]
fn a_window_is_the_sum_of_its_seconds() {
    let timeline = Timeline::parse(REPORT).unwrap();
    let window = timeline.window(0..2);
    assert_eq!((window.good, window.requests(), window.lost_in_all()), (100, 103, 3));
    assert_eq!(window.lost.get("timeout"), Some(&2));
    assert_eq!(timeline.window(1..99).requests(), 10);
    assert_eq!(timeline.window(7..9), Window::default());
}

#[test]
fn quantiles_are_those_of_good_answers() {
    let timeline = Timeline::parse(REPORT).unwrap();
    let window = timeline.window(0..3);
    assert_eq!(window.quantile_us(0.5), Some(100));
    assert_eq!(window.quantile_us(0.99), Some(200));
    assert_eq!(window.quantile_us(1.0), Some(9000));
    assert_eq!(timeline.window(2..3).quantile_us(0.99), None);
}

#[test]
fn the_worst_second_is_not_hidden_by_the_others() {
    let timeline = Timeline::parse(REPORT).unwrap();
    assert_eq!(timeline.worst_p99_us(0..3), 9000);
    assert_eq!(timeline.worst_p99_us(0..1), 200);
    assert_eq!(timeline.worst_p99_us(2..3), 0);
}

#[test]
fn a_broken_report_is_an_error() {
    for text in [
        "",
        "{}",
        r#"{"slices":[{"good":1}]}"#,
        r#"{"slices":[{"good":1,"lost":{},"latencies":[[1]]}]}"#,
    ] {
        assert!(Timeline::parse(text).is_err(), "{text}");
    }
}
