use std::path::PathBuf;

use super::executable;

#[test]
fn the_binary_is_found_among_the_messages_of_cargo() {
    let binary = r#"{"target":{"name":"portunus"},"executable":"/target/debug/portunus"}"#;
    assert_eq!(executable(binary), Some(PathBuf::from("/target/debug/portunus")));
}

#[test]
fn other_messages_are_passed_over() {
    let library = r#"{"target":{"name":"portunus"},"executable":null}"#;
    let other = r#"{"target":{"name":"xtask"},"executable":"/target/debug/xtask"}"#;
    for line in [library, other, r#"{"reason":"build-finished","success":true}"#, "", "no json"] {
        assert_eq!(executable(line), None, "{line}");
    }
}
