//! The head of a request.

use crate::{HeaderList, Method, Text, Version, split_host_port};

/// How the target was written (RFC 9112 section 3.2).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TargetForm {
    /// `/path?query`
    #[default]
    Origin,
    /// `http://host/path?query`
    Absolute,
    /// `host:port`, CONNECT only
    Authority,
    /// `*`, OPTIONS only
    Asterisk,
}

/// Method, target, version and headers of a request; all text is in the arena of `headers`.
#[derive(Clone, Debug, Default)]
pub struct RequestHead {
    /// The method.
    pub method: Method,
    /// The version that the client used.
    pub version: Version,
    /// How the target was written.
    pub form: TargetForm,
    /// The headers.
    pub headers: HeaderList,
    method_text: Text,
    path: Text,
    query: Option<Text>,
    authority: Text,
    host: Text,
}

impl RequestHead {
    /// Forgets everything; keeps the memory.
    pub fn clear(&mut self) {
        self.headers.clear();
        self.method = Method::Get;
        self.version = Version::H11;
        self.form = TargetForm::Origin;
        self.method_text = Text::default();
        self.path = Text::default();
        self.query = None;
        self.authority = Text::default();
        self.host = Text::default();
    }

    /// The method's text.
    #[must_use]
    pub fn method_text(&self) -> &[u8] {
        match self.method {
            Method::Other => self.headers.text(self.method_text),
            known => known.name().as_bytes(),
        }
    }

    /// The path; `*` for the asterisk form.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        self.headers.text(self.path)
    }

    /// The query without its `?`, if there is one.
    #[must_use]
    pub fn query(&self) -> Option<&[u8]> {
        self.query.map(|query| self.headers.text(query))
    }

    /// The authority as it was sent: host and perhaps port.
    #[must_use]
    pub fn authority(&self) -> &[u8] {
        self.headers.text(self.authority)
    }

    /// The host in lower case, without port and without a final dot.
    #[must_use]
    pub fn host(&self) -> &[u8] {
        self.headers.text(self.host)
    }

    /// The port of the authority.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        split_host_port(self.authority()).and_then(|parts| parts.port)
    }

    /// Sets the method.
    pub fn set_method(&mut self, text: &[u8]) {
        self.method = Method::of(text);
        if self.method == Method::Other {
            self.method_text = self.headers.store(text);
        }
    }

    /// Sets the path.
    pub fn set_path(&mut self, path: &[u8]) {
        self.path = self.headers.store(path);
    }

    /// Sets or removes the query.
    pub fn set_query(&mut self, query: Option<&[u8]>) {
        self.query = query.map(|query| self.headers.store(query));
    }

    /// Sets the authority, and the host with it.
    pub fn set_authority(&mut self, authority: &[u8]) {
        self.authority = self.headers.store(authority);
        let host = split_host_port(authority).map_or(authority, |parts| parts.host);
        self.host = self.headers.store_lower(host.strip_suffix(b".").unwrap_or(host));
    }

    /// As [`RequestHead::set_authority`], for text that is in the arena already.
    pub fn set_authority_stored(&mut self, authority: Text) {
        self.authority = authority;
        let text = self.headers.text(authority);
        let host = split_host_port(text).map_or(text, |parts| parts.host);
        let host_len = host.strip_suffix(b".").unwrap_or(host).len();
        self.host = self.headers.lower(authority.prefix(host_len));
    }

    /// Where path and query stand in the arena: stays readable when they are set anew.
    #[must_use]
    pub fn target_stored(&self) -> (Text, Option<Text>) {
        (self.path, self.query)
    }

    /// Sets path and query to text that is in the arena already.
    pub fn set_target_stored(&mut self, path: Text, query: Option<Text>) {
        self.path = path;
        self.query = query;
    }
}

#[cfg(test)]
mod tests;
