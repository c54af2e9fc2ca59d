//! One proxy while it runs: its own folder, ports and process.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::clock;
use super::launch::Guard;
use super::meter::{self, Memory};
use super::probe::{self, Answer};
use super::scenario::{Policy, Scenario, Variant};
use super::session::{Session, Subject};
use super::template::Values;
use crate::process;

/// A proxy that has answered its first request as it should. Dropping it ends it.
pub(super) struct Proxy {
    guard: Guard,
    /// The proxy between this one and the origin.
    inner: Option<Box<Self>>,
    _folder: Folder,
    pub port: u16,
    /// From its start to its first right answer.
    pub start_seconds: f64,
}

impl Proxy {
    /// Starts it and waits for its first right answer.
    ///
    /// # Errors
    /// [`NoAnswer`] when it ends or stays silent; another error when it answers wrongly.
    pub(super) fn start(session: &Session, subject: &Subject, scenario: &Scenario) -> Result<Self> {
        let inner = match subject.variant.before {
            Some(name) => {
                let variant = match subject.variant.policy {
                    Policy::None => &Variant::PLAIN,
                    _ => &Variant::LIMITS,
                };
                let inner = Subject { installed: session.installed(name)?, variant };
                Some(Box::new(Self::start(session, &inner, scenario)?))
            }
            None => None,
        };
        let folder = Folder::create(session.work_folder(), subject.installed.peer.name)?;
        let port = probe::free_port()?;
        let Variant { routes, filters, tls, h2_origin, policy, .. } = *subject.variant;
        let values = Values {
            folder: &folder.0,
            port,
            admin_port: probe::free_port()?,
            origin_port: match &inner {
                Some(inner) => inner.port,
                None => session.origin_port(h2_origin)?,
            },
            clients_max: scenario.clients_max,
            access_log: session.options.access_log,
            routes,
            filters,
            tls,
            h2_origin,
            policy,
            redis_port: match policy {
                Policy::Shared(_) => session.redis_port()?,
                _ => 0,
            },
        };
        if tls {
            session.certificate()?.copy_to(&folder.0)?;
        }
        let mut token = None;
        if matches!(policy, Policy::Tokens(_)) {
            let tokens = session.tokens()?;
            tokens.copy_keys_to(&folder.0)?;
            token = Some(tokens.first()?);
        }
        let mut command = session.on_proxy_core(&subject.installed.program);
        command.args(subject.installed.peer.args.iter().map(|word| values.fill_words(word)));
        command.current_dir(&folder.0).env("GOMAXPROCS", "1").env("HOME", &folder.0);
        command.env("XDG_CONFIG_HOME", &folder.0).env("XDG_DATA_HOME", &folder.0);
        command.stdout(File::create(folder.0.join("stdout.log"))?);
        command.stderr(File::create(folder.0.join("stderr.log"))?);
        write_configs(subject.installed.peer.configs, &values)?;

        let begun = clock::now();
        let mut guard = Guard::start(&mut command)?;
        let expected = Answer { status: 200, body_bytes: scenario.body_bytes };
        let ask = if tls { probe::get_over_tls } else { probe::get };
        let path = scenario.first_path(subject.variant);
        wait_for(&mut guard, begun, || ask(port, &path, token.as_deref()), &expected)
            .with_context(|| format!("{}: {}", subject.label(), folder.last_words()))?;
        let start_seconds = begun.elapsed().as_secs_f64();
        Ok(Self { guard, inner, _folder: folder, port, start_seconds })
    }

    /// Processor time so far; of both where one stands behind it.
    pub(super) fn cpu_seconds(&self) -> f64 {
        let inner = self.inner.as_ref().map_or(0.0, |inner| inner.cpu_seconds());
        meter::cpu_seconds(self.guard.pid()) + inner
    }

    pub(super) fn memory(&self) -> Memory {
        let inner = self.inner.as_ref().map_or_else(Memory::default, |inner| inner.memory());
        let own = meter::memory(self.guard.pid());
        Memory {
            resident_kb: own.resident_kb + inner.resident_kb,
            peak_kb: own.peak_kb + inner.peak_kb,
        }
    }
}

/// Asks again and again until the answer is right: some proxies listen before they know a route.
fn wait_for(
    guard: &mut Guard,
    begun: Instant,
    ask: impl Fn() -> Result<Option<Answer>>,
    expected: &Answer,
) -> Result<()> {
    let mut wrong = None;
    while begun.elapsed() < START_MAX {
        match ask() {
            Ok(Some(answer)) if answer == *expected => return Ok(()),
            Ok(None) => {}
            Ok(Some(answer)) => wrong = Some(format!("{answer:?}")),
            Err(error) => wrong = Some(format!("{error:#}")),
        }
        if guard.has_ended() {
            bail!(NoAnswer("ended before its first answer"));
        }
        clock::pause(START_POLL);
    }
    match wrong {
        Some(wrong) => bail!("wrong answer: {wrong}, not {expected:?}"),
        None => bail!(NoAnswer("did not listen")),
    }
}

fn write_configs(names: &[&str], values: &Values<'_>) -> Result<()> {
    let templates = process::root()?.join("bench/configs");
    for name in names {
        let template = fs::read_to_string(templates.join(name))
            .with_context(|| format!("cannot read bench/configs/{name}"))?;
        fs::write(values.folder.join(name), values.fill(&template))?;
    }
    Ok(())
}

/// The proxy did not come to answer; it is left out, which is no error of the comparison.
#[derive(Debug)]
pub(super) struct NoAnswer(&'static str);

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for NoAnswer {}

/// A folder that goes when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn create(parent: &Path, name: &str) -> Result<Self> {
        // Two of the same kind may run, one behind the other.
        let taken = parent.join(name).exists();
        let folder = parent.join(if taken { format!("{name}-edge") } else { name.to_owned() });
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    /// The last line that the proxy wrote to its standard error or error log.
    fn last_words(&self) -> String {
        let said = ["stderr.log", "error.log", "stdout.log"]
            .iter()
            .filter_map(|name| fs::read_to_string(self.0.join(name)).ok())
            .find_map(|text| Some(text.lines().rfind(|line| !line.trim().is_empty())?.to_owned()));
        said.unwrap_or_else(|| "it said nothing".to_owned())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const START_MAX: Duration = Duration::from_secs(30);
const START_POLL: Duration = Duration::from_micros(500);
