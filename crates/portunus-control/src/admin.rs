//! The admin API: what monitors, scripts and people ask a running Portunus.
//!
//! It only reads what control shows, and asks control to do things. It shows no secret but the keys that it
//! makes, each once.

mod answers;
mod guard;
mod keys;
mod socket;

use std::sync::{Arc, Weak};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use portunus_telemetry::Exposition;
use tokio::sync::oneshot;

pub use self::answers::certificates_in_files;
pub(crate) use self::socket::AdminSocket;
use self::socket::SocketFile;
use crate::normal;
use crate::shared::{Command, Shared, Stage};
use crate::task::Task;

/// The running API. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Admin {
    address: String,
    _task: Task,
    _file: Option<SocketFile>,
}

impl Admin {
    /// Where it is, as a client writes it.
    pub(crate) fn address(&self) -> &str {
        &self.address
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
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/api/status", get(async |Seen(seen): Seen| Json(answers::status(&seen))))
        .route("/api/routes", get(async |Seen(seen): Seen| Json(answers::routes(&seen))))
        .route("/api/upstreams", get(async |Seen(seen): Seen| Json(answers::upstreams(&seen))))
        .route("/api/listeners", get(async |Seen(seen): Seen| Json(answers::listeners(&seen))))
        .route(
            "/api/certificates",
            get(async |Seen(seen): Seen| Json(answers::certificates(&seen))),
        )
        .route("/api/authority", get(async |Seen(seen): Seen| Json(answers::authority(&seen))))
        .route("/api/config", get(config))
        .route("/api/reload", post(reload))
        .merge(keys::routes(guard::Gate { reach, shared: Weak::clone(&shared) }))
        .layer(middleware::from_fn_with_state(reach, guard::guard))
        .with_state(shared)
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
    let text = seen.world.metrics.render(exposition);
    ([(header::CONTENT_TYPE, exposition.content_type())], text).into_response()
}

async fn config(Seen(seen): Seen) -> impl IntoResponse {
    let current = seen.current.load();
    let text = portunus_spec::yaml::write(&normal(&current.spec, &seen.world.registries));
    ([(header::CONTENT_TYPE, "application/yaml")], text)
}

async fn reload(Seen(seen): Seen) -> Response {
    if seen.stage() != Stage::Ready {
        return STOPPING.into_response();
    }
    let commands = seen.commands.clone();
    drop(seen);
    let (answer, result) = oneshot::channel();
    let sent = commands.send(Command::Reload(answer)).await;
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

const STOPPING: (StatusCode, &str) = (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
