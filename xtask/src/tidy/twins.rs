//! Registry twins: what is registered has its tests and its place in the reference.
//!
//! A filter has a whole-program test of its own name. Balancers and providers are tested by tests
//! that run over their registry by themselves, so there it is enough that those tests exist; where
//! they do not, each one needs a whole-program test of its own name.

use super::Finding;
use super::source::{code_only, words};
use super::tree::{File, Tree};

/// A crate whose features are listed in `src/registry.rs`, one module each.
struct Registry {
    folder: &'static str,
    /// The trait that a module implements to be registered.
    factory: &'static str,
    /// Where the whole-program tests of the features lie.
    twins: &'static str,
    /// Whether `src/registry/tests.rs`, which runs over all of them, stands for the twins.
    shared_tests_suffice: bool,
}

const REGISTRIES: &[Registry] = &[
    Registry {
        folder: "crates/portunus-filters/src/",
        factory: "Buildable",
        twins: "tests/it/filters/",
        shared_tests_suffice: false,
    },
    Registry {
        folder: "crates/portunus-balance/src/",
        factory: "BalancerFactory",
        twins: "tests/it/balance/",
        shared_tests_suffice: true,
    },
    Registry {
        folder: "crates/portunus-discovery/src/",
        factory: "ProviderFactory",
        twins: "tests/it/discovery/",
        shared_tests_suffice: true,
    },
];

/// Families of filters that are crates of their own.
const FAMILIES: &[&str] = &[
    "crates/portunus-credentials/src/",
    "crates/portunus-jwt/src/",
    "crates/portunus-limits/src/",
    "crates/portunus-oidc/src/",
    "crates/portunus-openapi/src/",
    "crates/portunus-transform/src/",
];
const FILTERS: &str = "crates/portunus-filters/src/registry.rs";

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let registries = REGISTRIES.iter().flat_map(|registry| check_registry(registry, tree));
    registries.chain(check_families(tree)).collect()
}

/// The filters of crates of their own stand in the registry of the built-in ones.
fn check_families(tree: &Tree) -> Vec<Finding> {
    let registry = tree.file(FILTERS).map_or("", |file| file.text.as_str());
    let files = FAMILIES.iter().flat_map(|folder| tree.below(folder));
    files.flat_map(|file| unlisted_specs(file, registry)).collect()
}

fn unlisted_specs(file: &File, registry: &str) -> Vec<Finding> {
    let code = code_only(&file.text);
    let specs = code.split("impl Buildable for ").skip(1);
    let names = specs.filter_map(|rest| rest.split([' ', '{', '\n']).next());
    let missing = names.filter(|name| !registry.contains(&format!("::{name}>")));
    let what = |name| format!("{FILTERS} does not list {name}: add a line there");
    missing.map(|name| Finding::at(&file.path, 0, what(name))).collect()
}

fn check_registry(registry: &Registry, tree: &Tree) -> Vec<Finding> {
    if tree.below(registry.folder).next().is_none() {
        return Vec::new();
    }
    let path = format!("{}registry.rs", registry.folder);
    let text = tree.file(&path).map_or("", |file| file.text.as_str());
    let code = code_only(text);
    let names = listed(&code);
    if names.is_empty() {
        let what = "no registry: list each feature in a static slice, as `&module::FACTORY`";
        return vec![Finding::at(&path, 0, what)];
    }
    let check_module = |module: Module<'_>| {
        if !names.contains(&module.name) {
            return unregistered(registry, &module, &path).into_iter().collect();
        }
        let twin = missing_twin(registry, &module, tree);
        twin.into_iter().chain(missing_reference(&module, tree)).collect::<Vec<_>>()
    };
    modules(registry, tree).into_iter().flat_map(check_module).collect()
}

/// The modules named in the static slices of a registry: `&headers::FACTORY` and
/// `Factory::of::<headers::HeadersSpec>()` both name `headers`.
fn listed(code: &str) -> Vec<&str> {
    let slices = code.split("static ").skip(1).filter_map(|rest| {
        let slice = rest.split_once("= &[")?.1;
        slice.split_once("];").map(|(inside, _)| inside)
    });
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    let word_before = |text: &'_ str| text.rsplit(|c| !is_word(c)).next().map(str::len);
    let modules = slices.flat_map(|slice| {
        slice.match_indices("::").filter_map(move |(at, _)| {
            let before = slice.get(..at)?;
            before.get(at - word_before(before)?..).filter(|word| !word.is_empty())
        })
    });
    modules.collect()
}

/// A file `src/<name>.rs` beside the registry.
struct Module<'t> {
    name: &'t str,
    file: &'t File,
}

fn modules<'t>(registry: &Registry, tree: &'t Tree) -> Vec<Module<'t>> {
    let module = |file: &'t File| {
        let name = file.path.strip_prefix(registry.folder)?.strip_suffix(".rs")?;
        let is_feature = !name.contains('/') && !["lib", "registry", "tests"].contains(&name);
        is_feature.then_some(Module { name, file })
    };
    tree.below(registry.folder).filter_map(module).collect()
}

/// A module with a factory that the registry does not list: nobody can use it.
fn unregistered(registry: &Registry, module: &Module<'_>, path: &str) -> Option<Finding> {
    let code = code_only(&module.file.text);
    let what = format!("has a {} that {path} does not list: add a line there", registry.factory);
    let builds =
        code.contains(&format!("impl {} for", registry.factory)) || code.contains(" FACTORY: ");
    builds.then(|| Finding::at(&module.file.path, 0, what))
}

fn missing_twin(registry: &Registry, module: &Module<'_>, tree: &Tree) -> Option<Finding> {
    let twin = format!("{}{}.rs", registry.twins, module.name);
    let shared = format!("{}registry/tests.rs", registry.folder);
    let is_tested = tree.has(&twin) || (registry.shared_tests_suffice && tree.has(&shared));
    let what = if registry.shared_tests_suffice {
        format!("has no test: write {shared} over the registry, or {twin}")
    } else {
        format!("has no test over the whole program: write {twin}")
    };
    (!is_tested).then(|| Finding::at(&module.file.path, 0, what))
}

/// The name stands in code letters or in a heading somewhere in the reference.
fn missing_reference(module: &Module<'_>, tree: &Tree) -> Option<Finding> {
    let quoted = format!("`{}`", module.name);
    let names = |line: &str| {
        line.contains(&quoted)
            || (line.starts_with('#') && words(line, module.name).next().is_some())
    };
    let is_described = tree.below("docs/reference/").any(|page| page.text.lines().any(names));
    let what = "is not in docs/reference: run `cargo xtask gen`";
    (!is_described).then(|| Finding::at(&module.file.path, 0, what))
}

#[cfg(test)]
mod tests;
