//! The balancing algorithms by name, and `balance:` of a configuration.

use std::fmt;
use std::sync::Arc;

use portunus_spec::{Node, Reader, Shape, Spec, Value, suggestion};

use crate::endpoint::Endpoint;
use crate::key::KeySource;
use crate::pick::Balancer;
use crate::{ewma, hash, least_requests, maglev, p2c, random, round_robin};

/// All algorithms, in alphabetical order.
pub static BALANCERS: &[&dyn BalancerFactory] = &[
    &ewma::FACTORY,
    &hash::FACTORY,
    &least_requests::FACTORY,
    &maglev::FACTORY,
    &p2c::FACTORY,
    &random::FACTORY,
    &round_robin::FACTORY,
];

/// An algorithm: its name, what users can write for it, and how that is read.
pub trait BalancerFactory: Sync {
    /// The word after `balance:`.
    fn name(&self) -> &'static str;

    /// What it does and when to choose it, for the reference.
    fn doc(&self) -> &'static str;

    /// True when it picks by a key of the request.
    fn keyed(&self) -> bool;

    /// Its options.
    fn shape(&self) -> Shape;

    /// Reads its options; an empty node means the defaults. `None` after an error was recorded.
    fn read(&self, node: &Node, reader: &mut Reader<'_>) -> Option<Arc<dyn BalancerPlan>>;
}

/// An algorithm with its options: builds a balancer whenever the endpoints change.
pub trait BalancerPlan: fmt::Debug + Send + Sync {
    /// A balancer for the endpoints of one tier. Runs off the data path.
    fn build(&self, tier: &[Endpoint]) -> Box<dyn Balancer>;

    /// What the key of a pick is made of; `None` when the algorithm needs no key.
    fn key(&self) -> Option<&KeySource> {
        None
    }

    /// The options in normal form.
    fn write(&self) -> Node {
        Node::default()
    }
}

/// What stands after `balance:`: a name, or a map of the name to its options.
#[derive(Clone, Debug)]
pub struct BalanceSpec {
    /// Name of the algorithm.
    pub name: &'static str,
    /// The algorithm with its options.
    pub plan: Arc<dyn BalancerPlan>,
}

impl Spec for BalanceSpec {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        if let Some(name) = node.scalar() {
            let factory = find(&name, node, reader)?;
            let plan = factory.read(&Node::new(node.span, Value::Null), reader)?;
            return Some(Self { name: factory.name(), plan });
        }
        let Some([entry]) = node.entries() else {
            let error = reader.wrong_kind(node, "the name of an algorithm, or a map of one name");
            error.help("write balance: p2c, or balance: {hash: {key: client_ip}}");
            return None;
        };
        let name_node = Node::new(entry.key.span, Value::Null);
        let factory = find(&entry.key, &name_node, reader)?;
        let plan = reader.key(&entry.key, |reader| factory.read(&entry.value, reader))?;
        Some(Self { name: factory.name(), plan })
    }

    fn write(&self) -> Node {
        let options = self.plan.write();
        match options.entries() {
            Some([]) => Node::text(self.name),
            _ => Node::map([(self.name, options)]),
        }
    }

    fn shape() -> Shape {
        Shape::Open("balancer")
    }

    fn absent() -> Option<Self> {
        Some(Self { name: round_robin::FACTORY.name, plan: Arc::new(round_robin::FACTORY) })
    }
}

/// An algorithm without options and without a key: factory and plan in one.
#[derive(Clone, Copy)]
pub(crate) struct Keyless {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) build: fn(&[Endpoint]) -> Box<dyn Balancer>,
}

impl BalancerFactory for Keyless {
    fn name(&self) -> &'static str {
        self.name
    }

    fn doc(&self) -> &'static str {
        self.doc
    }

    fn keyed(&self) -> bool {
        false
    }

    fn shape(&self) -> Shape {
        NoOptionsSpec::shape()
    }

    fn read(&self, node: &Node, reader: &mut Reader<'_>) -> Option<Arc<dyn BalancerPlan>> {
        NoOptionsSpec::read(node, reader)?;
        Some(Arc::new(*self))
    }
}

impl BalancerPlan for Keyless {
    fn build(&self, tier: &[Endpoint]) -> Box<dyn Balancer> {
        (self.build)(tier)
    }
}

impl fmt::Debug for Keyless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

portunus_spec::spec! {
    /// This algorithm has no options.
    struct NoOptionsSpec {}
}

/// The factory of a name. `node` is where the name stands.
fn find(name: &str, node: &Node, reader: &mut Reader<'_>) -> Option<&'static dyn BalancerFactory> {
    let found = BALANCERS.iter().find(|factory| factory.name() == name);
    if found.is_none() {
        let names = BALANCERS.iter().map(|factory| factory.name());
        let error = reader.error(node.span, format!("unknown balancing algorithm `{name}`"));
        error.help_if(suggestion(name, names, "algorithms"));
    }
    found.copied()
}

#[cfg(test)]
mod tests;
