//! What the process gives up before it serves: root, and what it does not need of the system.
//!
//! It happens before there are threads, with what the configuration names at the start. So certificates and keys are
//! read as the user that reads them again at a reload, and what works at the start works then too.

use std::fs::{DirBuilder, Permissions, set_permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf, absolute};

use portunus_config::spec::{AdminAddressSpec, LogTargetSpec, SandboxSpec};
use portunus_config::{ConfigSpec, Env, ListenAddress};
use portunus_sandbox::{Account, Needs, Sandbox, denied_calls, loader_of};

use crate::handover::ConfinedEntry;
use crate::{Console, Options, Refusal, StartError, World, limits, state_folder};

/// What is in force of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Confinement {
    /// The user that the process has become.
    user: Option<Account>,
    /// In words; `None` where nothing was tried.
    pub(crate) told: Option<String>,
    /// Where files may be made; `None` where they may be anywhere.
    written: Option<Vec<PathBuf>>,
    /// Which list of system calls is denied, if one is.
    calls: Option<u64>,
    /// What it was entered for; `None` where this is a part of another program.
    wishes: Option<Wishes>,
}

impl Confinement {
    /// Gives up what the configuration says; `before` is what the process had given up whose place this one takes.
    ///
    /// # Errors
    /// The configuration is wrong, the user is none that the process can become, or the sandbox cannot be what it must
    /// be.
    pub(crate) fn enter(
        options: &Options,
        before: Option<ConfinedEntry>,
    ) -> Result<Self, StartError> {
        (options.allocator_threads)(false);
        let entered = Self::enter_alone(options, before.unwrap_or_default());
        (options.allocator_threads)(true);
        entered
    }

    fn enter_alone(options: &Options, before: ConfinedEntry) -> Result<Self, StartError> {
        let Options { source, env, console, .. } = options;
        let loaded = source.load(env);
        let Some(spec) = loaded.spec.as_ref().filter(|_| !loaded.diagnostics.has_errors()) else {
            return Err(no_start(options));
        };
        let kept = kept(spec, &loaded.base, env);
        let user = become_user(spec, &kept, *console)?;
        let wishes = Some(Wishes::of(spec, &loaded.base));
        let ConfinedEntry { written, calls } = before;
        if spec.sandbox == SandboxSpec::Off {
            return Ok(Self { user, told: None, written, calls, wishes });
        }
        // A folder that is not there cannot be named to the kernel. Where it cannot be made it is not needed, or will
        // be missed.
        kept.iter().for_each(|folder| drop(make(folder)));
        let needs = Needs { before: calls, ..needs(spec, &loaded.base, env) };
        let sandbox = Sandbox::enter(&needs);
        let told = told(&sandbox);
        if spec.sandbox == SandboxSpec::On && !sandbox.lacking.is_empty() {
            let what = "`sandbox: on` cannot be had";
            return Err(StartError::system(what, sandbox.lacking.join(", ")));
        }
        let holds = |what: &str| sandbox.in_force.iter().any(|one| one.starts_with(what));
        let written = if holds("files") { Some(needs.written) } else { written };
        let calls = if holds("system calls") { denied_calls() } else { calls };
        Ok(Self { user, told: Some(told), written, calls, wishes })
    }

    /// Sees that the configuration that is served is the one that this was entered for.
    ///
    /// # Errors
    /// It was changed in between.
    pub(crate) fn fits(&self, spec: &ConfigSpec, base: &Path) -> Result<(), Refusal> {
        let fits = self.wishes.as_ref().is_none_or(|wishes| *wishes == Wishes::of(spec, base));
        if fits { Ok(()) } else { Err(changed()) }
    }

    /// What the process is told that takes this one's place.
    pub(crate) fn entry(&self) -> ConfinedEntry {
        ConfinedEntry { written: self.written.clone(), calls: self.calls }
    }

    /// Tells what is in force, once the start is no failure.
    pub(crate) fn tell(&self, console: Console) {
        if let Some(user) = &self.user {
            console.line(format_args!("user: {user}"));
        }
        if let Some(told) = &self.told {
            console.line(format_args!("sandbox: {told}"));
        }
    }

