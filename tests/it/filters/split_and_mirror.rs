//! Weighted splits and mirrors of `to`.

use portunus_testkit::{Origin, Program, Response, faulty};

#[test]
fn a_split_gives_each_target_its_share() {
    let (old, new) = (Origin::text("old"), Origin::text("new"));
    let program = Program::config(
        r#"
upstreams: {old: "{old}", new: "{new}", never: "http://127.0.0.1:1"}
hosts: {"*": {routes: {/: {to: {old: 75, new: 25, never: 0}}}}}
"#,
    )
    .fill("old", &old)
    .fill("new", &new)
    .start();
    let mut client = program.client();
    for _ in 0..200 {
        assert_eq!(client.get("/").status, 200);
    }
    let share = new.requests().len();
    // Of 200 draws at 25 % fewer than 20 or more than 90 come once in many millions of runs.
    assert!((20..=90).contains(&share), "{share} of 200");
}

#[test]
fn a_mirror_gets_the_whole_request_and_its_answer_goes_nowhere() {
    let main = Origin::text("main");
    let shadow = Origin::new(|_| Response::text("shadow").with_status(500));
    let program = Program::config(
        r#"
upstreams: {main: "{main}", shadow: "{shadow}"}
hosts: {"*": {routes: {/**: {to: main, mirror: shadow}}}}
"#,
    )
    .fill("main", &main)
    .fill("shadow", &shadow)
    .start();
    let answer =
        program.client().request("POST", "/a?b").header("X-A", "1").body("all of it").send();
    assert_eq!((answer.status, answer.text()), (200, "main"));
    let copy = shadow.wait_for(1);
    assert_eq!((copy.method.as_str(), copy.target.as_str()), ("POST", "/a?b"));
    assert_eq!((copy.header("x-a"), copy.text()), (Some("1"), "all of it"));
}

#[test]
fn a_mirror_that_never_answers_holds_up_nobody() {
    let (main, shadow) = (Origin::text("main"), faulty::silent());
    let program = Program::config(
        r#"
upstreams: {main: "{main}", shadow: "{shadow}"}
hosts: {"*": {routes: {/: {to: main, mirror: shadow}}}}
"#,
    )
    .fill("main", &main)
    .fill("shadow", &shadow)
    .start();
    let mut client = program.client();
    for _ in 0..5 {
        assert_eq!(client.get("/").text(), "main");
    }
    shadow.wait_for(1);
}

#[test]
fn no_share_means_no_copy() {
    let (main, shadow) = (Origin::text("main"), Origin::text("shadow"));
    let program = Program::config(
        r#"
upstreams: {main: "{main}", shadow: "{shadow}"}
hosts:
  "*":
    routes:
      /none: {to: main, mirror: {to: shadow, share: 0%}}
      /all: {to: main, mirror: shadow}
"#,
    )
    .fill("main", &main)
    .fill("shadow", &shadow)
    .start();
    let mut client = program.client();
    client.get("/none");
    client.get("/all");
    assert_eq!(shadow.wait_for(1).target, "/all");
    assert_eq!(shadow.requests().len(), 1);
}
