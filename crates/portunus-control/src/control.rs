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
use portunus_spec::Spanned;
use portunus_telemetry::LogWriter;
use tokio::sync::mpsc;

use crate::admin::{Admin, AdminSocket};
use crate::certificates::Certificates;
use crate::confine::Confinement;
use crate::history::{HistoryFolder, KeptFile, Revision};
use crate::inherited::Inherited;
use crate::keyring::{Keyring, KeyringKeeper};
use crate::listeners::{Bound, Rebinding, remove_sockets};
use crate::memory::{MemoryKeeper, MemoryMeter};
use crate::pid_file::PidFile;
use crate::quotas::Quotas;
use crate::services::{ServicesThread, Tasks};
use crate::shared::{Command, Current, LastReload, Parts, ReloadResult, Reloaded, Shared, Stage};
use crate::source::Accepted;
use crate::systemd::Notifier;
use crate::upstreams::Upstreams;
use crate::{
    ConfigSource, Console, Refusal, StartError, World, changes, limits, log, state_folder,
};

mod back;
mod save;
mod upgrade;

pub(crate) use self::save::Saved;

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
    /// Tells how much memory is held.
    pub memory: MemoryMeter,
    /// Starts (`true`) or ends the threads that the allocator has of its own: what a process gives up, it gives up while
    /// it has one thread.
    pub allocator_threads: fn(bool),
}

/// A running Portunus. Lives on a current-thread runtime that is not a worker's.
pub struct Control {
    source: ConfigSource,
    console: Console,
    shared: Arc<Shared>,
    upstreams: Upstreams,
    certificates: Certificates,
    keyring: KeyringKeeper,
    memory: MemoryKeeper,
    quotas: Quotas,
    tasks: Tasks,
    services: ServicesThread,
    commands: mpsc::Receiver<Command>,
    files: Files,
    access_log: Option<Arc<LogWriter>>,
    admin: Option<Admin>,
    notifier: Notifier,
    pid_file: Option<PidFile>,
    /// Where accepted configurations are kept, where they come from files.
    history: Option<HistoryFolder>,
}

