use super::{Bar, draw};

#[test]
fn the_longest_bar_is_the_largest_value() {
    let bar = |label: &str, value: f64| Bar {
        label: label.to_owned(),
        value,
        shown: value.to_string(),
        ours: false,
    };
    let svg = draw("a < b", "us & ms", &[bar("one", 1.0), bar("two", 2.0)]);
    assert!(svg.contains("a &lt; b") && svg.contains("us &amp; ms"));
    assert!(svg.contains("width=\"200.0\"") && svg.contains("width=\"400.0\""));
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
}
