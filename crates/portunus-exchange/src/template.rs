//! Text with variables in braces: `{client.ip}`, `/new/{rest}`. Compiled once, rendered per exchange.
//!
//! `{{` and `}}` stand for the braces themselves. A name that is no variable is a named part of the route's path.

mod escape;

pub use escape::Escape;

use std::fmt;
use std::io::Write;

use portunus_base::{ClientCertificate, TlsFacts};
use portunus_http::{HeaderId, query_pairs};
use portunus_identity::{Consumer, Identity};

use crate::Exchange;

/// A compiled text with variables.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    parts: Vec<Part>,
}

/// Why a template could not be compiled.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TemplateError {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// Byte offset into the text.
    pub at: usize,
}

/// What a variable's text after the dot may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Argument {
    /// None: `{method}`.
    None,
    /// A name: `{header.NAME}`.
    Name,
}

/// One variable: its name, what it stands for, and how it is rendered.
pub struct Variable {
    /// The name in braces, without its argument.
    pub name: &'static str,
    /// What it stands for.
    pub doc: &'static str,
    /// Whether a name follows after a dot.
    pub argument: Argument,
    render: fn(&Exchange, &str, &mut Vec<u8>),
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Literal(Vec<u8>),
    Variable(&'static Variable, String),
    Param(String),
}

impl Template {
    /// Compiles `text`. `params` are the named parts of the path that the place allows.
    ///
    /// # Errors
    /// Unbalanced braces and unknown names, with the place and what to write instead.
    pub fn compile(text: &str, params: &[&str]) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = Vec::new();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            if let Some(brace) = ["{{", "}}"].iter().find(|double| rest.starts_with(**double)) {
                literal.extend(brace.bytes().take(1));
                at += 2;
            } else if let Some(inside) = rest.strip_prefix('{') {
                let name = inside.split_once('}').ok_or_else(|| unclosed(at))?.0;
                push_literal(&mut parts, &mut literal);
                parts.push(part(name, params, at + 1)?);
                at += name.len() + 2;
            } else {
                let run = rest.find(['{', '}']).unwrap_or(rest.len()).max(1);
                literal.extend_from_slice(rest.get(..run).unwrap_or(rest).as_bytes());
                at += run;
            }
        }
        push_literal(&mut parts, &mut literal);
        Ok(Self { parts })
    }

    /// A template that is just this text.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self { parts: vec![Part::Literal(text.as_bytes().to_vec())] }
    }

    /// The text, when there is no variable in it.
    #[must_use]
    pub fn as_literal(&self) -> Option<&[u8]> {
        match self.parts.as_slice() {
            [] => Some(b""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Appends the text for `exchange` to `out`. A variable without a value is empty text.
    pub fn render(&self, exchange: &Exchange, out: &mut Vec<u8>) {
        self.parts.iter().for_each(|part| part.render(exchange, out));
    }

    /// As [`Template::render`], with the values of variables, but not the text around them, escaped.
    pub fn render_escaped(&self, exchange: &Exchange, escape: Escape, out: &mut Vec<u8>) {
        for part in &self.parts {
            let start = out.len();
            part.render(exchange, out);
            if !matches!(part, Part::Literal(_)) {
                escape.apply(start, out);
            }
        }
    }

    /// As [`Template::render`], without bytes that may not stand in a header value.
    pub fn render_value(&self, exchange: &Exchange, out: &mut Vec<u8>) {
        let start = out.len();
        self.render(exchange, out);
        if !out.get(start..).is_none_or(portunus_http::is_field_value) {
            let clean = out.split_off(start);
            out.extend(clean.into_iter().filter(|byte| portunus_http::is_field_value(&[*byte])));
        }
    }
}

impl Part {
    fn render(&self, exchange: &Exchange, out: &mut Vec<u8>) {
        match self {
            Self::Literal(text) => out.extend_from_slice(text),
            Self::Variable(variable, argument) => (variable.render)(exchange, argument, out),
            Self::Param(name) => out.extend_from_slice(exchange.param(name).unwrap_or(b"")),
        }
    }
}

fn push_literal(parts: &mut Vec<Part>, literal: &mut Vec<u8>) {
    if !literal.is_empty() {
        parts.push(Part::Literal(std::mem::take(literal)));
    }
}

fn part(name: &str, params: &[&str], at: usize) -> Result<Part, TemplateError> {
    if params.contains(&name) {
        return Ok(Part::Param(name.to_owned()));
    }
    if let Some(variable) = find(name, Argument::None) {
        return Ok(Part::Variable(variable, String::new()));
    }
    let found = name.match_indices('.').find_map(|(dot, _)| {
        let (group, argument) = (name.get(..dot)?, name.get(dot + 1..)?);
        let variable = find(group, Argument::Name).filter(|_| !argument.is_empty())?;
        Some(Part::Variable(variable, argument.to_owned()))
    });
    found.ok_or_else(|| unknown(name, params, at))
}

fn find(name: &str, argument: Argument) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name && variable.argument == argument)
}

