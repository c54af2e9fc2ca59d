use portunus_spec::shape::markdown;

use super::*;

#[test]
fn names_are_sorted_and_found() {
    assert!(FILTERS.is_sorted_by_key(|factory| factory.name));
    for factory in FILTERS {
        assert_eq!(find(factory.name).unwrap().name, factory.name);
        assert!(factory.doc.ends_with('.'), "{}: {}", factory.name, factory.doc);
    }
    assert!(find("nope").is_none());
}

#[test]
fn every_key_is_documented() {
    for factory in FILTERS {
        let portunus_spec::Shape::Struct(shape) = (factory.shape)() else {
            panic!("{} is no map", factory.name)
        };
        for field in &shape.fields {
            assert!(!field.doc.is_empty(), "{}.{}", factory.name, field.name);
        }
        assert!(!markdown(&shape).is_empty());
    }
}
