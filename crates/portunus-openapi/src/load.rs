//! Documents of filters: read once, however many filters use them and however often the configuration is loaded.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use portunus_filter::BuildCx;
use portunus_spec::{Reader, Severity, Span, Spanned};

use crate::api::{Api, ApiOptions, Compiled, server_path};
use crate::document::Document;
use crate::fault::{Fault, Faults};
use crate::finder::Finder;
use crate::operation::Operation;

/// A document, compiled, and the path of its first server.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) api: Api,
    pub(crate) server_path: String,
}

/// What was made of a document, for all filters that want the same of it.
pub(crate) struct Shared<T> {
    made: Arc<T>,
    /// Holds the state by which the next filter finds it.
    _state: Arc<Outcome<T>>,
}

/// What became of a document.
struct Outcome<T> {
    made: Option<Arc<T>>,
    faults: Vec<Fault>,
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.made
    }
}

/// The compiled document of a file. `None` after mistakes, which are reported at the file's name.
pub(crate) fn api(
    file: &Spanned<String>,
    options: ApiOptions,
    cx: &mut BuildCx<'_, '_>,
) -> Option<Shared<Loaded>> {
    let make = |document: &Document| {
        let (api, warnings) = Api::compile(document, options)?;
        Ok((Loaded { api, server_path: server_path(document) }, warnings))
    };
    shared(file, &format!("{options:?}"), make, cx)
}

/// What `make` makes of the document in a file, once for each text of it and each kind of thing. `None` after mistakes,
/// which are reported at the file's name.
pub(crate) fn shared<T: Send + Sync + 'static>(
    file: &Spanned<String>,
    kind: &str,
    make: impl FnOnce(&Document) -> Compiled<T>,
    cx: &mut BuildCx<'_, '_>,
) -> Option<Shared<T>> {
    let text = text(file, cx.reader)?;
    let state = cx.state(&key(&file.value, &text, kind), || {
        match Document::parse(&file.value, text).and_then(|document| make(&document)) {
            Ok((made, faults)) => Outcome { made: Some(Arc::new(made)), faults },
            Err(faults) => Outcome { made: None, faults },
        }
    });
    report(&state.faults, file.span, cx.reader);
    Some(Shared { made: Arc::clone(state.made.as_ref()?), _state: state })
}

/// The key by which filters of the same document find what became of it.
fn key(name: &str, text: &str, kind: &str) -> String {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    format!("openapi {name} {kind} {:x}", hasher.finish())
}

/// The document of a file, not compiled.
pub(crate) fn document(file: &Spanned<String>, reader: &mut Reader<'_>) -> Option<Document> {
    let text = text(file, reader)?;
    match Document::parse(&file.value, text) {
        Ok(document) => Some(document),
        Err(faults) => {
            report(&faults, file.span, reader);
            None
        }
    }
}

/// Reports faults of a document where the configuration names it.
pub(crate) fn report(faults: &[Fault], span: Span, reader: &mut Reader<'_>) {
    for fault in faults.iter().take(FAULTS_MAX) {
        let message = fault.to_string();
        let diagnostic = match fault.severity {
            Severity::Error => reader.error(span, message),
            Severity::Warning => reader.warning(span, message),
        };
        diagnostic.help_if(fault.help.clone());
    }
    if faults.len() > FAULTS_MAX {
        let more = faults.len() - FAULTS_MAX;
        reader.warning(span, format!("{more} more mistakes in this document are not shown"));
    }
}

fn text(file: &Spanned<String>, reader: &mut Reader<'_>) -> Option<String> {
    match reader.lookup().file(&file.value) {
        Ok(text) => Some(text),
        Err(why) => {
            reader.error(file.span, why);
            None
        }
    }
}

/// A finder of operations; what it cannot tell apart is reported at the file's name.
pub(crate) fn finder(
    operations: &[Operation],
    base: &str,
    file: &Spanned<String>,
    reader: &mut Reader<'_>,
) -> Option<Finder> {
    let mut faults = Faults::default();
    let finder = Finder::new(operations, base, &mut faults);
    let found = faults.has_errors();
    for fault in faults.take() {
        let message = format!("{}: {}: {}", file.value, fault.pointer, fault.message);
        reader.error(file.span, message).help_if(fault.help);
    }
    (!found).then_some(finder)
}

/// Most mistakes of one document that are told.
const FAULTS_MAX: usize = 20;

#[cfg(test)]
mod tests;
