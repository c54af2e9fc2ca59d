use portunus_spec::{Lookup, Reader, SourceId, Span, Spanned};

use super::Files;

/// A machine where everybody may read everything.
struct Open;

impl Lookup for Open {
    fn env(&self, _name: &str) -> Option<String> {
        None
    }

    fn file(&self, _path: &str) -> Result<String, String> {
        Ok(String::new())
    }

    fn is_open_to_all(&self, _path: &str) -> bool {
        true
    }
}

#[test]
fn a_file_of_keys_that_all_may_read_is_warned_of_once() {
    let span = Span { source: SourceId::NONE, start: 3, end: 5 };
    let (files, mut reader) = (Files::new(&Open), Reader::new(&Open));
    let keys = Spanned::new(span, "tickets.bin".to_owned());
    files.check_key_file(&keys, &mut reader);
    files.check_key_file(&keys, &mut reader);
    let found: Vec<_> = reader.diagnostics().iter().map(|one| one.message.clone()).collect();
    assert_eq!(found, ["every user of this machine may read the key in tickets.bin"]);
}
