//! The filter `fault`.

use portunus_testkit::{Origin, Program};

const CONFIG: &str = r#"
hosts:
  "*":
    routes:
      /abort: {use: [{fault: {abort: 503}}], to: "{origin}"}
      /some:
        use: [{fault: {delay: 1ms, abort: 500, when: 'request.headers["x-fault"] == "on"'}}]
        to: "{origin}"
      /late: {use: [{fault: {delay: 1s}}], timeouts: {request: 50ms}, to: "{origin}"}
"#;

#[test]
fn requests_that_are_meant_are_aborted_and_counted() {
    let origin = Origin::text("a");
    let program = Program::config(CONFIG).fill("origin", &origin).start();
    program.get("/abort").assert_own(503, "fault.abort");
    let mut client = program.client();
    client.request("GET", "/some").header("X-Fault", "on").send().assert_own(500, "fault.abort");
    assert!(origin.requests().is_empty());
    assert_eq!(client.get("/some").text(), "a");
    let counted = |decision| {
        let labels = [("decision", decision)];
        program.metrics().sum("portunus_filter_decisions_total", &labels)
    };
    assert_eq!((counted("fault.delayed"), counted("fault.aborted")), (1.0, 2.0));
}

#[test]
fn a_delay_counts_into_the_time_of_the_whole_exchange() {
    let origin = Origin::text("a");
    let program = Program::config(CONFIG).fill("origin", &origin).start();
    program.get("/late").assert_own(504, "request.timeout");
}
