//! `discover: {dns: …}`: the addresses of a host name, or the places of a service, followed by TTL.

use std::net::SocketAddr;
use std::sync::Arc;

use portunus_spec::{Node, Problem, Reader, Shape, Spanned, Spec, check, spec};

use crate::list::{EndpointInput, Target, endpoint_list};
use crate::provider::Provider;
use crate::registry::{ProviderFactory, ProviderPlan};
use crate::resolver::{Family, ResolveOptions};

spec! {
    /// Endpoints from DNS, asked for again when the answer expires.
    pub(crate) struct DnsSpec {
        short = name;
        /// Host name and port; each address of the name is an endpoint.
        name: Option<Spanned<String>>,
        /// Name of a service instead; its SRV records give hosts, ports, weights and backups.
        srv: Option<Spanned<String>>,
        /// DNS servers to ask instead of the system's.
        resolver: Vec<SocketAddr> = Vec::new(),
        /// Which addresses of a name are endpoints.
        family: Family = Family::Auto,
    }
}

impl DnsSpec {
    /// What to resolve; `None` after an error was recorded.
    fn input(&self, node: &Node, reader: &mut Reader<'_>) -> Option<EndpointInput> {
        match (&self.name, &self.srv) {
            (Some(name), None) => {
                let rule = |name: &String| host_and_port(name).map(|_| ());
                reader.key("name", |reader| check(name, reader, rule)).then_some(())?;
                let (host, port) = host_and_port(name).ok()?;
                let host = host.to_owned();
                Some(EndpointInput::new(Target::Host { host, port }, &**name))
            }
            (None, Some(name)) => {
                Some(EndpointInput::new(Target::Service(name.value.clone()), &**name))
            }
            _ => {
                let error = reader.error(node.span, "one name is needed");
                error.help("write name: orders.internal:8080, or srv: _http._tcp.orders.internal");
                None
            }
        }
    }
}

/// The entry of the registry.
pub(crate) static FACTORY: DnsFactory = DnsFactory;

pub(crate) struct DnsFactory;

impl ProviderFactory for DnsFactory {
    fn name(&self) -> &'static str {
        "dns"
    }

    fn doc(&self) -> &'static str {
        "The addresses of a host name, or the places of a service (SRV), followed by TTL."
    }

    fn shape(&self) -> Shape {
        DnsSpec::shape()
    }

    fn read(&self, node: &Node, reader: &mut Reader<'_>) -> Option<Arc<dyn ProviderPlan>> {
        let spec = DnsSpec::read(node, reader)?;
        let input = spec.input(node, reader)?;
        Some(Arc::new(Dns { spec, input }))
    }
}

/// What to resolve and how.
#[derive(Debug)]
struct Dns {
    spec: DnsSpec,
    input: EndpointInput,
}

impl ProviderPlan for Dns {
    fn open(&self) -> Box<dyn Provider> {
        let (servers, family) = (self.spec.resolver.clone(), self.spec.family);
        let options = ResolveOptions { servers, family, ..ResolveOptions::default() };
        endpoint_list(vec![self.input.clone()], options)
    }

    fn write(&self) -> Node {
        self.spec.write()
    }
}

fn host_and_port(name: &str) -> Result<(&str, u16), Problem> {
    let problem = || {
        Problem::new(format!("`{name}` is not a host name with a port"))
            .help("write orders.internal:8080")
    };
    let (host, port) = name.rsplit_once(':').ok_or_else(problem)?;
    let port = port.parse().ok().filter(|&port| port != 0).ok_or_else(problem)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() { Err(problem()) } else { Ok((host, port)) }
}

#[cfg(test)]
mod tests;
