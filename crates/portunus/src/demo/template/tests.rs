use super::{EDGE, GATEWAY, SINGLE, fill};

#[test]
fn known_names_are_filled_in_and_the_rest_stays() {
    let values = [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "2".to_owned())];
    assert_eq!(fill("x ${A:-9} ${B} ${C:-3} ${", &values), "x 1 2 ${C:-3} ${");
    assert_eq!(fill("", &values), "");
}

#[test]
fn every_variable_of_the_files_has_a_default() {
    for text in [SINGLE, EDGE, GATEWAY] {
        for (_, after) in text.match_indices("${").map(|(at, _)| text.split_at(at)) {
            let inside = after.split_once('}').unwrap().0;
            assert!(inside.contains(":-"), "{inside}");
        }
    }
}
