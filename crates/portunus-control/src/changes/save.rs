//! Weights that operators have set, written into the files of the configuration.
//!
//! Only where they stand literally in a file that was read. What would be written is read first: it must say what the
//! configuration says now but for the weights. What runs tells which endpoint has which weight, and nothing else: where
//! that comes from another process, no path, place or text of it is believed.

use std::fmt;
use std::path::{Path, PathBuf};

use portunus_config::{Env, Loaded, Replacement, load, normal};
use portunus_spec::{Diagnostics, Position, Severity, Span};
use serde::Serialize;

use super::edit::{Edit, apply, weight_edit};
use super::{Found, configured_weight};
use crate::ConfigSource;
use crate::history::{KeptFile, KeptFiles};

/// What is to be written, and what cannot be.
#[derive(Debug)]
pub struct SavePlan {
    /// The weights that come into files.
    pub weights: Vec<SavedWeight>,
    /// The changes that stay those of the run time.
    pub left: Vec<NotSaved>,
    files: Vec<FileEdit>,
    /// All files of the configuration.
    read: Vec<PathBuf>,
}

/// An endpoint as it runs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RunningEndpoint {
    /// The name of its upstream.
    pub upstream: String,
    /// What is written of it: its URL.
    pub name: String,
    /// What counts now.
    pub weight: u32,
    /// What the configuration or a provider says.
    pub configured_weight: u32,
    /// Whether it takes no new requests.
    pub drain: bool,
}

/// A weight that comes into a file.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct SavedWeight {
    /// The name of the upstream.
    pub upstream: String,
    /// What is written of the endpoint.
    pub endpoint: String,
    /// The weight.
    pub weight: u32,
    /// The file.
    pub file: String,
    /// The line in it, from 1.
    pub line: usize,
}

/// A change that stays one of the run time.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct NotSaved {
    /// The name of the upstream.
    pub upstream: String,
    /// What is written of the endpoint.
    pub endpoint: String,
    /// `drain` or `weight`.
    pub what: &'static str,
    /// The reason.
    pub why: &'static str,
    /// The file that the endpoint stands in, where it stands in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in it, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// Why not all was saved that can be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SaveError {
    /// The configuration comes from no file.
    NoFile,
    /// An earlier configuration is served than that of the files.
    GoneBack,
    /// The files are not those that were loaded.
    Changed,
    /// The files cannot be read, and why.
    Unread(String),
    /// Another process is about to take over.
    Busy,
    /// A file cannot be written, and neither can what is left; what was written before stays.
    NotWritten {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: String,
        /// Those that hold their weights now.
        written: Vec<PathBuf>,
        /// Those that do not.
        left: Vec<PathBuf>,
    },
}

/// The edits of one file.
#[derive(Eq, PartialEq)]
struct FileEdit {
    path: PathBuf,
    before: String,
    after: String,
}

/// The configuration as it is written.
struct Written<'w> {
    loaded: &'w Loaded,
    /// What it was read from, the main file first.
    files: &'w [KeptFile],
    env: &'w Env,
}

/// A weight that may come into a file, if nothing else changes with it.
#[derive(Clone)]
struct Candidate<'w> {
    weight: SavedWeight,
    path: &'w Path,
    edit: Edit,
}

