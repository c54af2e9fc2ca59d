use std::collections::BTreeSet;

use super::{Kind, LABELS, LOG_FIELDS, METRICS, Unit, markdown};

#[test]
fn each_name_is_there_once() {
    let metrics = METRICS.iter().map(|metric| metric.name.name);
    let fields = LOG_FIELDS.iter().map(|field| field.name.name);
    for names in [metrics.collect::<Vec<_>>(), fields.collect()] {
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}

#[test]
fn metrics_follow_the_conventions_of_the_field() {
    for name in METRICS.iter().map(|metric| metric.name) {
        let ours = name.name.starts_with("portunus_") || name.name.starts_with("process_");
        assert!(ours, "{}", name.name);
        assert_eq!(name.kind == Kind::Counter, name.name.ends_with("_total"), "{}", name.name);
        let unit = match name.unit {
            Unit::Bytes => "bytes",
            Unit::Seconds => "seconds",
            _ => "",
        };
        assert!(name.name.trim_end_matches("_total").ends_with(unit), "{}", name.name);
        assert!(!name.doc.contains(['\\', '\n']), "{} needs no escape in HELP", name.name);
    }
}

#[test]
fn each_label_is_explained() {
    let known: Vec<_> = LABELS.iter().map(|label| label.name).collect();
    let used = METRICS.iter().flat_map(|metric| metric.name.labels);
    assert!(used.into_iter().all(|label| known.contains(label)));
}

#[test]
fn the_page_has_a_row_for_each_name() {
    let page = markdown();
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, METRICS.len() + LABELS.len() + LOG_FIELDS.len());
    let row = "| `portunus_route_requests_total` | counter |  | route, code | Requests that ended, by route. |";
    assert!(page.lines().any(|line| line == row), "{page}");
}
