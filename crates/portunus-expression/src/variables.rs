//! What expressions can read of an exchange. One table, for compiling, evaluating and the reference.

use std::net::IpAddr;

use portunus_base::{ClientCertificate, TlsFacts, Wall};
use portunus_exchange::{Exchange, template};
use portunus_http::HeaderId;
use portunus_identity::{Consumer, Identity};

use crate::error::Fault;
use crate::kind::Kind;
use crate::time;
use crate::value::{List, Map, Value};

/// One variable.
pub struct Variable {
    /// Its name: `request.method`.
    pub name: &'static str,
    /// What it stands for.
    pub doc: &'static str,
    pub(crate) kind: fn() -> Kind,
    pub(crate) read: Read,
}

/// How a variable is read.
#[derive(Clone, Copy)]
pub(crate) enum Read {
    /// A text that is there as bytes.
    Text(for<'e> fn(&'e Exchange) -> Result<&'e [u8], Fault>),
    /// Anything else.
    Value(for<'e> fn(&'e Exchange, Wall) -> Result<Value<'e>, Fault>),
}

impl Variable {
    const fn text(
        name: &'static str,
        doc: &'static str,
        read: for<'e> fn(&'e Exchange) -> Result<&'e [u8], Fault>,
    ) -> Self {
        Self { name, doc, kind: || Kind::Text, read: Read::Text(read) }
    }

    const fn value(
        name: &'static str,
        doc: &'static str,
        kind: fn() -> Kind,
        read: for<'e> fn(&'e Exchange, Wall) -> Result<Value<'e>, Fault>,
    ) -> Self {
        Self { name, doc, kind, read: Read::Value(read) }
    }

    pub(crate) fn read<'e>(&self, exchange: &'e Exchange, now: Wall) -> Result<Value<'e>, Fault> {
        match self.read {
            Read::Text(read) => read(exchange).map(Value::text),
            Read::Value(read) => read(exchange, now),
        }
    }

    /// True for what only a request with an identity has.
    pub(crate) fn is_of_identity(&self) -> bool {
        self.name == "claims" || self.name.starts_with("identity.")
    }
}

impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A group of variables that may be there or not: `has(client.cert)`, `identity != null`.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) is_there: fn(&Exchange) -> bool,
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

pub(crate) fn variable(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name)
}

pub(crate) fn group(name: &str) -> Option<&'static Group> {
    GROUPS.iter().find(|group| group.name == name)
}

pub(crate) static GROUPS: &[Group] = &[
    Group { name: "client", is_there: |_| true },
    Group { name: "client.cert", is_there: |exchange| exchange.client_certificate().is_some() },
    Group { name: "identity", is_there: |exchange| exchange.identity.is_some() },
    Group { name: "request", is_there: |_| true },
    Group { name: "tls", is_there: |exchange| exchange.tls.is_some() },
];

