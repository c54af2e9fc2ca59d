//! The normal form of a whole configuration, features included.

use portunus_balance::BalanceSpec;
use portunus_compile::Registries;
use portunus_config::ConfigSpec;
use portunus_config::spec::UseSpec;
use portunus_discovery::PROVIDERS;
use portunus_spec::{Lookup, Node, Reader, Spec};

/// The configuration in normal form: short forms of filters, balancers and providers written out
/// too. Secrets show where they come from, never what they are.
#[must_use]
pub fn normal(spec: &ConfigSpec, registries: &Registries) -> Node {
    let mut spec = spec.clone();
    let uses = |uses: &mut Vec<UseSpec>| {
        uses.iter_mut().for_each(|filter| normal_filter(filter, registries));
    };
    spec.filters.0.iter_mut().for_each(|(_, chain)| uses(chain));
    for (_, host) in &mut spec.hosts.0 {
        uses(&mut host.r#use);
        let operations = host.openapi.iter_mut().flat_map(|openapi| &mut openapi.operations.0);
        operations.for_each(|(_, operation)| uses(&mut operation.r#use));
        for (_, rules) in &mut host.routes.0 {
            for route in &mut rules.rules {
                uses(&mut route.r#use);
                normal_short(&mut route.redirect, "redirect", registries);
                normal_short(&mut route.respond, "respond", registries);
            }
        }
    }
    for (_, upstream) in &mut spec.upstreams.0 {
        if let Some(node) = &mut upstream.balance {
            replace(node, |node, reader| BalanceSpec::read(node, reader).map(|spec| spec.write()));
        }
        if let Some(discover) = &mut upstream.discover
            && let Some(factory) = PROVIDERS.iter().find(|one| one.name() == discover.name.value)
        {
            replace(&mut discover.node, |node, reader| {
                factory.read(node, reader).map(|plan| plan.write())
            });
        }
    }
    portunus_config::normal(&spec)
}

fn normal_filter(filter: &mut UseSpec, registries: &Registries) {
    let name = filter.name.value.as_str();
    if let Some(factory) = registries.filters.iter().find(|factory| factory.name == name) {
        replace(&mut filter.node, factory.normal);
    }
}

/// A filter that stands as a key of its route.
fn normal_short(node: &mut Option<Node>, name: &str, registries: &Registries) {
    let factory = registries.filters.iter().find(|factory| factory.name == name);
    if let (Some(node), Some(factory)) = (node, factory) {
        replace(node, factory.normal);
    }
}

/// Puts the normal form in a node's place. What cannot be read stays as it is: it was reported.
fn replace(node: &mut Node, normal: impl Fn(&Node, &mut Reader<'_>) -> Option<Node>) {
    let mut reader = Reader::new(&Blank);
    if let Some(normal) = normal(node, &mut reader) {
        *node = normal;
    }
}

/// Every secret is there and says nothing: the normal form only wants to know where it is.
struct Blank;

impl Lookup for Blank {
    fn env(&self, _name: &str) -> Option<String> {
        Some(String::new())
    }

    fn file(&self, _path: &str) -> Result<String, String> {
        Ok(String::new())
    }
}
