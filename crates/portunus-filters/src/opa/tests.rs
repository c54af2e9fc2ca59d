use portunus_identity::{Consumer, Identity};
use portunus_spec::Node;

use super::*;
use crate::inquiry::tests::{answer, ask, failure, rig};
use crate::tests::*;

fn filter(entries: Vec<(&str, Node)>) -> Arc<dyn Filter> {
    let to = ("to", Node::text("auth/v1/data/http/allow"));
    build("opa", Node::map([to].into_iter().chain(entries))).unwrap()
}

fn asked() -> Exchange {
    let mut exchange = exchange("GET /finance/sal%20ary//x?a=1&a=2&b=c+d");
    exchange.request.headers.append(b"X-User", b"spoofed");
    exchange.request.headers.append(b"X-Team", b"a");
    exchange.request.headers.append(b"x-team", b"b");
    let consumer = Consumer { id: "c1".into(), name: "acme".into(), ..Consumer::default() };
    exchange.identity = Some(Arc::new(Identity {
        method: "jwt",
        subject: "ann".into(),
        consumer: Some(Arc::new(consumer)),
        groups: ["staff".into()].into(),
        claims: serde_json::from_str(r#"{"tier": "gold"}"#).unwrap(),
        ..Identity::default()
    }));
    exchange
}

#[test]
fn the_policy_sees_the_request() {
    let filter = filter(vec![("copy_request", list(&["X-Team"]))]);
    let mut rig = rig(answer(200, &[], r#"{"result": true}"#));
    assert_eq!(shown(&ask(&mut rig, &*filter, &mut asked())), "continue");
    let calls = rig.service.calls.borrow();
    let call = &calls[0];
    assert_eq!(call.head.path(), b"/v1/data/http/allow");
    assert_eq!(lines(&call.head.headers), "Content-Type: application/json");
    let sent: Value = serde_json::from_slice(&call.body).unwrap();
    let wanted = serde_json::json!({"input": {
        "method": "GET",
        "path": "/finance/sal%20ary//x",
        "parsed_path": ["finance", "sal ary", "x"],
        "query": {"a": ["1", "2"], "b": ["c d"]},
        "headers": {"x-team": "a, b"},
        "host": "shop.example.com",
        "scheme": "http",
        "client_ip": "192.0.2.7",
        "route": null,
        "identity": {
            "method": "jwt", "subject": "ann", "name": "acme", "consumer": "c1", "plan": null,
            "groups": ["staff"], "scopes": [], "claims": {"tier": "gold"},
        },
    }});
    assert_eq!(sent, wanted);
}

#[test]
fn results_decide() {
    let failed = "503 auth.forward_failed problem";
    for (status, body, wanted) in [
        (200, r#"{"result": true}"#, "continue"),
        (200, r#"{"result": false}"#, "403 auth.forward_denied problem"),
        (200, r#"{"result": {"allow": true}}"#, "continue"),
        (200, r#"{"result": {"allow": "true"}}"#, "403 auth.forward_denied problem"),
        (200, r#"{"result": {}}"#, "403 auth.forward_denied problem"),
        (200, "{}", "403 auth.forward_denied problem"),
        (200, r#"{"result": {"allow": false, "status": 429}}"#, "429 auth.forward_denied problem"),
        (200, r#"{"result": {"allow": false, "status": 200}}"#, "403 auth.forward_denied problem"),
        (200, r#"{"result": "yes"}"#, failed),
        (200, r#"{"result": tru"#, failed),
        (200, "[]", failed),
        (500, r#"{"result": true}"#, failed),
    ] {
        let verdict = ask(&mut rig(answer(status, &[], body)), &*filter(vec![]), &mut asked());
        assert_eq!(shown(&verdict), wanted, "{body}");
    }
    let verdict = ask(&mut rig(failure()), &*filter(vec![]), &mut asked());
    assert_eq!(shown(&verdict), failed);
}

#[test]
fn headers_of_a_result_are_set_where_they_are_listed() {
    let body = r#"{"result": {"allow": true, "headers":
        {"x-user": "ann", "X-Other": "no", "Content-Length": "1", "x-user-bad": "a\nb", "x-user-n": 1}}}"#;
    let filter = filter(vec![("copy_answer", list(&["X-User", "X-User-*"]))]);
    let mut exchange = asked();
    assert_eq!(shown(&ask(&mut rig(answer(200, &[], body)), &*filter, &mut exchange)), "continue");
    let headers = &exchange.request.headers;
    assert_eq!(headers.value(b"X-User"), Some(&b"ann"[..]));
    for name in ["X-Other", "Content-Length", "x-user-bad", "x-user-n"] {
        assert_eq!(headers.value(name.as_bytes()), None, "{name}");
    }
}

#[test]
fn a_refusal_tells_what_the_policy_says() {
    let body = r#"{"result": {"allow": false, "status": 401, "message": "Log in first.",
        "headers": {"WWW-Authenticate": "Bearer", "Transfer-Encoding": "x"}}}"#;
    let verdict = ask(&mut rig(answer(200, &[], body)), &*filter(vec![]), &mut asked());
    let Verdict::Reply(reply) = verdict else { panic!() };
    assert_eq!((reply.status, reply.detail.as_deref()), (401, Some("Log in first.")));
    assert_eq!((reply.headers.len(), header(&reply, "www-authenticate")), (1, Some("Bearer")));
}
