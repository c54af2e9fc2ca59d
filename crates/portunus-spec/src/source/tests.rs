use super::*;

#[test]
fn lines_and_columns_count_characters_from_one() {
    let mut sources = Sources::default();
    let source = sources.add("a", "x: 1\nü: y\n");
    let position = sources.position(Span::new(source, 9, 10)).unwrap();
    assert_eq!((position.file, position.line, position.column), ("a", 2, 4));
    assert_eq!(sources.slice(Span::new(source, 9, 10)), Some("y"));
    assert_eq!(sources.position(Span::NONE), None);
}
