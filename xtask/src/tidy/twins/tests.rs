use super::super::tree::Tree;
use super::check;

const FACTORY: &str = "//! A.\nimpl Buildable for ASpec {}\n";
const LISTED: &str =
    "//! R.\npub static FILTERS: &[Factory] = &[Factory::of::<headers::HeadersSpec>()];\n";

fn findings(files: &[(&str, &str)]) -> Vec<String> {
    check(&Tree::of(files)).iter().map(ToString::to_string).collect()
}

/// The filter `headers` with these files beside it.
fn headers(more: &[(&str, &str)]) -> Vec<String> {
    let mut files = vec![("crates/portunus-filters/src/headers.rs", FACTORY)];
    files.extend(more);
    findings(&files)
}

const REGISTRY: (&str, &str) = ("crates/portunus-filters/src/registry.rs", LISTED);
const TWIN: (&str, &str) = ("tests/it/filters/headers.rs", "");
const REFERENCE: (&str, &str) = ("docs/reference/filters.md", "## headers\n");

fn one(found: &[String], expected: &str) {
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found.iter().all(|finding| finding.contains(expected)), "{found:?}");
}

#[test]
fn a_filter_with_its_twins_is_fine() {
    let found = headers(&[REGISTRY, TWIN, REFERENCE]);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn each_missing_twin_of_a_filter_is_found() {
    one(&headers(&[TWIN, REFERENCE]), "no registry");
    let empty = ("crates/portunus-filters/src/registry.rs", "//! R.\n// &headers::Headers\n");
    one(&headers(&[empty, TWIN, REFERENCE]), "no registry");
    one(&headers(&[REGISTRY, REFERENCE]), "tests/it/filters/headers.rs");
    one(&headers(&[REGISTRY, TWIN]), "docs/reference");
    let elsewhere = ("docs/reference/filters.md", "it sets headers\n");
    one(&headers(&[REGISTRY, TWIN, elsewhere]), "docs/reference");
}

#[test]
fn a_factory_that_is_not_listed_is_found_and_a_plain_module_is_not() {
    let other = LISTED.replace("headers::", "cors::");
    let others = ("crates/portunus-filters/src/registry.rs", other.as_str());
    one(&headers(&[others]), "does not list");
    let plain = ("crates/portunus-filters/src/template.rs", "//! T.\n");
    assert!(headers(&[REGISTRY, TWIN, REFERENCE, plain]).is_empty());
}

#[test]
fn a_filter_of_another_crate_stands_in_the_registry_too() {
    let spec = ("crates/portunus-jwt/src/jwt.rs", "//! J.\nimpl Buildable for JwtSpec {}\n");
    one(&headers(&[REGISTRY, TWIN, REFERENCE, spec]), "does not list JwtSpec");
    let listed = LISTED.replace("];", ", Factory::of::<portunus_jwt::JwtSpec>()];");
    let listed = ("crates/portunus-filters/src/registry.rs", listed.as_str());
    assert!(headers(&[listed, TWIN, REFERENCE, spec]).is_empty());
}

#[test]
fn balancers_are_tested_together_or_each_by_itself() {
    let base = [
        ("crates/portunus-balance/src/random.rs", "//! R.\n"),
        ("crates/portunus-balance/src/registry.rs", "static B: &[&F] = &[&random::F];\n"),
        ("docs/reference/balance.md", "`random`\n"),
    ];
    let with = |path| findings(&[base.as_slice(), &[(path, "")]].concat());
    one(&findings(&base), "has no test");
    assert!(with("crates/portunus-balance/src/registry/tests.rs").is_empty());
    assert!(with("tests/it/balance/random.rs").is_empty());
}
