//! The admin API: what monitors, scripts and people ask a running Portunus.
//!
//! It only reads what control shows, and asks control to do things. It shows no secret but the keys that it
//! makes, each once.

mod answers;
mod endpoints;
mod guard;
mod history;
mod keys;
mod refused;
mod socket;
mod token;

use std::os::fd::OwnedFd;
use std::sync::{Arc, Weak};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use portunus_telemetry::Exposition;
use serde_json::json;
use tokio::sync::oneshot;

pub use self::answers::certificates_in_files;
pub(crate) use self::answers::timestamp;
pub(crate) use self::socket::AdminSocket;
use self::socket::SocketFile;
pub(crate) use self::token::OwnToken;
pub use self::token::{own_token_file, read_own_token};
use crate::handover::SocketEntry;
use crate::normal;
use crate::shared::{Command, ReloadResult, Shared, Stage};
use crate::task::Task;

/// The running API. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Admin {
    address: String,
    /// The socket, for a process that takes over.
    held: Option<OwnedFd>,
    leave: Option<oneshot::Sender<()>>,
    file: Option<SocketFile>,
    _task: Task,
}

impl Admin {
    /// Where it is, as a client writes it.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The socket, for a process that takes over.
    pub(crate) fn gift(&self, wanted: String) -> Option<(SocketEntry, OwnedFd)> {
        let socket = self.held.as_ref()?.try_clone().ok()?;
        Some((SocketEntry { listener: None, wanted, file: self.file.is_some() }, socket))
    }

    /// Another process answers from now on. Who has asked already is answered here.
    pub(crate) fn leave(&mut self) {
        self.held = None;
        self.file.take().into_iter().for_each(SocketFile::keep);
        // It may have ended by itself.
        let _ = self.leave.take().map(|leave| leave.send(()));
    }
}

/// What a request sees of the running Portunus. Connections of clients hold it only while an answer
/// is made, so that none of them keeps a stopped one alive.
struct Seen(Arc<Shared>);

impl FromRequestParts<Weak<Shared>> for Seen {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(
        _parts: &mut Parts,
        shared: &Weak<Shared>,
    ) -> Result<Self, Self::Rejection> {
        shared.upgrade().map(Self).ok_or(STOPPING)
    }
}

fn routes(shared: Weak<Shared>, reach: guard::Reach) -> Router {
    let gate = guard::Gate { reach, shared: Weak::clone(&shared) };
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/api/status", get(async |Seen(seen): Seen| Json(answers::status(&seen))))
        .route("/api/routes", get(async |Seen(seen): Seen| Json(answers::routes(&seen))))
        .route("/api/listeners", get(async |Seen(seen): Seen| Json(answers::listeners(&seen))))
        .route(
            "/api/certificates",
            get(async |Seen(seen): Seen| Json(answers::certificates(&seen))),
        )
        .route("/api/authority", get(async |Seen(seen): Seen| Json(answers::authority(&seen))))
        .route("/api/config", get(config))
        .merge(endpoints::routes(gate.clone()))
        .merge(history::routes(gate.clone()))
        .merge(life_routes(gate.clone()))
        .merge(keys::routes(gate))
        .layer(middleware::from_fn_with_state(reach, guard::guard))
        .layer(middleware::from_fn(refused::as_json))
        .with_state(shared)
}

/// A reload undoes a step back, and rates begin anew with an upgrade: not everybody who can connect may have them.
fn life_routes(gate: guard::Gate) -> Router<Weak<Shared>> {
    Router::new()
        .route(
            "/api/reload",
            post(async |Seen(seen): Seen| serve_other(seen, Command::Reload).await),
        )
        .route("/api/upgrade", post(upgrade))
        .route_layer(middleware::from_fn_with_state(gate, guard::changes_guard))
}

async fn readyz(Seen(seen): Seen) -> (StatusCode, String) {
    let stage = seen.stage();
    let status = match stage {
        Stage::Ready => StatusCode::OK,
        Stage::Starting | Stage::Draining => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, format!("{}\n", stage.word()))
}

async fn metrics(Seen(seen): Seen, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let exposition = Exposition::accepted(accept.unwrap_or_default());
    seen.world.metrics.show_breakers(answers::breakers(&seen));
    seen.world.metrics.show_endpoint_states(answers::endpoint_states(&seen));
    seen.world.metrics.show_queues(answers::queues(&seen));
    let text = seen.world.metrics.render(exposition);
    ([(header::CONTENT_TYPE, exposition.content_type())], text).into_response()
}

async fn config(Seen(seen): Seen) -> impl IntoResponse {
    let current = seen.current.load();
    let text = portunus_spec::yaml::write(&normal(&current.spec, &seen.world.registries));
    ([(header::CONTENT_TYPE, "application/yaml")], text)
}

/// Has control serve another configuration.
async fn serve_other(
    seen: Arc<Shared>,
    command: impl FnOnce(oneshot::Sender<ReloadResult>) -> Command,
) -> Response {
    if seen.stage() != Stage::Ready {
        return STOPPING.into_response();
    }
    let commands = seen.commands.clone();
    drop(seen);
    let (answer, result) = oneshot::channel();
    let sent = commands.send(command(answer)).await;
    match (sent, result.await) {
        (Ok(()), Ok(result)) => {
            let status = match &result.reloaded {
                Ok(_) => StatusCode::OK,
                Err(_) => StatusCode::UNPROCESSABLE_ENTITY,
            };
            (status, Json(answers::reload(result))).into_response()
        }
        _ => STOPPING.into_response(),
    }
}

/// Answers when it is over: by the process that was asked, whichever of both serves then.
async fn upgrade(Seen(seen): Seen) -> Response {
    if seen.stage() != Stage::Ready {
        return STOPPING.into_response();
    }
    let commands = seen.commands.clone();
    drop(seen);
    let (answer, result) = oneshot::channel();
    let sent = commands.send(Command::Upgrade(answer)).await;
    match (sent, result.await) {
        (Ok(()), Ok(Ok(pid))) => Json(json!({"ok": true, "pid": pid})).into_response(),
        (Ok(()), Ok(Err(why))) => {
            let answer = Json(json!({"ok": false, "code": "upgrade.refused", "error": why}));
            (StatusCode::UNPROCESSABLE_ENTITY, answer).into_response()
        }
        _ => STOPPING.into_response(),
    }
}

const STOPPING: (StatusCode, &str) = (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
