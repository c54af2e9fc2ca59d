use super::*;
use crate::FUNCTIONS;

#[test]
fn the_tables_are_in_order_and_in_the_guide() {
    let guide = include_str!("../../../../docs/guide/expressions.md");
    assert!(VARIABLES.is_sorted_by_key(|variable| variable.name));
    assert!(FUNCTIONS.is_sorted_by(|a, b| a.name.to_lowercase() <= b.name.to_lowercase()));
    for variable in VARIABLES {
        let line =
            format!("| `{}` | {} | {} |", variable.name, (variable.kind)().name(), variable.doc);
        assert!(guide.contains(&line), "not in the guide: {line}");
    }
    for function in FUNCTIONS {
        let line = format!("| `{}` | {} |", function.usage, function.doc);
        assert!(guide.contains(&line), "not in the guide: {line}");
    }
}

#[test]
fn each_variable_is_of_its_kind() {
    let exchange = crate::tests::sample();
    for variable in VARIABLES {
        match variable.read(&exchange, crate::tests::NOW) {
            Ok(value) => assert!(value.kind().may_be(&(variable.kind)()), "{variable:?}"),
            Err(fault) => assert_eq!(fault, Fault::Missing, "{variable:?}"),
        }
        let _ = variable.read(&Exchange::default(), crate::tests::NOW);
    }
}

#[test]
fn each_group_has_members() {
    for group in GROUPS {
        let prefix = format!("{}.", group.name);
        assert!(VARIABLES.iter().any(|variable| variable.name.starts_with(&prefix)));
        assert!(variable(group.name).is_none());
    }
}
