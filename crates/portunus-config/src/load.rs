//! A main file and all that belongs to it to one checked configuration.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use portunus_spec::{
    Diagnostic, Diagnostics, Lookup, Node, Reader, Shape, Sources, Span, Spec, Value,
};

use crate::merge::{merge, overrides};
use crate::parse::parse;
use crate::salvage::Gaps;
use crate::{ConfigSpec, Env, Files, check};

/// What was read, and everything that is wrong with it.
#[derive(Debug)]
pub struct Loaded {
    /// The texts that all spans point into.
    pub sources: Sources,
    /// All mistakes, sorted by place.
    pub diagnostics: Diagnostics,
    /// The tree after includes, variables and overrides.
    pub node: Node,
    /// Whether every file was read and is YAML, so that no key is missing in the tree.
    pub complete: bool,
    /// The typed tree. Beside errors it is only good for finding more of them: what could not be
    /// read is missing or has its default. `None` if not even that makes sense.
    pub spec: Option<ConfigSpec>,
    /// The files that were read, or that should have been.
    pub files: Vec<PathBuf>,
    /// Folders whose files belong to the configuration: a new file there changes it.
    pub folders: Vec<PathBuf>,
    /// The folder of the main file: relative paths in the configuration start here.
    pub base: PathBuf,
}

/// Loads the main file, `conf.d/*.yaml` beside it, and what they include.
#[must_use]
pub fn load(main: &Path, files: &dyn Files, env: &Env) -> Loaded {
    let base = main.parent().unwrap_or_else(|| Path::new("")).to_owned();
    let mut loader = Loader::new(files, env);
    loader.file(main, None);
    loader.glob(&base.join("conf.d/*.yaml"));
    loader.finish(base)
}

/// Loads a single text; nothing is included, and relative paths start in the current folder.
#[must_use]
pub fn load_text(name: &str, text: &str, env: &Env) -> Loaded {
    let mut loader = Loader::new(&NoFiles, env);
    loader.text(name, text.to_owned(), Path::new(""));
    loader.finish(PathBuf::new())
}

