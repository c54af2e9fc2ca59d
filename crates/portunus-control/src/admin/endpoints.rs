//! Upstreams and their endpoints over the API, and what operators change about them.

mod save;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use portunus_balance::Endpoint;
use serde::{Deserialize, Deserializer, Serialize};
use tokio::sync::oneshot;

use super::answers::{self, EndpointAnswer, UpstreamAnswer};
use super::{STOPPING, Seen, guard};
use crate::changes::wishes::{Absent, WishTable};
use crate::changes::{self, ChangeError, ChangeWish, Changed, Found, Scope, configured_weight};
use crate::shared::{Command, Shared};

/// The paths of upstreams, endpoints and changes.
pub(super) fn routes(gate: guard::Gate) -> Router<Weak<Shared>> {
    Router::new()
        .route("/api/upstreams", get(async |Seen(seen): Seen| Json(answers::upstreams(&seen))))
        .route("/api/upstreams/{upstream}", get(upstream))
        .route("/api/upstreams/{upstream}/endpoints", get(endpoints))
        .route("/api/upstreams/{upstream}/endpoints/{endpoint}", get(endpoint).patch(change))
        .route("/api/changes", get(list))
        .route("/api/changes/reset", post(reset))
        .route("/api/changes/save", post(save::save))
        .route_layer(middleware::from_fn_with_state(gate, guard::changes_guard))
}

/// The body of a wish for an endpoint.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct EndpointWish {
    drain: Option<bool>,
    /// Null for the weight of the configuration.
    #[serde(deserialize_with = "present")]
    weight: Option<Option<u32>>,
}

/// The body of a wish to take changes back: all of them, unless it names an upstream or an endpoint.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ResetWish {
    upstream: Option<String>,
    endpoint: Option<String>,
}

/// `/api/changes`: what operators have changed and not taken back.
#[derive(Debug, Serialize)]
struct ChangesAnswer {
    /// Grows by one with each change.
    version: u64,
    changes: Vec<ChangeAnswer>,
}

/// How an endpoint differs from the configuration.
#[derive(Debug, Serialize)]
struct ChangeAnswer {
    upstream: String,
    /// Where it is not there, what the wish is for: a name or an address.
    endpoint: String,
    /// False for one that is not there now: its change waits for it until it is reset.
    there: bool,
    address: Option<String>,
    drain: bool,
    weight: Option<u32>,
    configured_weight: Option<u32>,
}

