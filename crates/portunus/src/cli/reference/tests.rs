use super::{bundle, schema};
use crate::wire;

#[test]
fn every_registered_feature_has_its_section_and_its_schema() {
    let bundle = bundle();
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let kinds = schema["$defs"]["filter"].to_string();
    for filter in wire::filters() {
        assert!(bundle.contains(&format!("\n## {}\n", filter.name)), "{}", filter.name);
        assert!(kinds.contains(&format!("\"{}\"", filter.name)), "{}", filter.name);
    }
    for balancer in wire::balancers() {
        assert!(bundle.contains(&format!("\n## {}\n", balancer.name())), "{}", balancer.name());
    }
    for provider in wire::providers() {
        assert!(bundle.contains(&format!("\n## {}\n", provider.name())), "{}", provider.name());
    }
}

#[test]
fn the_stream_starts_with_a_page_and_names_each_once() {
    let bundle = bundle();
    let names: Vec<&str> = bundle.lines().filter_map(|line| line.strip_prefix("=== ")).collect();
    assert!(bundle.starts_with("=== "));
    assert_eq!(names.len(), 8);
    assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "{names:?}");
}

#[test]
fn hidden_commands_are_not_in_the_reference() {
    let bundle = bundle();
    assert!(bundle.contains("\n## run\n"));
    assert!(!bundle.contains("\n## reference\n"));
}
