//! Where a configuration comes from, and the way from there to a compiled one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use portunus_base::{Clock as _, SystemClock};
use portunus_compile::{
    Compiled, Inputs, Registries, TestOutcome, TlsShared, compile, run_tests, test_diagnostics,
};
use portunus_config::{ConfigSpec, Disk, Env, Loaded, Surroundings, load, load_text};
use portunus_fetch::Fetcher;
use portunus_filter::Services;
use portunus_spec::Diagnostics;
use portunus_telemetry::{Options, Registry};
use portunus_upstream::StateStore;

use crate::authority::authority_folder;
use crate::changes::wishes::Wishes;
use crate::history::{KeptFile, KeptFiles, Recorder, Revision};
use crate::{Refusal, state_folder};

/// Where a configuration comes from.
#[derive(Clone, Debug)]
pub enum ConfigSource {
    /// A file, with all that it includes.
    File(PathBuf),
    /// A text, made from the command line for instance.
    Text {
        /// What messages call it.
        name: String,
        /// YAML.
        text: String,
    },
}

impl ConfigSource {
    /// Reads it.
    #[must_use]
    pub fn load(&self, env: &Env) -> Loaded {
        match self {
            Self::File(path) => load(path, &Disk, env),
            Self::Text { name, text } => load_text(name, text, env),
        }
    }

    /// Reads it, and gives its files too.
    pub(crate) fn read(&self, env: &Env) -> (Loaded, Vec<KeptFile>) {
        match self {
            Self::File(path) => {
                let recorder = Recorder::default();
                let loaded = load(path, &recorder, env);
                let files = recorder.files(&loaded.files);
                (loaded, files)
            }
            Self::Text { .. } => (self.load(env), Vec::new()),
        }
    }
}

/// What all configurations of a process are compiled with, and what outlives each of them.
#[derive(Debug)]
pub struct World {
    /// The environment, as it was at the start.
    pub env: Env,
    /// The filters that there are.
    pub registries: Registries,
    /// State of endpoints.
    pub store: StateStore,
    /// What TLS needs that outlives configurations.
    pub tls: TlsShared,
    /// All metrics.
    pub metrics: Arc<Registry>,
    /// What filters share.
    pub services: Services,
    /// The version of the program.
    pub version: &'static str,
    /// What operators want of endpoints.
    pub(crate) wishes: Wishes,
}

impl World {
    /// A world without history, to look at configurations in: none of them makes anything.
    #[must_use]
    pub fn new(version: &'static str, env: Env, registries: Registries) -> Self {
        Self::with(TlsShared::new(None), Fetcher::default(), version, env, registries)
    }

    /// A world without history, to serve configurations in. What filters fetch is fetched by `fetcher`.
    #[must_use]
    pub fn serving(
        version: &'static str,
        env: Env,
        registries: Registries,
        fetcher: Fetcher,
    ) -> Self {
        let folder = authority_folder(&env);
        let store = StateStore::keeping_in(state_folder(&env));
        let world = Self::with(TlsShared::new(Some(folder)), fetcher, version, env, registries);
        Self { store, ..world }
    }

    fn with(
        tls: TlsShared,
        fetcher: Fetcher,
        version: &'static str,
        env: Env,
        registries: Registries,
    ) -> Self {
        let metrics = Arc::new(Registry::new(Options::new(version, SystemClock.wall())));
        let services = Services::new(Arc::clone(&metrics), fetcher);
        let store = StateStore::default();
        let wishes = Wishes::default();
        Self { env, registries, store, tls, metrics, services, version, wishes }
    }

    /// Loads and compiles a configuration; what `previous` has in common with it is kept.
    #[must_use]
    pub fn prepare(&self, source: &ConfigSource, previous: Option<&Compiled>) -> Prepared {
        let (loaded, files) = source.read(&self.env);
        self.prepared(loaded, files, previous)
    }

    /// As [`World::prepare`], of files as they once were.
    pub(crate) fn prepare_again(&self, revision: &Revision, previous: &Compiled) -> Prepared {
        let loaded = load(&revision.main, &KeptFiles(&revision.files), &self.env);
        self.prepared(loaded, revision.files.clone(), Some(previous))
    }

    fn prepared(
        &self,
        mut loaded: Loaded,
        files: Vec<KeptFile>,
        previous: Option<&Compiled>,
    ) -> Prepared {
        let compiled = loaded.spec.as_ref().and_then(|spec| {
            let (compiled, found) = self.compile(spec, &loaded.base, previous);
            loaded.diagnostics.append(found);
            compiled
        });
        loaded.diagnostics.sort();
        let compiled = compiled.filter(|_| !loaded.diagnostics.has_errors());
        Prepared { loaded, compiled, files }
    }

    /// Compiles a configuration whose relative paths start in `base`.
    pub(crate) fn compile(
        &self,
        spec: &ConfigSpec,
        base: &Path,
        previous: Option<&Compiled>,
    ) -> (Option<Compiled>, Diagnostics) {
        let lookup = Surroundings::new(&Disk, &self.env, base.to_owned());
        self.store.forget_unused_upstreams();
        compile(Inputs {
            spec,
            lookup: &lookup,
            registries: &self.registries,
            store: &self.store,
            metrics: &self.metrics,
            tls: &self.tls,
            services: &self.services,
            previous,
        })
    }
}

/// A configuration on its way to being served.
#[derive(Debug)]
pub struct Prepared {
    /// What was read, and everything that is wrong with it.
    pub loaded: Loaded,
    /// What became of it; `None` when there are errors.
    pub compiled: Option<Compiled>,
    /// Its files as they were read.
    pub(crate) files: Vec<KeptFile>,
}

/// A configuration without errors whose own tests hold.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) loaded: Loaded,
    pub(crate) spec: ConfigSpec,
    pub(crate) compiled: Compiled,
    pub(crate) files: Vec<KeptFile>,
}

impl Prepared {
    /// The diagnostics for people.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        self.loaded.diagnostics.render(&self.loaded.sources, colour)
    }

    /// What becomes of the configuration's own tests; `None` when it cannot be compiled.
    #[must_use]
    pub fn tests(&self) -> Option<Vec<TestOutcome>> {
        let (compiled, spec) = (self.compiled.as_ref()?, self.loaded.spec.as_ref()?);
        Some(run_tests(compiled, &spec.tests))
    }

    /// The configuration, if there is nothing against serving it.
    pub(crate) fn accept(self) -> Result<Accepted, Refusal> {
        let failures = self.failures();
        let rendered = self.refusal();
        match (self.compiled, self.loaded.spec.clone()) {
            (Some(compiled), Some(spec)) if failures.is_empty() => {
                Ok(Accepted { loaded: self.loaded, spec, compiled, files: self.files })
            }
            (Some(_), Some(_)) => Err(Refusal::Tests(failures)),
            _ => Err(Refusal::Config(rendered)),
        }
    }

    /// The diagnostics for whoever may ask how a reload went. Where a file could not be read whole, nobody knows which
    /// parts of its text are secrets: none of it is shown.
    fn refusal(&self) -> String {
        match &self.loaded.spec {
            Some(_) => self.render(false),
            None => self.loaded.diagnostics.lines(&self.loaded.sources),
        }
    }

    /// The failed tests, located; nothing when all pass.
    fn failures(&self) -> String {
        let mut found = test_diagnostics(&self.tests().unwrap_or_default());
        found.hide_as(&self.loaded.diagnostics);
        found.render(&self.loaded.sources, false)
    }
}