/// What there is to write of these endpoints. `files` are those that `loaded` was read from, `main` first of them.
pub(crate) fn plan(
    endpoints: &[RunningEndpoint],
    loaded: &Loaded,
    files: &[KeptFile],
    env: &Env,
) -> SavePlan {
    let written = Written { loaded, files, env };
    let (mut left, mut candidates) = (Vec::new(), Vec::new());
    for (index, endpoint) in endpoints.iter().enumerate() {
        if endpoint.drain {
            let why = if written.place(endpoint).is_ok() { NO_KEY_BUT_WEIGHT } else { NO_KEY };
            left.push(written.leave(endpoint, "drain", why));
        }
        let is_same = |other: &&RunningEndpoint| other.is_written_with(endpoint);
        // A host may have several addresses, but it is written once.
        let mut before = endpoints.iter().take(index).filter(is_same);
        if !endpoint.is_changed() || before.any(RunningEndpoint::is_changed) {
            continue;
        }
        let mut same = endpoints.iter().filter(is_same);
        let candidate = match same.all(|other| other.weight == endpoint.weight) {
            true => written.candidate(endpoint),
            false => Err(SEVERAL),
        };
        match candidate {
            Ok(candidate) => candidates.push(candidate),
            Err(why) => left.push(written.leave(endpoint, "weight", why)),
        }
    }
    let mut good = Vec::new();
    written.keep_good(&mut good, &candidates, &mut left);
    SavePlan {
        files: written.edited(&good),
        read: loaded.files.clone(),
        weights: good.into_iter().map(|candidate| candidate.weight).collect(),
        left,
    }
}

impl SavePlan {
    /// What whoever runs this would write into a configuration, with the endpoints of a Portunus that serves it.
    ///
    /// # Errors
    /// The files cannot be read.
    pub fn of_files(
        main: &Path,
        env: &Env,
        endpoints: &[RunningEndpoint],
    ) -> Result<Self, SaveError> {
        let (loaded, files) = ConfigSource::File(main.to_owned()).read(env);
        match loaded.spec {
            Some(_) => Ok(plan(endpoints, &loaded, &files, env)),
            None => Err(SaveError::Unread(loaded.diagnostics.render(&loaded.sources, false))),
        }
    }

    /// Whether this is a file of the configuration.
    #[must_use]
    pub fn reads(&self, path: &Path) -> bool {
        let real = path.canonicalize().ok();
        real.is_some() && self.read.iter().any(|read| read.canonicalize().ok() == real)
    }

    /// Writes the files, each whole or not at all, and none of them unless all can be made ready.
    ///
    /// # Errors
    /// A file has changed since it was read, or the system does not allow it.
    pub fn write(&self) -> Result<(), SaveError> {
        commit(self.prepare()?)
    }

    /// The new files beside the old ones.
    fn prepare(&self) -> Result<Vec<(&Path, Replacement)>, SaveError> {
        let one = |file: &FileEdit| {
            let not_written = |error: std::io::Error| SaveError::NotWritten {
                path: file.path.clone(),
                why: error.to_string(),
                written: Vec::new(),
                left: self.files.iter().map(|file| file.path.clone()).collect(),
            };
            if std::fs::read_to_string(&file.path).map_err(not_written)? != file.before {
                return Err(SaveError::Changed);
            }
            Replacement::prepare(&file.path, &file.after).map_err(not_written)
        };
        self.files.iter().map(|file| Ok((&*file.path, one(file)?))).collect()
    }
}

/// Puts the new files in the places of the old ones.
fn commit(files: Vec<(&Path, Replacement)>) -> Result<(), SaveError> {
    let mut written = Vec::new();
    let mut files = files.into_iter();
    while let Some((path, replacement)) = files.next() {
        if let Err(error) = replacement.commit() {
            let left = std::iter::once(path).chain(files.map(|(path, _)| path));
            let left = left.map(Path::to_owned).collect();
            let (path, why) = (path.to_owned(), error.to_string());
            return Err(SaveError::NotWritten { path, why, written, left });
        }
        written.push(path.to_owned());
    }
    Ok(())
}

