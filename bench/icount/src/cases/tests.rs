use std::collections::BTreeSet;

use super::all;

#[test]
fn names_are_unique_single_words() {
    let names: BTreeSet<String> = all().into_iter().map(|case| case.name).collect();
    assert_eq!(names.len(), all().len());
    assert!(names.iter().all(|name| !name.contains(char::is_whitespace)), "{names:?}");
}

#[test]
fn no_case_allocates_once_it_is_warm() {
    for case in all() {
        let mut pass = case.prepare().unwrap();
        pass();
        let allocated = allocation_counter::measure(|| (0..100).for_each(|_| pass()));
        assert_eq!(allocated.count_total, 0, "{}", case.name);
    }
}