fn unclosed(at: usize) -> TemplateError {
    let help = Some("close it with `}`, or write `{{` for the brace itself".to_owned());
    TemplateError { message: "a brace is not closed".to_owned(), help, at }
}

fn unknown(name: &str, params: &[&str], at: usize) -> TemplateError {
    let mut known: Vec<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
    known.extend_from_slice(params);
    let help = format!("known here: {}", known.join(", "));
    TemplateError { message: format!("unknown variable `{name}`"), help: Some(help), at }
}

/// Every variable, for compiling and for the reference docs.
pub static VARIABLES: &[Variable] = &[
    Variable {
        name: "attribute",
        doc: "what a filter left on the request under NAME, such as `user`",
        argument: Argument::Name,
        render: |exchange, name, out| put(out, exchange.attributes.value(name)),
    },
    Variable {
        name: "claim",
        doc: "claim NAME of the token that proved who asks; dots are steps into objects",
        argument: Argument::Name,
        render: |exchange, name, out| {
            let claim = exchange.identity.as_ref().and_then(|it| it.claim_text(name));
            put(out, claim.as_deref().map(str::as_bytes));
        },
    },
    Variable {
        name: "client.cert.fingerprint",
        doc: "SHA-256 of the certificate that the client proved to have, in hex",
        argument: Argument::None,
        render: |exchange, _, out| put(out, certificate(exchange, |it| &it.fingerprint_sha256)),
    },
    Variable {
        name: "client.cert.issuer",
        doc: "issuer of that certificate, as `CN=ca,O=Example`",
        argument: Argument::None,
        render: |exchange, _, out| put(out, certificate(exchange, |it| &it.issuer)),
    },
    Variable {
        name: "client.cert.serial",
        doc: "serial number of that certificate, in hex",
        argument: Argument::None,
        render: |exchange, _, out| put(out, certificate(exchange, |it| &it.serial)),
    },
    Variable {
        name: "client.cert.subject",
        doc: "subject of that certificate, as `CN=robot,O=Example`",
        argument: Argument::None,
        render: |exchange, _, out| put(out, certificate(exchange, |it| &it.subject)),
    },
    Variable {
        name: "client.ip",
        doc: "address of the client, as far as trusted proxies tell",
        argument: Argument::None,
        render: |exchange, _, out| put_display(out, exchange.client.ip),
    },
    Variable {
        name: "client.port",
        doc: "port of the client; 0 when a proxy did not tell",
        argument: Argument::None,
        render: |exchange, _, out| put_display(out, exchange.client.port),
    },
    Variable {
        name: "consumer",
        doc: "name of the consumer that asks",
        argument: Argument::None,
        render: |exchange, _, out| put(out, consumer(exchange, |it| Some(&it.name))),
    },
    Variable {
        name: "consumer.attribute",
        doc: "attribute NAME of that consumer",
        argument: Argument::Name,
        render: |exchange, name, out| {
            put(out, consumer(exchange, |it| it.attributes.get(name).map(|value| &**value)));
        },
    },
    Variable {
        name: "consumer.id",
        doc: "id of that consumer",
        argument: Argument::None,
        render: |exchange, _, out| put(out, consumer(exchange, |it| Some(&it.id))),
    },
    Variable {
        name: "cookie",
        doc: "value of the cookie NAME",
        argument: Argument::Name,
        render: |exchange, name, out| put(out, cookie(exchange, name)),
    },
    Variable {
        name: "credential",
        doc: "id of the credential that proved who asks; never a secret",
        argument: Argument::None,
        render: |exchange, _, out| put(out, identity(exchange, |it| Some(&it.credential))),
    },
    Variable {
        name: "header",
        doc: "first value of the request's header NAME",
        argument: Argument::Name,
        render: |exchange, name, out| put(out, exchange.request.headers.value(name.as_bytes())),
    },
    Variable {
        name: "host",
        doc: "host asked for, in lower case, without port",
        argument: Argument::None,
        render: |exchange, _, out| put(out, Some(exchange.request.host())),
    },
    Variable {
        name: "method",
        doc: "method of the request",
        argument: Argument::None,
        render: |exchange, _, out| put(out, Some(exchange.request.method_text())),
    },
    Variable {
        name: "path",
        doc: "path of the request, without the query",
        argument: Argument::None,
        render: |exchange, _, out| put(out, Some(exchange.request.path())),
    },
    Variable {
        name: "peer.ip",
        doc: "address of the other end of the connection",
        argument: Argument::None,
        render: |exchange, _, out| put_display(out, exchange.client.peer.ip()),
    },
    Variable {
        name: "plan",
        doc: "name of the plan of the consumer that asks",
        argument: Argument::None,
        render: |exchange, _, out| {
            put(out, consumer(exchange, |it| it.plan.as_ref().map(|plan| &*plan.name)));
        },
    },
    Variable {
        name: "query",
        doc: "the query without its question mark",
        argument: Argument::None,
        render: |exchange, _, out| put(out, exchange.request.query()),
    },
    Variable {
        name: "query",
        doc: "value of the query's parameter NAME, as written",
        argument: Argument::Name,
        render: |exchange, name, out| put(out, query_value(exchange, name)),
    },
    Variable {
        name: "request_id",
        doc: "id of the request, where `request_id` is in use",
        argument: Argument::None,
        render: |exchange, _, out| put(out, exchange.attributes.value("request_id")),
    },
    Variable {
        name: "response.header",
        doc: "first value of the answer's header NAME",
        argument: Argument::Name,
        render: |exchange, name, out| put(out, exchange.response.headers.value(name.as_bytes())),
    },
    Variable {
        name: "route",
        doc: "name of the route",
        argument: Argument::None,
        render: |exchange, _, out| put(out, exchange.route_name.as_deref().map(str::as_bytes)),
    },
    Variable {
        name: "scheme",
        doc: "`http` or `https`, as the client used it",
        argument: Argument::None,
        render: |exchange, _, out| put(out, Some(exchange.client.scheme.text().as_bytes())),
    },
    Variable {
        name: "status",
        doc: "status of the answer; 0 before there is one",
        argument: Argument::None,
        render: |exchange, _, out| put_display(out, exchange.response.status),
    },
    Variable {
        name: "subject",
        doc: "who asks, in the words of the credential: the `sub` of a token, a user's name",
        argument: Argument::None,
        render: |exchange, _, out| put(out, identity(exchange, |it| Some(&it.subject))),
    },
    Variable {
        name: "tls.cipher",
        doc: "cipher suite of the client's connection",
        argument: Argument::None,
        render: |exchange, _, out| put(out, tls(exchange, |it| Some(it.cipher))),
    },
    Variable {
        name: "tls.server_name",
        doc: "name that the client asked for in TLS (SNI)",
        argument: Argument::None,
        render: |exchange, _, out| put(out, tls(exchange, |it| it.server_name.as_deref())),
    },
    Variable {
        name: "tls.version",
        doc: "version of TLS: `1.2` or `1.3`",
        argument: Argument::None,
        render: |exchange, _, out| put(out, tls(exchange, |it| Some(version_number(it)))),
    },
    Variable {
        name: "upstream",
        doc: "name of the upstream",
        argument: Argument::None,
        render: |exchange, _, out| put(out, exchange.upstream_name.as_deref().map(str::as_bytes)),
    },
    Variable {
        name: "uri",
        doc: "path and query as they stand now",
        argument: Argument::None,
        render: |exchange, _, out| put_uri(exchange, out),
    },
];

