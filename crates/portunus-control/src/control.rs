//! A running Portunus: started once, reloaded often, stopped once.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portunus_base::{Clock as _, SystemClock, Wall};
use portunus_compile::{Registries, difference};
use portunus_config::spec::{AdminAddressSpec, LevelSpec, WorkersSpec};
use portunus_config::{ConfigSpec, Env};
use portunus_fetch::Fetcher;
use portunus_net::ListenAddress;
use portunus_proxy::{Pulse, Service, ServiceOptions};
use portunus_telemetry::LogWriter;
use tokio::sync::mpsc;

use crate::admin::{Admin, AdminSocket};
use crate::certificates::Certificates;
use crate::inherited::Inherited;
use crate::keyring::{Keyring, KeyringKeeper};
use crate::listeners::{Rebinding, remove_sockets};
use crate::pid_file::PidFile;
use crate::quotas::Quotas;
use crate::services::{ServicesThread, Tasks};
use crate::shared::{Command, Current, LastReload, Parts, ReloadResult, Reloaded, Shared, Stage};
use crate::source::Accepted;
use crate::systemd::Notifier;
use crate::upstreams::Upstreams;
use crate::{ConfigSource, Console, Refusal, StartError, World, limits, log, state_folder};

/// What a Portunus is started with.
#[derive(Debug)]
pub struct Options {
    /// Where the configuration comes from.
    pub source: ConfigSource,
    /// The environment, for `${VAR}`, overrides and secrets.
    pub env: Env,
    /// The filters that there are.
    pub registries: Registries,
    /// The version of the program.
    pub version: &'static str,
    /// Where the lines go that tell what happens.
    pub console: Console,
}

/// A running Portunus. Lives on a current-thread runtime that is not a worker's.
pub struct Control {
    source: ConfigSource,
    console: Console,
    shared: Arc<Shared>,
    upstreams: Upstreams,
    certificates: Certificates,
    keyring: KeyringKeeper,
    quotas: Quotas,
    tasks: Tasks,
    services: ServicesThread,
    commands: mpsc::Receiver<Command>,
    files: Files,
    access_log: Option<Arc<LogWriter>>,
    admin: Option<Admin>,
    notifier: Notifier,
    _pid_file: Option<PidFile>,
}

