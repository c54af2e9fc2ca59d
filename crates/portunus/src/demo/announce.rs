//! What the demonstration tells the person in front of it.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::net::SocketAddr;

/// Writes a line to standard output: `demo: ` and the text.
pub(super) fn say(text: impl Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "demo: {text}")
}

/// Says where something is: `users-1 on http://127.0.0.1:9101`, with its process if it has one.
pub(super) fn say_place(name: &str, address: SocketAddr, id: Option<u32>) -> io::Result<()> {
    let process = id.map(|id| format!(" (pid {id})")).unwrap_or_default();
    say(format_args!("{name} on http://{address}{process}"))
}

/// Writes commands that work when they are pasted.
pub(super) fn show_commands(shop: SocketAddr, admin: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "
Try it, from another terminal:

  curl -i http://{shop}/users
  curl -i http://{shop}/inventory/3
  curl -i http://{shop}/orders -d '{{\"user\": 1, \"items\": [{{\"item\": 2, \"count\": 1}}]}}'
  curl -i http://{shop}/orders/3 -X PUT -d '{{\"user\": 1, \"paid\": true}}'
  curl -i http://{shop}/orders/3 -X DELETE
  curl -i http://{shop}/nowhere
  curl -s http://{admin}/metrics
  curl -s http://{admin}/api/upstreams

X-Served-By tells which replica answered. Ctrl-C stops.
"
    )
}
