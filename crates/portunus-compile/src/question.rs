//! A request to ask about, written as for curl.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use portunus_base::Wall;
use portunus_config::spec::TimeSpec;
use portunus_exchange::Scheme;
use portunus_http::{is_field_value, is_token_byte, valid_authority, valid_path};

/// A request to ask about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
    /// The method.
    pub method: String,
    /// The scheme that the client uses.
    pub scheme: Scheme,
    /// Host and perhaps port, as in `Host`.
    pub authority: String,
    /// The path, as it is written.
    pub path: String,
    /// The query, without its question mark.
    pub query: Option<String>,
    /// Header fields besides `Host`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Option<String>,
    /// When it comes; `None` is now.
    pub at: Option<Wall>,
    /// Who is connected to us: the client, or a proxy that says who the client is.
    pub client_ip: IpAddr,
    /// The listener by name; unless named, one that fits scheme and port, or else the host.
    pub listener: Option<String>,
    /// The name that the client asks for within TLS: the URL's host unless told otherwise.
    pub sni: Option<String>,
}

impl Question {
    /// A GET of a URL, from this machine.
    ///
    /// # Errors
    /// What is wrong with the URL, as one line.
    pub fn of_url(url: &str) -> Result<Self, String> {
        let (scheme, rest) = match url.split_once("://") {
            Some(("http", rest)) => (Scheme::Http, rest),
            Some(("https", rest)) => (Scheme::Https, rest),
            Some((other, _)) => return Err(format!("`{other}` is not http or https")),
            None => (Scheme::Http, url),
        };
        let rest = rest.split('#').next().unwrap_or(rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        if !valid_authority(authority.as_bytes()) {
            return Err(format!("`{authority}` is not a host: write http://shop.example.com/path"));
        }
        if !valid_path(target.as_bytes()) {
            return Err(format!("`{target}` cannot stand in a request"));
        }
        Ok(Self {
            method: "GET".to_owned(),
            scheme,
            authority: authority.to_owned(),
            path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
            query,
            headers: Vec::new(),
            body: None,
            at: None,
            client_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            listener: None,
            sni: None,
        })
    }

    /// Reads words as they follow `explain`: `GET https://shop.example.com/orders/7 -H 'x-beta: 1'`.
    ///
    /// curl's `-X`, `-H`, `-A`, `-b`, `-d`, `-e` and `-I` are known, and `--at`, `--client-ip`, `--listener` and `--sni`.
    ///
    /// # Errors
    /// What is wrong, as one line.
    pub fn parse(words: &[String]) -> Result<Self, String> {
        let mut parts = Parts::default();
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            parts.take(word, &mut words)?;
        }
        let url =
            parts.url.ok_or("a URL is missing: write GET http://shop.example.com/orders/7")?;
        let mut question = Self::of_url(url)?;
        // A client asks for the URL's host, whatever `Host` says.
        let named = parts.sni.map(str::to_owned);
        question.sni = named.or_else(|| question.host_name()).filter(|_| question.is_https());
        let method = if parts.body.is_some() { "POST" } else { "GET" };
        question.method = parts.method.unwrap_or(method).to_owned();
        for (name, value) in parts.headers {
            question.add_header(&name, &value)?;
        }
        if let Some(body) = parts.body {
            question.set_body(body);
        }
        question.at = parts.at;
        question.client_ip = parts.client_ip.unwrap_or(question.client_ip);
        question.listener = parts.listener.map(str::to_owned);
        Ok(question)
    }

    /// Adds a header field; `Host` sets the authority.
    ///
    /// # Errors
    /// What is wrong with the field, as one line.
    pub fn add_header(&mut self, name: &str, value: &str) -> Result<(), String> {
        if name.is_empty() || !name.bytes().all(is_token_byte) {
            return Err(format!("`{name}` is not the name of a header"));
        }
        if !is_field_value(value.as_bytes()) {
            return Err(format!("the value of `{name}` cannot stand in a header"));
        }
        if !name.eq_ignore_ascii_case("host") {
            self.headers.push((name.to_owned(), value.to_owned()));
        } else if valid_authority(value.as_bytes()) {
            self.authority = value.to_owned();
        } else {
            return Err(format!("`{value}` is not a host"));
        }
        Ok(())
    }

