//! The providers by name, and `discover:` of a configuration.

use std::fmt;
use std::sync::Arc;

use portunus_spec::{Node, Reader, Shape, Spec, suggestion};

use crate::dns;
use crate::provider::Provider;

/// All providers, in alphabetical order.
pub static PROVIDERS: &[&dyn ProviderFactory] = &[&dns::FACTORY];

/// A kind of provider: its name, what users can write for it, and how that is read.
pub trait ProviderFactory: Sync {
    /// The key below `discover:`.
    fn name(&self) -> &'static str;

    /// What it finds, for the reference.
    fn doc(&self) -> &'static str;

    /// Its options.
    fn shape(&self) -> Shape;

    /// Reads its options. `None` after an error was recorded.
    fn read(&self, node: &Node, reader: &mut Reader<'_>) -> Option<Arc<dyn ProviderPlan>>;
}

/// A provider with its options: opens as many runs as are wanted, one after the other.
pub trait ProviderPlan: fmt::Debug + Send + Sync {
    /// A provider that is ready to run.
    fn open(&self) -> Box<dyn Provider>;

    /// The options in normal form.
    fn write(&self) -> Node;
}

/// What stands below `discover:`: a map of one provider's name to its options.
#[derive(Clone, Debug)]
pub struct DiscoverSpec {
    /// Name of the provider.
    pub name: &'static str,
    /// The provider with its options.
    pub plan: Arc<dyn ProviderPlan>,
}

impl Spec for DiscoverSpec {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let Some([entry]) = node.entries() else {
            let error = reader.wrong_kind(node, "a map of one provider to its options");
            error.help("write discover: {dns: orders.internal:8080}");
            return None;
        };
        let name = entry.key.value.as_str();
        let Some(factory) = PROVIDERS.iter().find(|factory| factory.name() == name) else {
            let names = PROVIDERS.iter().map(|factory| factory.name());
            let error = reader.error(entry.key.span, format!("unknown provider `{name}`"));
            error.help_if(suggestion(name, names, "providers"));
            return None;
        };
        let plan = reader.key(name, |reader| factory.read(&entry.value, reader))?;
        Some(Self { name: factory.name(), plan })
    }

    fn write(&self) -> Node {
        Node::map([(self.name, self.plan.write())])
    }

    fn shape() -> Shape {
        Shape::Open("provider")
    }
}

#[cfg(test)]
mod tests;
