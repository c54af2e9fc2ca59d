//! What the admin API reads while control goes on.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use portunus_base::{Mono, Wall};
use portunus_compile::Compiled;
use portunus_config::ConfigSpec;
use portunus_proxy::Service;
use portunus_spec::Sources;
use portunus_telemetry::SeriesKind;
use tokio::sync::{mpsc, oneshot};

use crate::admin::OwnToken;
use crate::certificates::Shown;
use crate::changes::save::SaveError;
use crate::changes::{ChangeError, ChangeWish, Changed};
use crate::confine::Confinement;
use crate::control::Saved;
use crate::history::History;
use crate::keyring::Keyring;
use crate::listeners::Bound;
use crate::source::Accepted;
use crate::{Refusal, World};

/// A running Portunus, as seen from its control runtime.
pub(crate) struct Shared {
    pub(crate) world: Arc<World>,
    pub(crate) service: Service,
    pub(crate) started: Mono,
    pub(crate) current: ArcSwap<Current>,
    pub(crate) bound: ArcSwap<Vec<Bound>>,
    pub(crate) last_reload: ArcSwap<Option<LastReload>>,
    pub(crate) commands: mpsc::Sender<Command>,
    /// The certificates that are served.
    pub(crate) shown: Arc<Shown>,
    /// Consumers and their keys.
    pub(crate) keyring: Arc<Keyring>,
    /// What the process has given up.
    pub(crate) confinement: Confinement,
    /// The configurations that were accepted; empty where they come from no file.
    pub(crate) history: ArcSwap<History>,
    /// What commands of our own user show, once the configuration has named no token.
    pub(crate) own_token: OnceLock<Option<OwnToken>>,
    stage: AtomicU8,
}

/// What stays the same from the start on.
pub(crate) struct Parts {
    pub(crate) world: Arc<World>,
    pub(crate) service: Service,
    pub(crate) started: Mono,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) shown: Arc<Shown>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) confinement: Confinement,
}

impl Shared {
    pub(crate) fn new(parts: Parts, current: Current) -> Self {
        let Parts { world, service, started, commands, shown, keyring, confinement } = parts;
        Self {
            world,
            service,
            started,
            current: ArcSwap::from_pointee(current),
            bound: ArcSwap::default(),
            last_reload: ArcSwap::default(),
            commands,
            shown,
            keyring,
            confinement,
            history: ArcSwap::default(),
            own_token: OnceLock::new(),
            stage: AtomicU8::new(Stage::Starting as u8),
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Relaxed) {
            0 => Stage::Starting,
            1 => Stage::Ready,
            _ => Stage::Draining,
        }
    }

    pub(crate) fn enter(&self, stage: Stage) {
        self.stage.store(stage as u8, Relaxed);
    }

    pub(crate) fn generation(&self) -> u64 {
        self.current.load().compiled.snapshot.generation
    }

    /// Lets commands of our own user change what runs, where a configuration leaves them no other way.
    pub(crate) fn keep_own_token(&self, spec: &ConfigSpec) {
        if OwnToken::is_wanted(&spec.admin) {
            self.own_token.get_or_init(|| OwnToken::kept(&self.world.env));
        }
    }

    /// Forgets the metrics of what is not served any more.
    pub(crate) fn forget_series(&self) {
        let current = self.current.load();
        let snapshot = &current.compiled.snapshot;
        let listeners = || snapshot.listeners.iter().flatten();
        let upstreams = || snapshot.upstreams.iter().flatten();
        let metrics = &self.world.metrics;
        metrics.retain(SeriesKind::Listener, |labels| {
            listeners().any(|listener| *listener.name == *labels.name)
        });
        let routes: std::collections::HashSet<&str> =
            snapshot.routes.iter().map(|route| &*route.name).collect();
        metrics.retain(SeriesKind::Route, |labels| routes.contains(&*labels.name));
        let names: std::collections::HashSet<&str> =
            upstreams().map(|upstream| &*upstream.plan.name).collect();
        metrics.retain(SeriesKind::Upstream, |labels| names.contains(&*labels.name));
        metrics.retain(SeriesKind::Endpoint, |labels| names.contains(&*labels.name));
    }
}

/// The configuration that is served.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) compiled: Compiled,
    pub(crate) spec: ConfigSpec,
    /// The texts that it was read from.
    pub(crate) sources: Sources,
    /// The folder where relative paths start.
    pub(crate) base: PathBuf,
}

impl From<Accepted> for Current {
    fn from(accepted: Accepted) -> Self {
        let Accepted { loaded, spec, compiled, files: _ } = accepted;
        Self { compiled, spec, sources: loaded.sources, base: loaded.base }
    }
}

/// How the last try to load another configuration ended.
#[derive(Clone, Debug)]
pub(crate) struct LastReload {
    pub(crate) at: Wall,
    pub(crate) error: Option<Refusal>,
}

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stage {
    Starting = 0,
    Ready = 1,
    Draining = 2,
}

impl Stage {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}

/// What the admin API asks control to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// Load the configuration again, and say what became of it.
    Reload(oneshot::Sender<ReloadResult>),
    /// Give this process's place to a new one; answers with the id of that, or why it was not done.
    Upgrade(oneshot::Sender<Result<u32, String>>),
    /// Go back to the configuration before, and say what became of it.
    Back(oneshot::Sender<ReloadResult>),
    /// Write the weights that operators have set into the files.
    Save(oneshot::Sender<Result<Saved, SaveError>>),
    /// Change endpoints; answers how they are then.
    Change(ChangeWish, oneshot::Sender<Result<Changed, ChangeError>>),
}

/// What became of a reload.
#[derive(Debug)]
pub(crate) struct ReloadResult {
    /// The generation that is served now.
    pub(crate) generation: u64,
    pub(crate) reloaded: Result<Reloaded, Refusal>,
}

/// A reload that succeeded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reloaded {
    /// The generation that is served now.
    pub generation: u64,
    /// What is different from the one before, one line each.
    pub change: String,
}
