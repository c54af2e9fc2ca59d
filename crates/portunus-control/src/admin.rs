//! The admin API: what monitors, scripts and people ask a running Portunus.
//!
//! It only reads what control shows, and asks control to do things. It shows no secret.

mod answers;
mod guard;
mod socket;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use portunus_telemetry::Exposition;
use tokio::sync::oneshot;

pub(crate) use self::socket::AdminSocket;
use crate::normal;
use crate::shared::{Command, Shared, Stage};
use crate::task::Task;

/// The running API. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Admin {
    address: String,
    _task: Task,
}

impl Admin {
    /// Where it is, as a client writes it.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }
}

type Seen = State<Arc<Shared>>;

fn routes(shared: Arc<Shared>, reach: guard::Reach) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/api/status", get(async |State(seen): Seen| Json(answers::status(&seen))))
        .route("/api/routes", get(async |State(seen): Seen| Json(answers::routes(&seen))))
        .route("/api/upstreams", get(async |State(seen): Seen| Json(answers::upstreams(&seen))))
        .route("/api/listeners", get(async |State(seen): Seen| Json(answers::listeners(&seen))))
        .route("/api/config", get(config))
        .route("/api/reload", post(reload))
        .layer(middleware::from_fn_with_state(reach, guard::guard))
        .with_state(shared)
}

async fn readyz(State(seen): Seen) -> (StatusCode, String) {
    let stage = seen.stage();
    let status = match stage {
        Stage::Ready => StatusCode::OK,
        Stage::Starting | Stage::Draining => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, format!("{}\n", stage.word()))
}

async fn metrics(State(seen): Seen, headers: HeaderMap) -> Response {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let exposition = Exposition::accepted(accept.unwrap_or_default());
    let text = seen.world.metrics.render(exposition);
    ([(header::CONTENT_TYPE, exposition.content_type())], text).into_response()
}

async fn config(State(seen): Seen) -> impl IntoResponse {
    let current = seen.current.load();
    let text = portunus_spec::yaml::write(&normal(&current.spec, &seen.world.registries));
    ([(header::CONTENT_TYPE, "application/yaml")], text)
}

async fn reload(State(seen): Seen) -> Response {
    let (answer, result) = oneshot::channel();
    let sent = seen.commands.send(Command::Reload(answer)).await;
    match (sent, result.await) {
        (Ok(()), Ok(result)) => {
            let status = match &result {
                Ok(_) => StatusCode::OK,
                Err(_) => StatusCode::UNPROCESSABLE_ENTITY,
            };
            (status, Json(answers::reload(&seen, result))).into_response()
        }
        _ => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response(),
    }
}