/// The answer to a change of endpoints.
#[derive(Debug, Serialize)]
struct ChangedAnswer {
    version: u64,
    endpoints: Vec<EndpointAnswer>,
    /// That no endpoint is left for requests, for instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

async fn upstream(Seen(seen): Seen, Path(name): Path<String>) -> Shown<UpstreamAnswer> {
    let found = found(&seen, Some(name), None)?;
    Ok((version(&seen), Json(answers::upstream(&seen, &found.upstream))))
}

async fn endpoints(Seen(seen): Seen, Path(name): Path<String>) -> Shown<Vec<EndpointAnswer>> {
    let found = found(&seen, Some(name), None)?;
    Ok((version(&seen), Json(answers::endpoint_answers(&found.endpoints))))
}

async fn endpoint(
    Seen(seen): Seen,
    Path((upstream, endpoint)): Path<(String, String)>,
) -> Shown<Vec<EndpointAnswer>> {
    let found = found(&seen, Some(upstream), Some(endpoint))?;
    Ok((version(&seen), Json(answers::endpoint_answers(&found.endpoints))))
}

async fn list(Seen(seen): Seen) -> Shown<ChangesAnswer> {
    // Before the endpoints: a version of later would hide a change.
    let table = seen.world.wishes.load();
    let all = changes::find(&seen, &Scope::default())?;
    let changes = all.iter().flat_map(|found| {
        let changed = found.endpoints.iter().filter(|endpoint| is_changed(endpoint));
        changed.map(|endpoint| ChangeAnswer {
            upstream: found.upstream.plan.name.to_string(),
            endpoint: endpoint.name.clone(),
            there: true,
            address: Some(endpoint.address.to_string()),
            drain: endpoint.state.draining(),
            weight: Some(endpoint.weight),
            configured_weight: Some(configured_weight(endpoint)),
        })
    });
    let absent = absent(&table, &all).into_iter();
    let absent = absent.map(|((upstream, endpoint), Absent { drain, weight })| ChangeAnswer {
        upstream,
        endpoint,
        there: false,
        address: None,
        drain,
        weight,
        configured_weight: None,
    });
    let version = table.version();
    let answer = ChangesAnswer { version, changes: changes.chain(absent).collect() };
    Ok((etag(version), Json(answer)))
}

/// The changes of endpoints that are not there.
fn absent(table: &WishTable, all: &[Found]) -> BTreeMap<(String, String), Absent> {
    let there: HashMap<&str, &[Endpoint]> =
        all.iter().map(|found| (&*found.upstream.plan.name, &*found.endpoints)).collect();
    table.absent(|upstream| there.get(upstream).copied())
}

async fn change(
    Seen(seen): Seen,
    Path((upstream, endpoint)): Path<(String, String)>,
    headers: HeaderMap,
    Json(wish): Json<EndpointWish>,
) -> Result<Response, ChangeError> {
    let EndpointWish { drain, weight } = wish;
    if drain.is_none() && weight.is_none() {
        let why = "say what to change: {\"drain\": true} or {\"weight\": 5}";
        return Err(ChangeError::Wrong(why.to_owned()));
    }
    let scope = Scope { upstream: Some(upstream), endpoint: Some(endpoint) };
    let versions = wanted_versions(&headers)?;
    make(seen, ChangeWish { scope, drain, weight, versions }).await
}

async fn reset(
    Seen(seen): Seen,
    headers: HeaderMap,
    wish: Option<Json<ResetWish>>,
) -> Result<Response, ChangeError> {
    let ResetWish { upstream, endpoint } = wish.map(|Json(wish)| wish).unwrap_or_default();
    if upstream.is_none() && endpoint.is_some() {
        let why = "an endpoint is reset together with its upstream: name both";
        return Err(ChangeError::Wrong(why.to_owned()));
    }
    let (scope, versions) = (Scope { upstream, endpoint }, wanted_versions(&headers)?);
    make(seen, ChangeWish { scope, drain: Some(false), weight: Some(None), versions }).await
}

/// Has control make a change, which tells how things are then: a moment later they may be others.
async fn make(seen: Arc<Shared>, wish: ChangeWish) -> Result<Response, ChangeError> {
    let commands = seen.commands.clone();
    drop(seen);
    let (answer, result) = oneshot::channel();
    let sent = commands.send(Command::Change(wish, answer)).await;
    let (Ok(()), Ok(result)) = (sent, result.await) else { return Ok(STOPPING.into_response()) };
    let answer = changed(result?);
    Ok((etag(answer.version), Json(answer)).into_response())
}

fn changed(Changed { version, found }: Changed) -> ChangedAnswer {
    let Some(found) = found else {
        return ChangedAnswer { version, endpoints: Vec::new(), warning: None };
    };
    let serving = found.upstream.serving.load();
    let takes = |one: &Endpoint| one.weight > 0 && !one.state.draining();
    let is_left = serving.set.endpoints().iter().any(takes);
    let name = &found.upstream.plan.name;
    let warning = (!is_left).then(|| format!("no endpoint of `{name}` takes new requests now"));
    ChangedAnswer { version, endpoints: answers::endpoint_answers(&found.endpoints), warning }
}

/// How many endpoints are not as the configuration has them, or would not be, by an operator's wish.
pub(super) fn changed_count(shared: &Shared) -> usize {
    let all = changes::find(shared, &Scope::default()).unwrap_or_default();
    let endpoints = all.iter().flat_map(|found| &found.endpoints);
    let there = endpoints.filter(|endpoint| is_changed(endpoint)).count();
    there + absent(&shared.world.wishes.load(), &all).len()
}

fn is_changed(endpoint: &Endpoint) -> bool {
    endpoint.state.draining() || endpoint.state.weight_override().is_some()
}

/// The endpoints of one upstream.
fn found(
    shared: &Shared,
    upstream: Option<String>,
    endpoint: Option<String>,
) -> Result<Found, ChangeError> {
    let mut found = changes::find(shared, &Scope { upstream, endpoint })?;
    found.pop().ok_or_else(|| ChangeError::Wrong("no upstream is named".to_owned()))
}

/// The versions in `If-Match` (RFC 9110 section 13.1.1), where there are any. What is no version, or a weak one, is none
/// that a change can be for.
fn wanted_versions(headers: &HeaderMap) -> Result<Option<Vec<u64>>, ChangeError> {
    let wrong = || ChangeError::Wrong("`If-Match` is no list of entity tags".to_owned());
    let mut versions = Vec::new();
    let mut is_there = false;
    for value in headers.get_all(header::IF_MATCH) {
        is_there = true;
        let text = value.to_str().map_err(|_| wrong())?;
        for tag in text.split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
            if tag == "*" {
                return Ok(None);
            }
            let strong = tag.strip_prefix("W/").unwrap_or(tag);
            // Digits alone are what people write by hand.
            let inner = strong.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            let inner = inner.or_else(|| strong.parse::<u64>().is_ok().then_some(strong));
            let inner = inner.ok_or_else(wrong)?;
            versions.extend(inner.parse::<u64>().ok().filter(|_| strong == tag));
        }
    }
    Ok(is_there.then_some(versions))
}

fn version(shared: &Shared) -> Tag {
    etag(shared.world.wishes.load().version())
}

fn etag(version: u64) -> Tag {
    // Digits in quotes are a good value.
    let value = HeaderValue::try_from(format!("\"{version}\""));
    [(header::ETAG, value.unwrap_or(HeaderValue::from_static("\"\"")))]
}

/// A field that is there, and null perhaps; one that is not there is `None`.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<u32>>, D::Error> {
    Option::<u32>::deserialize(from).map(Some)
}

/// An answer with the version of the changes.
type Shown<T> = Result<(Tag, Json<T>), ChangeError>;

type Tag = [(HeaderName, HeaderValue); 1];

impl IntoResponse for ChangeError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::UnknownUpstream(..) | Self::UnknownEndpoint(..) => StatusCode::NOT_FOUND,
            Self::Wrong(_) => StatusCode::BAD_REQUEST,
            Self::Stale(_) => StatusCode::PRECONDITION_FAILED,
            Self::TooMany => StatusCode::CONFLICT,
        };
        let body = serde_json::json!({"code": self.code(), "error": self.to_string()});
        (status, Json(body)).into_response()
    }
}

#[cfg(test)]
mod tests;
