//! The TLS of each listener.

use std::fmt;
use std::sync::Arc;

use portunus_base::ListenerId;
use portunus_config::ConfigSpec;
use portunus_config::spec::{
    CertificatesSpec, ClientAuthModeSpec, ClientAuthSpec, ListenerSpec, ProtocolSpec, TlsSpec,
    TlsVersionSpec,
};
use portunus_spec::{Reader, Span, Spanned};
use portunus_tls::{
    CertStore, CertTable, ClientAuth, ClientAuthMode, MinVersion, ServerOptions, ServerTls,
    TicketKeys,
};

use super::certificates::{CertificateSource, Certificates, Lists, check_hosts};
use super::files::Files;
use super::shared::TlsShared;
use crate::listener::ListenerIds;
use crate::{Compiled, Inputs};

/// The TLS of listeners, by the ids of the listeners.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    by_id: Vec<(ListenerId, Server)>,
}

/// The TLS of one listener, and what it was made of.
#[derive(Clone, Debug)]
struct Server {
    settings: Settings,
    source: CertificateSource,
    tls: Arc<ServerTls>,
}

/// All that makes one TLS differ from another, its certificates aside.
#[derive(Clone, Eq, PartialEq)]
struct Settings {
    min_version: MinVersion,
    client_auth: Option<AuthSettings>,
    alpn: Vec<Vec<u8>>,
    ticket_keys: Option<Vec<u8>>,
    by_acme: bool,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct AuthSettings {
    mode: ClientAuthMode,
    ca: Vec<u8>,
    crls: Vec<Vec<u8>>,
}

impl Servers {
    /// Reads the TLS of all listeners that have it, and the certificates.
    pub(crate) fn read(
        inputs: &Inputs<'_>,
        ids: &ListenerIds,
        files: &Files<'_>,
        reader: &mut Reader<'_>,
    ) -> Self {
        let config = inputs.spec;
        let listeners = config.listeners_in_force();
        let mut certificates = Certificates::new(files);
        let lists = Lists::read(config, &mut certificates, reader);
        let mut servers = Self::default();
        for (name, listener) in &*listeners {
            let (Some(spec), Some(id)) = (&listener.tls, ids.known(name)) else { continue };
            let path = format!("listeners.{}.tls", name.value);
            let found = reader.key(&path, |reader| lists.of(spec, &mut certificates, reader));
            let draft = Draft { inputs, files, listener, spec, path };
            let source = draft.source(name, found, servers_of(inputs).source(id), reader);
            let made = source.and_then(|source| draft.server(source, id, reader));
            servers.by_id.extend(made.map(|server| (id, server)));
        }
        check_hosts(config, &listeners, &servers.sources(), reader);
        servers
    }

    /// The TLS of a listener.
    pub(crate) fn of(&self, id: ListenerId) -> Option<&Arc<ServerTls>> {
        self.server(id).map(|server| &server.tls)
    }

    /// Whether a listener may lack a certificate that is asked for on demand.
    pub(crate) fn may_lack(&self, id: ListenerId) -> bool {
        self.source(id).is_some_and(|source| !source.self_signed)
    }

    /// The certificates of all listeners.
    pub(crate) fn sources(&self) -> Vec<CertificateSource> {
        self.by_id.iter().map(|(_, server)| server.source.clone()).collect()
    }

    fn source(&self, id: ListenerId) -> Option<&CertificateSource> {
        self.server(id).map(|server| &server.source)
    }

    fn server(&self, id: ListenerId) -> Option<&Server> {
        self.by_id.iter().find(|(known, _)| *known == id).map(|(_, server)| server)
    }
}

/// Those of the previous result.
fn servers_of<'a>(inputs: &Inputs<'a>) -> &'a Servers {
    static NONE: Servers = Servers { by_id: Vec::new() };
    inputs.previous.map_or(&NONE, |before: &Compiled| &before.servers)
}

/// What the TLS of one listener is made of.
struct Draft<'d, 'a> {
    inputs: &'d Inputs<'a>,
    files: &'d Files<'a>,
    listener: &'d ListenerSpec,
    spec: &'d Spanned<TlsSpec>,
    path: String,
}

impl Draft<'_, '_> {
    /// The certificates, in the store of before if there is one of the kind.
    fn source(
        &self,
        name: &Spanned<String>,
        found: Vec<super::FoundCertificate>,
        before: Option<&CertificateSource>,
        reader: &mut Reader<'_>,
    ) -> Option<CertificateSource> {
        let all = self.spec.over(self.inputs.spec.tls.as_ref());
        let certificates = all.certificates.as_ref();
        let self_signed = certificates
            .is_some_and(|certificates| matches!(certificates.value, CertificatesSpec::SelfSigned));
        let kept = before.filter(|before| before.self_signed == self_signed);
        let store = match kept {
            Some(before) => Arc::clone(&before.store),
            None if self_signed => {
                let span = certificates.map_or(Span::NONE, |certificates| certificates.span);
                self_signed_store(self.inputs.tls, span, reader)?
            }
            None => Arc::new(CertStore::new(CertTable::default())),
        };
        let source = CertificateSource { listener: name.value.clone(), store, found, self_signed };
        if kept.is_none() {
            source.store.replace(source.table(&[]));
        }
        Some(source)
    }

