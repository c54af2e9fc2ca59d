use std::sync::Arc;

use portunus_balance::Address;
use portunus_discovery::{DiscoverSpec, Discovered, Target};

use super::*;

fn address(port: u16) -> Address {
    Address::Ip(([127, 0, 0, 1], port).into())
}

/// Pushes one set, then another one, then waits for the stop.
#[derive(Debug)]
struct Script(Vec<Vec<u16>>);

impl ProviderPlan for Script {
    fn open(&self) -> Box<dyn Provider> {
        Box::new(Self(self.0.clone()))
    }

    fn write(&self) -> Node {
        Node::text("script")
    }
}

impl Provider for Script {
    fn run(self: Box<Self>, sink: Sink, mut stop: Stop) -> ProviderFuture {
        Box::pin(async move {
            for set in self.0 {
                sink.push(set.into_iter().map(endpoint).collect());
                tokio::task::yield_now().await;
            }
            stop.stopped().await;
        })
    }
}

fn endpoint(port: u16) -> Discovered {
    let (address, name) = (address(port), port.to_string());
    Discovered { address, authority: name.clone(), name, weight: 1, zone: None, backup: false }
}

#[tokio::test]
async fn both_sources_are_in_each_set_until_the_stop() {
    let list = vec![EndpointInput::new(Target::Fixed(address(1)), "one")];
    let plan = Arc::new(Script(vec![vec![2], vec![3, 4]]));
    let both = Both { list, found: Found(DiscoverSpec { name: "script", plan }) };
    let ((sink, mut feed), (handle, stop)) = (Sink::pair(), Stop::pair());
    let seen = async {
        loop {
            let set = feed.next().await.unwrap();
            let addresses: Vec<_> = set.endpoints.iter().map(|one| one.address.clone()).collect();
            if addresses == [1, 3, 4].map(address) {
                handle.stop();
                break;
            }
        }
    };
    tokio::join!(both.open().run(sink, stop), seen);
    assert!(feed.next().await.is_none(), "the provider has ended");
}
