//! Whom a limit tells apart: what is read from a request becomes a number that clients cannot choose.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::OnceLock;

use portunus_base::Wall;
use portunus_exchange::template::cookie;
use portunus_exchange::{Exchange, Template};
use portunus_expression::Expression;
use portunus_filter::BuildCx;
use portunus_identity::Identity;
use portunus_resilience::Seed;
use portunus_spec::shape::{Json, Scalar};
use portunus_spec::{Node, Reader, Shape, Spanned, Spec};

/// What the users of a budget have in common, as it is written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum PerSpec {
    /// A word, a word with a name, or a text with variables.
    Text(String),
    /// An expression in CEL.
    Cel(Spanned<String>),
}

impl PerSpec {
    /// Each consumer.
    pub(crate) fn consumer() -> Self {
        Self::Text("consumer".to_owned())
    }
}

impl fmt::Display for PerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Cel(text) => write!(f, "cel {}", text.value),
        }
    }
}

impl Spec for PerSpec {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        if let Some(text) = node.scalar() {
            return Some(Self::Text(text.into_owned()));
        }
        match node.entries() {
            Some([entry]) if entry.key.value == "cel" => {
                reader.key("cel", |reader| Spanned::read(&entry.value, reader)).map(Self::Cel)
            }
            _ => {
                reader.wrong_kind(node, "what clients are told apart by").help(HELP);
                None
            }
        }
    }

    fn write(&self) -> Node {
        match self {
            Self::Text(text) => Node::text(text),
            Self::Cel(text) => Node::map([("cel", text.write())]),
        }
    }

    fn shape() -> Shape {
        let text = Scalar {
            name: "key",
            json: Json::String,
            pattern: None,
            examples: &["client_ip", "consumer", "header:X-Tenant", "{cookie.sid}", "{cel: …}"],
        };
        Shape::OneOf(vec![Shape::Scalar(text), Shape::Map(String::shape)])
    }
}

/// Reads keys from requests.
pub(crate) struct Keys {
    parts: Box<[Part]>,
    seed: Seed,
    ipv6_prefix: u8,
}

/// One thing that is read.
enum Part {
    ClientIp,
    Connection,
    Request,
    Consumer,
    Route,
    Host,
    Header(Box<str>),
    Claim(Box<str>),
    Cookie(Box<str>),
    Param(Box<str>),
    Template(Template),
    Cel(Expression),
}

impl Keys {
    /// Keys of these parts together; without any, all requests have the same.
    pub(crate) fn build(
        per: &[Spanned<PerSpec>],
        ipv6_prefix: &Spanned<u16>,
        seed: Seed,
        cx: &mut BuildCx<'_, '_>,
    ) -> Option<Self> {
        let parts: Vec<Option<Part>> = per.iter().map(|part| Part::build(part, cx)).collect();
        let prefix = u8::try_from(ipv6_prefix.value).ok().filter(|bits| (1..=128).contains(bits));
        if prefix.is_none() {
            let error = cx.reader.error(ipv6_prefix.span, "there is no such prefix");
            error.help("write a length from 1 to 128");
        }
        let parts: Option<Vec<Part>> = parts.into_iter().collect();
        Some(Self { parts: parts?.into(), seed, ipv6_prefix: prefix? })
    }

    /// The key of a request; None where something is missing. `scratch` keeps its memory.
    pub(crate) fn key(
        &self,
        exchange: &Exchange,
        wall: Wall,
        scratch: &mut Vec<u8>,
    ) -> Option<u64> {
        scratch.clear();
        self.write(exchange, wall, scratch).then(|| self.seed.hash(scratch))
    }

    /// The key that is made of these parts.
    pub(crate) fn of(&self, parts: &[u8]) -> u64 {
        self.seed.hash(parts)
    }

    /// The key of all requests where something is missing.
    pub(crate) fn of_the_rest(&self, scratch: &mut Vec<u8>) -> u64 {
        // No list of parts looks like this: each ends with a length.
        scratch.clear();
        scratch.extend_from_slice(b"rest");
        self.seed.hash(scratch)
    }

