use proptest::prelude::*;

use super::*;

fn read(text: &str) -> (Option<Node>, Vec<String>) {
    let mut sources = portunus_spec::Sources::default();
    let source = sources.add("a", text);
    let mut found = Diagnostics::default();
    let node = parse(text, source, None, &mut found);
    (node, found.iter().map(|one| one.line(&sources)).collect())
}

#[test]
fn an_alias_bomb_ends_at_the_budget() {
    let mut text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let inner = vec![format!("*a{}", level - 1); 10].join(",");
        text += &format!("a{level}: &a{level} [{inner}]\n");
    }
    let (node, lines) = read(&text);
    assert!(node.is_none());
    assert!(lines[0].contains("more than 2000000 values"), "{lines:?}");
}

#[test]
fn nesting_is_bounded() {
    let (node, lines) = read(&"[".repeat(100_000));
    assert!(node.is_none());
    assert_eq!(lines.len(), 1);
}

proptest! {
    #[test]
    fn any_text_gives_a_tree_or_an_error(text in "[ -~\n\t*&{}:\\[\\],'\"|>#-]{0,60}") {
        let (node, lines) = read(&text);
        prop_assert_eq!(node.is_none(), !lines.is_empty());
    }

    #[test]
    fn written_texts_read_back(key in "\\PC{0,12}|[ -~\n\t]{0,12}", value in "\\PC{0,12}|[ -~\n\t]{0,12}") {
        prop_assume!(key != "<<");
        let item = Node::seq([Node::text(&value), Node::map([(value.clone() + "x", Node::default())])]);
        let node = Node::map([(key, Node::text(&value)), ("list of".into(), item)]);
        let text = portunus_spec::yaml::write(&node);
        let (read, lines) = read(&text);
        prop_assert!(read.is_some_and(|read| read.same(&node)), "{} {:?}", text, lines);
        let (inline, lines) = self::read(&portunus_spec::yaml::inline(&node));
        prop_assert!(inline.is_some_and(|read| read.same(&node)), "inline {:?}", lines);
    }
}
