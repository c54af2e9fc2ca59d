//! Limits that several processes share through a real Redis.

use std::thread;

use portunus_testkit::{Origin, Program, RedisServer, eventually};

/// A program of two workers whose only route has this limit.
fn program(limit: &str, redis: &str) -> Program {
    program_of(2, limit, redis)
}

fn program_of(workers: usize, limit: &str, redis: &str) -> Program {
    Program::config(
        r#"
listeners: {web: {address: "127.0.0.1:0"}}
workers: {workers}
stores: {redis: {url: "{redis}"}}
hosts:
  "*":
    routes:
      /: {use: [{rate_limit: {limit}}], respond: ok}
"#,
    )
    .fill("workers", workers)
    .fill("limit", limit)
    .fill("redis", redis)
    .start()
}

/// The statuses of so many requests, over a connection of their own.
fn statuses(program: &Program, count: usize) -> Vec<u16> {
    let mut client = program.client();
    (0..count).map(|_| client.get("/").status).collect()
}

/// How many of so many requests pass, asked by two connections to each of the programs at once.
fn passed(programs: &[&Program], each: usize) -> usize {
    thread::scope(|scope| {
        let ask =
            |program: &&Program| statuses(program, each).iter().filter(|it| **it == 200).count();
        #[expect(clippy::needless_collect, reason = "all ask before one is waited for")]
        let asking: Vec<_> =
            programs.iter().chain(programs).map(|it| scope.spawn(move || ask(it))).collect();
        asking.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

#[test]
fn two_processes_share_one_limit_exactly() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let limit = "{rate: 100/h, store: redis, fail: closed}";
    let (one, two) = (program(limit, &redis.url()), program(limit, &redis.url()));
    assert_eq!(passed(&[&one, &two], 50), 100);
    let refused = one.get("/");
    refused.assert_own(429, "limit.rate");
    assert!(refused.header("ratelimit").is_some_and(|it| it.contains("r=0")), "{refused:?}");
    let retry: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=36).contains(&retry), "{retry}");
    // What a process forgets, Redis knows: a new one has nothing left either.
    let three = program(limit, &redis.url());
    assert_eq!(three.get("/").status, 429);
}

#[test]
fn keys_have_budgets_of_their_own_and_redis_sees_none_of_them() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let limit = "{rate: 2/h, per: \"header:x-key\", store: redis, fail: closed}";
    let (one, two) = (program(limit, &redis.url()), program(limit, &redis.url()));
    let ask = |program: &Program, key: &str| {
        program.client().request("GET", "/").header("X-Key", key).send().status
    };
    for key in ["secret-a", "secret-b"] {
        let seen = [ask(&one, key), ask(&two, key), ask(&one, key), ask(&two, key)];
        assert_eq!(seen, [200, 200, 429, 429], "{key}");
    }
    let keys = redis.command("KEYS *");
    assert!(keys.contains("portunus:rl:{") && !keys.contains("secret"), "{keys}");
}

#[test]
fn batches_err_by_no_more_than_what_workers_hold() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let limit = "{rate: 1000/h, store: redis, mode: batch, batch: 20, fail: closed}";
    let (one, two) = (program(limit, &redis.url()), program(limit, &redis.url()));
    let passed = passed(&[&one, &two], 400);
    // Two processes of two workers.
    assert!((1000 - 4 * 20..=1000).contains(&passed), "{passed}");
    let asked = redis.calls("evalsha");
    assert!(asked < 400, "{asked} asks for 1600 requests");
}

/// The statuses while Redis is away, and when it is back.
fn outage(mode: &str, fail: &str) -> (Vec<u16>, Vec<u16>) {
    let Some(mut redis) = RedisServer::start(&[]) else { return (Vec::new(), Vec::new()) };
    let limit = format!("{{rate: 3/h, store: redis, mode: {mode}, fail: {fail}}}");
    // One worker, so that all of the program finds Redis again at once.
    let program = program_of(1, &limit, &redis.url());
    assert_eq!(program.get("/").status, 200);
    redis.kill();
    let away = statuses(&program, 8);
    redis.run();
    // Redis has forgotten everything, so the first three pass that it is asked for.
    eventually("redis is asked again", || {
        program.get("/");
        redis.calls("evalsha") > 0
    });
    eventually("the limit holds", || program.get("/").status == 429);
    (away, statuses(&program, 3))
}

#[test]
fn while_redis_is_away_a_limit_is_open_closed_or_local_as_it_is_told() {
    if RedisServer::start(&[]).is_none() {
        return;
    }
    let over = vec![429; 3];
    for mode in ["exact", "batch"] {
        assert_eq!(outage(mode, "open"), (vec![200; 8], over.clone()), "{mode}");
        assert_eq!(outage(mode, "closed"), (vec![503; 8], over.clone()), "{mode}");
        let (away, back) = outage(mode, "local");
        assert_eq!((away, back), ([vec![200; 3], vec![429; 5]].concat(), over.clone()), "{mode}");
    }
}

#[test]
fn a_stalled_redis_stalls_nobody_for_long() {
    stalled("exact");
}

#[test]
fn a_stalled_redis_stalls_nobody_who_asks_in_batches() {
    stalled("batch");
}

fn stalled(mode: &str) {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let origin = Origin::text("other");
    let program = Program::config(
        r#"
listeners: {web: {address: "127.0.0.1:0"}}
workers: 1
stores: {redis: {url: "{redis}", timeout: 50ms}}
hosts:
  "*":
    routes:
      /: {use: [{rate_limit: {rate: 1000/h, store: redis, mode: {mode}, fail: open}}], respond: ok}
      /other: "{origin}"
"#,
    )
    .fill("redis", redis.url())
    .fill("mode", mode)
    .fill("origin", &origin)
    .start();
    assert_eq!(program.get("/").status, 200);
    redis.freeze();
    // The first few wait for their bound, those after them for nothing; all pass.
    assert_eq!(statuses(&program, 100), vec![200; 100]);
    assert_eq!(program.get("/other").text(), "other");
    redis.thaw();
    let asked = redis.calls("evalsha");
    eventually("redis is asked again", || {
        program.get("/");
        redis.calls("evalsha") > asked
    });
}

#[test]
fn a_store_that_is_missing_is_a_mistake() {
    let folder = portunus_testkit::Folder::with(
        "hosts:\n  a.test: {routes: {/: {use: [{rate_limit: {rate: 1/s, store: redis}}], respond: a}}}\n",
    );
    let finished = folder.run("check -c portunus.yaml");
    assert_eq!(finished.code, Some(1));
    assert!(finished.stderr.contains("there is no `stores.redis`"), "{}", finished.stderr);
}