    /// Appends what the key is made of, each part with its length. False where something is missing.
    fn write(&self, exchange: &Exchange, wall: Wall, out: &mut Vec<u8>) -> bool {
        self.parts.iter().all(|part| {
            let start = out.len();
            let found = part.write(exchange, wall, self.ipv6_prefix, out);
            let length = (out.len() - start) as u64;
            out.extend_from_slice(&length.to_le_bytes());
            found
        })
    }

    /// Whether each client has a key of its own, rather than all together.
    pub(crate) fn is_of_clients(&self) -> bool {
        self.parts.iter().any(|part| !matches!(part, Part::Route | Part::Host))
    }

    /// The key for people.
    pub(crate) fn shown(&self, exchange: &Exchange, wall: Wall) -> String {
        let shown = |part: &Part| {
            let mut text = Vec::new();
            let found = part.show(exchange, wall, self.ipv6_prefix, &mut text);
            let text: String = String::from_utf8_lossy(&text).chars().take(SHOWN_MAX).collect();
            format!("{} {}", part.name(), if found { &text } else { "missing" })
        };
        match self.parts.iter().map(shown).collect::<Vec<_>>().join(", ") {
            none if none.is_empty() => "all together".to_owned(),
            some => some,
        }
    }
}

impl Part {
    fn build(per: &Spanned<PerSpec>, cx: &mut BuildCx<'_, '_>) -> Option<Self> {
        let text = match &per.value {
            PerSpec::Text(text) => text.as_str(),
            PerSpec::Cel(text) => return expression(text, cx).map(Self::Cel),
        };
        if text.contains('{') {
            let text = Spanned::new(per.span, text.to_owned());
            return cx.template(&text).map(Self::Template);
        }
        let found = match text.split_once(':') {
            None if text == "request" && cx.name == "bandwidth" => Some(Self::Request),
            None => Self::word(text),
            Some((_, "")) => None,
            Some(("header", name)) => Some(Self::Header(name.into())),
            Some(("claim", name)) => Some(Self::Claim(name.into())),
            Some(("cookie", name)) => Some(Self::Cookie(name.into())),
            Some(("param", name)) if cx.params.contains(&name) => Some(Self::Param(name.into())),
            Some(("param", name)) => {
                let message = format!("the path of the route has no part `{name}`");
                cx.reader.error(per.span, message);
                return None;
            }
            Some(_) => None,
        };
        if found.is_none() {
            let message = format!("`{text}` tells no clients apart");
            cx.reader.error(per.span, message).help(HELP);
        }
        found
    }

