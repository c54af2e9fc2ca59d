use super::super::manifests::tests::package;
use super::check;

/// How many findings the package has with that one dependency.
fn count(user: &str, used: &str) -> usize {
    check(&[package(user, &[used])]).len()
}

#[test]
fn arrows_point_down() {
    assert_eq!(count("portunus-h1", "portunus-base"), 0);
    assert_eq!(count("portunus", "portunus-control"), 0);
    assert_eq!(count("portunus-base", "portunus-h1"), 1);
    assert_eq!(count("portunus-route", "portunus-worker"), 1);
}

#[test]
fn inside_a_layer_only_the_drawn_arrows_hold() {
    assert_eq!(count("portunus-h1", "portunus-http"), 0);
    assert_eq!(count("portunus-http", "portunus-h1"), 1);
    assert_eq!(count("portunus-proxy", "portunus-compile"), 1);
}

#[test]
fn a_crate_without_a_layer_is_found() {
    assert_eq!(count("portunus-new", "portunus-base"), 1);
    assert_eq!(count("portunus-filters-wasm", "portunus-filter"), 0);
}

#[test]
fn the_data_path_knows_no_configuration() {
    for used in
        ["portunus-config", "portunus-spec", "portunus-filters", "portunus-discovery", "serde"]
    {
        assert_eq!(count("portunus-proxy", used), 1, "{used}");
    }
}

#[test]
fn pure_crates_know_no_runtime() {
    for used in ["tokio", "socket2", "rustix", "hyper", "rand"] {
        assert_eq!(count("portunus-http", used), 1, "{used}");
        assert_eq!(count("portunus-upstream", used), 0, "{used}");
    }
}

#[test]
fn only_the_program_names_filters_and_only_some_use_serde() {
    assert_eq!(count("portunus", "portunus-filters"), 0);
    assert_eq!(count("portunus-compile", "portunus-filters"), 1);
    assert_eq!(count("portunus-config", "serde"), 0);
    assert_eq!(count("portunus-filters", "serde"), 1);
}

#[test]
fn tests_may_use_the_testkit_and_the_product_may_not() {
    assert_eq!(count("portunus-tests", "portunus-testkit"), 0);
    assert_eq!(count("portunus-tests", "portunus-proxy"), 1);
    assert_eq!(count("portunus-proxy", "portunus-testkit"), 1);
    let mut tested = package("portunus-proxy", &["portunus-testkit", "tokio"]);
    for dependency in &mut tested.dependencies {
        dependency.is_dev = true;
    }
    assert!(check(&[tested]).is_empty());
}

#[test]
fn tools_use_nothing_of_the_product() {
    assert_eq!(count("portunus-bench-tools", "portunus-h1"), 1);
    assert_eq!(count("xtask", "portunus-base"), 1);
    assert_eq!(count("xtask", "serde_json"), 0);
}

#[test]
fn instruction_counts_are_of_the_lower_layers() {
    assert_eq!(count("portunus-bench-icount", "portunus-h1"), 0);
    assert_eq!(count("portunus-bench-icount", "portunus-telemetry"), 0);
    assert_eq!(count("portunus-bench-icount", "portunus-proxy"), 1);
    assert_eq!(count("portunus-h1", "portunus-bench-icount"), 1);
}
