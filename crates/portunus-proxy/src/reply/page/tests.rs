use super::*;

#[test]
fn pages_are_escaped() {
    let text = json(404, "route.none", "a \"b\"\n");
    let expected = "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\
                    \"reason\":\"route.none\",\"detail\":\"a \\\"b\\\"\\u000a\"}\n";
    assert_eq!(text, expected);
    let text = html(502, "x", "<script>&");
    assert!(text.contains("<p>&lt;script&gt;&amp;</p>"), "{text}");
}
