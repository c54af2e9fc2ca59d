//! The files that certificates and keys stand in: read once, and remembered for whoever watches them.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};

use portunus_config::spec::PemSpec;
use portunus_spec::{Lookup, Reader, Span, Spanned};
use portunus_tls::TlsConfigError;

/// Reads files for TLS.
pub(crate) struct Files<'a> {
    lookup: &'a dyn Lookup,
    read: RefCell<BTreeMap<String, Result<Vec<u8>, String>>>,
    /// Where mistakes were reported: settings of the top level are read once for each listener.
    reported: RefCell<HashSet<Span>>,
    /// As `reported`, for keys that everybody may read.
    warned: RefCell<HashSet<Span>>,
}

impl<'a> Files<'a> {
    pub(crate) fn new(lookup: &'a dyn Lookup) -> Self {
        Self {
            lookup,
            read: RefCell::default(),
            reported: RefCell::default(),
            warned: RefCell::default(),
        }
    }

    /// The content of a PEM; a mistake is reported at its place.
    pub(crate) fn pem(&self, pem: &Spanned<PemSpec>, reader: &mut Reader<'_>) -> Option<Vec<u8>> {
        match &pem.value {
            PemSpec::File(path) => self.file(&Spanned::new(pem.span, path.clone()), reader),
            PemSpec::Env(name) => match self.lookup.env(name) {
                Some(text) => Some(text.into_bytes()),
                None => {
                    let message = format!("the environment variable `{name}` is not set");
                    let help = Some("set it, or name a file".to_owned());
                    self.refuse(pem.span, TlsConfigError { message, help }, reader);
                    None
                }
            },
        }
    }

    /// The content of a file; a mistake is reported at its place.
    pub(crate) fn file(&self, path: &Spanned<String>, reader: &mut Reader<'_>) -> Option<Vec<u8>> {
        let mut read = self.read.borrow_mut();
        let content =
            read.entry(path.value.clone()).or_insert_with(|| self.lookup.bytes(&path.value));
        match content {
            Ok(bytes) => Some(bytes.clone()),
            Err(error) => {
                let error = TlsConfigError { message: error.clone(), help: None };
                self.refuse(path.span, error, reader);
                None
            }
        }
    }

    /// Reports a mistake, once for each place.
    pub(crate) fn refuse(&self, span: Span, error: TlsConfigError, reader: &mut Reader<'_>) {
        if span.is_none() || self.reported.borrow_mut().insert(span) {
            reader.error(span, error.message).help_if(error.help);
        }
    }

    /// Warns of a key that everybody on the machine may read.
    pub(crate) fn check_key(&self, key: &Spanned<PemSpec>, reader: &mut Reader<'_>) {
        if let PemSpec::File(path) = &key.value {
            self.check_key_file(&Spanned::new(key.span, path.clone()), reader);
        }
    }

    /// As [`Files::check_key`], for a file of keys that is no PEM. Warns once for each place.
    pub(crate) fn check_key_file(&self, path: &Spanned<String>, reader: &mut Reader<'_>) {
        let Spanned { span, value: path } = path;
        if self.lookup.is_open_to_all(path) && self.warned.borrow_mut().insert(*span) {
            let message = format!("every user of this machine may read the key in {path}");
            reader.warning(*span, message).help(format!("chmod o-r {path}"));
        }
    }

    /// All files that were read, or should have been.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.read.borrow().keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests;
