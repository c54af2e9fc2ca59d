//! Changes that are to come into the files.

use std::path::{Path, absolute};

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::sync::oneshot;

use crate::admin::{STOPPING, Seen};
use crate::changes::save::{NotSaved, SaveError, SavePlan, SavedWeight};
use crate::control::Saved;
use crate::shared::Command;

/// `POST /api/changes/save`.
#[derive(Debug, Serialize)]
struct SavedAnswer {
    saved: Vec<SavedWeight>,
    not_saved: Vec<NotSaved>,
    /// Why the files are not served, though they were written.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

/// Why not all was saved.
#[derive(Debug, Serialize)]
struct SaveErrorAnswer {
    code: &'static str,
    error: String,
    /// What is to be written yet, where this process may not: whoever asks may, if they are files that it reads too.
    files: Vec<FileAnswer>,
}

#[derive(Debug, Serialize)]
struct FileAnswer {
    path: String,
}

pub(super) async fn save(Seen(seen): Seen) -> Response {
    let commands = seen.commands.clone();
    drop(seen);
    let (answer, result) = oneshot::channel();
    let sent = commands.send(Command::Save(answer)).await;
    match (sent, result.await) {
        (Ok(()), Ok(Ok(Saved { plan, refused }))) => {
            let SavePlan { weights: saved, left: not_saved, .. } = plan;
            let refused = refused.map(|refusal| refusal.to_string());
            Json(SavedAnswer { saved, not_saved, refused }).into_response()
        }
        (Ok(()), Ok(Err(error))) => error.into_response(),
        _ => STOPPING.into_response(),
    }
}

impl IntoResponse for SaveError {
    fn into_response(self) -> Response {
        let (code, error) = (self.code(), self.to_string());
        let left = match &self {
            Self::NotWritten { left, .. } => &**left,
            _ => &[],
        };
        let files = left.iter().map(|path| FileAnswer { path: full(path) }).collect();
        (StatusCode::CONFLICT, Json(SaveErrorAnswer { code, error, files })).into_response()
    }
}

/// A path for another process.
fn full(path: &Path) -> String {
    absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}
