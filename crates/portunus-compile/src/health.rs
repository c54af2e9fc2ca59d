//! How the endpoints of an upstream are checked: what control's checks need.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use portunus_base::format_duration;
use portunus_config::spec::HealthSpec;
use portunus_http::{HOP_BY_HOP, HeaderId, is_token_byte};
use portunus_spec::{Reader, Secret, Spanned};
use regex::bytes::{Regex, RegexBuilder};

/// Requests that find out which endpoints work.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HealthPlan {
    /// What is asked.
    pub ask: HealthAsk,
    /// Value of `Host`; the endpoint's own when `None`.
    pub host: Option<String>,
    /// The port; the endpoint's own when `None`.
    pub port: Option<u16>,
    /// Headers beside those of each check, names and values.
    pub headers: Vec<(String, Secret)>,
    /// Time between two checks of an endpoint.
    pub every: Duration,
    /// Bound on one check.
    pub timeout: Duration,
    /// Good checks in a row that make an endpoint healthy.
    pub healthy_after: u32,
    /// Bad checks in a row that make an endpoint unhealthy.
    pub unhealthy_after: u32,
}

/// What an endpoint is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HealthAsk {
    /// A request without a body.
    Http(HttpAsk),
    /// `grpc.health.v1.Health/Check` for this service; empty for the whole server.
    Grpc(String),
    /// Nothing: a connection is enough, and the TLS handshake where there is TLS.
    Connect,
}

/// A request, and which answers are good.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpAsk {
    /// The method.
    pub method: &'static str,
    /// The path, with its query.
    pub path: String,
    /// Statuses that are good.
    pub statuses: Vec<RangeInclusive<u16>>,
    /// What is in the body; anything when `None`.
    pub body: Option<BodyText>,
}

impl HealthPlan {
    /// The plan; `None` after mistakes.
    pub(crate) fn read(spec: &HealthSpec, reader: &mut Reader<'_>) -> Option<Self> {
        let body = match &spec.body {
            Some(text) => reader.key("body", |reader| BodyText::read(text, reader).map(Some)),
            None => Some(None),
        };
        let headers = reader.key("headers", |reader| headers(spec, reader));
        let (body, headers) = (body?, headers?);
        let ask = match (&spec.path, &spec.grpc) {
            (Some(path), _) => HealthAsk::Http(HttpAsk {
                method: spec.method.word(),
                path: path.value.clone(),
                statuses: spec.status.iter().map(|range| range.first..=range.last).collect(),
                body,
            }),
            (None, Some(service)) => HealthAsk::Grpc(service.value.clone()),
            (None, None) => HealthAsk::Connect,
        };
        Some(Self {
            ask,
            host: spec.host.clone(),
            port: spec.port.as_ref().map(|port| port.value),
            headers,
            every: spec.every.value,
            timeout: spec.timeout,
            healthy_after: spec.healthy_after.value,
            unhealthy_after: spec.unhealthy_after.value,
        })
    }
}

impl fmt::Display for HealthPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ask {
            HealthAsk::Http(HttpAsk { method, path, .. }) => write!(f, "{method} {path}")?,
            HealthAsk::Grpc(service) if service.is_empty() => f.write_str("grpc")?,
            HealthAsk::Grpc(service) => write!(f, "grpc of {service}")?,
            HealthAsk::Connect => f.write_str("a connection")?,
        }
        if let Some(port) = self.port {
            write!(f, " at port {port}")?;
        }
        let Self { healthy_after, unhealthy_after, .. } = self;
        write!(f, " every {}; down after {unhealthy_after}", format_duration(self.every))?;
        write!(f, " bad ones, up after {healthy_after} good ones")
    }
}

impl HttpAsk {
    /// True for the status of a good check.
    #[must_use]
    pub fn is_good(&self, status: u16) -> bool {
        self.statuses.iter().any(|range| range.contains(&status))
    }
}

/// A text, or `~ regex`, that is looked for in a body.
#[derive(Clone, Debug)]
pub struct BodyText {
    text: String,
    regex: Regex,
}

impl BodyText {
    fn read(text: &Spanned<String>, reader: &mut Reader<'_>) -> Option<Self> {
        let pattern = match text.strip_prefix('~') {
            Some(pattern) => pattern.trim_start().to_owned(),
            None => regex::escape(text),
        };
        if pattern.is_empty() {
            reader.error(text.span, "every body has an empty text in it").help("remove `body`");
            return None;
        }
        match RegexBuilder::new(&pattern).size_limit(COMPILED_BYTES_MAX).build() {
            Ok(regex) => Some(Self { text: text.value.clone(), regex }),
            Err(error) => {
                let (message, why) = unusable(&pattern, &error);
                reader.error(text.span, message).help(why);
                None
            }
        }
    }

    /// Whether a search takes long enough to keep others waiting: a text is looked for at the speed of memory.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.text.starts_with('~')
    }

    /// True when the text is in the body.
    #[must_use]
    pub fn is_in(&self, body: &[u8]) -> bool {
        self.regex.is_match(body)
    }
}

/// They look for the same when they are written the same.
impl PartialEq for BodyText {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for BodyText {}

impl fmt::Display for BodyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What is wrong with a pattern, and what to do about it.
fn unusable(pattern: &str, error: &regex::Error) -> (String, String) {
    if let regex::Error::CompiledTooBig(_) = error {
        let message =
            format!("`{pattern}` takes too long to look for: it is too large when it is compiled");
        let help = "repeat less often, and write `(?-u)` in front where `\\w`, `.` and the like mean ASCII";
        return (message, help.to_owned());
    }
    // The last line says what is wrong; those above draw where.
    let why = error.to_string().lines().last().unwrap_or_default().to_owned();
    (format!("`{pattern}` is not a regular expression that can be used"), why)
}

fn headers(spec: &HealthSpec, reader: &mut Reader<'_>) -> Option<Vec<(String, Secret)>> {
    let mut all = Some(Vec::new());
    for (name, value) in &spec.headers {
        let lower = name.to_ascii_lowercase();
        let problem = if name.is_empty() || !name.bytes().all(is_token_byte) {
            Some((name.span, format!("`{}` is not the name of a header", name.value), NAME_HELP))
        } else if lower == "host" {
            Some((name.span, "`host` says what is asked for".to_owned(), "write it beside `path`"))
        } else if is_own(HeaderId::of(lower.as_bytes()), spec) {
            Some((name.span, format!("a check sets `{lower}` itself"), "remove it"))
        } else if value.expose().bytes().any(|byte| byte.is_ascii_control()) {
            Some((value.span, "a header's value is one line".to_owned(), "remove the line break"))
        } else {
            None
        };
        if let Some((span, message, help)) = problem {
            reader.error(span, message).help(help);
            all = None;
        }
        all.iter_mut().for_each(|all| all.push((lower.clone(), value.value.clone())));
    }
    all
}

/// Whether the check's own framing needs it.
fn is_own(id: HeaderId, spec: &HealthSpec) -> bool {
    let is_content_type = id == HeaderId::ContentType;
    HOP_BY_HOP.has(id)
        || matches!(id, HeaderId::ContentLength | HeaderId::Expect)
        || is_content_type && spec.grpc.is_some()
}

const NAME_HELP: &str = "write letters, digits and `-`";
/// The most memory that one compiled pattern takes. It is what a search may cost too, for each byte that it looks at:
/// that must stay far below what delays the checks of others.
const COMPILED_BYTES_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests;
