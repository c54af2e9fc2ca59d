//! Endpoints that are written, and more that a provider finds: one provider over both.

use portunus_discovery::{
    DiscoveredSet, EndpointInput, Provider, ProviderFuture, ProviderPlan, ResolveOptions, Sink,
    Stop, endpoint_list,
};
use portunus_spec::Node;

use super::Found;

/// Runs a list and a provider side by side. Those of the list come first in each set.
#[derive(Debug)]
pub(super) struct Both {
    pub(super) list: Vec<EndpointInput>,
    pub(super) found: Found,
}

impl ProviderPlan for Both {
    fn open(&self) -> Box<dyn Provider> {
        let list = endpoint_list(self.list.clone(), ResolveOptions::default());
        Box::new(Pair { list, found: self.found.open() })
    }

    fn write(&self) -> Node {
        let list = Node::text(format!("{:?}", self.list));
        Node::map([("endpoints", list), ("discover", self.found.write())])
    }
}

struct Pair {
    list: Box<dyn Provider>,
    found: Box<dyn Provider>,
}

impl Provider for Pair {
    fn run(self: Box<Self>, sink: Sink, stop: Stop) -> ProviderFuture {
        Box::pin(follow(self.list, self.found, sink, stop))
    }
}

async fn follow(list: Box<dyn Provider>, found: Box<dyn Provider>, sink: Sink, stop: Stop) {
    let ((list_sink, mut list_feed), (found_sink, mut found_feed)) = (Sink::pair(), Sink::pair());
    let sources = async {
        tokio::join!(list.run(list_sink, stop.clone()), found.run(found_sink, stop.clone()));
    };
    let sets = async {
        let (mut first, mut second) = (DiscoveredSet::default(), DiscoveredSet::default());
        loop {
            // A feed that has ended keeps its last set; when both have, nothing comes any more.
            tokio::select! {
                Some(set) = list_feed.next() => first = set,
                Some(set) = found_feed.next() => second = set,
                else => return,
            }
            sink.push([&*first.endpoints, &*second.endpoints].concat());
        }
    };
    tokio::join!(sources, sets);
}

#[cfg(test)]
mod tests;
