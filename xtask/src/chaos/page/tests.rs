use std::path::Path;

use super::Page;
use crate::chaos::row::Row;
use crate::chaos::scenario::{self, Scenario};

fn scenario(name: &str) -> &'static Scenario {
    scenario::named(name).unwrap()
}

#[test]
fn the_page_has_the_rows_of_all_scenarios_in_their_order() {
    let mut page = Page::read(Path::new("/nowhere")).unwrap();
    let row = |what: &str| [Row::not_shown(what, "portunus", "no time")];
    page.enter(scenario("soak"), &row("the soak"), "today");
    page.enter(scenario("killed"), &row("old"), "yesterday");
    page.enter(scenario("killed"), &row("killed"), "today");
    let text = page.text();
    assert!(text.find("| killed |").unwrap() < text.find("| the soak |").unwrap());
    assert!(text.contains("- the soak, portunus: no time\n"), "{text}");
    assert!(text.contains("- killed: today\n- soak: today\n"), "{text}");
    assert!(!text.contains("old") && !text.contains("Side by side"), "{text}");
}

#[test]
fn peers_stand_side_by_side() {
    let mut page = Page::read(Path::new("/nowhere")).unwrap();
    let rows = [
        Row::not_shown("k", "portunus", "a"),
        Row::not_shown("k", "portunus", "b").compared(),
        Row::not_shown("k", "nginx", "c").compared(),
    ];
    page.enter(scenario("killed"), &rows, "today");
    let text = page.text();
    let (alone, beside) = text.split_once("## Side by side").unwrap();
    assert_eq!(alone.matches("| k | portunus |").count(), 1);
    assert!(beside.contains("| k | portunus |") && beside.contains("| k | nginx |"));
}