/// Collects trees while files lead to more files.
struct Loader<'l> {
    files: &'l dyn Files,
    env: &'l Env,
    sources: Sources,
    diagnostics: Diagnostics,
    node: Node,
    /// Whether every text was read whole: half a tree has mistakes that the whole one has not.
    whole: bool,
    /// Whether no text is missing as a whole.
    complete: bool,
    seen: HashSet<PathBuf>,
    read: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl<'l> Loader<'l> {
    fn new(files: &'l dyn Files, env: &'l Env) -> Self {
        Self {
            files,
            env,
            sources: Sources::default(),
            diagnostics: Diagnostics::default(),
            node: Node::default(),
            whole: true,
            complete: true,
            seen: HashSet::new(),
            read: Vec::new(),
            folders: Vec::new(),
        }
    }

    /// Reads one file, once; `asked` is where another one asks for it.
    fn file(&mut self, path: &Path, asked: Option<Span>) {
        if !self.seen.insert(path.to_owned()) {
            return;
        }
        if self.seen.len() > FILES_MAX {
            self.complete = false;
            let message = format!("more than {FILES_MAX} files");
            self.diagnostics.push(Diagnostic::error(asked.unwrap_or_default(), message));
            return;
        }
        self.read.push(path.to_owned());
        match self.files.read(path) {
            Ok(text) => {
                let folder = path.parent().unwrap_or_else(|| Path::new(""));
                self.text(&path.display().to_string(), text, folder);
            }
            Err(error) => {
                (self.whole, self.complete) = (false, false);
                let message = cannot_read(path, &error);
                self.diagnostics.push(Diagnostic::error(asked.unwrap_or_default(), message));
            }
        }
    }

    /// All files that match a pattern.
    fn glob(&mut self, pattern: &Path) {
        self.folders.extend(pattern.parent().map(Path::to_owned));
        for path in self.files.glob(pattern) {
            self.file(&path, None);
        }
    }

    fn text(&mut self, name: &str, text: String, folder: &Path) {
        let source = self.sources.add(name, text);
        let text = self.sources.text(source).unwrap_or_default();
        let mut found = Diagnostics::default();
        let node = parse(text, source, Some(self.env), &mut found);
        self.whole &= !found.has_errors();
        self.diagnostics.append(found);
        self.complete &= node.is_some();
        let Some(mut node) = node else { return };
        let includes = take_includes(&mut node);
        merge(&mut self.node, node, "", &mut self.diagnostics);
        for include in includes {
            self.include(&include, folder);
        }
    }

    fn include(&mut self, include: &Node, folder: &Path) {
        let mut reader = Reader::at(&portunus_spec::NoLookup, "include");
        let patterns = Vec::<portunus_spec::Spanned<String>>::read(include, &mut reader);
        self.diagnostics.append(reader.finish());
        for pattern in patterns.unwrap_or_default() {
            let path = folder.join(&pattern.value);
            if pattern.contains(['*', '?']) {
                self.glob(&path);
            } else {
                self.file(&path, Some(pattern.span));
            }
        }
    }

    fn finish(mut self, base: PathBuf) -> Loaded {
        self.overrides();
        let surroundings = Surroundings::new(self.files, self.env, base.clone());
        let spec = if self.whole { self.read(&surroundings) } else { None };
        self.diagnostics.sort();
        Loaded {
            sources: self.sources,
            diagnostics: self.diagnostics,
            node: self.node,
            complete: self.complete,
            spec,
            files: self.read,
            folders: self.folders,
            base,
        }
    }

    /// Reads the tree, or what can be read of it, and checks that.
    fn read(&mut self, surroundings: &Surroundings<'_>) -> Option<ConfigSpec> {
        let mut reader = Reader::new(surroundings).lenient();
        let config = ConfigSpec::read(&self.node, &mut reader);
        let found = reader.finish();
        let gaps = Gaps::new(&found);
        let mut reader = Reader::new(surroundings);
        let spec = config.and_then(|config| {
            check::check(&config, gaps, &mut reader);
            gaps.fill(config)
        });
        self.diagnostics.append(found);
        self.diagnostics.append(reader.finish());
        spec
    }

    fn overrides(&mut self) {
        let Shape::Struct(shape) = ConfigSpec::shape() else { return };
        let known: Vec<&str> = shape.fields.iter().map(|field| field.name).collect();
        let (mut node, mut found) = (std::mem::take(&mut self.node), Diagnostics::default());
        let value = |name: &str, text: &str| {
            let source = self.sources.add(format!("environment {name}"), text);
            let flow = text.starts_with('[') && text.ends_with(']')
                || text.starts_with('{') && text.ends_with('}');
            if flow {
                return parse(text, source, None, &mut self.diagnostics);
            }
            Some(Node::new(Span::new(source, 0, text.len()), Value::plain(text)))
        };
        overrides(&mut node, self.env, &known, value, &mut found);
        self.diagnostics.append(found);
        self.node = node;
    }
}

/// Environment and files for secrets; relative paths start in the folder of the main file.
pub struct Surroundings<'l> {
    files: &'l dyn Files,
    env: &'l Env,
    base: PathBuf,
}

impl<'l> Surroundings<'l> {
    /// What readers of specs look secrets up in.
    #[must_use]
    pub fn new(files: &'l dyn Files, env: &'l Env, base: PathBuf) -> Self {
        Self { files, env, base }
    }
}

impl Lookup for Surroundings<'_> {
    fn env(&self, name: &str) -> Option<String> {
        self.env.get(name).cloned()
    }

    fn file(&self, path: &str) -> Result<String, String> {
        let path = self.base.join(path);
        self.files.read(&path).map_err(|error| cannot_read(&path, &error))
    }

    fn bytes(&self, path: &str) -> Result<Vec<u8>, String> {
        let path = self.base.join(path);
        self.files.bytes(&path).map_err(|error| cannot_read(&path, &error))
    }

    fn is_open_to_all(&self, path: &str) -> bool {
        self.files.is_open_to_all(&self.base.join(path))
    }
}

fn cannot_read(path: &Path, error: &str) -> String {
    format!("cannot read {}: {error}", path.display())
}

/// No files at all.
struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _path: &Path) -> Result<String, String> {
        Err("a text has no files beside it".to_owned())
    }

    fn glob(&self, _pattern: &Path) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// Takes `include` out of a tree: it says where to read, not what.
fn take_includes(node: &mut Node) -> Vec<Node> {
    let Value::Map(entries) = &mut node.value else { return Vec::new() };
    let taken = entries.extract_if(.., |entry| entry.key.value == "include");
    taken.map(|entry| entry.value).collect()
}

/// Most files of one configuration.
const FILES_MAX: usize = 10_000;
