mod behaviour;
mod laws;

use std::net::IpAddr;

use portunus_base::{ListenerId, RouteId};
use portunus_http::RequestHead;

use super::*;

/// A rule from texts: conditions are `GET,PUT`, `listener 1`, `from 10.0.0.0/8`, `header x-a: 1`.
fn rule(id: u32, host: &str, path: &str, conditions: &[&str]) -> RouteRule {
    RouteRule {
        id: RouteId(id),
        host: HostPattern::parse(host).unwrap(),
        path: PathPattern::parse(path).unwrap(),
        conditions: conditions.iter().map(|text| condition(text)).collect(),
    }
}

fn condition(text: &str) -> Condition {
    let Some((place, rest)) = text.split_once(' ') else {
        return Condition::Methods(MethodSet::parse(text.split(',')).unwrap());
    };
    let (name, value) = rest.split_once(": ").unwrap_or((rest, "*"));
    let (name, value) = (name.to_owned(), TextMatch::parse(value).unwrap());
    match place {
        "listener" => Condition::Listeners(vec![ListenerId(rest.parse().unwrap())]),
        "from" => Condition::ClientIp(vec![rest.parse().unwrap()]),
        "header" => Condition::Header { name, value },
        "query" => Condition::Query { name, value },
        "cookie" => Condition::Cookie { name, value },
        _ => panic!("{text}"),
    }
}

fn router(rules: impl IntoIterator<Item = RouteRule>) -> Router {
    let mut builder = RouterBuilder::new();
    rules.into_iter().for_each(|rule| builder.add(rule));
    builder.build().unwrap()
}

/// A request from `GET host/path?query`.
fn request(line: &str) -> RequestHead {
    let mut request = RequestHead::default();
    let (method, target) = line.split_once(' ').unwrap();
    let (host, target) = target.split_at(target.find('/').unwrap());
    let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
    request.set_method(method.as_bytes());
    request.set_authority(host.as_bytes());
    request.set_path(path.as_bytes());
    request.set_query(query.map(str::as_bytes));
    request
}

fn connection() -> ConnectionFacts {
    ConnectionFacts { listener: ListenerId(0), client_ip: IpAddr::from([10, 0, 0, 1]) }
}

fn find(router: &Router, request: &RequestHead) -> Result<u32, Missed> {
    let found = router.find(request, &connection(), &mut Params::default(), &mut NoRecorder);
    found.map(|id| id.0)
}

fn found(router: &Router, line: &str) -> Option<u32> {
    find(router, &request(line)).ok()
}
