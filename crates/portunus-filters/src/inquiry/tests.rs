use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use portunus_base::Mono;
use portunus_exchange::{ErrorKind, Retry};
use portunus_filter::Filter;
use portunus_spec::Node;

use super::*;
use crate::tests::*;

pub(crate) fn answer(
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<CallAnswer, ProxyError> {
    let mut answer = CallAnswer { status, body: body.as_bytes().to_vec(), ..CallAnswer::default() };
    for (name, value) in headers {
        answer.headers.append(name.as_bytes(), value.as_bytes());
    }
    Ok(answer)
}

pub(crate) fn failure() -> Result<CallAnswer, ProxyError> {
    Err(ProxyError::upstream(ErrorKind::ConnectRefused, Retry::Unsent))
}

pub(crate) fn rig(answer: Result<CallAnswer, ProxyError>) -> Rig {
    let rig = Rig::new();
    rig.service.answers.borrow_mut().push(answer);
    rig
}

/// What a filter says in the end.
pub(crate) fn ask(rig: &mut Rig, filter: &dyn Filter, exchange: &mut Exchange) -> Verdict {
    let verdict = rig.request(filter, exchange);
    settled(rig, filter, exchange, verdict)
}

pub(crate) fn settled(
    rig: &mut Rig,
    filter: &dyn Filter,
    exchange: &mut Exchange,
    verdict: Verdict,
) -> Verdict {
    if !matches!(verdict, Verdict::Suspend(_)) {
        return verdict;
    }
    let Resume::Again(patch, again) = resumed(verdict) else { panic!("not called again") };
    patch.apply(exchange);
    rig.again(filter, exchange, again)
}

fn cached(cache: Node) -> Arc<dyn Filter> {
    let to = ("to", Node::text("auth/verify"));
    let copy = ("copy_answer", Node::text("X-User"));
    build("forward_auth", Node::map([to, copy, ("cache", cache)])).unwrap()
}

fn token(token: &str) -> Exchange {
    let mut exchange = exchange("GET /a");
    exchange.request.headers.append(b"Authorization", token.as_bytes());
    exchange
}

/// Answers each call in turn.
fn service(answers: Vec<Result<CallAnswer, ProxyError>>) -> Rig {
    let rig = Rig::new();
    rig.service.answers.borrow_mut().extend(answers);
    rig
}

fn calls(rig: &Rig) -> usize {
    rig.service.calls.borrow().len()
}

#[test]
fn an_answer_is_remembered_for_its_time() {
    let filter = cached(Node::text("10s"));
    let user = |name: &str| answer(200, &[("X-User", name)], "");
    let mut rig = service(vec![user("ann"), user("bob"), user("ann again")]);
    let asks = |rig: &mut Rig, text: &str, seconds: u64| {
        rig.now = Mono(seconds * 1_000_000);
        let mut exchange = token(text);
        assert_eq!(shown(&ask(rig, &*filter, &mut exchange)), "continue");
        let user = exchange.request.headers.value(b"X-User").unwrap();
        String::from_utf8(user.to_vec()).unwrap()
    };
    assert_eq!(asks(&mut rig, "a", 1), "ann");
    assert_eq!(asks(&mut rig, "b", 2), "bob");
    assert_eq!(asks(&mut rig, "a", 10), "ann");
    assert_eq!(calls(&rig), 2);
    assert_eq!(asks(&mut rig, "a", 11), "ann again");
    assert_eq!(calls(&rig), 3);
}

#[test]
fn the_key_is_all_that_the_service_is_told_or_as_written() {
    let other = |exchange: &mut Exchange| exchange.request.set_path(b"/other");
    for (cache, expected) in [
        (Node::text("10s"), 2),
        (Node::map([("ttl", Node::text("10s")), ("key", list(&["{header.authorization}"]))]), 1),
    ] {
        let filter = cached(cache);
        let mut rig = service(vec![answer(200, &[], ""), answer(200, &[], "")]);
        ask(&mut rig, &*filter, &mut token("a"));
        let mut second = token("a");
        other(&mut second);
        ask(&mut rig, &*filter, &mut second);
        assert_eq!(calls(&rig), expected);
    }
}

#[test]
fn refusals_have_a_time_of_their_own() {
    for (deny_ttl, status, expected) in
        [("0s", 403, 2), ("5s", 403, 1), ("5s", 401, 1), ("5s", 302, 2)]
    {
        let filter = cached(texts(&[("ttl", "1m"), ("deny_ttl", deny_ttl)]));
        let no = || answer(status, &[("Location", "/login")], "no");
        let mut rig = service(vec![no(), no()]);
        for _ in 0..2 {
            let verdict = ask(&mut rig, &*filter, &mut token("a"));
            assert_eq!(shown(&verdict), format!("{status} auth.forward_denied no"));
        }
        assert_eq!(calls(&rig), expected, "{deny_ttl} {status}");
    }
}

#[test]
fn failures_and_cookies_are_not_remembered() {
    let node = Node::map([
        ("to", Node::text("auth")),
        ("copy_to_client", list(&["Set-Cookie"])),
        ("cache", Node::text("1m")),
    ]);
    let filter = build("forward_auth", node).unwrap();
    let cookie = || answer(200, &[("Set-Cookie", "s=1")], "");
    let mut rig = service(vec![failure(), cookie(), cookie()]);
    for _ in 0..3 {
        ask(&mut rig, &*filter, &mut token("a"));
    }
    assert_eq!(calls(&rig), 3);
}

#[test]
fn memory_is_bounded() {
    let filter = cached(texts(&[("ttl", "1h"), ("max", "10")]));
    let mut rig = service((0..31).map(|_| answer(200, &[], "")).collect());
    for at in 0..30 {
        ask(&mut rig, &*filter, &mut token(&format!("t{at}")));
    }
    for at in 20..30 {
        ask(&mut rig, &*filter, &mut token(&format!("t{at}")));
    }
    assert_eq!(calls(&rig), 30);
    ask(&mut rig, &*filter, &mut token("t0"));
    assert_eq!(calls(&rig), 31);
}

/// Several exchanges that ask the same wait for one answer; when the one that asks goes away, another asks.
#[test]
fn a_question_is_asked_once_at_a_time() {
    let form: Arc<dyn Form> = Arc::new(Fixed);
    for leader_goes in [false, true] {
        let mut cache = AnswerCache::default();
        let key = KeyHash([1; 32]);
        let (calls, asked) =
            (Rc::new(std::cell::Cell::new(0)), Rc::new(std::cell::Cell::new(false)));
        let wait = |cache: &mut AnswerCache| {
            let (calls, go) = (Rc::clone(&calls), Rc::clone(&asked));
            let call: LocalFuture<Result<CallAnswer, ProxyError>> = Box::pin(async move {
                calls.set(calls.get() + 1);
                std::future::poll_fn(|_| if go.get() { Poll::Ready(()) } else { Poll::Pending })
                    .await;
                answer(200, &[], "")
            });
            let joined = cache.join(key, 10);
            match suspend(Arc::clone(&form), call, Some(key), Some((joined, TIMES))) {
                Verdict::Suspend(wait) => wait,
                other => panic!("{other:?}"),
            }
        };
        let mut task = Context::from_waker(Waker::noop());
        let mut leader = wait(&mut cache);
        let mut follower = wait(&mut cache);
        assert!(leader.as_mut().poll(&mut task).is_pending());
        assert!(follower.as_mut().poll(&mut task).is_pending());
        assert_eq!(calls.get(), 1);
        if leader_goes {
            drop(leader);
            assert!(follower.as_mut().poll(&mut task).is_pending());
            assert_eq!(calls.get(), 2);
            asked.set(true);
        } else {
            asked.set(true);
            assert!(leader.as_mut().poll(&mut task).is_ready());
        }
        assert!(follower.as_mut().poll(&mut task).is_ready());
        assert_eq!(calls.get(), if leader_goes { 2 } else { 1 });
    }
}

#[test]
fn who_goes_before_it_asks_keeps_nobody_waiting() {
    let mut cache = AnswerCache::default();
    let key = KeyHash([1; 32]);
    let leader = cache.join(key, 10);
    let Joined::Follower(flight) = cache.join(key, 10) else { panic!("asked twice") };
    let mut wait = Box::pin(flight.wait());
    let mut task = Context::from_waker(Waker::noop());
    assert!(wait.as_mut().poll(&mut task).is_pending());
    drop(leader);
    assert!(matches!(wait.as_mut().poll(&mut task), Poll::Ready(None)));
    assert!(matches!(cache.join(key, 10), Joined::Leader(_)));
}

/// What would not be remembered is nobody else's: each exchange asks for itself.
#[test]
fn what_is_for_one_alone_is_not_handed_to_those_who_wait() {
    let cookie = Edits { to_client: vec![("Set-Cookie".into(), "s=1".into())], ..Edits::default() };
    let refusal = Box::new(Reply::problem(403, "auth.forward_denied"));
    let alone = [Decision::Allow(cookie), Decision::Deny(refusal)];
    for (decision, expected) in alone.into_iter().map(|it| (it, 3)).chain([ALLOWED]) {
        let form: Arc<dyn Form> = Arc::new(Says(decision));
        let calls = Rc::new(std::cell::Cell::new(0));
        let mut cache = AnswerCache::default();
        let mut waits: Vec<_> = (0..3)
            .map(|_| {
                let calls = Rc::clone(&calls);
                let call: LocalFuture<Result<CallAnswer, ProxyError>> = Box::pin(async move {
                    calls.set(calls.get() + 1);
                    answer(200, &[], "")
                });
                let joined = cache.join(KeyHash([1; 32]), 10);
                match suspend(Arc::clone(&form), call, None, Some((joined, TIMES))) {
                    Verdict::Suspend(wait) => wait,
                    other => panic!("{other:?}"),
                }
            })
            .collect();
        let mut task = Context::from_waker(Waker::noop());
        for wait in waits.iter_mut().skip(1) {
            assert!(wait.as_mut().poll(&mut task).is_pending());
        }
        assert!(waits.iter_mut().all(|wait| wait.as_mut().poll(&mut task).is_ready()));
        assert_eq!(calls.get(), expected);
    }
}

const TIMES: Times = Times { allow: Duration::from_secs(9), deny: Duration::ZERO };

/// What may be shared, with how often it is asked for.
const ALLOWED: (Decision, i32) = (
    Decision::Allow(Edits {
        remove: Vec::new(),
        set: Vec::new(),
        append: Vec::new(),
        to_client: Vec::new(),
    }),
    1,
);

struct Says(Decision);

impl Form for Says {
    fn question(&self, _exchange: &Exchange, body: &Bytes) -> (RequestHead, Bytes) {
        (RequestHead::default(), body.clone())
    }

    fn decision(&self, _answer: CallAnswer) -> Option<Decision> {
        Some(self.0.clone())
    }
}

struct Fixed;

impl Form for Fixed {
    fn question(&self, _exchange: &Exchange, body: &Bytes) -> (RequestHead, Bytes) {
        (RequestHead::default(), body.clone())
    }

    fn decision(&self, _answer: CallAnswer) -> Option<Decision> {
        Some(Decision::Allow(Edits::default()))
    }
}
