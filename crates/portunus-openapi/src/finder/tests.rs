use super::{part_names, pattern};

#[test]
fn paths_of_documents_become_patterns() {
    let check = |path: &str, expected: &str| assert_eq!(pattern("/v1", path), expected);
    check("/pets/{pet-id}", "/v1/pets/{p1}");
    check("/{a}/x/{b}", "/v1/{p1}/x/{p3}");
    check("/", "/v1/");
    check("/compare/{base}...{head}", r"~ /v1/compare/(?<p1>[^/]+?)\.\.\.(?<p3>[^/]+?)");
    check("/a.{ext}", r"~ /v1/a\.(?<p1>[^/]+?)");
    check("/odd{", "~ /v1/odd\\{");
}

#[test]
fn parts_keep_their_names() {
    let names: Vec<String> =
        part_names("/a/{x y}/{z}").map(|(name, given)| format!("{name}={given}")).collect();
    assert_eq!(names, ["x y=p1", "z=p3"]);
}
