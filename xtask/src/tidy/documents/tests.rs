use super::super::tree::Tree;
use super::check;

const RECORD: &str =
    "# A\n\n## Context\n\n## Decision\n\n## Consequences\n\n## What would change our mind\n";

fn findings(files: &[(&str, &str)]) -> Vec<String> {
    check(&Tree::of(files)).iter().map(ToString::to_string).collect()
}

fn page(text: &str) -> Vec<String> {
    findings(&[
        ("docs/guide/a.md", text),
        ("docs/b.md", "# The Heading: it's `x`\n"),
        ("c/d.rs", ""),
    ])
}

#[test]
fn links_that_lead_somewhere_are_fine() {
    let text = "[1](../b.md) [2](../b.md#the-heading-its-x) [3](../../c/) [4](https://x/y)\n\
                # Own\n[5](#own) [6](../../c/d.rs)\n";
    assert!(page(text).is_empty(), "{:?}", page(text));
}

#[test]
fn links_that_lead_nowhere_are_found() {
    assert_eq!(
        page("\n[1](b.md)\n"),
        ["docs/guide/a.md:2: the link to b.md leads nowhere: there is no docs/guide/b.md"]
    );
    assert_eq!(page("[1](../b.md#other) and [2](#none)\n").len(), 2);
}

#[test]
fn links_in_code_are_no_links() {
    assert!(page("```\n[1](x.md)\n```\nand `[2](y.md)`\n").is_empty());
}

#[test]
fn records_are_numbered_without_gaps_and_complete() {
    let (a, b, c) =
        ("docs/decisions/0001-a.md", "docs/decisions/0002-b.md", "docs/decisions/0004-c.md");
    assert!(findings(&[(a, RECORD), (b, RECORD)]).is_empty());
    assert_eq!(findings(&[(a, RECORD), (b, RECORD), (c, RECORD)]).len(), 1);
    assert_eq!(findings(&[(a, "# A\n\n## Context\n")]).len(), 3);
}
