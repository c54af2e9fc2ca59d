use super::report::routes;
use super::{Count, collected, growths};

fn count(case: &str, instructions: f64) -> Count {
    Count { case: case.to_owned(), instructions }
}

#[test]
fn callgrinds_sum_is_found_and_zero_is_none() {
    let said = "==7== Events    : Ir\n==7== Collected : 312000\n==7== \n";
    assert_eq!(collected(said), Some(312_000));
    assert_eq!(collected("==7== Collected : 0\n"), None);
    assert_eq!(collected("==7== Aborted"), None);
}

#[test]
fn tables_of_two_sizes_are_compared() {
    let counts = [
        count("route/params-10", 200.0),
        count("route/params-10000", 202.0),
        count("route/alone-10000", 5.0),
        count("pick/p2c-100", 50.0),
    ];
    let found = growths(&counts);
    assert_eq!(found.len(), 1);
    assert!((found[0].times() - 1.01).abs() < 1e-9);
}

#[test]
fn the_report_says_where_the_bound_is_broken() {
    let text = routes(&[
        count("route/a-10", 100.0),
        count("route/a-10000", 103.0),
        count("route/b-10", 100.0),
        count("route/b-10000", 103.5),
    ]);
    assert!(text.contains("| route/a | 100.0 | 103.0 | 1.030 | yes |"), "{text}");
    assert!(text.contains("| route/b | 100.0 | 103.5 | 1.035 | **no** |"), "{text}");
}