impl<'w> Written<'w> {
    /// Where an endpoint stands: its place in the list of its upstream.
    fn place(&self, endpoint: &RunningEndpoint) -> Result<(usize, Span), &'static str> {
        let upstreams = self.loaded.spec.as_ref().map(|spec| &spec.upstreams);
        let upstream = upstreams.and_then(|upstreams| upstreams.get(&endpoint.upstream));
        let upstream = upstream.ok_or(IN_ROUTE)?;
        let mut all = upstream.endpoints.iter().enumerate();
        let is_it = |url: String| url == endpoint.name;
        let found = all.find(|(_, one)| is_it(one.url.value.to_string()));
        found.map(|(index, one)| (index, one.url.span)).ok_or(FOUND)
    }

    fn leave(&self, endpoint: &RunningEndpoint, what: &'static str, why: &'static str) -> NotSaved {
        let span = self.place(endpoint).ok().map(|(_, span)| span);
        let place = span.and_then(|span| self.loaded.sources.position(span));
        NotSaved {
            upstream: endpoint.upstream.clone(),
            endpoint: endpoint.name.clone(),
            what,
            why,
            file: place.as_ref().map(|place| place.file.to_owned()),
            line: place.map(|place| place.line),
        }
    }

    fn file(&self, name: &str) -> Option<&'w KeptFile> {
        self.files.iter().find(|file| file.path == Path::new(name))
    }

    fn candidate(&self, endpoint: &RunningEndpoint) -> Result<Candidate<'w>, &'static str> {
        let RunningEndpoint { upstream, name, weight, .. } = endpoint;
        let (index, _) = self.place(endpoint)?;
        let node = self.loaded.node.find(["upstreams", upstream]).ok_or(FOUND)?;
        let sources = &self.loaded.sources;
        let text = |span: Span| {
            self.file(sources.name(span.source)?)?;
            sources.text(span.source)
        };
        let edit = weight_edit(node, index, *weight, text)?;
        let Position { file, line, .. } = sources.position(edit.at).ok_or(FOUND)?;
        let path = &*self.file(file).ok_or(FOUND)?.path;
        let weight = SavedWeight {
            upstream: upstream.clone(),
            endpoint: name.clone(),
            weight: *weight,
            file: file.to_owned(),
            line,
        };
        Ok(Candidate { weight, path, edit })
    }

    /// Takes those of `more` that change nothing but their weight; one that does is left, and its neighbours are not.
    fn keep_good(
        &self,
        good: &mut Vec<Candidate<'w>>,
        more: &[Candidate<'w>],
        left: &mut Vec<NotSaved>,
    ) {
        let mut all = good.clone();
        all.extend_from_slice(more);
        if self.is_good(&all) {
            *good = all;
            return;
        }
        if let [one] = more {
            left.push(one.unsure());
            return;
        }
        let (first, second) = more.split_at(more.len() / 2);
        for half in [first, second].into_iter().filter(|half| !half.is_empty()) {
            self.keep_good(good, half, left);
        }
    }

    /// The edited files must say what the configuration says but for the weights, and be as right or wrong as before.
    fn is_good(&self, candidates: &[Candidate<'_>]) -> bool {
        let (Some(main), Some(spec)) = (self.files.first(), &self.loaded.spec) else {
            return candidates.is_empty();
        };
        let edited = |file: &KeptFile| {
            let (path, text) = (file.path.clone(), edited(file, candidates));
            KeptFile { path, text }
        };
        let after: Vec<KeptFile> = self.files.iter().map(edited).collect();
        let mut wanted = spec.clone();
        for SavedWeight { upstream, endpoint, weight, .. } in candidates.iter().map(|it| &it.weight)
        {
            let mut upstreams = wanted.upstreams.0.iter_mut();
            let found = upstreams.find(|(name, _)| name.value == *upstream);
            let endpoints = found.into_iter().flat_map(|(_, upstream)| &mut upstream.endpoints);
            endpoints
                .filter(|one| one.url.value.to_string() == *endpoint)
                .for_each(|one| one.weight.value = *weight);
        }
        let after = load(&main.path, &KeptFiles(&after), self.env);
        errors(&after.diagnostics) == errors(&self.loaded.diagnostics)
            && after.spec.is_some_and(|after| normal(&after).same(&normal(&wanted)))
    }

    /// The files that change.
    fn edited(&self, candidates: &[Candidate<'_>]) -> Vec<FileEdit> {
        let all = self.files.iter().map(|file| FileEdit {
            path: file.path.clone(),
            before: file.text.clone(),
            after: edited(file, candidates),
        });
        all.filter(|file| file.before != file.after).collect()
    }
}

/// The text of a file with the weights that come into it.
fn edited(file: &KeptFile, candidates: &[Candidate<'_>]) -> String {
    let mut edits: Vec<Edit> = Vec::new();
    for candidate in candidates.iter().filter(|candidate| candidate.path == file.path) {
        // A list that several upstreams share is edited once.
        if !edits.contains(&candidate.edit) {
            edits.push(candidate.edit.clone());
        }
    }
    apply(&file.text, edits)
}

/// What is wrong, wherever it stands.
fn errors(diagnostics: &Diagnostics) -> Vec<(&str, &str)> {
    let errors = diagnostics.iter().filter(|one| one.severity == Severity::Error);
    let mut errors: Vec<_> = errors.map(|one| (&*one.path, &*one.message)).collect();
    errors.sort_unstable();
    errors
}

impl Candidate<'_> {
    fn unsure(&self) -> NotSaved {
        let SavedWeight { upstream, endpoint, file, line, .. } = self.weight.clone();
        let (file, line) = (Some(file), Some(line));
        NotSaved { upstream, endpoint, what: "weight", why: UNSURE, file, line }
    }
}

impl RunningEndpoint {
    /// The endpoints of upstreams as they run here.
    pub(crate) fn all(found: &[Found]) -> Vec<Self> {
        let of_one = |Found { upstream, endpoints }: &Found| {
            let upstream = upstream.plan.name.to_string();
            let one = move |endpoint: &portunus_balance::Endpoint| Self {
                upstream: upstream.clone(),
                name: endpoint.name.clone(),
                weight: endpoint.weight,
                configured_weight: configured_weight(endpoint),
                drain: endpoint.state.draining(),
            };
            endpoints.iter().map(one).collect::<Vec<_>>()
        };
        found.iter().flat_map(of_one).collect()
    }

    fn is_changed(&self) -> bool {
        self.weight != self.configured_weight
    }

    /// Whether both are addresses of the same name.
    fn is_written_with(&self, other: &Self) -> bool {
        self.upstream == other.upstream && self.name == other.name
    }
}

/// Only where it is: the text may hold secrets.
impl fmt::Debug for FileEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.fmt(f)
    }
}