    fn word(text: &str) -> Option<Self> {
        Some(match text {
            "client_ip" => Self::ClientIp,
            "connection" => Self::Connection,
            "consumer" => Self::Consumer,
            "route" => Self::Route,
            "host" => Self::Host,
            _ => return None,
        })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::ClientIp => "client_ip",
            Self::Connection => "connection",
            Self::Request => "request",
            Self::Consumer => "consumer",
            Self::Route => "route",
            Self::Host => "host",
            Self::Header(_) => "header",
            Self::Claim(_) => "claim",
            Self::Cookie(_) => "cookie",
            Self::Param(_) => "param",
            Self::Template(_) => "template",
            Self::Cel(_) => "cel",
        }
    }

    /// Appends the part. False where the request has none.
    fn write(&self, exchange: &Exchange, wall: Wall, ipv6_prefix: u8, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        match self {
            Self::ClientIp => put_ip(network(exchange.client.ip, ipv6_prefix), out),
            Self::Connection => put_connection(exchange, out),
            Self::Request => put(exchange.attributes.value(REQUEST_KEY), out),
            Self::Consumer => put_who(exchange.identity.as_deref(), out),
            Self::Route => put(exchange.route_name.as_deref().map(str::as_bytes), out),
            Self::Host => put(Some(exchange.request.host()), out),
            Self::Header(name) => put(exchange.request.headers.value(name.as_bytes()), out),
            Self::Claim(name) => {
                let claim = exchange.identity.as_ref().and_then(|it| it.claim_text(name));
                put(claim.as_deref().map(str::as_bytes), out);
            }
            Self::Cookie(name) => put(cookie(exchange, name), out),
            Self::Param(name) => put(exchange.param(name), out),
            Self::Template(template) => template.render(exchange, out),
            Self::Cel(expression) => {
                let text = expression.eval_text(exchange, wall);
                put(text.ok().as_deref().map(str::as_bytes), out);
            }
        }
        out.len() > start
    }

    /// Appends the part as people read it. False where the request has none.
    fn show(&self, exchange: &Exchange, wall: Wall, ipv6_prefix: u8, out: &mut Vec<u8>) -> bool {
        match self {
            Self::ClientIp => {
                let text = match network(exchange.client.ip, ipv6_prefix) {
                    IpAddr::V6(ip) => format!("{ip}/{ipv6_prefix}"),
                    IpAddr::V4(ip) => ip.to_string(),
                };
                out.extend_from_slice(text.as_bytes());
                true
            }
            Self::Connection => {
                out.extend_from_slice(exchange.client.peer.to_string().as_bytes());
                true
            }
            Self::Request => true,
            _ => self.write(exchange, wall, ipv6_prefix, out),
        }
    }
}

/// Compiles an expression; mistakes become diagnostics at its place.
fn expression(text: &Spanned<String>, cx: &mut BuildCx<'_, '_>) -> Option<Expression> {
    Expression::compile_text(text, cx.params)
        .map_err(|error| _ = cx.reader.error(text.span, error.message).help_if(error.help))
        .ok()
}

fn put(value: Option<&[u8]>, out: &mut Vec<u8>) {
    out.extend_from_slice(value.unwrap_or(b""));
}

fn put_ip(ip: IpAddr, out: &mut Vec<u8>) {
    match ip {
        IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
    }
}

fn put_connection(exchange: &Exchange, out: &mut Vec<u8>) {
    for address in [exchange.client.peer, exchange.client.local] {
        put_ip(address.ip(), out);
        out.extend_from_slice(&address.port().to_le_bytes());
    }
}

/// The consumer's id, else who it is in the words of its credential.
fn put_who(identity: Option<&Identity>, out: &mut Vec<u8>) {
    let Some(identity) = identity else { return };
    match &identity.consumer {
        Some(consumer) => {
            out.extend_from_slice(b"=");
            out.extend_from_slice(consumer.id.as_bytes());
        }
        None if identity.subject.is_empty() => {}
        None => {
            out.extend_from_slice(identity.method.as_bytes());
            out.extend_from_slice(b":");
            out.extend_from_slice(identity.subject.as_bytes());
        }
    }
}

/// Who has one address of IPv6 has the whole network that it is from.
fn network(ip: IpAddr, ipv6_prefix: u8) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(ipv6_prefix)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & mask))
        }
    }
}

/// The seed of this process, which nobody outside knows.
pub(crate) fn process_seed() -> Seed {
    static SEED: OnceLock<Seed> = OnceLock::new();
    *SEED.get_or_init(random_seed)
}

/// A seed that nobody knows.
pub(crate) fn random_seed() -> Seed {
    let state = RandomState::new();
    Seed(state.hash_one(1), state.hash_one(2))
}

/// The attribute with which requests are told apart.
pub(crate) const REQUEST_KEY: &str = "limit_request";

const HELP: &str = "write client_ip, connection, consumer, route, host, header:NAME, claim:NAME, \
                    cookie:NAME, param:NAME, a text with variables, or {cel: EXPRESSION}";
/// Characters of a key that people are shown.
const SHOWN_MAX: usize = 64;

#[cfg(test)]
mod tests;