    /// Gives it a body, with its length, and with the type of JSON where it looks so and no type is named.
    pub fn set_body(&mut self, body: &str) {
        let named =
            |wanted: &str| self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
        let (has_length, has_type) = (named("content-length"), named("content-type"));
        if !has_length {
            self.headers.push(("Content-Length".to_owned(), body.len().to_string()));
        }
        if !has_type && body.trim_start().starts_with(['{', '[']) {
            self.headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        self.body = Some(body.to_owned());
    }

    /// Whether the client speaks TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// The host, where it is a name: addresses are not asked for within TLS (RFC 6066 section 3).
    fn host_name(&self) -> Option<String> {
        let parts = portunus_http::split_host_port(self.authority.as_bytes())?;
        let host = std::str::from_utf8(parts.host).ok()?;
        let is_address = host.starts_with('[') || host.parse::<IpAddr>().is_ok();
        (!is_address).then(|| host.to_ascii_lowercase())
    }

    /// The port that the client connected to.
    #[must_use]
    pub fn port(&self) -> u16 {
        let parts = portunus_http::split_host_port(self.authority.as_bytes());
        parts.and_then(|parts| parts.port).unwrap_or_else(|| self.scheme.default_port())
    }
}

/// Method and URL.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, authority, path, .. } = self;
        write!(f, "{method} {}://{authority}{path}", self.scheme.text())?;
        self.query.as_ref().map_or(Ok(()), |query| write!(f, "?{query}"))
    }
}

/// What was read so far.
#[derive(Default)]
struct Parts<'w> {
    method: Option<&'w str>,
    url: Option<&'w str>,
    headers: Vec<(String, String)>,
    body: Option<&'w str>,
    at: Option<Wall>,
    client_ip: Option<IpAddr>,
    listener: Option<&'w str>,
    sni: Option<&'w str>,
}

impl<'w> Parts<'w> {
    fn take(
        &mut self,
        word: &'w str,
        words: &mut impl Iterator<Item = &'w str>,
    ) -> Result<(), String> {
        let mut value = || words.next().ok_or_else(|| format!("`{word}` needs a value"));
        match word {
            "-X" | "--request" => self.set_method(value()?)?,
            "-I" | "--head" => self.set_method("HEAD")?,
            "-H" | "--header" => {
                let header = value()?;
                let (name, value) = header
                    .split_once(':')
                    .ok_or_else(|| format!("`{header}` is no header: write 'name: value'"))?;
                self.header(name.trim(), value.trim());
            }
            "-A" | "--user-agent" => self.header("User-Agent", value()?),
            "-b" | "--cookie" => self.header("Cookie", value()?),
            "-e" | "--referer" => self.header("Referer", value()?),
            "-d" | "--data" => self.body = Some(value()?),
            "--at" => self.at = Some(TimeSpec::parse(value()?)?.0),
            "--client-ip" => {
                let text = value()?;
                let ip = text.parse().map_err(|_| format!("`{text}` is not an IP address"))?;
                self.client_ip = Some(ip);
            }
            "--listener" => self.listener = Some(value()?),
            "--sni" => self.sni = Some(value()?),
            _ if word.starts_with('-') => {
                return Err(format!("`{word}` is unknown here; known: {OPTIONS}"));
            }
            _ if self.url.is_none() && self.method.is_none() && is_method(word) => {
                self.set_method(word)?;
            }
            _ if self.url.is_none() => self.url = Some(word),
            _ => return Err(format!("`{word}` is one word too many")),
        }
        Ok(())
    }

    fn set_method(&mut self, method: &'w str) -> Result<(), String> {
        if method.is_empty() || !method.bytes().all(is_token_byte) {
            return Err(format!("`{method}` is not a method"));
        }
        self.method = Some(method);
        Ok(())
    }

    fn header(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }
}

fn is_method(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
}

const OPTIONS: &str = "-X, -H, -A, -b, -d, -e, -I, --at, --client-ip, --listener, --sni";

#[cfg(test)]
mod tests;