/// The value of the request's cookie `name`.
#[must_use]
pub fn cookie<'a>(exchange: &'a Exchange, name: &str) -> Option<&'a [u8]> {
    let pairs = exchange.request.headers.values_of(HeaderId::Cookie);
    let mut pairs = pairs.flat_map(|value| value.split(|byte| *byte == b';'));
    pairs.find_map(|pair| {
        let eq = memchr::memchr(b'=', pair)?;
        let (found, value) = pair.split_at_checked(eq)?;
        (found.trim_ascii() == name.as_bytes()).then(|| value.get(1..).unwrap_or(b"").trim_ascii())
    })
}

/// The value of the query's parameter `name`, as written.
#[must_use]
pub fn query_value<'a>(exchange: &'a Exchange, name: &str) -> Option<&'a [u8]> {
    let mut pairs = query_pairs(exchange.request.query()?);
    pairs.find(|(found, _)| *found == name.as_bytes()).map(|(_, value)| value)
}

/// The version of TLS as people write it: `1.3`.
#[must_use]
pub fn version_number(facts: &TlsFacts) -> &'static str {
    facts.version.trim_start_matches("TLSv")
}

fn identity<'e>(
    exchange: &'e Exchange,
    text: impl FnOnce(&'e Identity) -> Option<&'e str>,
) -> Option<&'e [u8]> {
    exchange.identity.as_deref().and_then(text).map(str::as_bytes)
}

fn consumer<'e>(
    exchange: &'e Exchange,
    text: impl FnOnce(&'e Consumer) -> Option<&'e str>,
) -> Option<&'e [u8]> {
    identity(exchange, |it| it.consumer.as_deref().and_then(text))
}

fn tls<'e>(
    exchange: &'e Exchange,
    text: impl FnOnce(&'e TlsFacts) -> Option<&'e str>,
) -> Option<&'e [u8]> {
    exchange.tls.as_deref().and_then(text).map(str::as_bytes)
}

fn certificate<'e>(
    exchange: &'e Exchange,
    text: impl FnOnce(&'e ClientCertificate) -> &'e str,
) -> Option<&'e [u8]> {
    exchange.client_certificate().map(|it| text(it).as_bytes())
}

fn put(out: &mut Vec<u8>, value: Option<&[u8]>) {
    out.extend_from_slice(value.unwrap_or(b""));
}

fn put_display(out: &mut Vec<u8>, value: impl fmt::Display) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{value}");
}

fn put_uri(exchange: &Exchange, out: &mut Vec<u8>) {
    out.extend_from_slice(exchange.request.path());
    if let Some(query) = exchange.request.query() {
        out.push(b'?');
        out.extend_from_slice(query);
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Variable {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.argument == other.argument
    }
}

#[cfg(test)]
mod tests;
