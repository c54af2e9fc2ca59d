//! The history of configurations over the API, and the step back.

use std::sync::{Arc, Weak};

use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use portunus_base::Wall;
use portunus_upstream::StickyKey;
use serde::Serialize;

use super::answers::timestamp;
use super::{Seen, guard, serve_other};
use crate::history::Revision;
use crate::shared::{Command, Shared};

/// The paths of the history.
pub(super) fn routes(gate: guard::Gate) -> Router<Weak<Shared>> {
    Router::new()
        .route("/api/history", get(async |Seen(seen): Seen| Json(history(&seen))))
        .route("/api/reload/back", post(back))
        .route_layer(middleware::from_fn_with_state(gate, guard::changes_guard))
}

/// One of `/api/history`, and what `/api/status` says of a step back.
#[derive(Debug, Serialize)]
pub(super) struct RevisionAnswer {
    /// Under which it was served last; null where that was an earlier process.
    generation: Option<u64>,
    /// When it was accepted first.
    at: String,
    /// Tells its files from others. Made with a key of this state folder: who knows most of a file could find the rest by
    /// a plain one.
    digest: String,
    /// What was different from the one before, one line each.
    change: Vec<String>,
    files: usize,
    /// It is served.
    current: bool,
    /// A step back leads to it.
    back: bool,
    /// Somebody went back from it.
    undone: bool,
}

/// The newest first.
fn history(shared: &Shared) -> Vec<RevisionAnswer> {
    let history = shared.history.load();
    let (key, _) = shared.world.store.sticky_key();
    let is = |one: Option<&Arc<Revision>>, digest: &str| one.is_some_and(|it| it.digest == digest);
    let answer = |revision: &Arc<Revision>| RevisionAnswer {
        current: is(history.current(), &revision.digest),
        back: is(history.before(), &revision.digest),
        ..revision_answer(revision, &key)
    };
    history.revisions().iter().rev().map(answer).collect()
}

/// The one that is served though the files say something else.
pub(super) fn gone_back(shared: &Shared) -> Option<RevisionAnswer> {
    let history = shared.history.load();
    let current = history.current().filter(|_| history.is_back())?;
    let (key, _) = shared.world.store.sticky_key();
    Some(RevisionAnswer { current: true, ..revision_answer(current, &key) })
}

fn revision_answer(revision: &Revision, key: &StickyKey) -> RevisionAnswer {
    RevisionAnswer {
        generation: revision.generation,
        at: timestamp(Wall(revision.at_us)),
        digest: key.mac(PURPOSE, &revision.digest),
        change: revision.change.lines().map(str::to_owned).collect(),
        files: revision.files.len(),
        current: false,
        back: false,
        undone: revision.is_undone,
    }
}

async fn back(Seen(seen): Seen) -> Response {
    serve_other(seen, Command::Back).await
}

/// Tells these MACs from others of the same key.
const PURPOSE: &[u8] = b"portunus history v1\0";
