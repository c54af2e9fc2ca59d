use serde_json::json;

use super::{Line, median, summary, table};
use crate::bench::scenario;
use crate::bench::session::Row;

fn row(peer: &'static str, variant: &'static str, headlines: &[f64]) -> Row {
    let rounds = headlines.iter().map(|value| vec![*value, 100.0]).collect();
    Row { peer, variant, rounds }
}

fn table_of(name: &str, rows: &[Row]) -> String {
    let scenario = scenario::named(name).unwrap();
    let lines: Vec<_> = rows.iter().map(|row| Line::new(scenario, row)).collect();
    table(scenario, &lines)
}

#[test]
fn the_median_is_the_middle() {
    assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
    assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    assert!(median(vec![]).is_nan());
}

#[test]
fn proxies_are_compared_with_relay_and_nginx() {
    let rows = [
        row("relay", "", &[10.0, 10.0, 10.0]),
        row("nginx", "", &[20.0, 18.0, 22.0]),
        row("caddy", "", &[60.0, 60.0, 60.0]),
    ];
    let text = table_of("start", &rows);
    assert!(text.contains("| nginx | 20.0 | 2.00 | 1.00 | 20.0 | 3 | 100.0 |"), "{text}");
    assert!(text.contains("| caddy | 60.0 | 6.00 | 3.00 | 0.0 | 3 | 100.0 |"), "{text}");
}

#[test]
fn variants_are_compared_with_the_first_of_their_proxy() {
    let rows = [row("nginx", "10 routes", &[10.0]), row("nginx", "10,000 routes", &[10.5])];
    let text = table_of("routes10k", &rows);
    assert!(
        text.contains("| nginx 10,000 routes | 10.50 | 1.05 | +0.50 | 0.0 | 1 | 100 |"),
        "{text}"
    );
}

#[test]
fn the_summary_has_a_line_per_proxy() {
    let plain = scenario::named("plain").unwrap();
    let numbers = json!({"rows": [{"peer": "nginx", "variant": "", "medians": [12.345]}]});
    let text = summary(&[(plain, numbers)]);
    assert!(text.ends_with("|---|---:|\n| nginx | 12.35 |\n"), "{text}");
}
