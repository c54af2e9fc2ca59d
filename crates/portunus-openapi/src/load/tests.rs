use std::sync::Arc;

use portunus_filter::Factory;
use portunus_filter::testing::{Bench, Rig, exchange, shown, texts};

use super::{Loaded, Outcome, key};
use crate::ValidateSpec;
use crate::api::ApiOptions;

static REGISTRY: &[Factory] = &[Factory::of::<ValidateSpec>()];
const TEXT: &str = "openapi: 3.0.0\npaths: {/a: {get: {}}}\n";

#[test]
fn a_document_is_compiled_once_until_its_text_changes() {
    let mut bench = Bench::new(REGISTRY);
    bench.files.insert("a.yaml", TEXT.to_owned());
    let node = || texts(&[("openapi", "a.yaml")]);
    let filters =
        [bench.build("validate", node()).unwrap(), bench.build("validate", node()).unwrap()];
    let held = |text: &str, answers| {
        let options = ApiOptions { answers, formats: true };
        let key = key("a.yaml", text, &format!("{options:?}"));
        let none = || Outcome::<Loaded> { made: None, faults: Vec::new() };
        let state = bench.services.state(&key, none);
        // Ours is one of those that hold it.
        state.made.is_some().then(|| Arc::strong_count(&state) - 1)
    };
    assert_eq!(held(TEXT, false), Some(filters.len()));
    assert_eq!(held(TEXT, true), None);
    assert_eq!(held("openapi: 3.0.1", false), None);
    drop(filters);
    assert_eq!(held(TEXT, false), None, "what nobody holds is gone");
}

#[test]
fn paths_that_cannot_be_told_apart_are_reported() {
    let mut bench = Bench::new(REGISTRY);
    let text = "openapi: 3.0.0\npaths: {'/a/{x}': {get: {}}, '/a/{y}': {get: {}}}\n";
    bench.files.insert("a.yaml", text.to_owned());
    let mistakes = bench.mistakes("validate", texts(&[("openapi", "a.yaml")]));
    assert!(mistakes.contains("takes the same requests as /a/{x}"), "{mistakes}");
    bench.files.insert("a.yaml", TEXT.to_owned());
    let filter = bench.build("validate", texts(&[("openapi", "a.yaml")])).unwrap();
    assert_eq!(shown(&Rig::new().request(&*filter, &mut exchange("GET /a"))), "continue");
}
