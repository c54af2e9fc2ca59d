//! A start without a file: one host, one place to send to.

use portunus_spec::{Node, yaml};

/// What makes up a configuration without a file.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct QuickOptions {
    /// The host to serve; every host unless given.
    #[arg(long, requires = "to", value_name = "NAME", conflicts_with = "watch")]
    host: Option<String>,
    /// Where requests go, instead of a configuration file; several URLs share the load.
    #[arg(long, value_name = "URL", conflicts_with = "watch")]
    to: Vec<String>,
    /// Where to listen; 127.0.0.1:8080 unless given, with `--tls` 127.0.0.1:8443.
    #[arg(long, requires = "to", value_name = "ADDRESS")]
    listen: Option<String>,
    /// Serve https with certificates of a local authority: see `portunus cert trust`.
    #[arg(long, requires = "to")]
    tls: bool,
    /// Where the admin API listens, or `off`.
    #[arg(long, requires = "to", value_name = "ADDRESS")]
    admin: Option<String>,
}

impl QuickOptions {
    /// The configuration that the options stand for; `None` when they ask for a file.
    pub(super) fn text(&self) -> Option<String> {
        if self.to.is_empty() {
            return None;
        }
        let host = self.host.as_deref().unwrap_or("*");
        let to = Node::seq(self.to.iter().map(|url| text(url)));
        let routes = Node::map([("/**", Node::map([("to", to)]))]);
        let mut tree = vec![
            ("listeners", Node::map([("web", self.listener())])),
            ("hosts", Node::map([(host, Node::map([("routes", routes)]))])),
        ];
        tree.extend(self.admin.as_deref().map(|address| ("admin", text(address))));
        Some(yaml::write(&Node::map(tree)))
    }
}

impl QuickOptions {
    fn listener(&self) -> Node {
        let usual = if self.tls { LISTEN_TLS } else { LISTEN };
        let address = text(self.listen.as_deref().unwrap_or(usual));
        let tls = self.tls.then(|| ("tls", Node::text("self_signed")));
        Node::map([("address", address)].into_iter().chain(tls))
    }
}

/// A text that stands for itself: a `$` of a command line was meant as one.
fn text(text: &str) -> Node {
    Node::text(text.replace("${", "$${"))
}

const LISTEN: &str = "127.0.0.1:8080";
const LISTEN_TLS: &str = "127.0.0.1:8443";

#[cfg(test)]
mod tests;
