use serde_json::json;

use super::text;

#[test]
fn the_history_shows_what_is_served_and_where_a_step_back_leads() {
    let history = json!([
        {"generation": 4, "at": "2026-01-03T00:00:00Z", "digest": "cccccccccccccccc",
         "change": ["route / changed"], "current": false, "back": false, "undone": true},
        {"generation": 5, "at": "2026-01-02T00:00:00Z", "digest": "bbbbbbbbbbbbbbbb",
         "change": ["upstream a added", "route / changed"], "current": true, "back": false},
        {"generation": null, "at": "2026-01-01T00:00:00Z", "digest": "aaaaaaaaaaaaaaaa",
         "change": ["the start of the process"], "current": false, "back": true},
    ]);
    let expected = "  \
4  2026-01-03T00:00:00Z  cccccccccccc  undone  route / changed
  5  2026-01-02T00:00:00Z  bbbbbbbbbbbb  served  upstream a added; route / changed
  -  2026-01-01T00:00:00Z  aaaaaaaaaaaa  --back  the start of the process
";
    assert_eq!(text(&history), expected);
    assert_eq!(text(&json!([])), "no configuration of a file was accepted\n");
}
