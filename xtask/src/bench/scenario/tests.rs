use std::collections::HashSet;

use super::{SCENARIOS, named};

#[test]
fn names_are_unique_and_found() {
    let names: HashSet<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    assert_eq!(names.len(), SCENARIOS.len());
    assert!(names.iter().all(|name| named(name).is_ok()));
    assert!(named("no such").is_err());
}

#[test]
fn the_last_route_is_asked_for_first() {
    let routes = named("routes10k").unwrap();
    let paths: Vec<_> = routes.variants.iter().map(|variant| routes.first_path(variant)).collect();
    assert_eq!(paths, ["/r9/1k", "/r9999/1k"]);
    let plain = named("plain").unwrap();
    assert_eq!(plain.first_path(&plain.variants[0]), "/1k");
}
