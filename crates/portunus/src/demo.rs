//! `portunus demo`: the shop of the README behind Portunus, to try it before writing anything.
//!
//! Two forms. [`single`] runs six replicas and Portunus in this process; [`tiers`] runs an edge,
//! two gateways and the replicas as processes of their own. Both use the files of `examples/shop`, and both serve
//! the shop with TLS and without.
//! The lines on standard output that begin with `demo:` are for programs too: they keep their form.
//!
//! Nothing here is on the way of a request through a proxy that somebody runs for real.

mod announce;
mod authority;
mod catalogue;
mod child;
mod ports;
mod replica;
mod server;
mod service;
mod signals;
mod single;
mod store;
mod template;
mod tiers;

use std::ffi::OsString;

use clap::{Args, Subcommand};

/// `portunus demo`.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    /// Port of 127.0.0.1 for http; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// Port of 127.0.0.1 for https; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 8443)]
    tls_port: u16,
    /// Port of 127.0.0.1 for the admin API; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 8170)]
    admin_port: u16,
    /// Runs an edge, two gateways and all replicas as processes of their own.
    #[arg(long)]
    two_tier: bool,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What a demonstration is made of.
#[derive(Debug, Subcommand)]
enum Part {
    /// Serve replicas of one service of the shop, until a signal stops them.
    Service(service::Options),
    /// Become another command of this program, one that ends when a process does.
    #[command(hide = true)]
    Tied(TiedOptions),
}

/// `portunus demo tied`.
#[derive(Args, Debug)]
struct TiedOptions {
    /// The process, which must be the parent.
    parent: i32,
    /// The command with its arguments.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Runs the demonstration, or a part of it, until a signal stops it.
pub(crate) fn run(options: Options) -> anyhow::Result<()> {
    match options.part {
        Some(Part::Service(options)) => return service::run(options),
        Some(Part::Tied(tied)) => return child::become_tied(tied.parent, &tied.command),
        None => {}
    }
    let ports = Ports { plain: options.port, secure: options.tls_port, admin: options.admin_port };
    ports::check_free(ports.plain, "--port")?;
    ports::check_free(ports.secure, "--tls-port")?;
    ports::check_free(ports.admin, "--admin-port")?;
    if options.two_tier { tiers::run(ports) } else { single::run(ports) }
}

/// Where clients find the demonstration; 0 stands for a free port.
#[derive(Clone, Copy, Debug)]
struct Ports {
    /// The shop without TLS.
    plain: u16,
    /// The shop with TLS.
    secure: u16,
    admin: u16,
}

/// A runtime for the calling thread.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
