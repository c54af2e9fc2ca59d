//! TLS to upstreams.

use std::fmt;
use std::sync::Arc;

use portunus_config::EndpointScheme;
use portunus_config::spec::{HttpSpec, UpstreamSpec, UpstreamTlsSpec};
use portunus_spec::{Reader, Spanned};
use portunus_tls::{ClientOptions, ClientTls, MinVersion, TlsConfigError};

use super::files::Files;
use super::server::min_version;

/// All that makes one TLS to upstreams differ from another.
#[derive(Clone, Default, Eq, PartialEq)]
pub(crate) struct ClientSettings {
    ca: Option<Vec<u8>>,
    server_name: Option<String>,
    client: Option<(Vec<u8>, Vec<u8>)>,
    insecure_skip_verify: bool,
    is_v13: bool,
    alpn: Vec<Vec<u8>>,
}

/// The TLS to upstreams that there is, each kind once.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsClients {
    known: Vec<(ClientSettings, Arc<ClientTls>)>,
    /// Of the previous result.
    before: Vec<(ClientSettings, Arc<ClientTls>)>,
}

impl TlsClients {
    /// What is the same as before is taken from there.
    pub(crate) fn after(before: Option<&Self>) -> Self {
        let before = before.map(|before| before.known.clone()).unwrap_or_default();
        Self { known: Vec::new(), before }
    }

    /// The TLS of an upstream, where it has any. `None` after mistakes.
    pub(crate) fn of(
        &mut self,
        upstream: &UpstreamSpec,
        files: &Files<'_>,
        reader: &mut Reader<'_>,
    ) -> Option<Option<Arc<ClientTls>>> {
        if !is_wanted(upstream) {
            return Some(None);
        }
        let spec = upstream.tls.as_ref();
        reader.key("tls", |reader| {
            let settings = settings(spec.map(|spec| &spec.value), upstream, files, reader)?;
            match self.client(settings) {
                Ok(tls) => Some(Some(tls)),
                Err(error) => {
                    let client = spec.and_then(|spec| spec.client.as_ref());
                    let ca = spec.and_then(|spec| spec.ca.as_ref());
                    let places = [
                        client.map(|client| client.cert.span),
                        ca.map(|ca| ca.span),
                        spec.map(|spec| spec.span),
                        upstream.endpoints.first().map(|first| first.url.span),
                    ];
                    let span = places.into_iter().flatten().next();
                    reader.error(span.unwrap_or_default(), error.message).help_if(error.help);
                    None
                }
            }
        })
    }

    /// Without the previous ones.
    pub(crate) fn finish(self) -> Self {
        Self { before: Vec::new(), ..self }
    }

    fn client(&mut self, settings: ClientSettings) -> Result<Arc<ClientTls>, TlsConfigError> {
        let mut all = self.known.iter().chain(&self.before);
        if let Some((_, known)) = all.find(|(known, _)| *known == settings) {
            let known = Arc::clone(known);
            self.keep(settings, &known);
            return Ok(known);
        }
        let made = Arc::new(ClientTls::new(&settings.options())?);
        self.keep(settings, &made);
        Ok(made)
    }

    fn keep(&mut self, settings: ClientSettings, client: &Arc<ClientTls>) {
        if !self.known.iter().any(|(known, _)| *known == settings) {
            self.known.push((settings, Arc::clone(client)));
        }
    }
}

impl ClientSettings {
    fn options(&self) -> ClientOptions {
        ClientOptions {
            ca_pem: self.ca.clone(),
            server_name: self.server_name.clone(),
            client: self.client.clone(),
            insecure_skip_verify: self.insecure_skip_verify,
            min_version: if self.is_v13 { MinVersion::V13 } else { MinVersion::V12 },
            alpn: self.alpn.clone(),
        }
    }
}

/// Without the client's key.
impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSettings")
            .field("server_name", &self.server_name)
            .field("shows_certificate", &self.client.is_some())
            .field("insecure_skip_verify", &self.insecure_skip_verify)
            .field("is_v13", &self.is_v13)
            .finish_non_exhaustive()
    }
}

/// By its endpoints' scheme; where they are found elsewhere, by `tls`.
fn is_wanted(upstream: &UpstreamSpec) -> bool {
    match upstream.endpoints.first() {
        Some(first) => first.url.scheme == EndpointScheme::Https,
        None => upstream.tls.is_some(),
    }
}

fn settings(
    spec: Option<&UpstreamTlsSpec>,
    upstream: &UpstreamSpec,
    files: &Files<'_>,
    reader: &mut Reader<'_>,
) -> Option<ClientSettings> {
    let alpn: &[&[u8]] = match upstream.http.value {
        HttpSpec::Auto => &[H2, H1],
        HttpSpec::H1 => &[H1],
        HttpSpec::H2 => &[H2],
    };
    let alpn = alpn.iter().map(|name| name.to_vec()).collect();
    let Some(spec) = spec else { return Some(ClientSettings { alpn, ..Default::default() }) };
    let ca = match &spec.ca {
        Some(ca) => reader.key("ca", |reader| files.pem(ca, reader)).map(Some),
        None => Some(None),
    };
    let client = match &spec.client {
        Some(client) => reader.key("client", |reader| {
            let cert = files.pem(&client.cert, reader);
            let key = files.pem(&client.key, reader);
            files.check_key(&client.key, reader);
            Some(Some((cert?, key?)))
        }),
        None => Some(None),
    };
    Some(ClientSettings {
        ca: ca?,
        server_name: spec.server_name.as_ref().map(|name: &Spanned<String>| name.value.clone()),
        client: client?,
        insecure_skip_verify: spec.insecure_skip_verify.value,
        is_v13: min_version(spec.min_version) == MinVersion::V13,
        alpn,
    })
}

/// The names of the protocols in ALPN.
const H1: &[u8] = b"http/1.1";
const H2: &[u8] = b"h2";
