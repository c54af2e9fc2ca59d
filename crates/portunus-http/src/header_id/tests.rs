use super::*;

#[test]
fn every_name_is_found_in_any_case() {
    for id in HeaderId::all() {
        assert_eq!(HeaderId::of(id.name().as_bytes()), id);
        assert_eq!(HeaderId::of(id.name().to_ascii_lowercase().as_bytes()), id);
        assert_eq!(HeaderId::of(id.name().to_ascii_uppercase().as_bytes()), id);
    }
}

#[test]
fn other_names_are_other() {
    for name in ["", "x", "hos", "hostt", "x-forwarded-fox", "x_forwarded_for", "content_length"] {
        assert_eq!(HeaderId::of(name.as_bytes()), HeaderId::Other, "{name}");
    }
}
