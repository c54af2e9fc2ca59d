//! The whole way from a spec to a snapshot.

use std::sync::Arc;

use portunus_config::ConfigSpec;
use portunus_config::spec::{LogFormatSpec, LogTargetSpec};
use portunus_filter::{Background, Factory, Services};
use portunus_snapshot::{Networks, ProcessLimits, Snapshot};
use portunus_spec::{Diagnostics, Lookup, Reader, Spanned};
use portunus_telemetry::{Format, Registry};
use portunus_upstream::{StateStore, Upstream};

use crate::acme::{self, AcmeSource};
use crate::chain::Chains;
use crate::consumers::{self, ConsumerSource};
use crate::filters::BuiltFilters;
use crate::listener::{ListenerBinding, ListenerIds, Listeners};
use crate::openapi::{self, Operations};
use crate::route::{Parties, RouteRecord, Routes};
use crate::stores::{self, KeyStoreSource};
use crate::tls::{CertificateSource, Files, Servers, TlsClients, TlsShared};
use crate::upstream::{UpstreamSource, Upstreams};

/// What is known by name. Balancers and providers are static slices of their crates.
#[derive(Clone, Copy, Debug)]
pub struct Registries {
    /// All filters.
    pub filters: &'static [Factory],
}

/// What a compilation needs.
pub struct Inputs<'a> {
    /// What the user wrote.
    pub spec: &'a ConfigSpec,
    /// Files and environment, for the secrets and pages of filters.
    pub lookup: &'a dyn Lookup,
    /// What is known by name.
    pub registries: &'a Registries,
    /// Gives the ids of upstreams.
    pub store: &'a StateStore,
    /// Gives the series of listeners, routes and upstreams. Only a good configuration takes new ones.
    pub metrics: &'a Registry,
    /// What TLS needs that outlives configurations.
    pub tls: &'a TlsShared,
    /// What filters share.
    pub services: &'a Services,
    /// The result that is in force, to keep of it what is the same.
    pub previous: Option<&'a Compiled>,
}

/// A snapshot, and what control needs to run it.
#[derive(Debug)]
pub struct Compiled {
    /// The plan for the workers.
    pub snapshot: Arc<Snapshot>,
    /// The addresses to listen on.
    pub listeners: Vec<ListenerBinding>,
    /// The upstreams with the sources of their endpoints.
    pub upstreams: Vec<UpstreamSource>,
    /// The certificates of listeners with TLS, for their stores.
    pub certificates: Vec<CertificateSource>,
    /// The certificates that are asked for by ACME.
    pub acme: Option<AcmeSource>,
    /// Who calls the API.
    pub consumers: Arc<ConsumerSource>,
    /// Where more of them live that are made at run time.
    pub key_store: KeyStoreSource,
    /// The files of certificates and keys, as they are written: when one changes, the same spec is compiled again.
    pub tls_files: Vec<String>,
    pub(crate) listener_ids: ListenerIds,
    pub(crate) servers: Servers,
    pub(crate) clients: TlsClients,
    pub(crate) filters: BuiltFilters,
    /// By the ids of the routes.
    pub(crate) routes: Vec<RouteRecord>,
}

impl Compiled {
    /// The work that filters want done while they are in force.
    pub fn tasks(&self) -> impl Iterator<Item = &Arc<dyn Background>> {
        self.filters.tasks()
    }
}

/// Compiles a configuration. Of one that loaded without errors, the result is `None` exactly when there are errors
/// here; warnings may come with a result. What the loader checks is not reported again, so that a configuration with
/// errors there can be compiled too, for the diagnostics alone: a result of it means nothing.
///
/// What is the same as in `previous` is kept: listeners, upstreams and filters as the same `Arc`s; routes too, as
/// long as their id is the same, else with the same filters. A filter is the same when it is written in the same list
/// with the same text, and the files and variables that it read have not changed.
#[must_use]
pub fn compile(inputs: Inputs<'_>) -> (Option<Compiled>, Diagnostics) {
    let mut reader = Reader::new(inputs.lookup);
    let kinds: Vec<&str> = inputs.registries.filters.iter().map(|factory| factory.name).collect();
    let expanded = openapi::expand(inputs.spec, &mut reader);
    let inputs = Inputs { spec: &expanded.spec, ..inputs };
    portunus_config::check_uses(inputs.spec, &kinds, &mut reader);
    let mut compiled = read(&inputs, &expanded.operations, &mut reader);
    if let Some(compiled) = &mut compiled {
        compiled.tls_files.extend(expanded.files);
    }
    let mut diagnostics = reader.finish();
    diagnostics.sort();
    (compiled.filter(|_| !diagnostics.has_errors()), diagnostics)
}

