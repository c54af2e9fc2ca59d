//! What operators change about endpoints while Portunus runs: drains and weights.
//!
//! Such a change is kept as a wish, so it survives reloads and the absence of its endpoint, and ends with the process.
//! Control makes it, one after the other; each one has a version, so that two operators do not undo each other's work
//! unseen.

pub(crate) mod edit;
pub(crate) mod save;
pub(crate) mod wishes;

use std::fmt;
use std::sync::Arc;

use portunus_balance::{Endpoint, WeightOverride};
use portunus_spec::suggestion;
use portunus_upstream::Upstream;

use self::wishes::{TooMany, What, WishTable, is_called};
use crate::shared::Shared;
use crate::upstreams::Upstreams;

/// What somebody wants of endpoints.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct ChangeWish {
    pub(crate) scope: Scope,
    /// Whether they drain; as they do unless given.
    pub(crate) drain: Option<bool>,
    /// Their weight, `Some(None)` for that of the configuration; as it is unless given.
    pub(crate) weight: Option<Option<u32>>,
    /// The versions that the wish may be made with; any unless given.
    pub(crate) versions: Option<Vec<u64>>,
}

impl ChangeWish {
    /// Whether everything is to be as the configuration has it.
    fn is_reset(&self) -> bool {
        self.drain == Some(false) && self.weight == Some(None)
    }
}

/// What became of a wish.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) version: u64,
    /// The endpoints that were meant as they are now; those of no upstream where all were meant.
    pub(crate) found: Option<Found>,
}

/// Which endpoints are meant: all, those of an upstream, or one by its address or name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Scope {
    pub(crate) upstream: Option<String>,
    pub(crate) endpoint: Option<String>,
}

/// Why nothing was changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum ChangeError {
    /// There is no such upstream; what is nearest.
    UnknownUpstream(String, Option<String>),
    /// The upstream has no such endpoint; what is nearest.
    UnknownEndpoint(String, Option<String>),
    /// The wish says nothing, or something that cannot be.
    Wrong(String),
    /// Somebody was faster: the version now.
    Stale(u64),
    /// There are as many changes as there may be.
    TooMany,
}

/// Endpoints of one upstream.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) endpoints: Vec<Endpoint>,
}

/// Does what is wanted. Nothing is done unless all of it can be.
pub(crate) fn change(
    shared: &Shared,
    upstreams: &Upstreams,
    wish: &ChangeWish,
) -> Result<Changed, ChangeError> {
    let wishes = &shared.world.wishes;
    let mut table = WishTable::clone(&wishes.load());
    let now = table.version();
    if wish.versions.as_ref().is_some_and(|versions| !versions.contains(&now)) {
        return Err(ChangeError::Stale(now));
    }
    if let Some(Some(weight)) = wish.weight
        && weight > WeightOverride::MAX
    {
        let most = WeightOverride::MAX;
        return Err(ChangeError::Wrong(format!("a weight is at most {most}, not {weight}")));
    }
    let found = match find(shared, &wish.scope) {
        // A wish for what is not there now can be taken back too.
        Err(_) if is_known(&table, &wish.scope) => Vec::new(),
        found => found?,
    };
    if wished(&mut table, wish, &found)? {
        table.next_version();
        tell(wish);
    }
    if wish.is_reset() {
        readmit(&found);
    }
    let version = table.version();
    wishes.store(table);
    apply(shared, upstreams, wish.scope.upstream.as_deref());
    let found = wish.scope.upstream.as_ref().and_then(|_| find(shared, &wish.scope).ok()?.pop());
    Ok(Changed { version, found })
}

/// Ends the ejections of endpoints, and what made the next one longer.
fn readmit(found: &[Found]) {
    let endpoints = found.iter().flat_map(|found| &found.endpoints);
    endpoints.for_each(|endpoint| endpoint.state.readmit());
}

fn is_known(table: &WishTable, scope: &Scope) -> bool {
    let Scope { upstream, endpoint } = scope;
    upstream.as_ref().is_some_and(|upstream| table.knows(upstream, endpoint.as_deref()))
}

