use crate::Metrics;

const SCRAPE: &str = "\
# HELP a_total Help, with words.
# TYPE a_total counter
a_total{route=\"x \\\"y\\\"\",code=\"2xx\"} 3
a_total{route=\"z\",code=\"2xx\"} 4.5
# TYPE b gauge
b 1
";

#[test]
fn samples_are_summed_over_the_labels_that_are_not_named() {
    let metrics = Metrics::parse(SCRAPE);
    assert_eq!(metrics.sum("a_total", &[]), 7.5);
    assert_eq!(metrics.sum("a_total", &[("route", "x \"y\"")]), 3.0);
    assert_eq!(metrics.sum("a_total", &[("route", "w")]), 0.0);
    assert_eq!((metrics.series("a_total"), metrics.series("b")), (2, 1));
}

#[test]
#[should_panic(expected = "no type for b")]
fn a_sample_without_a_type_is_seen() {
    let _ = Metrics::parse("b 1\n");
}

#[test]
#[should_panic(expected = "no sample")]
fn a_line_that_is_no_sample_is_seen() {
    let _ = Metrics::parse("b one\n");
}