    /// The folders that another configuration needs, and that cannot be written to.
    pub(crate) fn lacks(&self, spec: &ConfigSpec, base: &Path) -> Vec<String> {
        let Some(written) = &self.written else { return Vec::new() };
        lacking(written, changing(spec, base))
    }
}

impl ConfinedEntry {
    /// Sees that a configuration can be served with what the process before had given up.
    ///
    /// # Errors
    /// It needs folders that are lacking.
    pub(crate) fn suffices(
        &self,
        spec: &ConfigSpec,
        base: &Path,
        env: &Env,
    ) -> Result<(), Refusal> {
        let Some(written) = &self.written else { return Ok(()) };
        let lines = lacking(written, needs(spec, base, env).written);
        if lines.is_empty() { Ok(()) } else { Err(Refusal::System(lines)) }
    }
}

/// What the configuration says of it.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Wishes {
    user: Option<String>,
    group: Option<String>,
    sandbox: SandboxSpec,
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Wishes {
    fn of(spec: &ConfigSpec, base: &Path) -> Self {
        Self {
            user: spec.user.as_ref().map(|user| user.value.clone()),
            group: spec.group.as_ref().map(|group| group.value.clone()),
            sandbox: spec.sandbox,
            files: files(spec, base),
            folders: changing(spec, base),
        }
    }
}

/// Why there is no start with a configuration that is wrong: all that is wrong with it.
fn no_start(options: &Options) -> StartError {
    let world = World::new(options.version, options.env.clone(), options.registries);
    let accepted = world.prepare(&options.source, None).accept();
    // It may be right by now, and so serve without anything being given up.
    accepted.err().unwrap_or_else(changed).into()
}

fn changed() -> Refusal {
    let why = "the configuration was changed while Portunus was starting: start again";
    Refusal::System(vec![why.to_owned()])
}

/// One line for each folder that lies in none where files may be made.
fn lacking(written: &[PathBuf], wanted: Vec<PathBuf>) -> Vec<String> {
    let is_held = |path: &Path| {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let given = |one: &PathBuf| path.starts_with(one.canonicalize().as_ref().unwrap_or(one));
        written.iter().any(given)
    };
    let line = |folder: PathBuf| {
        let folder = folder.display();
        format!(
            "the sandbox lets nothing be written to {folder}, which the configuration did not name at the start: \
             start again, or set `sandbox: off`"
        )
    };
    wanted.into_iter().filter(|folder| !is_held(folder)).map(line).collect()
}

fn told(sandbox: &Sandbox) -> String {
    let without = match sandbox.lacking.is_empty() {
        true => String::new(),
        false => format!("; without {}", sandbox.lacking.join(", ")),
    };
    format!("{}{without}", sandbox.in_force.join(", "))
}

/// Becomes the user that is named; answers it where the process was another.
fn become_user(
    spec: &ConfigSpec,
    kept: &[PathBuf],
    console: Console,
) -> Result<Option<Account>, StartError> {
    let group = spec.group.as_ref().map(|group| group.value.as_str());
    let Some(user) = &spec.user else { return Ok(None) };
    let fault = |error| {
        let what = format!("cannot become the user `{}`", user.value);
        StartError::system(&what, error)
    };
    let account = Account::find(&user.value, group).map_err(fault)?;
    if account.is_ours() {
        return Ok(None);
    }
    if !rustix::process::geteuid().is_root() {
        console.line(format_args!("`user: {account}` is passed over: only root becomes another"));
        return Ok(None);
    }
    for folder in kept {
        if make(folder).unwrap_or_default() {
            account.own(folder).map_err(fault)?;
        }
    }
    // Nobody else may, later.
    limits::allow_open_files(spec.limits.connections_max.as_ref().map(|max| max.value));
    account.become_it().map_err(fault)?;
    Ok(Some(account))
}

/// Makes a folder for us alone, in folders that all can pass. True when it was not there.
fn make(folder: &Path) -> std::io::Result<bool> {
    if folder.exists() {
        return Ok(false);
    }
    for parent in parents_lacking(folder) {
        DirBuilder::new().create(parent)?;
        // Whatever the mask of this process is.
        set_permissions(parent, Permissions::from_mode(0o755))?;
    }
    DirBuilder::new().mode(0o700).create(folder).map(|()| true)
}

