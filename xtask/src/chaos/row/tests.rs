use super::{Numbers, Row};
use crate::chaos::timeline::{Timeline, Window};

fn row(lost: &str, fault_us: u64) -> Row {
    let report =
        format!(r#"{{"slices":[{{"good":9,"lost":{lost},"latencies":[[{fault_us},9]]}}]}}"#);
    let window: Window = Timeline::parse(&report).unwrap().window(0..1);
    let fault_us = window.quantile_us(0.99);
    Row::new(
        "killed",
        "portunus",
        Some(Numbers { rate: 10, window, quiet_us: Some(1000), fault_us, worst_us: 4000 }),
    )
}

fn cells(row: &Row) -> Vec<String> {
    let json = row.json();
    let cells = json.get("cells").unwrap().as_array().unwrap().iter();
    cells.map(|cell| cell.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_row_is_reached_when_all_its_demands_hold() {
    let held = row("{}", 2500).none_lost().within(3.0).check("x", true);
    assert_eq!(held.reached(), Some(true));
    assert_eq!(
        cells(&held),
        [
            "killed",
            "portunus",
            "10",
            "9",
            "0",
            "1.0",
            "2.5",
            "2.50",
            "4.0",
            "0 lost; p99 within 3 x; x",
            "reached"
        ]
    );
}

#[test]
fn one_demand_that_fails_is_enough() {
    for failed in [
        row(r#"{"503":1}"#, 2500).none_lost().within(3.0),
        row("{}", 3001).none_lost().within(3.0),
        row("{}", 1000).none_lost().check("x", false),
    ] {
        assert_eq!(failed.reached(), Some(false));
        assert_eq!(cells(&failed).last().unwrap(), "**not reached**");
    }
}

#[test]
fn what_was_lost_is_told_by_its_cause() {
    let json = row(r#"{"503":2,"closed":1}"#, 1000).note("so it is").json();
    let notes = json.get("notes").unwrap().to_string();
    assert_eq!(notes, r#"["lost: 2 503, 1 closed","so it is"]"#);
}

#[test]
fn a_load_without_a_good_answer_reaches_nothing() {
    let window = Window::default();
    let numbers = Numbers { rate: 1, window, quiet_us: None, fault_us: None, worst_us: 0 };
    assert_eq!(Row::new("a", "b", Some(numbers)).reached(), Some(false));
    assert_eq!(Row::not_shown("a", "b", "no").reached(), None);
}