/// Every variable, in alphabetical order.
pub static VARIABLES: &[Variable] = &[
    Variable::value(
        "claims",
        "the claims of the token that the request came with",
        || Kind::map(Kind::Any),
        |exchange, _| Ok(Value::Map(Map::Json(&identity(exchange)?.claims))),
    ),
    Variable::value(
        "client.cert.dns",
        "DNS names of the certificate that the client proved to have",
        || Kind::list(Kind::Text),
        |exchange, _| Ok(Value::List(List::Texts(&certificate(exchange)?.dns_names))),
    ),
    Variable::text(
        "client.cert.fingerprint",
        "SHA-256 of that certificate, in lower-case hex",
        |exchange| Ok(certificate(exchange)?.fingerprint_sha256.as_bytes()),
    ),
    Variable::text("client.cert.issuer", "issuer of that certificate", |exchange| {
        Ok(certificate(exchange)?.issuer.as_bytes())
    }),
    Variable::text("client.cert.serial", "serial number of that certificate, in hex", |exchange| {
        Ok(certificate(exchange)?.serial.as_bytes())
    }),
    Variable::text(
        "client.cert.subject",
        "subject of that certificate, as `CN=robot,O=Example`",
        |exchange| Ok(certificate(exchange)?.subject.as_bytes()),
    ),
    Variable::value(
        "client.cert.uris",
        "URIs of that certificate, such as SPIFFE ids",
        || Kind::list(Kind::Text),
        |exchange, _| Ok(Value::List(List::Texts(&certificate(exchange)?.uris))),
    ),
    Variable::value(
        "client.ip",
        "address of the client, as far as trusted proxies tell",
        || Kind::Text,
        |exchange, _| Ok(address(exchange.client.ip)),
    ),
    Variable::value(
        "client.port",
        "port of the client; 0 when a proxy did not tell",
        || Kind::Int,
        |exchange, _| Ok(Value::Int(exchange.client.port.into())),
    ),
    Variable::value(
        "identity.attributes",
        "attributes of the consumer",
        || Kind::map(Kind::Text),
        |exchange, _| Ok(Value::Map(Map::Attributes(&consumer(exchange)?.attributes))),
    ),
    Variable::text("identity.consumer", "id of the consumer", |exchange| {
        Ok(consumer(exchange)?.id.as_bytes())
    }),
    Variable::text("identity.credential", "id of the credential, never the secret", |exchange| {
        Ok(identity(exchange)?.credential.as_bytes())
    }),
    Variable::value(
        "identity.groups",
        "groups of the consumer and of the claims",
        || Kind::list(Kind::Text),
        |exchange, _| Ok(Value::List(List::Texts(&identity(exchange)?.groups))),
    ),
    Variable::text(
        "identity.method",
        "name of the filter that found out who it is: `jwt`, `api_key`",
        |exchange| Ok(identity(exchange)?.method.as_bytes()),
    ),
    Variable::text("identity.name", "name of the consumer, else the subject", |exchange| {
        Ok(identity(exchange)?.name().as_bytes())
    }),
    Variable::text("identity.plan", "name of the consumer's plan", |exchange| {
        let plan = consumer(exchange)?.plan.as_deref();
        plan.map(|plan| plan.name.as_bytes()).ok_or(Fault::Missing)
    }),
    Variable::value(
        "identity.scopes",
        "scopes of the credential",
        || Kind::list(Kind::Text),
        |exchange, _| Ok(Value::List(List::Texts(&identity(exchange)?.scopes))),
    ),
    Variable::text("identity.subject", "subject of the token, name of the user", |exchange| {
        Ok(identity(exchange)?.subject.as_bytes())
    }),
    Variable::value("now", "the time", || Kind::Time, |_, now| Ok(Value::Time(time::of_wall(now)))),
    Variable::value(
        "params",
        "named parts of the route's path, without their escapes",
        || Kind::map(Kind::Text),
        |exchange, _| Ok(Value::Map(Map::Params(&exchange.params))),
    ),
    Variable::value(
        "request.cookies",
        "cookies by name; of several with one name the first",
        || Kind::map(Kind::Text),
        |exchange, _| Ok(Value::Map(Map::Cookies(&exchange.request.headers))),
    ),
    Variable::value(
        "request.headers",
        "headers by name in lower case; several lines of one name are joined with `, `",
        || Kind::map(Kind::Text),
        |exchange, _| Ok(Value::Map(Map::Headers(&exchange.request.headers))),
    ),
    Variable::text("request.host", "host asked for, in lower case, without port", |exchange| {
        Ok(exchange.request.host())
    }),
    Variable::text("request.method", "method of the request", |exchange| {
        Ok(exchange.request.method_text())
    }),
    Variable::text("request.path", "path of the request, without the query", |exchange| {
        Ok(exchange.request.path())
    }),
    Variable::value(
        "request.query",
        "parameters of the query by name, without their escapes; of several with one name the first",
        || Kind::map(Kind::Text),
        |exchange, _| Ok(Value::Map(Map::Query(exchange.request.query().unwrap_or(b"")))),
    ),
    Variable::text("request.scheme", "`http` or `https`, as the client used it", |exchange| {
        Ok(exchange.client.scheme.text().as_bytes())
    }),
    Variable::value(
        "request.size",
        "length of the body as `Content-Length` tells it; missing without that header",
        || Kind::Int,
        |exchange, _| size(exchange).map(Value::Int).ok_or(Fault::Missing),
    ),
    Variable::text("route", "name of the route", |exchange| {
        exchange.route_name.as_deref().map(str::as_bytes).ok_or(Fault::Missing)
    }),
    Variable::text("tls.cipher", "cipher suite of the client's connection", |exchange| {
        Ok(tls(exchange)?.cipher.as_bytes())
    }),
    Variable::text("tls.server_name", "name that the client asked for in TLS (SNI)", |exchange| {
        tls(exchange)?.server_name.as_deref().map(str::as_bytes).ok_or(Fault::Missing)
    }),
    Variable::text("tls.version", "version of TLS: `1.2` or `1.3`", |exchange| {
        Ok(template::version_number(tls(exchange)?).as_bytes())
    }),
];

fn identity(exchange: &Exchange) -> Result<&Identity, Fault> {
    exchange.identity.as_deref().ok_or(Fault::NoIdentity)
}

fn consumer(exchange: &Exchange) -> Result<&Consumer, Fault> {
    identity(exchange)?.consumer.as_deref().ok_or(Fault::Missing)
}

fn certificate(exchange: &Exchange) -> Result<&ClientCertificate, Fault> {
    exchange.client_certificate().ok_or(Fault::Missing)
}

fn tls(exchange: &Exchange) -> Result<&TlsFacts, Fault> {
    exchange.tls.as_deref().ok_or(Fault::Missing)
}

fn address<'e>(ip: IpAddr) -> Value<'e> {
    Value::Text(ip.to_canonical().to_string().into())
}

fn size(exchange: &Exchange) -> Option<i64> {
    let length = exchange.request.headers.value_of(HeaderId::ContentLength)?;
    std::str::from_utf8(length).ok()?.parse().ok()
}

#[cfg(test)]
mod tests;
