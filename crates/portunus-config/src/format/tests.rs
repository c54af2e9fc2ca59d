use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    let formatted = format(text).expect("formatted");
    assert_eq!(formatted, expected);
    assert_eq!(format(&formatted).expect("formatted again"), expected, "not a fixed point");
}

#[test]
fn blocks_are_indented_by_two() {
    check("a:\n    b:\n        c: 1\n    d: 2\ne: 3", "a:\n  b:\n    c: 1\n  d: 2\ne: 3\n");
    check("a:\n- b: 1\n  c: 2\n- d\nf: 1\n", "a:\n  - b: 1\n    c: 2\n  - d\nf: 1\n");
    check("a:\n   -   b: 1\n       c:\n           - x\n", "a:\n  - b: 1\n    c:\n      - x\n");
}

#[test]
fn comments_stay_where_they_are() {
    let text = "# top  \n\n\n\na: 1   # one\n   # inner\nb:\n    # of c\n    c: 1\n# end\n";
    check(text, "# top\n\na: 1   # one\n# inner\nb:\n  # of c\n  c: 1\n# end\n");
}

#[test]
fn values_of_several_lines_move_whole() {
    check("a:\n    b: [1,\n        2]\n", "a:\n  b: [1,\n      2]\n");
    check(
        "a:\n    b: |\n        x  \n\n          y\n    c: 1\n",
        "a:\n  b: |\n      x  \n\n        y\n  c: 1\n",
    );
}

#[test]
fn what_is_no_yaml_is_an_error() {
    assert!(format("a: [1").is_err());
}
