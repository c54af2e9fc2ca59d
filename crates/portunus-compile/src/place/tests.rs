use portunus_spec::Sources;

use super::*;

/// What is underlined when the text at the second line's start has a mistake at `at`.
fn underlined(source: &str, text: &str, at: usize, extent: Extent) -> String {
    let mut sources = Sources::default();
    let id = sources.add("a.yaml", format!("first\n{source}: x"));
    let spanned = Spanned::new(Span::new(id, 6, 6 + source.len()), text.to_owned());
    sources.slice(within(&spanned, at, extent)).unwrap().to_owned()
}

#[test]
fn a_mistake_is_underlined_where_it_stands() {
    use Extent::{Rest, Segment};
    assert_eq!(underlined("/a/{1}/b", "/a/{1}/b", 3, Segment), "{1}");
    assert_eq!(underlined("/a/{1}", "/a/{1}", 3, Segment), "{1}");
    assert_eq!(underlined("/a//b", "/a//b", 3, Segment), "/b", "a slash itself can be meant");
    assert_eq!(underlined("~ /(x", "~ /(x", 2, Rest), "/(x");
    assert_eq!(underlined("\"/a/{1}\"", "/a/{1}", 3, Segment), "{1}", "quotes do not count");
    assert_eq!(underlined("/é/{1}/b", "/é/{1}/b", 4, Segment), "{1}", "bytes, not characters");
}

#[test]
fn where_the_source_differs_from_the_text_all_of_it_is_underlined() {
    assert_eq!(underlined("/${VAR}/{1}", "/x/{1}", 3, Extent::Segment), "/${VAR}/{1}");
    assert_eq!(underlined("/a", "/a", 7, Extent::Segment), "/a", "past the end");
}
