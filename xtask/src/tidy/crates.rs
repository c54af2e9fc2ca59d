//! The crate graph: who may use whom.
//!
//! A crate uses crates of lower layers, and of its own layer only where an arrow says so.
//! A new crate gets a line in `LAYERS`; a new arrow inside a layer gets one in `ARROWS`, and both
//! get a decision record.

use super::Finding;
use super::manifests::{Dependency, Package};

pub(crate) fn check(packages: &[Package]) -> Vec<Finding> {
    packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<Finding> {
    let finding = |what| Finding::at(&package.manifest, 0, what);
    let Some(layer) = layer(&package.name) else {
        let what = format!("{} has no layer: add it to xtask/src/tidy/crates.rs", package.name);
        return vec![finding(what)];
    };
    let per_dependency = |dependency| {
        let wrong = wrong_arrow(package, layer, dependency);
        wrong.or_else(|| forbidden(package, layer, dependency)).map(finding)
    };
    package.dependencies.iter().filter_map(per_dependency).collect()
}

/// An arrow between two of our crates that does not exist in the design.
fn wrong_arrow(package: &Package, layer: Layer, dependency: &Dependency) -> Option<String> {
    if !dependency.is_ours {
        return None;
    }
    let (user, used) = (package.name.as_str(), dependency.name.as_str());
    if dependency.is_dev && used == "portunus-testkit" {
        return None;
    }
    let used_layer = self::layer(used)?;
    let allowed = match (layer, used_layer) {
        (Layer::Product(user_layer), Layer::Product(used_layer)) => {
            used_layer < user_layer || ARROWS.contains(&(user, used)) || is_part_of(user, used)
        }
        (Layer::Testkit | Layer::Bench, Layer::Product(used_layer)) => used_layer <= 2,
        (Layer::WholeProgramTests, Layer::Testkit) => true,
        (Layer::WholeProgramTests, Layer::Product(used_layer)) => used_layer <= 1,
        _ => false,
    };
    (!allowed).then(|| format!("{user} must not use {used}: the design draws no such arrow"))
}

/// A dependency that only certain crates may have.
fn forbidden(package: &Package, layer: Layer, dependency: &Dependency) -> Option<String> {
    if dependency.is_dev {
        return None;
    }
    let (user, used) = (package.name.as_str(), dependency.name.as_str());
    let is_pure = matches!(layer, Layer::Product(0 | 1));
    let why = if is_pure && IMPURE.contains(&used) {
        "pure crates know no runtime, socket, clock or randomness"
    } else if user == "portunus-proxy" && is_unknown_to_proxy(used) {
        "the data path knows no config format, no concrete filter, no discovery"
    } else if used.starts_with("portunus-filters") && user != "portunus" && !is_part_of(user, used)
    {
        "only portunus/src/wire.rs names concrete filters"
    } else if used == "serde" && !SERDE_USERS.contains(&user) {
        "serde is for the top level of the config, the admin API and documents in JSON alone"
    } else {
        return None;
    };
    Some(format!("{user} must not use {used}: {why}"))
}

fn is_unknown_to_proxy(used: &str) -> bool {
    let prefixes =
        ["portunus-config", "portunus-filters", "portunus-discovery", "portunus-spec", "serde"];
    prefixes.iter().any(|prefix| used.starts_with(prefix))
}

/// Heavy filters and providers live in crates of their own, named after the one that they extend.
fn is_part_of(part: &str, whole: &str) -> bool {
    part.strip_prefix(whole).is_some_and(|rest| rest.starts_with('-'))
}

#[derive(Clone, Copy)]
enum Layer {
    Product(u8),
    Testkit,
    WholeProgramTests,
    /// Measures single operations: the pure crates, and what a worker records.
    Bench,
    /// Serves the work on the product and uses nothing of it.
    Tool,
}

fn layer(name: &str) -> Option<Layer> {
    match name {
        "portunus-testkit" => return Some(Layer::Testkit),
        "portunus-tests" => return Some(Layer::WholeProgramTests),
        "portunus-bench-icount" => return Some(Layer::Bench),
        "portunus-bench-tools" | "xtask" => return Some(Layer::Tool),
        _ => {}
    }
    let is_heavy = name.starts_with("portunus-filters-") || name.starts_with("portunus-discovery-");
    if is_heavy {
        return Some(Layer::Product(4));
    }
    LAYERS.iter().find(|(listed, _)| *listed == name).map(|(_, layer)| Layer::Product(*layer))
}

const LAYERS: &[(&str, u8)] = &[
    ("portunus-base", 0),
    ("portunus-spec", 0),
    ("portunus-balance", 1),
    ("portunus-caching", 1),
    ("portunus-h1", 1),
    ("portunus-http", 1),
    ("portunus-identity", 1),
    ("portunus-preface", 1),
    ("portunus-resilience", 1),
    ("portunus-route", 1),
    ("portunus-fetch", 2),
    ("portunus-h2", 2),
    ("portunus-net", 2),
    ("portunus-redis", 2),
    ("portunus-sandbox", 2),
    ("portunus-telemetry", 2),
    ("portunus-tls", 2),
    ("portunus-worker", 2),
    ("portunus-exchange", 3),
    ("portunus-expression", 3),
    ("portunus-filter", 3),
    ("portunus-snapshot", 3),
    ("portunus-upstream", 3),
    ("portunus-acme", 4),
    ("portunus-config", 4),
    ("portunus-credentials", 4),
    ("portunus-discovery", 4),
    ("portunus-filters", 4),
    ("portunus-jwt", 4),
    ("portunus-limits", 4),
    ("portunus-oidc", 4),
    ("portunus-openapi", 4),
    ("portunus-store", 4),
    ("portunus-transform", 4),
    ("portunus-compile", 5),
    ("portunus-control", 5),
    ("portunus-proxy", 5),
    ("portunus", 6),
];

/// The arrows inside a layer.
const ARROWS: &[(&str, &str)] = &[
    ("portunus-spec", "portunus-base"),
    ("portunus-caching", "portunus-http"),
    ("portunus-h1", "portunus-http"),
    ("portunus-route", "portunus-http"),
    ("portunus-h2", "portunus-net"),
    ("portunus-h2", "portunus-worker"),
    ("portunus-net", "portunus-worker"),
    ("portunus-redis", "portunus-fetch"),
    ("portunus-telemetry", "portunus-worker"),
    ("portunus-tls", "portunus-net"),
    ("portunus-expression", "portunus-exchange"),
    ("portunus-filter", "portunus-exchange"),
    ("portunus-snapshot", "portunus-exchange"),
    ("portunus-snapshot", "portunus-filter"),
    ("portunus-snapshot", "portunus-upstream"),
    ("portunus-upstream", "portunus-exchange"),
    ("portunus-filters", "portunus-credentials"),
    ("portunus-filters", "portunus-jwt"),
    ("portunus-filters", "portunus-limits"),
    ("portunus-filters", "portunus-oidc"),
    ("portunus-filters", "portunus-openapi"),
    ("portunus-filters", "portunus-transform"),
    ("portunus-oidc", "portunus-jwt"),
    ("portunus-control", "portunus-compile"),
    ("portunus-control", "portunus-proxy"),
];

const IMPURE: &[&str] =
    &["getrandom", "hyper", "libc", "mio", "rand", "rustix", "socket2", "tokio"];
const SERDE_USERS: &[&str] =
    &["portunus", "portunus-config", "portunus-control", "portunus-jwt", "portunus-openapi"];

#[cfg(test)]
mod tests;
