use super::*;

fn found(name: &str) -> Discovered {
    Discovered {
        address: Address::Unix(name.into()),
        name: name.to_owned(),
        authority: name.to_owned(),
        weight: 1,
        zone: None,
        backup: false,
    }
}

#[tokio::test]
async fn only_sets_that_differ_arrive() {
    let (sink, mut feed) = Sink::pair();
    assert_eq!(feed.latest().version, 0);
    sink.push(Vec::new());
    assert_eq!(feed.next().await, Some(DiscoveredSet { version: 1, endpoints: Vec::new() }));
    sink.push(vec![found("a")]);
    sink.push(vec![found("a")]);
    sink.push(vec![found("b")]);
    sink.push(vec![found("b")]);
    let set = DiscoveredSet { version: 3, endpoints: vec![found("b")] };
    assert_eq!(feed.next().await, Some(set.clone()));
    drop(sink);
    assert_eq!(feed.next().await, None);
    assert_eq!(feed.latest(), set);
}

#[tokio::test]
async fn a_stop_is_asked_for_or_comes_with_the_end_of_the_handle() {
    let (handle, mut stop) = Stop::pair();
    handle.stop();
    stop.stopped().await;
    stop.stopped().await;
    let (handle, mut stop) = Stop::pair();
    drop(handle);
    stop.stopped().await;
}
