//! Which patterns are matched in linear time.

use std::collections::HashMap;

use jsonschema::PatternOptions;
use serde_json::json;

/// Which patterns the engine without backtracking takes.
#[derive(Default)]
pub(super) struct Patterns {
    known: HashMap<String, bool>,
}

impl Patterns {
    pub(super) fn is_linear(&mut self, pattern: &str) -> bool {
        if let Some(known) = self.known.get(pattern) {
            return *known;
        }
        let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
        let linear = options.build(&json!({"pattern": pattern})).is_ok();
        self.known.insert(pattern.to_owned(), linear);
        linear
    }
}