impl Control {
    /// Starts it: returns when all listeners accept and the endpoints are known, or soon will be.
    ///
    /// # Errors
    /// The configuration is wrong, its tests fail, or the system does not give what it needs.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        Self::start_with(options, Inherited::default(), Confinement::default()).await
    }

    /// As [`Control::start`], with sockets that are bound already. Where it fails, nobody was let in.
    pub(crate) async fn start_with(
        options: Options,
        mut inherited: Inherited,
        confinement: Confinement,
    ) -> Result<Self, StartError> {
        let (started, began) = (SystemClock.mono(), earlier(SystemClock.wall()));
        let services = ServicesThread::start()
            .map_err(|error| StartError::system("cannot start the services thread", error))?;
        let fetcher = Fetcher::default().at_home(services.handle());
        let Options { source, env, registries, version, console, memory, .. } = options;
        let notifier = Notifier::new(&env);
        let world = Arc::new(World::serving(version, env, registries, fetcher));
        upgrade::resume_tickets(&world, inherited.tickets.take());
        let state = state_folder(&world.env);
        let quotas = Quotas::open(&world.services, &state).await;
        let accepted = first(&world, &source, console)?;
        confinement.fits(&accepted.spec, &accepted.loaded.base)?;
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
        let memory = MemoryKeeper::start(memory, service.memory_switch(), &services.handle());
        memory.serve(current.spec.limits.memory_max);
        let parts = Parts {
            world: Arc::clone(&world),
            service,
            started,
            commands: sender,
            shown: Arc::clone(certificates.shown()),
            keyring: Arc::clone(keyring.keyring()),
            confinement,
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
            memory,
            quotas,
            shared,
            commands,
            files,
            access_log,
            admin: None,
            notifier,
            pid_file: None,
            history: None,
        };
        control.open(rebinding, admin, pid_path.as_deref()).await?;
        control.shared.world.metrics.reloaded(true, SystemClock.wall());
        control.shared.enter(Stage::Ready);
        control.shared.confinement.tell(control.console);
        control.console.line("ready");
        Ok(control)
    }

    /// Lets in the first clients.
    async fn open(
        &mut self,
        rebinding: Rebinding,
        admin: Option<AdminSocket>,
        pid_path: Option<&Path>,
    ) -> Result<(), StartError> {
        let current = self.shared.current.load_full();
        self.keyring.serve(&current.compiled.consumers, &current.compiled.key_store).await;
        self.tasks.run(current.compiled.tasks(), &self.services.handle());
        self.upstreams.serve(&current.compiled.upstreams).await;
        self.pid_file = pid_path.map(write_pid_file).transpose()?;
        let bound = rebinding.apply(&self.shared.service, self.console).await;
        self.shared.bound.store(Arc::new(bound));
        self.upstreams.settle(&current.compiled.upstreams);
        self.begin_history();
        self.shared.keep_own_token(&current.spec);
        if let Some(socket) = admin {
            self.console.line(format_args!("admin on {}", socket.address()));
            self.admin = Some(socket.serve(Arc::downgrade(&self.shared)));
        }
        Ok(())
    }

    /// Loads the configuration again and serves it. When it is refused, nothing changes.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn reload(&mut self) -> Result<Reloaded, Refusal> {
        self.serve_other(None).await
    }

    /// Serves another configuration: that of the files, or one of the history.
    async fn serve_other(&mut self, back: Option<&Arc<Revision>>) -> Result<Reloaded, Refusal> {
        self.notifier.reloading();
        let result = self.try_reload(back).await;
        let now = SystemClock.wall();
        self.shared.world.metrics.reloaded(result.is_ok(), now);
        let error = result.as_ref().err().cloned();
        self.shared.last_reload.store(Arc::new(Some(LastReload { at: now, error })));
        match &result {
            Ok(Reloaded { generation, change }) => {
                let change = change.lines().collect::<Vec<_>>().join("; ");
                let what = back.map_or_else(|| "reloaded".to_owned(), |back| back.gone_back());
                self.console.line(format_args!("{what}, generation {generation}: {change}"));
                if back.is_some() {
                    self.console.line(FILES_DIFFER);
                }
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

    async fn try_reload(&mut self, back: Option<&Arc<Revision>>) -> Result<Reloaded, Refusal> {
        let shared = Arc::clone(&self.shared);
        let old = shared.current.load_full();
        let began = earlier(SystemClock.wall());
        let (world, source, revision) =
            (Arc::clone(&shared.world), self.source.clone(), back.cloned());
        let before = Arc::clone(&old);
        let look = move || Look::at(&world, &source, revision.as_deref(), &before);
        let Look { files, warnings, accepted, mut change } = self.beside(look).await?;
        // A broken file may name files whose change would mend it.
        self.files.extend(&files.files, &files.folders);
        let accepted = accepted?;
        let lacking = shared.confinement.lacks(&accepted.spec, &accepted.loaded.base);
        if !lacking.is_empty() {
            return Err(Refusal::System(lacking));
        }
        let workers = shared.service.workers();
        let rebinding =
            Rebinding::prepare(&shared.bound.load(), &accepted.compiled.listeners, workers)
                .map_err(Refusal::System)?;
        self.console.block(&warnings);
        if back.is_none() {
            self.files = Files::of(&accepted);
        }
        for key in needs_start(&old.spec, &accepted.spec) {
            change.push_str(&format!("\n`{key}` changes with the next start"));
        }
        let new = Arc::new(Current::from(accepted));
        self.publish(&new, rebinding, began).await;
        log::set_level(new.spec.log.level);
        let reloaded = Reloaded { generation: new.compiled.snapshot.generation, change };
        match back {
            None => self.note_accepted(&reloaded),
            Some(revision) => self.note_back(revision, reloaded.generation),
        }
        Ok(reloaded)
    }

    /// Does what takes long, or waits for a disk, on a thread of its own: whoever asks how this process is gets an answer
    /// meanwhile, and its end waits for none of it.
    async fn beside<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> R + Send + 'static,
    ) -> Result<R, Refusal> {
        let done = self.services.handle().spawn_blocking(work).await;
        done.map_err(|error| Refusal::System(vec![format!("cannot look at it: {error}")]))
    }

    /// Serves another configuration.
    async fn publish(&mut self, new: &Arc<Current>, rebinding: Rebinding, read_since: Wall) {
        let shared = Arc::clone(&self.shared);
        self.certificates.serve(new, read_since);
        self.keyring.serve(&new.compiled.consumers, &new.compiled.key_store).await;
        self.tasks.run(new.compiled.tasks(), &self.services.handle());
        self.memory.serve(new.spec.limits.memory_max);
        self.upstreams.serve(&new.compiled.upstreams).await;
        shared.keep_own_token(&new.spec);
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
        let (world, before) = (Arc::clone(&shared.world), Arc::clone(&old));
        let compile = move || world.compile(&before.spec, &before.base, Some(&before.compiled));
        let Ok((compiled, found)) = self.beside(compile).await else { return };
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
            ControlTask::Command(Command::Upgrade(answer)) => {
                let _ = answer.send(Err(EMBEDDED.to_owned()));
            }
            ControlTask::Command(Command::Reload(answer)) => {
                let reloaded = self.reload().await;
                let generation = self.shared.generation();
                // Who asked may have gone.
                let _ = answer.send(ReloadResult { generation, reloaded });
            }
            ControlTask::Command(Command::Back(answer)) => {
                let reloaded = self.back().await;
                let generation = self.shared.generation();
                let _ = answer.send(ReloadResult { generation, reloaded });
            }
            ControlTask::Command(Command::Save(answer)) => {
                let saved = self.save(|| ()).await;
                let _ = answer.send(saved);
            }
            ControlTask::Command(Command::Change(wish, answer)) => {
                let _ = answer.send(changes::change(&self.shared, &self.upstreams, &wish));
            }
        }
    }

    /// What is told of a reload that was not even tried.
    pub(crate) fn refused(&self, refusal: Refusal) -> ReloadResult {
        ReloadResult { generation: self.shared.generation(), reloaded: Err(refusal) }
    }

    pub(crate) fn files(&self) -> (&[PathBuf], &[PathBuf]) {
        (&self.files.files, &self.files.folders)
    }

    /// One line for a service manager.
    pub(crate) fn status(&self) -> String {
        let last = self.shared.last_reload.load();
        let refused = last.as_ref().as_ref().is_some_and(|last| last.error.is_some());
        let refused = if refused { ", the last reload was refused" } else { "" };
        let back = self.shared.history.load().is_back();
        let back = if back { ", gone back: the files say something else" } else { "" };
        format!("serving generation {}{back}{refused}", self.shared.generation())
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

    pub(crate) fn delay(&self) -> Duration {
        self.shared.current.load().spec.shutdown.delay.value
    }

    /// Says that it is not ready, and sends clients away with their next answers; goes on accepting.
    pub(crate) async fn step_back(&self) {
        self.shared.enter(Stage::Draining);
        self.shared.service.step_back().await;
    }

    pub(crate) fn console(&self) -> Console {
        self.console
    }

    /// Lets nobody in any more, and waits until all exchanges are over. Cancel-safe.
    pub async fn drain(&self) {
        self.shared.enter(Stage::Draining);
        let let_go = self.shared.bound.load().iter().map(Bound::let_go).collect();
        self.shared.bound.store(Arc::new(let_go));
        self.shared.service.drain().await;
        self.emptied().await;
    }

    /// Waits until the last connection of a client is closed. Cancel-safe.
    pub(crate) async fn emptied(&self) {
        loop {
            // Workers hear of it at their next turn; what they accept until then counts too.
            tokio::time::sleep(DRAIN_LOOK_EVERY).await;
            if self.shared.service.connections() == 0 {
                return;
            }
        }
    }

    /// Waits for `done` within the grace, and then closes what is still open. Cancel-safe.
    pub(crate) async fn finish(&self, done: impl Future<Output = ()>) {
        if tokio::time::timeout(self.grace(), done).await.is_err() {
            let open = self.connections();
            self.console.line(format_args!("the grace is over, closing {open} connections"));
            self.shared.service.drain().await;
            self.farewell().await;
        }
    }

    /// Ends what is still open in the terms of its protocol, in a second at most. Cancel-safe.
    async fn farewell(&self) {
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
        self.finish_history().await;
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

impl ControlTask {
    /// Whether the files of the configuration are taken as they are now: only what changes in them later is news.
    pub(crate) fn reads_files(&self) -> bool {
        matches!(self, Self::Command(Command::Reload(_) | Command::Back(_)))
    }
}

/// What there is to say of another configuration before it is served.
struct Look {
    files: Files,
    warnings: String,
    accepted: Result<Accepted, Refusal>,
    /// How it differs from the one of now.
    change: String,
}

impl Look {
    /// Looks at the configuration of the files, or at one of the history.
    fn at(world: &World, source: &ConfigSource, back: Option<&Revision>, old: &Current) -> Self {
        let prepared = match back {
            None => world.prepare(source, Some(&old.compiled)),
            Some(revision) => world.prepare_again(revision, &old.compiled),
        };
        let (files, folders) = (prepared.loaded.files.clone(), prepared.loaded.folders.clone());
        let files = Files { files, folders, read: Vec::new() };
        let warnings = prepared.render(false);
        let accepted = prepared.accept();
        let change = accepted.as_ref().map_or_else(
            |_| String::new(),
            |accepted| difference(Some(&old.compiled), &accepted.compiled).to_string(),
        );
        Self { files, warnings, accepted, change }
    }
}

/// The files of a configuration.
#[derive(Debug)]
struct Files {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    /// Those that were read, until the history has them.
    read: Vec<KeptFile>,
}

impl Files {
    fn of(accepted: &Accepted) -> Self {
        let loaded = &accepted.loaded;
        let (files, folders) = (loaded.files.clone(), loaded.folders.clone());
        Self { files, folders, read: accepted.files.clone() }
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

/// The configuration to start with.
fn first(world: &World, source: &ConfigSource, console: Console) -> Result<Accepted, StartError> {
    let prepared = world.prepare(source, None);
    let level = prepared.loaded.spec.as_ref().map(|spec| spec.log.level);
    log::set_level(level.unwrap_or(LevelSpec::Info));
    let warnings = prepared.render(false);
    let accepted = prepared.accept()?;
    console.block(&warnings);
    limits::raise_open_files(accepted.spec.limits.connections_max.as_ref().map(|max| max.value));
    Ok(accepted)
}

/// Binds everything at once, so that all that is wrong is told at once.
async fn bind(
    accepted: &Accepted,
    workers: usize,
    mut inherited: Inherited,
) -> Result<(Rebinding, Option<AdminSocket>), Refusal> {
    let listeners = &accepted.compiled.listeners;
    let rebinding = Rebinding::prepare_with(&[], listeners, workers, &mut inherited);
    let admin = match &accepted.spec.admin.address.value {
        AdminAddressSpec::Off => Ok(None),
        AdminAddressSpec::On(address) => match inherited.take_admin(&address.to_string()) {
            Some(socket) => AdminSocket::adopt(socket, address).map(Some),
            None => AdminSocket::bind(address).await.map(Some),
        },
    };
    for address in inherited.close() {
        tracing::warn!(%address, "LISTEN_FDS has a socket that no listener wants");
    }
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
        ("user", value_of(&old.user) != value_of(&new.user)),
        ("group", value_of(&old.group) != value_of(&new.group)),
        ("sandbox", old.sandbox != new.sandbox),
    ];
    keys.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key).collect()
}

fn value_of(given: &Option<Spanned<String>>) -> Option<&str> {
    given.as_ref().map(|given| given.value.as_str())
}

/// A moment before: file times are coarser than the clock.
pub(crate) fn earlier(now: Wall) -> Wall {
    Wall(now.0.saturating_sub(FILE_TIME_SLACK_US))
}

/// Why there is no upgrade where control does not live the whole life of its process.
const EMBEDDED: &str = "this Portunus is a part of another program";
/// How much earlier than it was written a file may look, in microseconds.
const FILE_TIME_SLACK_US: u64 = 50_000;
/// Commands of the admin API that may wait.
const COMMANDS_MAX: usize = 16;
/// How long peers may take to answer a farewell.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often a stop looks whether the last connection is closed.
const DRAIN_LOOK_EVERY: Duration = Duration::from_millis(10);
/// What is told of a step back.
const FILES_DIFFER: &str = "the files say something else now: the next reload or start takes them";

#[cfg(test)]
mod tests;
