//! The classic topology as processes: edge, two gateways, and the replicas of the services.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use portunus_config::Env;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Ports;
use super::announce::{Places, say, say_place};
use super::authority::Authority;
use super::catalogue::{REPLICAS, Service};
use super::child::TiedChild;
use super::ports::ReservedPort;
use super::service::serving;
use super::signals::stop_signal;
use super::template::{EDGE, GATEWAY, Values, fill, variable};

/// Runs the processes until a signal stops them.
pub(super) fn run(ports: Ports) -> anyhow::Result<()> {
    super::runtime()?.block_on(run_until_stopped(ports))
}

async fn run_until_stopped(ports: Ports) -> anyhow::Result<()> {
    let signal = stop_signal()?;
    let folder = tempfile::Builder::new().prefix("portunus-demo-").tempdir()?;
    let mut shop = Shop::new(folder.path(), Authority::create(folder.path())?);
    // After a signal while they start, the one that is not ready is killed, the others stop.
    tokio::select! {
        () = signal => {}
        ended = shop.start_and_watch(ports) => ended?,
    }
    say("stopping")?;
    shop.stop().await;
    say("stopped")?;
    Ok(())
}

/// All processes, and the folder with their files.
struct Shop<'f> {
    folder: &'f Path,
    authority: Authority,
    services: Tier,
    gateways: Tier,
    edge: Tier,
    /// Addresses that the configuration of the next tier needs.
    values: Values,
}

/// Processes that are stopped together.
struct Tier {
    stop: watch::Sender<bool>,
    running: JoinSet<anyhow::Result<()>>,
}

impl<'f> Shop<'f> {
    fn new(folder: &'f Path, authority: Authority) -> Self {
        let tier = Tier::default;
        let (services, gateways, edge) = (tier(), tier(), tier());
        Self { folder, authority, services, gateways, edge, values: Values::new() }
    }

    /// Starts everything, from the services to the edge; then reports processes that end.
    async fn start_and_watch(&mut self, ports: Ports) -> anyhow::Result<()> {
        self.start_services().await?;
        // They stay reserved: nobody else may get the port of a gateway that was killed.
        let reserved = [ReservedPort::take(0)?, ReservedPort::take(0)?];
        for (port, name) in reserved.iter().zip(["gateway-1", "gateway-2"]) {
            let ports = Ports { plain: port.address().port(), secure: 0, admin: 0 };
            let (child, _) = self.start_portunus(name, GATEWAY, ports).await?;
            say_place(name, port.address(), Some(child.id()))?;
            self.gateways.add(child);
            self.values.push((variable(name), port.address().to_string()));
        }
        let [plain, secure] = [ReservedPort::take(ports.plain)?, ReservedPort::take(ports.secure)?];
        let (plain, secure) = (plain.address(), secure.address());
        let ports = Ports { plain: plain.port(), secure: secure.port(), admin: ports.admin };
        let (child, admin) = self.start_portunus("edge", EDGE, ports).await?;
        say_place("edge", plain, Some(child.id()))?;
        self.edge.add(child);
        let certificate = self.authority.certificate();
        self.say_ready(&Places { plain, secure, admin: &admin, certificate })?;
        self.watch().await
    }

    async fn start_services(&mut self) -> anyhow::Result<()> {
        for service in Service::ALL {
            // Filled before the first replica answers.
            service.store(self.folder)?;
            for number in 1..=REPLICAS {
                let (child, address) = self.start_replica(service, number).await?;
                let name = service.replica(number);
                say_place(&name, address, Some(child.id()))?;
                self.services.add(child);
                self.values.push((variable(&name), address.to_string()));
            }
        }
        Ok(())
    }

    async fn start_replica(
        &self,
        service: Service,
        number: u16,
    ) -> anyhow::Result<(TiedChild, SocketAddr)> {
        let mut arguments: Vec<OsString> =
            ["demo", "service", service.name(), "--listen", "127.0.0.1:0", "--first"]
                .map(OsString::from)
                .into();
        arguments.extend([number.to_string().into(), "--state".into(), self.folder.into()]);
        let name = service.replica(number);
        let mut child = TiedChild::start(&name, &arguments, &Env::new())?;
        let address = child.wait_for(&serving(&name)).await?.parse()?;
        Ok((child, address))
    }

    /// Starts a Portunus from a file of the examples. Gives also the address of its admin listener.
    async fn start_portunus(
        &self,
        name: &str,
        template: &str,
        ports: Ports,
    ) -> anyhow::Result<(TiedChild, String)> {
        let mut values = self.values.clone();
        let log = self.folder.join(format!("{name}.log")).display().to_string();
        for (variable, value) in [
            ("SHOP_PORT", ports.plain.to_string()),
            ("SHOP_TLS_PORT", ports.secure.to_string()),
            ("SHOP_ADMIN_PORT", ports.admin.to_string()),
            ("SHOP_NAME", name.to_owned()),
            ("SHOP_LOG", log),
        ] {
            values.push((variable.to_owned(), value));
        }
        let file = self.file(name);
        std::fs::write(&file, fill(template, &values))
            .with_context(|| format!("cannot write {}", file.display()))?;
        let arguments = ["run".into(), "-c".into(), file.into()];
        let mut child = TiedChild::start(name, &arguments, &self.authority.env())?;
        let admin = child.wait_for("portunus: admin on ").await?;
        child.wait_for("portunus: ready").await?;
        Ok((child, admin))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.yaml"))
    }

    fn say_ready(&self, places: &Places<'_>) -> anyhow::Result<()> {
        places.say()?;
        say(format_args!("files in {}", self.folder.display()))?;
        say("ready")?;
        places.show_commands()?;
        let program = std::env::current_exe()?;
        let gateway = self.file("gateway-1");
        say("kill -9 a gateway or a replica, and ask again: the other one answers")?;
        say(format_args!(
            "a gateway comes back with: {} run -c {}",
            program.display(),
            gateway.display()
        ))?;
        Ok(())
    }

    /// Reports processes that end, for ever.
    async fn watch(&mut self) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                Some(ended) = self.services.running.join_next() => ended??,
                Some(ended) = self.gateways.running.join_next() => ended??,
                Some(ended) = self.edge.running.join_next() => ended??,
                else => std::future::pending().await,
            }
        }
    }

    /// Stops all processes, those that ask before those that answer.
    async fn stop(self) {
        self.edge.stop().await;
        self.gateways.stop().await;
        self.services.stop().await;
    }
}

impl Default for Tier {
    fn default() -> Self {
        Self { stop: watch::Sender::new(false), running: JoinSet::new() }
    }
}

impl Tier {
    fn add(&mut self, child: TiedChild) {
        let (name, id) = (child.name().to_owned(), child.id());
        let run = child.run(self.stop.subscribe());
        self.running.spawn(async move {
            match run.await {
                Some(status) => Ok(say(format_args!("{name} (pid {id}) ended: {status}"))?),
                None => Ok(()),
            }
        });
    }

    async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.running.join_next().await.is_some() {}
    }
}
