//! What the demonstration tells the person in front of it.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;

/// Where a running demonstration is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places<'a> {
    /// The shop without TLS.
    pub(super) plain: SocketAddr,
    /// The shop with TLS.
    pub(super) secure: SocketAddr,
    /// The admin API.
    pub(super) admin: &'a str,
    /// The certificate that clients must trust for TLS.
    pub(super) certificate: &'a Path,
}

impl Places<'_> {
    /// Says where everything is that no line told yet.
    pub(super) fn say(&self) -> io::Result<()> {
        say(format_args!("secure on https://{}", self.secure))?;
        say(format_args!("admin on http://{}", self.admin))?;
        say(format_args!("authority in {}", self.certificate.display()))
    }

    /// Writes commands that work when they are pasted.
    pub(super) fn show_commands(&self) -> io::Result<()> {
        let Self { plain, admin, certificate, .. } = self;
        let (certificate, port) = (certificate.display(), self.secure.port());
        let program = std::env::current_exe()?;
        let program = program.display();
        let mut out = io::stdout().lock();
        writeln!(
            out,
            "
Try it, from another terminal:

  curl -i --cacert {certificate} https://shop.localhost:{port}/users
  curl -i --cacert {certificate} --http1.1 https://shop.localhost:{port}/inventory/3
  curl -i http://{plain}/orders -d '{{\"user\": 1, \"items\": [{{\"item\": 2, \"count\": 1}}]}}'
  curl -i http://{plain}/orders/3 -X PUT -d '{{\"user\": 1, \"paid\": true}}'
  curl -i http://{plain}/orders/3 -X DELETE
  curl -i http://{plain}/nowhere
  curl -s http://{admin}/metrics
  curl -s http://{admin}/api/upstreams

X-Served-By tells which replica answered, X-Client which client it was told of. How to make a browser believe the
certificate of https://shop.localhost:{port}/inventory:

  {program} cert trust --admin {admin}

Ctrl-C stops."
        )
    }
}

/// Writes a line to standard output: `demo: ` and the text.
pub(super) fn say(text: impl Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "demo: {text}")
}

/// Says where something is: `users-1 on http://127.0.0.1:9101`, with its process if it has one.
pub(super) fn say_place(name: &str, address: SocketAddr, id: Option<u32>) -> io::Result<()> {
    let process = id.map(|id| format!(" (pid {id})")).unwrap_or_default();
    say(format_args!("{name} on http://{address}{process}"))
}
