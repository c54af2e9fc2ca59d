//! What all tests here need: configurations as text, and results in a row as reloads give them.

mod many_routes;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use portunus_base::Wall;
use portunus_config::{Env, Loaded, load_text};
use portunus_fetch::Fetcher;
use portunus_filter::{Factory, Services};
use portunus_spec::{Diagnostics, Lookup};
use portunus_telemetry::{Options, Registry};
use portunus_upstream::StateStore;

use crate::{Compiled, Inputs, Registries, TlsShared, compile};

/// A process: what stays the same over its reloads.
pub(crate) struct Process {
    pub(crate) store: StateStore,
    pub(crate) metrics: Arc<Registry>,
    pub(crate) services: Services,
    pub(crate) filters: &'static [Factory],
    pub(crate) tls: TlsShared,
    pub(crate) files: RefCell<HashMap<&'static str, &'static str>>,
}

impl Process {
    pub(crate) fn new() -> Self {
        let metrics = Arc::new(Registry::new(Options::new("test", Wall(0))));
        let services = Services::new(Arc::clone(&metrics), Fetcher::default());
        let (store, files) = (StateStore::default(), RefCell::default());
        let tls = TlsShared::new(None);
        Self { store, metrics, services, filters: portunus_filters::FILTERS, tls, files }
    }

    /// Writes a file.
    pub(crate) fn put(&self, name: &str, text: &str) {
        let leak = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        self.files.borrow_mut().insert(leak(name), leak(text));
    }

    /// The result of a good configuration.
    pub(crate) fn load(&self, text: &str, previous: Option<&Compiled>) -> Compiled {
        let (compiled, errors) = self.try_load(text, previous);
        compiled.unwrap_or_else(|| panic!("{errors}"))
    }

    /// The result, and all diagnostics of the loader and the compiler as people see them.
    pub(crate) fn try_load(
        &self,
        text: &str,
        previous: Option<&Compiled>,
    ) -> (Option<Compiled>, String) {
        let mut loaded = load_text("portunus.yaml", text, &Env::default());
        let (compiled, found) = self.compile(&loaded, previous);
        loaded.diagnostics.append(found);
        loaded.diagnostics.sort();
        (compiled, loaded.diagnostics.render(&loaded.sources, false))
    }

    pub(crate) fn compile(
        &self,
        loaded: &Loaded,
        previous: Option<&Compiled>,
    ) -> (Option<Compiled>, Diagnostics) {
        let Some(spec) = &loaded.spec else { return (None, Diagnostics::default()) };
        let registries = &Registries { filters: self.filters };
        let (store, metrics) = (&self.store, &self.metrics);
        let (tls, services) = (&self.tls, &self.services);
        compile(Inputs { spec, lookup: self, registries, store, metrics, tls, services, previous })
    }
}

impl Lookup for Process {
    fn env(&self, _name: &str) -> Option<String> {
        None
    }

    fn file(&self, path: &str) -> Result<String, String> {
        let files = self.files.borrow();
        files.get(path).map(|text| (*text).to_owned()).ok_or_else(|| format!("no file {path}"))
    }
}

/// What is wrong with a configuration.
pub(crate) fn mistakes(text: &str) -> String {
    let (compiled, found) = Process::new().try_load(text, None);
    assert!(compiled.is_none(), "no error was found: {found}");
    found
}

/// Compares a text with the recorded one of that name.
macro_rules! golden {
    ($name:literal, $text:expr) => {
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!($name, $text);
        })
    };
}
pub(crate) use golden;
