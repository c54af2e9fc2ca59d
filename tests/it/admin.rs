//! The admin listener.

use portunus_testkit::{Origin, Program, eventually};

const CONFIG: &str = r#"
upstreams: {shop: "{origin}"}
hosts: {"*": {routes: {/shop/**: shop, /own: {respond: a}}}}
"#;

fn program(origin: &Origin) -> Program {
    Program::config(CONFIG).fill("origin", origin).start()
}

#[test]
fn a_running_program_lives_and_is_ready() {
    let origin = Origin::text("a");
    let program = program(&origin);
    assert_eq!(program.admin("/healthz").status, 200);
    assert_eq!(program.admin("/readyz").status, 200);
    assert_eq!(program.admin("/nothing").status, 404);
}

#[test]
fn metrics_are_well_formed_and_count_what_happened() {
    let origin = Origin::text("a");
    let program = program(&origin);
    let mut client = program.client();
    for _ in 0..3 {
        client.get("/shop/a");
    }
    client.get("/nowhere");
    let sum = |name: &str, labels: &[(&str, &str)]| program.metrics().sum(name, labels);
    let web = [("listener", "web")];
    eventually("all requests are counted", || sum("portunus_listener_requests_total", &web) == 4.0);
    let good = [("listener", "web"), ("code", "2xx")];
    assert_eq!(sum("portunus_listener_requests_total", &good), 3.0);
    assert_eq!(sum("portunus_upstream_requests_total", &[("upstream", "shop")]), 3.0);
    assert_eq!(sum("portunus_endpoint_requests_total", &[("upstream", "shop")]), 3.0);
    assert_eq!(sum("portunus_endpoint_connections_total", &[("result", "success")]), 1.0);
    assert_eq!(sum("portunus_endpoint_connections_total", &[("result", "reused")]), 2.0);
    assert_eq!(sum("portunus_replies_total", &[("reason", "route.none")]), 1.0);
    assert_eq!(sum("portunus_listener_request_duration_seconds_count", &web), 4.0);
    assert_eq!(sum("portunus_listener_requests_in_flight", &web), 0.0);
    assert_eq!(sum("portunus_config_last_reload_success", &[]), 1.0);
    assert!(sum("portunus_listener_received_bytes_total", &web) > 100.0);
}

#[test]
fn requests_under_way_are_counted_while_they_are() {
    let origin = portunus_testkit::faulty::silent();
    let program = program(&origin);
    let mut client = program.client();
    client.request("GET", "/shop/").start();
    origin.wait_for(1);
    let flying = || program.metrics().sum("portunus_upstream_requests_in_flight", &[]);
    eventually("one request is under way", || flying() == 1.0);
    client.reset();
    eventually("none is under way", || flying() == 0.0);
}

#[test]
fn the_api_tells_what_is_configured() {
    let origin = Origin::text("a");
    let program = program(&origin);
    let status = program.admin("/api/status");
    assert_eq!(status.status, 200);
    assert!(status.json().is_object(), "{status:?}");
    let routes = program.admin("/api/routes").json().to_string();
    assert!(routes.contains("/shop/**") && routes.contains("/own"), "{routes}");
    let upstreams = program.admin("/api/upstreams").json().to_string();
    assert!(upstreams.contains("shop"), "{upstreams}");
    assert!(upstreams.contains(&origin.address().to_string()), "{upstreams}");
}

#[test]
fn the_admin_s_paths_are_not_served_to_clients() {
    let origin = Origin::text("a");
    let program = program(&origin);
    for path in ["/metrics", "/healthz", "/api/status"] {
        assert_eq!(program.get(path).status, 404, "{path}");
    }
}

#[test]
fn a_reload_is_never_done_by_a_get() {
    let origin = Origin::text("a");
    let program = program(&origin);
    assert_eq!(program.admin("/api/reload").status, 405);
}

#[test]
fn the_command_status_asks_the_running_program() {
    let origin = Origin::text("a");
    let program = program(&origin);
    program.write_config(&format!("admin: \"{}\"\n{CONFIG}", program.admin_address()));
    let finished = program.folder().run("status -c portunus.yaml").with_code(0);
    assert!(finished.stdout.contains("shop"), "{finished:#?}");
}
