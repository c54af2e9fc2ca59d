//! What the admin API reads while control goes on.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use arc_swap::ArcSwap;
use portunus_base::{Mono, Wall};
use portunus_compile::Compiled;
use portunus_config::ConfigSpec;
use portunus_proxy::Service;
use portunus_spec::Sources;
use portunus_telemetry::SeriesKind;
use tokio::sync::{mpsc, oneshot};

use crate::certificates::Shown;
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
}

impl Shared {
    pub(crate) fn new(parts: Parts, current: Current) -> Self {
        let Parts { world, service, started, commands, shown, keyring } = parts;
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
        let Accepted { loaded, spec, compiled } = accepted;
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
