use super::*;

#[test]
fn items_are_trimmed_and_quotes_kept_whole() {
    let items: Vec<_> = list_items(b" a ,, \"b,\\\",c\" ,d;q=1,").collect();
    assert_eq!(items, [&b"a"[..], b"\"b,\\\",c\"", b"d;q=1"]);
    assert!(list_has(b"keep-alive, Upgrade", b"upgrade"));
    assert!(!list_has(b"upgraded", b"upgrade"));
}