impl Control {
    /// Starts it: returns when all listeners accept and the endpoints are known, or soon will be.
    ///
    /// # Errors
    /// The configuration is wrong, its tests fail, or the system does not give what it needs.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        Self::start_with(options, Inherited::default()).await
    }

    /// As [`Control::start`], with sockets that are bound already.
    pub(crate) async fn start_with(
        options: Options,
        inherited: Inherited,
    ) -> Result<Self, StartError> {
        let (started, began) = (SystemClock.mono(), earlier(SystemClock.wall()));
        let services = ServicesThread::start()
            .map_err(|error| StartError::system("cannot start the services thread", error))?;
        let fetcher = Fetcher::default().at_home(services.handle());
        let Options { source, env, registries, version, console } = options;
        let notifier = Notifier::new(&env);
        let world = Arc::new(World::serving(version, env, registries, fetcher));
        let state = state_folder(&world.env);
        let quotas = Quotas::open(&world.services, &state).await;
        let prepared = world.prepare(&source, None);
        let level = prepared.loaded.spec.as_ref().map(|spec| spec.log.level);
        log::set_level(level.unwrap_or(LevelSpec::Info));
        let warnings = prepared.render(false);
        let accepted = prepared.accept()?;
        console.block(&warnings);
        limits::raise_open_files(
            accepted.spec.limits.connections_max.as_ref().map(|max| max.value),
        );
        let workers = workers(&accepted.spec);
        let (rebinding, admin) = bind(&accepted, workers, inherited).await?;
        let access_log = log::start_access_log(&accepted, &world.metrics)?;
        let service = start_service(&accepted, &world, workers, access_log.clone())?;
        let files = Files::of(&accepted);
        let pid_path = accepted.spec.pid_file.as_ref().map(|path| accepted.loaded.base.join(path));
        let current = Current::from(accepted);
        let upstreams = Upstreams::start(Arc::clone(&world))
            .map_err(|error| StartError::system("cannot start health checks", error))?;
        let mut certificates = Certificates::new(&world);
        certificates.serve(&current, began);
        let (sender, commands) = mpsc::channel(COMMANDS_MAX);
        let directory = Arc::clone(&world.services.directory);
        let keyring = KeyringKeeper::new(Keyring::new(directory, &state, services.handle()));
        let parts = Parts {
            world: Arc::clone(&world),
            service,
            started,
            commands: sender,
            shown: Arc::clone(certificates.shown()),
            keyring: Arc::clone(keyring.keyring()),
        };
        let shared = Arc::new(Shared::new(parts, current));
        let mut control = Self {
            source,
            console,
            services,
            tasks: Tasks::default(),
            upstreams,
            certificates,
            keyring,
            quotas,
            shared,
            commands,
            files,
            access_log,
            admin: None,
            notifier,
            _pid_file: None,
        };
        control.open(rebinding, admin).await;
        control._pid_file = pid_path.as_deref().map(write_pid_file).transpose()?;
        control.shared.world.metrics.reloaded(true, SystemClock.wall());
        control.shared.enter(Stage::Ready);
        control.console.line("ready");
        Ok(control)
    }

    /// Lets in the first clients.
    async fn open(&mut self, rebinding: Rebinding, admin: Option<AdminSocket>) {
        let current = self.shared.current.load_full();
        self.keyring.serve(&current.compiled.consumers, &current.compiled.key_store).await;
        self.tasks.run(current.compiled.tasks(), &self.services.handle());
        self.upstreams.serve(&current.compiled.upstreams).await;
        let bound = rebinding.apply(&self.shared.service, self.console).await;
        self.shared.bound.store(Arc::new(bound));
        self.upstreams.settle(&current.compiled.upstreams);
        if let Some(socket) = admin {
            self.console.line(format_args!("admin on {}", socket.address()));
            self.admin = Some(socket.serve(Arc::downgrade(&self.shared)));
        }
    }

    /// Loads the configuration again and serves it. When it is refused, nothing changes.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn reload(&mut self) -> Result<Reloaded, Refusal> {
        self.notifier.reloading();
        let result = self.try_reload().await;
        let now = SystemClock.wall();
        self.shared.world.metrics.reloaded(result.is_ok(), now);
        let error = result.as_ref().err().cloned();
        self.shared.last_reload.store(Arc::new(Some(LastReload { at: now, error })));
        match &result {
            Ok(Reloaded { generation, change }) => {
                let change = change.lines().collect::<Vec<_>>().join("; ");
                self.console.line(format_args!("reloaded, generation {generation}: {change}"));
            }
            Err(refusal) => {
                let generation = self.shared.generation();
                self.console
                    .line(format_args!("reload refused, generation {generation} stays: {refusal}"));
                self.console.block(&refusal.details());
            }
        }
        self.notifier.ready(self.status());
        result
    }

    async fn try_reload(&mut self) -> Result<Reloaded, Refusal> {
        let shared = Arc::clone(&self.shared);
        let old = shared.current.load_full();
        let began = earlier(SystemClock.wall());
        let prepared = shared.world.prepare(&self.source, Some(&old.compiled));
        // A broken file may name files whose change would mend it.
        self.files.extend(&prepared.loaded.files, &prepared.loaded.folders);
        let warnings = prepared.render(false);
        let accepted = prepared.accept()?;
        let workers = shared.service.workers();
        let rebinding =
            Rebinding::prepare(&shared.bound.load(), &accepted.compiled.listeners, workers)
                .map_err(Refusal::System)?;
        self.console.block(&warnings);
        self.files = Files::of(&accepted);
        let mut change = difference(Some(&old.compiled), &accepted.compiled).to_string();
        for key in needs_start(&old.spec, &accepted.spec) {
            change.push_str(&format!("\n`{key}` changes with the next start"));
        }
        let new = Arc::new(Current::from(accepted));
        self.publish(&new, rebinding, began).await;
        log::set_level(new.spec.log.level);
        Ok(Reloaded { generation: new.compiled.snapshot.generation, change })
    }

    /// Serves another configuration.
    async fn publish(&mut self, new: &Arc<Current>, rebinding: Rebinding, read_since: Wall) {
        let shared = Arc::clone(&self.shared);
        self.certificates.serve(new, read_since);
        self.keyring.serve(&new.compiled.consumers, &new.compiled.key_store).await;
        self.tasks.run(new.compiled.tasks(), &self.services.handle());
        self.upstreams.serve(&new.compiled.upstreams).await;
        shared.current.store(Arc::clone(new));
        shared.service.publish(Arc::clone(&new.compiled.snapshot)).await;
        let bound = rebinding.apply(&shared.service, self.console).await;
        shared.bound.store(Arc::new(bound));
        self.upstreams.settle(&new.compiled.upstreams);
        shared.forget_series();
    }

    /// Serves the configuration of now with the certificates and keys that are in its files now. When they are wrong,
    /// nothing changes.
    async fn refresh(&mut self) {
        let shared = Arc::clone(&self.shared);
        let old = shared.current.load_full();
        let began = earlier(SystemClock.wall());
        let (compiled, found) = shared.world.compile(&old.spec, &old.base, Some(&old.compiled));
        shared.world.metrics.certificates_refreshed(compiled.is_some());
        let Some(compiled) = compiled else {
            self.console.line("changed certificates are not taken, the old ones stay");
            self.console.block(&found.render(&old.sources, false));
            return;
        };
        let workers = shared.service.workers();
        // Nothing is bound anew: the addresses are the same.
        let rebinding = Rebinding::prepare(&shared.bound.load(), &compiled.listeners, workers);
        let Ok(rebinding) = rebinding else { return };
        let (sources, base) = (old.sources.clone(), old.base.clone());
        let new = Arc::new(Current { compiled, spec: old.spec.clone(), sources, base });
        if difference(Some(&old.compiled), &new.compiled).is_empty() {
            self.certificates.serve(&new, began);
        } else {
            self.publish(&new, rebinding, began).await;
        }
        self.console.line("certificates have changed and are served");
    }

    /// The listeners with the addresses that they have.
    #[must_use]
    pub fn listeners(&self) -> Vec<(String, ListenAddress)> {
        let bound = self.shared.bound.load();
        bound.iter().map(|bound| (bound.name.clone(), bound.address.clone())).collect()
    }

    /// Where the admin API is, if it is on.
    #[must_use]
    pub fn admin_address(&self) -> Option<&str> {
        self.admin.as_ref().map(Admin::address)
    }

    /// Opens the files of logs anew, for those that were rotated away.
    pub fn reopen_logs(&self) {
        if let Some(log) = &self.access_log {
            log.reopen();
        }
    }

    /// Does what the admin API asks for. Never returns by itself; cancel-safe between commands.
    pub async fn obey(&mut self) {
        while let Some(task) = self.task().await {
            self.execute(task).await;
        }
    }

    /// What there is to do. Cancel-safe.
    pub(crate) async fn task(&mut self) -> Option<ControlTask> {
        tokio::select! {
            command = self.commands.recv() => command.map(ControlTask::Command),
            () = self.certificates.changed() => Some(ControlTask::Refresh),
        }
    }

    pub(crate) async fn execute(&mut self, task: ControlTask) {
        match task {
            ControlTask::Refresh => self.refresh().await,
            ControlTask::Command(Command::Reload(answer)) => {
                let reloaded = self.reload().await;
                let generation = self.shared.generation();
                // Who asked may have gone.
                let _ = answer.send(ReloadResult { generation, reloaded });
            }
        }
    }

    pub(crate) fn files(&self) -> (&[PathBuf], &[PathBuf]) {
        (&self.files.files, &self.files.folders)
    }

    /// One line for a service manager.
    pub(crate) fn status(&self) -> String {
        let last = self.shared.last_reload.load();
        let refused = last.as_ref().as_ref().is_some_and(|last| last.error.is_some());
        let refused = if refused { ", the last reload was refused" } else { "" };
        format!("serving generation {}{refused}", self.shared.generation())
    }

    pub(crate) fn notifier(&self) -> &Notifier {
        &self.notifier
    }

    /// What tells whether the workers are well.
    pub(crate) fn pulse(&self) -> Pulse {
        self.shared.service.pulse()
    }

    pub(crate) fn grace(&self) -> Duration {
        self.shared.current.load().spec.shutdown.grace.value
    }

    pub(crate) fn console(&self) -> Console {
        self.console
    }

    /// Lets nobody in any more, and waits until all exchanges are over. Cancel-safe.
    pub async fn drain(&self) {
        self.shared.enter(Stage::Draining);
        self.shared.service.drain().await;
        loop {
            // Workers hear of it at their next turn; what they accept until then counts too.
            tokio::time::sleep(DRAIN_LOOK_EVERY).await;
            if self.shared.service.connections() == 0 {
                return;
            }
        }
    }

    /// Ends what is still open in the terms of its protocol, in a second at most. Cancel-safe.
    pub(crate) async fn farewell(&self) {
        self.shared.service.farewell().await;
        let gone = async {
            while self.shared.service.connections() > 0 {
                tokio::time::sleep(DRAIN_LOOK_EVERY).await;
            }
        };
        // Who does not answer is closed next.
        let _ = tokio::time::timeout(FAREWELL, gone).await;
    }

    /// Connections of clients that are open now.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.service.connections()
    }

    /// Gives back what other processes may wait for, in 2 seconds at most, and saves what outlives this one.
    pub(crate) async fn stop_orders(&mut self) {
        self.certificates.stop().await;
        self.quotas.save().await;
    }

    /// Ends it now, whatever is still going on.
    pub fn stop(self) {
        let Self { shared, upstreams, admin, access_log, .. } = self;
        remove_sockets(&shared.bound.load());
        drop((admin, upstreams));
        // Nobody else holds it: the admin API only looks at it while it makes an answer.
        if let Some(shared) = Arc::into_inner(shared) {
            shared.service.stop();
        }
        // The last owner writes what is left.
        drop(access_log);
    }
}

