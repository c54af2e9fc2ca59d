use super::*;
use crate::tests::{NOW, sample};

#[test]
fn text_is_borrowed_where_it_can_be() {
    let exchange = sample();
    for text in ["claims.tier", "request.path", "request.headers['x-tier']", "'fixed'"] {
        let expression = Expression::compile_text(text, &[]).unwrap();
        let value = expression.eval_text(&exchange, NOW).unwrap();
        assert!(matches!(value, Cow::Borrowed(_)), "{text}");
    }
}

#[test]
fn a_list_is_no_text() {
    let exchange = sample();
    let expression = Expression::compile_text("claims.realm_access.roles", &[]).unwrap();
    let error = expression.eval_text(&exchange, NOW).unwrap_err();
    assert_eq!(error.fault, Fault::Kind);
    assert!(
        Expression::compile_bool("claims.tier", &[]).unwrap().eval_bool(&exchange, NOW).is_err()
    );
}

#[test]
fn debug_shows_the_text() {
    let expression = Expression::compile("claims.tier == 'gold'", &[]).unwrap();
    assert_eq!(format!("{expression:?}"), "Expression(\"claims.tier == 'gold'\")");
    assert_eq!(expression.text(), "claims.tier == 'gold'");
}

/// Filters are shared by all workers.
#[test]
fn an_expression_may_be_shared() {
    fn shared<T: Send + Sync>() {}
    shared::<Expression>();
}
