//! Changes of the run time that come into the files.

use std::sync::Arc;

use super::Control;
use crate::changes::save::{RunningEndpoint, SaveError, SavePlan, plan};
use crate::changes::{self, Scope};
use crate::history::digest;
use crate::{ConfigSource, Refusal};

/// What was saved, and what was not.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) plan: SavePlan,
    /// Why the files, which hold the weights now, are not served.
    pub(crate) refused: Option<Refusal>,
}

impl Control {
    /// Writes the weights that operators have set into the files, and loads them. `written` is called between the two,
    /// if something was written: only later changes of the files are news then.
    pub(crate) async fn save(&mut self, written: impl FnOnce()) -> Result<Saved, SaveError> {
        let shared = Arc::clone(&self.shared);
        if !matches!(self.source, ConfigSource::File(_)) {
            return Err(SaveError::NoFile);
        }
        let history = shared.history.load_full();
        if history.is_back() {
            return Err(SaveError::GoneBack);
        }
        let (loaded, files) = self.source.read(&shared.world.env);
        if history.current().is_none_or(|current| current.digest != digest(&files)) {
            return Err(SaveError::Changed);
        }
        let all = changes::find(&shared, &Scope::default()).unwrap_or_default();
        let plan = plan(&RunningEndpoint::all(&all), &loaded, &files, &shared.world.env);
        let result = plan.write();
        let is_written = match &result {
            Ok(()) => !plan.weights.is_empty(),
            Err(error) => !error.written().is_empty(),
        };
        let mut refused = None;
        if is_written {
            written();
            refused = self.reload().await.err();
        }
        result.map(|()| Saved { plan, refused })
    }
}