/// What control does beside serving.
#[derive(Debug)]
pub(crate) enum ControlTask {
    /// What the admin API asks for.
    Command(Command),
    /// Taking over changed certificates.
    Refresh,
}

/// The files of a configuration.
#[derive(Debug)]
struct Files {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Files {
    fn of(accepted: &Accepted) -> Self {
        Self { files: accepted.loaded.files.clone(), folders: accepted.loaded.folders.clone() }
    }

    fn extend(&mut self, files: &[PathBuf], folders: &[PathBuf]) {
        let add = |all: &mut Vec<PathBuf>, more: &[PathBuf]| {
            let new: Vec<_> = more.iter().filter(|path| !all.contains(path)).cloned().collect();
            all.extend(new);
        };
        add(&mut self.files, files);
        add(&mut self.folders, folders);
    }
}

/// Binds everything at once, so that all that is wrong is told at once.
async fn bind(
    accepted: &Accepted,
    workers: usize,
    mut inherited: Inherited,
) -> Result<(Rebinding, Option<AdminSocket>), Refusal> {
    let listeners = &accepted.compiled.listeners;
    let rebinding = Rebinding::prepare_with(&[], listeners, workers, &mut inherited);
    for address in inherited.close() {
        tracing::warn!(%address, "LISTEN_FDS has a socket that no listener wants");
    }
    let admin = match &accepted.spec.admin.address.value {
        AdminAddressSpec::Off => Ok(None),
        AdminAddressSpec::On(address) => AdminSocket::bind(address).await.map(Some),
    };
    match (rebinding, admin) {
        (Ok(rebinding), Ok(admin)) => Ok((rebinding, admin)),
        (rebinding, admin) => {
            let lines = rebinding.err().into_iter().flatten().chain(admin.err());
            Err(Refusal::System(lines.collect()))
        }
    }
}

fn start_service(
    accepted: &Accepted,
    world: &World,
    workers: usize,
    log: Option<Arc<LogWriter>>,
) -> Result<Service, StartError> {
    let options = ServiceOptions {
        workers,
        pin: accepted.spec.workers == WorkersSpec::Auto && workers > 1,
        metrics: Arc::clone(&world.metrics),
        directory: Arc::clone(&world.services.directory),
        snapshot: Arc::clone(&accepted.compiled.snapshot),
        log,
    };
    Service::start(options).map_err(|error| StartError::system("cannot start workers", error))
}

fn workers(spec: &ConfigSpec) -> usize {
    match spec.workers {
        WorkersSpec::Auto => std::thread::available_parallelism().map_or(1, usize::from),
        WorkersSpec::Count(count) => usize::from(count),
    }
}

fn write_pid_file(path: &Path) -> Result<PidFile, StartError> {
    let what = || format!("cannot write the pid file {}", path.display());
    PidFile::write(path).map_err(|error| StartError::system(&what(), error))
}

/// The keys whose change does not take effect by a reload.
fn needs_start(old: &ConfigSpec, new: &ConfigSpec) -> Vec<&'static str> {
    let keys = [
        ("workers", old.workers != new.workers),
        ("admin.address", old.admin.address.value != new.admin.address.value),
        ("log.access.to", old.log.access.to.value != new.log.access.to.value),
        ("pid_file", old.pid_file != new.pid_file),
    ];
    keys.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key).collect()
}

/// A moment before: file times are coarser than the clock.
pub(crate) fn earlier(now: Wall) -> Wall {
    Wall(now.0.saturating_sub(FILE_TIME_SLACK_US))
}

/// How much earlier than it was written a file may look, in microseconds.
const FILE_TIME_SLACK_US: u64 = 50_000;
/// Commands of the admin API that may wait.
const COMMANDS_MAX: usize = 16;
/// How long peers may take to answer a farewell.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often a stop looks whether the last connection is closed.
const DRAIN_LOOK_EVERY: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests;