impl SaveError {
    /// The stable word for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoFile => "save.no_file",
            Self::GoneBack => "save.gone_back",
            Self::Changed => "save.file_changed",
            Self::Unread(_) => "save.unread",
            Self::Busy => "save.busy",
            Self::NotWritten { .. } => "save.not_written",
        }
    }

    /// The files that were written all the same.
    #[must_use]
    pub fn written(&self) -> &[PathBuf] {
        match self {
            Self::NotWritten { written, .. } => written,
            _ => &[],
        }
    }
}

impl fmt::Display for SaveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoFile => "the configuration comes from no file that could be written",
            Self::GoneBack => {
                "an earlier configuration is served than that of the files: reload them first"
            }
            Self::Changed => {
                "the files have changed since they were loaded, and are left alone: reload them first"
            }
            Self::Unread(why) => {
                return write!(f, "the files of the configuration cannot be read:\n{why}");
            }
            Self::Busy => "an upgrade is under way",
            Self::NotWritten { path, why, written, .. } => {
                write!(f, "cannot write {}: {why}", path.display())?;
                let mut written = written.iter();
                return written.try_for_each(|path| write!(f, "; {} is written", path.display()));
            }
        })
    }
}

impl std::error::Error for SaveError {}

const NO_KEY: &str = "a drain has no key in the file, and ends with the process";
const NO_KEY_BUT_WEIGHT: &str =
    "a drain has no key in the file, and ends with the process; a weight of 0 has the same effect";
const SEVERAL: &str = "the addresses of this name have different weights, and it is written once";
const IN_ROUTE: &str = "it stands in a route, where no weight can stand: name it in `upstreams`";
const FOUND: &str = "it stands in no list of endpoints: a provider finds it";
const UNSURE: &str =
    "it cannot be edited there without changing something else too: write it by hand";

#[cfg(test)]
mod tests;