/// Writes a wish down. True when that is a change.
fn wished(table: &mut WishTable, wish: &ChangeWish, found: &[Found]) -> Result<bool, ChangeError> {
    let Scope { upstream, endpoint } = &wish.scope;
    let (Some(upstream), Some(called)) = (upstream, endpoint) else {
        return Ok(table.reset(upstream.as_deref()));
    };
    let meant = found.iter().flat_map(|found| &found.endpoints);
    let is_configured = |weight: &u32| meant.clone().all(|one| configured_weight(one) == *weight);
    let all = found.first().map(|found| found.upstream.serving.load());
    let all = all.as_ref().map_or(&[][..], |serving| serving.set.endpoints());
    let mut is_changed = false;
    if let Some(drain) = wish.drain {
        is_changed |= table.set(What::Drain, upstream, called, drain.then_some(0), all)?;
    }
    if let Some(weight) = wish.weight {
        let weight = weight.filter(|weight| found.is_empty() || !is_configured(weight));
        is_changed |= table.set(What::Weight, upstream, called, weight, all)?;
    }
    Ok(is_changed)
}

/// Has the endpoints of now follow the wishes.
fn apply(shared: &Shared, upstreams: &Upstreams, only: Option<&str>) {
    let current = shared.current.load();
    let table = shared.world.wishes.load();
    let all = current.compiled.snapshot.upstreams.iter().flatten();
    for upstream in all.filter(|upstream| only.is_none_or(|name| *upstream.plan.name == *name)) {
        let name = &*upstream.plan.name;
        let mut is_weighed = false;
        for endpoint in upstream.serving.load().set.endpoints() {
            let Endpoint { name: called, address, state, .. } = endpoint;
            state.set_draining(table.drains(name, called, address));
            let before = state.weight_override().map(|wish| wish.weight);
            is_weighed |= before != table.weight(name, called, address);
        }
        if is_weighed {
            upstreams.serve_anew(upstream.plan.id);
        }
    }
}

fn tell(wish: &ChangeWish) {
    let ChangeWish { scope: Scope { upstream, endpoint }, drain, weight, .. } = wish;
    tracing::info!(upstream, endpoint, drain, ?weight, "the operator changes endpoints");
}

/// The weight that the configuration or a provider gives.
pub(crate) fn configured_weight(endpoint: &Endpoint) -> u32 {
    endpoint.state.weight_override().map_or(endpoint.weight, |wish| wish.instead_of)
}

/// The endpoints of a scope, by upstream.
pub(crate) fn find(shared: &Shared, scope: &Scope) -> Result<Vec<Found>, ChangeError> {
    let current = shared.current.load();
    let all = || current.compiled.snapshot.upstreams.iter().flatten();
    let Some(name) = &scope.upstream else { return Ok(all().map(Found::all).collect()) };
    let Some(upstream) = all().find(|upstream| *upstream.plan.name == **name) else {
        let names: Vec<&str> = all().map(|upstream| &*upstream.plan.name).collect();
        let help = suggestion(name, names, "upstreams");
        return Err(ChangeError::UnknownUpstream(name.clone(), help));
    };
    let mut found = Found::all(upstream);
    if let Some(name) = &scope.endpoint {
        let known = found.endpoints.clone();
        found.endpoints.retain(|endpoint| is_called(endpoint, name));
        if found.endpoints.is_empty() {
            let names: Vec<String> = known.iter().map(|one| one.address.to_string()).collect();
            let help = suggestion(name, names.iter().map(String::as_str), "endpoints");
            return Err(ChangeError::UnknownEndpoint(name.clone(), help));
        }
    }
    Ok(vec![found])
}

impl Found {
    fn all(upstream: &Arc<Upstream>) -> Self {
        let endpoints = upstream.serving.load().set.endpoints().to_vec();
        Self { upstream: Arc::clone(upstream), endpoints }
    }
}

impl ChangeError {
    /// The stable word for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::UnknownUpstream(..) => "upstream.unknown",
            Self::UnknownEndpoint(..) => "endpoint.unknown",
            Self::Wrong(_) => "change.invalid",
            Self::Stale(_) => "change.stale",
            Self::TooMany => "change.too_many",
        }
    }
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, name, help) = match self {
            Self::UnknownUpstream(name, help) => ("there is no upstream", name, help),
            Self::UnknownEndpoint(name, help) => ("the upstream has no endpoint", name, help),
            Self::Wrong(why) => return f.write_str(why),
            Self::TooMany => {
                return f.write_str("there are too many changes: take those back that are over");
            }
            Self::Stale(now) => {
                return write!(f, "somebody else has changed something: the version is {now} now");
            }
        };
        write!(f, "{what} `{name}`")?;
        help.iter().try_for_each(|help| write!(f, "; {help}"))
    }
}

impl std::error::Error for ChangeError {}

impl From<TooMany> for ChangeError {
    fn from(_: TooMany) -> Self {
        Self::TooMany
    }
}
