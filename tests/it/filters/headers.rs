//! The filter `headers`.

use portunus_testkit::{Origin, Program, Response, faulty};

#[test]
fn headers_of_both_messages_are_changed_in_the_order_remove_set_add_append() {
    let origin = Origin::new(|_| {
        Response::text("a").header("Server", "old").header("X-Powered-By", "x").header("Via", "b")
    });
    let program = Program::config(
        r#"
hosts:
  "*":
    routes:
      /:
        to: "{origin}"
        use:
          - headers:
              request:
                remove: [Cookie]
                set: {X-Client: "{client.ip}", Host: inside.test}
                append: {X-Hops: edge}
              response:
                remove: [X-Powered-By]
                set: {Server: portunus}
                add: {Link: [</a>, </b>]}
"#,
    )
    .fill("origin", &origin)
    .start();
    let mut client = program.client();
    let request = client.request("GET", "/").header("Cookie", "a=b").header("X-Client", "evil");
    let answer = request.header("X-Hops", "first").send();
    let seen = origin.request();
    assert_eq!((seen.header("cookie"), seen.header("x-client")), (None, Some("127.0.0.1")));
    assert_eq!(
        (seen.header("host"), seen.header("x-hops")),
        (Some("inside.test"), Some("first, edge"))
    );
    assert_eq!((answer.header("server"), answer.header("x-powered-by")), (Some("portunus"), None));
    assert_eq!(answer.headers.all("link").collect::<Vec<_>>(), ["</a>", "</b>"]);
}

#[test]
fn answers_of_our_own_are_changed_too() {
    let refusing = faulty::refusing();
    let program = Program::config(
        r#"
hosts:
  "*":
    routes:
      /: {use: [{headers: {response: {set: {X-Frame-Options: DENY}}}}], to: "{refusing}"}
"#,
    )
    .fill("refusing", &refusing)
    .start();
    let answer = program.get("/");
    assert_eq!((answer.status, answer.header("x-frame-options")), (502, Some("DENY")));
}

#[test]
fn filters_of_the_host_come_before_those_of_the_route() {
    let origin = Origin::text("a");
    let program = Program::config(
        r#"
filters: {mark: [{headers: {request: {append: {X-Way: chain}}}}]}
hosts:
  "*":
    use: [{headers: {request: {append: {X-Way: host}}}}]
    routes:
      /: {use: [mark, {headers: {request: {append: {X-Way: route}}}}], to: "{origin}"}
"#,
    )
    .fill("origin", &origin)
    .start();
    program.get("/");
    assert_eq!(origin.request().header("x-way"), Some("host, chain, route"));
}

#[test]
fn what_we_say_is_not_said_by_trailers_either() {
    let origin = Origin::new(|_| Response::text("a"));
    let program = Program::config(
        r#"
hosts:
  "*":
    use: [{headers: {request: {set: {X-Tenant: ours}, remove: [X-Debug]}}}]
    routes: {/: "{origin}"}
"#,
    )
    .fill("origin", &origin)
    .start();
    let mut client = program.client();
    let trailers = [("X-Tenant", "evil"), ("x-debug", "1"), ("X-Sum", "7")];
    let request = client.request("POST", "/").header("TE", "trailers");
    assert_eq!(request.chunks(&["ab", "c"], &trailers).send().status, 200);
    let seen = origin.request();
    assert_eq!(seen.header("x-tenant"), Some("ours"));
    assert_eq!(seen.trailers.one("x-sum"), Some("7"));
    assert_eq!(seen.trailers.0.len(), 1, "{:?}", seen.trailers);
}
