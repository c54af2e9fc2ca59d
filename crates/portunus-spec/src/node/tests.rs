use super::*;

#[test]
fn plain_scalars_keep_texts_that_do_not_read_back() {
    assert_eq!(Value::plain("80"), Value::Int(80));
    assert_eq!(Value::plain("0.5"), Value::Float(0.5));
    assert_eq!(Value::plain("~"), Value::Null);
    for text in ["1.10", "010", "0x1F", "True", "1e3", "inf", "+1", "yes"] {
        assert_eq!(Value::plain(text), Value::Text(text.to_owned()));
    }
}

#[test]
fn sameness_ignores_the_order_of_keys_and_paths_lead_into_lists() {
    let a = Node::map([("x", Node::text("1")), ("y", Node::seq([Node::text("2")]))]);
    let b = Node::map([("y", Node::seq([Node::text("2")])), ("x", Node::text("1"))]);
    assert!(a.same(&b) && !a.same(&Node::map([("x", Node::text("1"))])));
    assert_eq!(a.find(["y", "0"]).and_then(Node::scalar).as_deref(), Some("2"));
}