/// The parents of a folder that are not there, the outermost first.
fn parents_lacking(folder: &Path) -> Vec<&Path> {
    let is_lacking = |parent: &&Path| !parent.as_os_str().is_empty() && !parent.exists();
    let mut lacking: Vec<_> = folder.ancestors().skip(1).take_while(is_lacking).collect();
    lacking.reverse();
    lacking
}

/// What the process writes and executes with a configuration.
fn needs(spec: &ConfigSpec, base: &Path, env: &Env) -> Needs {
    let mut written = vec![state_folder(env), PathBuf::from("/dev/null")];
    for name in MANAGED_FOLDERS {
        let folders = env.get(name).map(String::as_str).unwrap_or_default().split(':');
        written.extend(folders.filter(|folder| !folder.is_empty()).map(PathBuf::from));
    }
    written.extend(files(spec, base).iter().flat_map(|path| places_of(path)));
    written.extend(changing(spec, base));
    let loader = std::env::current_exe().ok().and_then(|program| loader_of(&program));
    let executed = program_folders().chain(loader).collect();
    Needs {
        written: written.iter().filter_map(|path| absolute(path).ok()).collect(),
        executed,
        // That of some service managers.
        abstract_sockets: env.get("NOTIFY_SOCKET").is_some_and(|name| name.starts_with('@')),
        before: None,
    }
}

/// Files that are written, and stay the same until the next start.
fn files(spec: &ConfigSpec, base: &Path) -> Vec<PathBuf> {
    let log = match &spec.log.access.to.value {
        LogTargetSpec::File(path) => Some(base.join(path)),
        _ => None,
    };
    let pid_file = spec.pid_file.as_ref().map(|path| base.join(path));
    let admin = match &spec.admin.address.value {
        AdminAddressSpec::On(ListenAddress::Unix(path)) => Some(path.clone()),
        _ => None,
    };
    [log, pid_file, admin].into_iter().flatten().collect()
}

/// Where this program lies, and where it was called: another version of it is another file there.
fn program_folders() -> impl Iterator<Item = PathBuf> {
    let called = std::env::args_os().next().map(PathBuf::from);
    let called = called.filter(|path| path.components().count() > 1);
    let paths = std::env::current_exe().ok().into_iter().chain(called);
    paths.filter_map(|path| absolute(path).ok()?.parent().map(Path::to_owned))
}

/// The folders of ours alone, that are made when they are not there.
fn kept(spec: &ConfigSpec, base: &Path, env: &Env) -> Vec<PathBuf> {
    [state_folder(env)].into_iter().chain(storage(spec, base)).collect()
}

/// Folders that a reload may change.
fn changing(spec: &ConfigSpec, base: &Path) -> Vec<PathBuf> {
    let socket = |address: &ListenAddress| match address {
        ListenAddress::Unix(path) => absolute(path).ok()?.parent().map(Path::to_owned),
        _ => None,
    };
    let listeners = spec.listeners.iter().filter_map(|(_, one)| socket(&one.address.value));
    listeners.chain(storage(spec, base)).collect()
}

fn storage(spec: &ConfigSpec, base: &Path) -> Option<PathBuf> {
    let storage = spec.acme.as_ref()?.storage.as_ref()?;
    Some(base.join(&storage.value))
}

/// Where a file is made: its folder, and that which it is a link into. What is no file, such as a terminal, is itself.
fn places_of(path: &Path) -> Vec<PathBuf> {
    let path = &absolute(path).unwrap_or_else(|_| path.to_owned());
    let is_special = path.metadata().is_ok_and(|it| !it.is_file() && !it.is_dir());
    if is_special {
        return vec![path.to_owned()];
    }
    let real = path.canonicalize().ok();
    let folders = [Some(&**path), real.as_deref()].into_iter().flatten().filter_map(Path::parent);
    folders.map(Path::to_owned).collect()
}

/// Folders that a service manager has made for us (`systemd.exec(5)`).
const MANAGED_FOLDERS: [&str; 4] =
    ["STATE_DIRECTORY", "RUNTIME_DIRECTORY", "LOGS_DIRECTORY", "CACHE_DIRECTORY"];

#[cfg(test)]
mod tests;