    /// The TLS, that of before if nothing about it has changed.
    fn server(
        &self,
        source: CertificateSource,
        id: ListenerId,
        reader: &mut Reader<'_>,
    ) -> Option<Server> {
        let settings = self.settings(reader)?;
        let before = servers_of(self.inputs).server(id);
        let same = before.filter(|before| {
            before.settings == settings && Arc::ptr_eq(&before.source.store, &source.store)
        });
        if let Some(before) = same {
            return Some(Server { source, ..before.clone() });
        }
        let shared = self.inputs.tls;
        let tickets = match &settings.ticket_keys {
            None => shared.tickets(),
            Some(bytes) => TicketKeys::from_file(bytes).map(Arc::new),
        };
        let challenges = settings.by_acme.then(|| Arc::clone(&shared.challenges));
        let options = settings.options();
        let made = tickets.and_then(|tickets| {
            ServerTls::new(&options, Arc::clone(&source.store), tickets, challenges)
        });
        match made {
            Ok(tls) => Some(Server { settings, source, tls: Arc::new(tls) }),
            Err(error) => {
                let span = self.blamed().unwrap_or(self.spec.span);
                reader.key(&self.path, |reader| self.files.refuse(span, error, reader));
                None
            }
        }
    }

    fn settings(&self, reader: &mut Reader<'_>) -> Option<Settings> {
        let config: &ConfigSpec = self.inputs.spec;
        let all = self.spec.over(config.tls.as_ref());
        let auth = all.client_auth.as_ref().filter(|auth| auth.mode != ClientAuthModeSpec::Off);
        let client_auth = match auth {
            None => Some(None),
            Some(auth) => reader.key(&self.path, |reader| self.client_auth(auth, reader)).map(Some),
        };
        let ticket_keys = match &all.ticket_keys {
            None => Some(None),
            Some(path) => reader.key(&self.path, |reader| {
                self.files.check_key_file(path, reader);
                self.files.file(path, reader).map(Some)
            }),
        };
        let speaks = |wanted: ProtocolSpec| {
            self.listener.protocols.iter().any(|protocol| protocol.value == wanted)
        };
        let known = [(ProtocolSpec::H2, &b"h2"[..]), (ProtocolSpec::H1, b"http/1.1")];
        let alpn = known.iter().filter(|(protocol, _)| speaks(*protocol));
        Some(Settings {
            min_version: min_version(all.min_version),
            client_auth: client_auth?,
            alpn: alpn.map(|(_, name)| name.to_vec()).collect(),
            ticket_keys: ticket_keys?,
            by_acme: config.acme.is_some(),
        })
    }

    fn client_auth(&self, auth: &ClientAuthSpec, reader: &mut Reader<'_>) -> Option<AuthSettings> {
        // A missing `ca` was reported by the loader.
        let ca = self.files.pem(auth.ca.as_ref()?, reader);
        let crls: Vec<_> = auth.crl.iter().map(|list| self.files.pem(list, reader)).collect();
        let mode = match auth.mode {
            ClientAuthModeSpec::Require => ClientAuthMode::Require,
            ClientAuthModeSpec::Optional | ClientAuthModeSpec::Off => ClientAuthMode::Optional,
        };
        Some(AuthSettings { mode, ca: ca?, crls: crls.into_iter().collect::<Option<_>>()? })
    }

    /// Where the settings stand that can be wrong beside the certificates.
    fn blamed(&self) -> Option<Span> {
        let all = self.spec.over(self.inputs.spec.tls.as_ref());
        let auth = all.client_auth.and_then(|auth| auth.value.ca).map(|ca| ca.span);
        all.ticket_keys.map(|keys| keys.span).filter(|_| auth.is_none()).or(auth)
    }
}

impl Settings {
    fn options(&self) -> ServerOptions {
        let client_auth = self.client_auth.as_ref().map(|auth| ClientAuth {
            mode: auth.mode,
            ca_pem: auth.ca.clone(),
            crl_pems: auth.crls.clone(),
        });
        ServerOptions { min_version: self.min_version, client_auth, alpn: self.alpn.clone() }
    }
}

/// Without the ticket keys.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("min_version", &self.min_version)
            .field("asks_clients", &self.client_auth.is_some())
            .field("has_ticket_keys", &self.ticket_keys.is_some())
            .field("by_acme", &self.by_acme)
            .finish_non_exhaustive()
    }
}

fn self_signed_store(
    shared: &TlsShared,
    span: Span,
    reader: &mut Reader<'_>,
) -> Option<Arc<CertStore>> {
    match shared.authority() {
        // Nobody will shake hands: a configuration is only looked at.
        None => Some(Arc::new(CertStore::new(CertTable::default()))),
        Some(Ok(authority)) => Some(Arc::new(CertStore::self_signed(authority))),
        Some(Err(error)) => {
            reader.error(span, error.message).help_if(error.help);
            None
        }
    }
}

/// The lowest version of TLS.
pub(super) fn min_version(written: Option<TlsVersionSpec>) -> MinVersion {
    match written {
        None | Some(TlsVersionSpec::V12) => MinVersion::V12,
        Some(TlsVersionSpec::V13) => MinVersion::V13,
    }
}
