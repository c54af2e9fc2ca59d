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

#[test]
fn parts_of_names_and_longer_ones_are_other() {
    for id in HeaderId::all() {
        let name = id.name().to_ascii_lowercase();
        for len in 0..name.len() {
            let part = &name.as_bytes()[..len];
            let found = HeaderId::of(part);
            let whole = found.name().to_ascii_lowercase();
            assert!(found == HeaderId::Other || whole.as_bytes() == part, "{name} cut at {len}");
        }
        assert_eq!(HeaderId::of(format!("{name}\0").as_bytes()), HeaderId::Other);
    }
}

#[test]
fn lower_names_are_the_names_in_lower_case() {
    for id in HeaderId::all() {
        assert_eq!(id.lower_name(), id.name().to_ascii_lowercase());
    }
    assert_eq!(HeaderId::Other.lower_name(), "");
}
