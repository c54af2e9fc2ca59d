//! The shop in one process: six replicas, and Portunus in front of them.

use std::path::Path;
use std::time::Duration;

use portunus_config::Env;
use portunus_control::{ConfigSource, Console, Control, Options};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Ports;
use super::announce::{Places, say, say_place};
use super::authority::Authority;
use super::ports::ReservedPort;
use super::server::Stop;
use super::service::start_all;
use super::signals::stop_signal;
use super::template::{SINGLE, Values, fill, variable};

/// Runs it until a signal stops it.
pub(super) fn run(ports: Ports) -> anyhow::Result<()> {
    super::runtime()?.block_on(run_until_stopped(ports))
}

async fn run_until_stopped(ports: Ports) -> anyhow::Result<()> {
    let signal = stop_signal()?;
    let folder = tempfile::Builder::new().prefix("portunus-demo-").tempdir()?;
    let (stop, stopped) = watch::channel(false);
    let mut servers = JoinSet::new();
    let mut values = start_services(folder.path(), &stopped, &mut servers).await?;
    let [plain, secure] = [ReservedPort::take(ports.plain)?, ReservedPort::take(ports.secure)?];
    for (variable, port) in [
        ("SHOP_PORT", plain.address().port()),
        ("SHOP_TLS_PORT", secure.address().port()),
        ("SHOP_ADMIN_PORT", ports.admin),
    ] {
        values.push((variable.to_owned(), port.to_string()));
    }
    let authority = Authority::create(folder.path())?;
    let mut control = Control::start(options(fill(SINGLE, &values), authority.env())).await?;
    say_ready(&Places {
        plain: plain.address(),
        secure: secure.address(),
        admin: control.admin_address().unwrap_or_default(),
        certificate: authority.certificate(),
    })?;
    tokio::select! {
        () = signal => {}
        () = control.obey() => {}
    }
    say("stopping")?;
    // What is not over by then is cut.
    let _ = tokio::time::timeout(GRACE, control.drain()).await;
    control.stop();
    stop.send_replace(true);
    while servers.join_next().await.is_some() {}
    say("stopped")?;
    Ok(())
}

/// Starts the replicas, says where they are, and gives the variables with their addresses.
async fn start_services(
    state: &Path,
    stop: &Stop,
    servers: &mut JoinSet<()>,
) -> anyhow::Result<Values> {
    let mut values = Values::new();
    for (name, address) in start_all(state, stop, servers).await? {
        say_place(&name, address, None)?;
        values.push((variable(&name), address.to_string()));
    }
    Ok(values)
}

fn options(text: String, env: Env) -> Options {
    Options {
        source: ConfigSource::Text { name: "examples/shop/portunus.yaml".to_owned(), text },
        env,
        registries: crate::wire::registries(),
        memory: crate::memory::held,
        allocator_threads: crate::memory::threads,
        version: crate::wire::VERSION,
        console: Console::Quiet,
    }
}

fn say_ready(places: &Places<'_>) -> std::io::Result<()> {
    say_place("shop", places.plain, None)?;
    places.say()?;
    say("ready")?;
    places.show_commands()
}

/// How long exchanges may go on after a signal.
const GRACE: Duration = Duration::from_secs(5);
