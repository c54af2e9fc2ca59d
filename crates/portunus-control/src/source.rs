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

use crate::Refusal;
use crate::authority::authority_folder;

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
        Self::with(TlsShared::new(Some(folder)), fetcher, version, env, registries)
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
        Self { env, registries, store, tls, metrics, services, version }
    }

    /// Loads and compiles a configuration; what `previous` has in common with it is kept.
    #[must_use]
    pub fn prepare(&self, source: &ConfigSource, previous: Option<&Compiled>) -> Prepared {
        let mut loaded = source.load(&self.env);
        let compiled = loaded.spec.as_ref().and_then(|spec| {
            let (compiled, found) = self.compile(spec, &loaded.base, previous);
            loaded.diagnostics.append(found);
            compiled
        });
        loaded.diagnostics.sort();
        let compiled = compiled.filter(|_| !loaded.diagnostics.has_errors());
        Prepared { loaded, compiled }
    }

    /// Compiles a configuration whose relative paths start in `base`.
    pub(crate) fn compile(
        &self,
        spec: &ConfigSpec,
        base: &Path,
        previous: Option<&Compiled>,
    ) -> (Option<Compiled>, Diagnostics) {
        let lookup = Surroundings::new(&Disk, &self.env, base.to_owned());
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
}

/// A configuration without errors whose own tests hold.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) loaded: Loaded,
    pub(crate) spec: ConfigSpec,
    pub(crate) compiled: Compiled,
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
        let rendered = self.render(false);
        match (self.compiled, self.loaded.spec.clone()) {
            (Some(compiled), Some(spec)) if failures.is_empty() => {
                Ok(Accepted { loaded: self.loaded, spec, compiled })
            }
            (Some(_), Some(_)) => Err(Refusal::Tests(failures)),
            _ => Err(Refusal::Config(rendered)),
        }
    }

    /// The failed tests, located; nothing when all pass.
    fn failures(&self) -> String {
        let outcomes = self.tests().unwrap_or_default();
        test_diagnostics(&outcomes).render(&self.loaded.sources, false)
    }
}