/// Reads everything, so that all mistakes are found, and makes a result only when there is none.
fn read(inputs: &Inputs<'_>, operations: &Operations, reader: &mut Reader<'_>) -> Option<Compiled> {
    let mut listeners = Listeners::read(inputs, reader);
    let files = Files::new(inputs.lookup);
    let servers = Servers::read(inputs, &listeners.ids, &files, reader);
    let acme = acme::read(inputs.spec, &servers.sources(), &files, reader);
    let consumers = consumers::read(inputs.spec, &files, reader);
    let stores = stores::shared(inputs.spec, &files, reader);
    let key_store = stores::keys(inputs.spec, &stores, &files, reader);
    let mut upstreams = Upstreams::read(inputs, &files, reader);
    listeners.read_passed(inputs, &mut upstreams, reader);
    let mut chains = Chains::read(inputs, &stores, reader);
    let ids = &listeners.ids;
    let mut parties =
        Parties { chains: &mut chains, upstreams: &mut upstreams, listeners: ids, operations };
    let routes = Routes::read(inputs, &mut parties, reader);
    chains.check_unused(reader);
    let router = routes.router(reader);
    let access_log = access_log(inputs.spec, reader);
    // Of a route whose mistakes only the loader reports nothing can be made.
    if reader.diagnostics().has_errors() || !routes.are_whole() {
        return None;
    }
    let (router, (upstreams, clients)) = (router?, upstreams.finish());
    let unrouted = routes.unrouted();
    let (routes, records) = routes.finish(inputs);
    let trusted: Vec<_> = inputs.spec.trusted_proxies.iter().map(|range| range.value.0).collect();
    let filters = chains.finish();
    let snapshot = Snapshot {
        generation: inputs.previous.map_or(0, |before| before.snapshot.generation) + 1,
        router,
        routes,
        unrouted,
        listeners: listeners.finish(inputs, &servers),
        upstreams: by_id(&upstreams),
        trusted: Networks::new(&trusted),
        limits: limits(inputs.spec),
        slots: filters.live_slots(),
        access_log,
    };
    Some(Compiled {
        snapshot: Arc::new(snapshot),
        listeners: listeners.bindings,
        upstreams,
        certificates: servers.sources(),
        acme,
        consumers: Arc::new(consumers),
        key_store,
        tls_files: files.paths(),
        listener_ids: listeners.ids,
        servers,
        clients,
        filters,
        routes: records,
    })
}

/// Upstreams at the places of their ids.
fn by_id(sources: &[UpstreamSource]) -> Vec<Option<Arc<Upstream>>> {
    let ids = sources.iter().map(|source| source.upstream.plan.id.index());
    let mut upstreams = vec![None; ids.max().map_or(0, |last| last + 1)];
    for source in sources {
        if let Some(place) = upstreams.get_mut(source.upstream.plan.id.index()) {
            *place = Some(Arc::clone(&source.upstream));
        }
    }
    upstreams
}

fn limits(spec: &ConfigSpec) -> ProcessLimits {
    let max = |limit: &Option<Spanned<u32>>| limit.as_ref().map(|max| max.value);
    let limits = &spec.limits;
    ProcessLimits {
        connections_max: max(&limits.connections_max).map(|max| max as usize),
        requests_max: max(&limits.requests_max).map(|max| max as usize),
        client_connections_max: max(&limits.per_client.connections_max),
    }
}

fn access_log(spec: &ConfigSpec, reader: &mut Reader<'_>) -> Option<Arc<Format>> {
    let access = &spec.log.access;
    let format = match &access.format.value {
        LogFormatSpec::Json => Format::json(),
        LogFormatSpec::Common => Format::common(),
        LogFormatSpec::Combined => Format::combined(),
        LogFormatSpec::Template(template) => match Format::template(template) {
            Ok(format) => format,
            Err(error) => {
                let report = |reader: &mut Reader<'_>| {
                    reader.error(access.format.span, error.to_string());
                };
                reader.key("log.access.format", report);
                return None;
            }
        },
    };
    (access.to.value != LogTargetSpec::Off).then(|| Arc::new(format))
}

#[cfg(test)]
mod tests;
