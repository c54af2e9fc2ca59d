use std::cell::RefCell;

use bytes::Bytes;
use portunus_exchange::Reply;
use portunus_filter::testing::{Rig, list, resumed, texts};
use portunus_filter::{Factory, Resume};
use portunus_spec::Spec as _;

use super::*;
use crate::fixture::*;

spec! {
    /// A member that does as it is told, and tells which of its hooks were called.
    struct ProbeSpec {
        short = says;
        /// `yes`, a reason, or a status.
        says: String,
        /// Whether it waits first.
        waits: bool = false,
        /// Whether it wants to be called again after that.
        again: bool = false,
        /// A header that tells its own word.
        guards: String = String::new(),
        /// Whether it has a page of its own, `/own`.
        page: bool = false,
        /// Whether it looks at bodies.
        bodies: bool = true,
    }
}

pub(crate) static PROBE: Factory = Factory {
    name: "probe",
    doc: "A member.",
    reasons: &[],
    shape: ProbeSpec::shape,
    normal: |node, reader| ProbeSpec::read(node, reader).map(|spec| spec.write()),
    build: |node, cx| Some(Arc::new(Probe(ProbeSpec::read(node, cx.reader)?))),
};

struct Probe(ProbeSpec);

thread_local! {
    /// The hooks that were called, with the member's word.
    static CALLED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

impl Probe {
    fn called(&self, hook: &str) {
        CALLED.with_borrow_mut(|called| called.push(format!("{hook} {}", self.0.says)));
    }

    fn verdict(&self) -> Verdict {
        match self.0.says.as_str() {
            "yes" => Verdict::Continue,
            says => Verdict::reply(self.reply(says)),
        }
    }

    fn reply(&self, says: &str) -> Reply {
        let reply = match says {
            "missing" => Reply::problem(401, "auth.missing"),
            "invalid" => Reply::problem(401, "auth.invalid"),
            "busy" => Reply::problem(503, "auth.busy"),
            "address" => Reply::problem(403, "ip.denied"),
            "login" => Reply::problem(302, "auth.missing"),
            "broken login" => Reply::problem(400, "auth.state"),
            _ => Reply::plain(302, portunus_exchange::ReplyBody::Empty),
        };
        reply.with_header("WWW-Authenticate", format!("Probe {says}"))
    }

    fn patch(&self) -> Patch {
        let value = Bytes::from(self.0.says.clone());
        let request_headers = vec![(Bytes::from_static(b"X-Edit"), Some(value))];
        Patch { request_headers, ..Patch::default() }
    }
}

impl Filter for Probe {
    fn interest(&self) -> Interest {
        Interest {
            phases: PhaseSet::NONE.with(Phase::Request).with(Phase::Response).with(Phase::Finish),
            request_body: BodyNeed::Buffered(10 + self.0.says.len()),
            response_body: BodyNeed::Stream,
        }
    }

    fn refuses(&self) -> bool {
        true
    }

    fn guards(&self, name: &[u8]) -> bool {
        name.eq_ignore_ascii_case(self.0.guards.as_bytes())
    }

    fn forget(&self, exchange: &mut Exchange) {
        exchange.request.headers.remove(b"X-Own");
    }

    fn needs_body(&self, _way: Way, _exchange: &Exchange) -> bool {
        self.0.bodies
    }

    fn has_own_pages(&self) -> bool {
        self.0.page
    }

    fn own_page(&self, exchange: &Exchange) -> Option<usize> {
        (self.0.page && exchange.request.path() == b"/own").then_some(7)
    }

    fn on_own_page(
        &self,
        _exchange: &mut Exchange,
        body: Vec<u8>,
        _cx: &mut FilterCx<'_>,
    ) -> LocalFuture<Reply> {
        let reply = Reply::plain(200, portunus_exchange::ReplyBody::Whole(body.into()));
        Box::pin(async { reply })
    }

    fn on_request(&self, exchange: &mut Exchange, _cx: &mut FilterCx<'_>) -> Verdict {
        if !self.0.guards.is_empty() && self.0.says == "yes" {
            exchange.request.headers.set(self.0.guards.as_bytes(), b"true word");
        }
        if !self.0.waits {
            return self.verdict();
        }
        let resume = match (self.0.again, self.verdict()) {
            (true, _) => Resume::Again(Patch::default(), Again { step: 7, state: None }),
            (false, Verdict::Reply(reply)) => Resume::Reply(self.patch(), reply),
            (false, _) => Resume::Continue(self.patch()),
        };
        Verdict::Suspend(Box::pin(async { resume }))
    }

    fn on_request_body(
        &self,
        _exchange: &mut Exchange,
        piece: &mut BodyPiece<'_>,
        _cx: &mut FilterCx<'_>,
    ) -> Verdict {
        self.called("request body");
        match piece.bytes.as_slice() {
            b"bad" => Verdict::reply(self.reply("invalid")),
            b"slow" => {
                let reply = Box::new(self.reply("invalid"));
                let resume = Resume::Reply(self.patch(), reply);
                Verdict::Suspend(Box::pin(async { resume }))
            }
            _ => Verdict::Continue,
        }
    }

    fn on_response(&self, _exchange: &mut Exchange, _cx: &mut FilterCx<'_>) -> Verdict {
        self.called("response");
        Verdict::Continue
    }

    fn on_response_body(
        &self,
        _exchange: &mut Exchange,
        _piece: &mut BodyPiece<'_>,
        _cx: &mut FilterCx<'_>,
    ) -> Verdict {
        self.called("response body");
        Verdict::Continue
    }

    fn on_again(&self, _exchange: &mut Exchange, again: Again, _cx: &mut FilterCx<'_>) -> Verdict {
        assert_eq!(again.step, 7);
        self.verdict()
    }

    fn on_finish(&self, _exchange: &Exchange, _cx: &mut FilterCx<'_>) {
        self.called("finish");
    }
}

fn of(filters: Vec<Node>) -> Arc<dyn Filter> {
    build("any_of", Node::seq(filters))
}

fn probe(says: &str) -> Node {
    Node::map([("probe", Node::text(says))])
}

fn waiting(says: &str, again: bool) -> Node {
    let again = again.to_string();
    Node::map([("probe", texts(&[("says", says), ("waits", "true"), ("again", &again)]))])
}

/// Runs the request to its end, as the data path does.
fn run(rig: &mut Rig, filter: &dyn Filter, exchange: &mut Exchange) -> Verdict {
    let verdict = rig.request(filter, exchange);
    finish(rig, filter, exchange, verdict)
}

fn finish(
    rig: &mut Rig,
    filter: &dyn Filter,
    exchange: &mut Exchange,
    mut verdict: Verdict,
) -> Verdict {
    while matches!(verdict, Verdict::Suspend(_)) {
        verdict = match resumed(verdict) {
            Resume::Continue(patch) => {
                patch.apply(exchange);
                Verdict::Continue
            }
            Resume::Reply(patch, reply) => {
                patch.apply(exchange);
                Verdict::Reply(reply)
            }
            Resume::Fail(error) => Verdict::Fail(error),
            Resume::Again(patch, again) => {
                patch.apply(exchange);
                rig.again(filter, exchange, again)
            }
        };
    }
    verdict
}

#[test]
fn the_first_that_lets_it_through_wins() {
    for (keys, expected) in [
        (vec![("X-Api-Key", "k")], "api_key/acme"),
        (vec![("X-Api-Key", "k"), ("Key", "k")], "api_key/acme"),
        (vec![("Key", "k")], "api_key/acme"),
        (vec![("X-Api-Key", "wrong"), ("Key", "k")], "api_key/acme"),
        (vec![("X-Api-Key", "wrong")], "401 auth.invalid"),
        (vec![], "401 auth.missing"),
    ] {
        let filters = vec![Node::text("api_key"), Node::map([("api_key", Node::text("Key"))])];
        let mut exchange = request("GET /", &keys);
        let verdict = run(&mut rig(vec![(key("k"), None)]), &*of(filters), &mut exchange);
        assert_eq!(told(&verdict, &exchange), expected, "{keys:?}");
    }
}

#[test]
fn nobody_says_what_a_member_says_whoever_lets_the_request_through() {
    let guard = |says: &str| {
        let waits = if says.starts_with("slow") { "true" } else { "false" };
        let says = says.trim_start_matches("slow ");
        Node::map([("probe", texts(&[("says", says), ("guards", "X-User"), ("waits", waits)]))])
    };
    for (members, expected) in [
        (vec![guard("yes"), probe("yes")], vec!["X-User: true word"]),
        (vec![probe("yes"), guard("yes")], vec![]),
        (vec![waiting("yes", false), guard("yes")], vec!["X-Edit: yes"]),
        (vec![guard("invalid"), probe("yes")], vec![]),
        (vec![probe("invalid"), guard("yes")], vec!["X-User: true word"]),
        (vec![probe("invalid"), guard("slow yes")], vec!["X-Edit: yes", "X-User: true word"]),
    ] {
        let filter = of(members);
        let lines = [("X-User", "mallory"), ("x-user", "mallory")];
        let mut exchange = request("GET /", &lines);
        let verdict = run(&mut Rig::new(), &*filter, &mut exchange);
        assert_eq!(told(&verdict, &exchange), "nobody");
        let mut found = headers_of(&exchange);
        found.sort();
        assert_eq!(found, expected);
    }
}

#[test]
fn the_upstream_does_not_see_what_a_member_that_was_not_asked_keeps_for_itself() {
    for (members, is_left) in [
        (vec![probe("yes"), probe("yes")], false),
        (vec![waiting("yes", false), probe("yes")], false),
        // The last one was asked, and did with it what it does.
        (vec![probe("invalid"), probe("yes")], true),
    ] {
        let filter = of(members);
        let mut exchange = request("GET /", &[("X-Own", "secret")]);
        run(&mut Rig::new(), &*filter, &mut exchange);
        assert_eq!(exchange.request.headers.value(b"X-Own").is_some(), is_left);
    }
}

#[test]
fn pages_of_members_are_pages_of_it() {
    let paged = Node::map([("probe", texts(&[("says", "invalid"), ("page", "true")]))]);
    let plain = of(vec![probe("yes")]);
    assert!(!plain.has_own_pages() && plain.own_page(&request("POST /own", &[])).is_none());
    let filter = of(vec![probe("yes"), paged]);
    assert!(filter.has_own_pages());
    assert_eq!(filter.own_page(&request("POST /other", &[])), None);
    let (mut exchange, mut rig) = (request("POST /own", &[]), Rig::new());
    assert_eq!(filter.own_page(&exchange), Some(7));
    let page = filter.on_own_page(&mut exchange, b"said".to_vec(), &mut rig.cx());
    let verdict =
        Verdict::Suspend(Box::pin(
            async move { Resume::Reply(Patch::default(), Box::new(page.await)) },
        ));
    let Resume::Reply(_, reply) = resumed(verdict) else { panic!("no page") };
    assert_eq!(portunus_filter::testing::shown_reply(&reply), "200 - said");
}

#[test]
fn a_body_is_for_the_member_that_passed() {
    let blind = |says| Node::map([("probe", texts(&[("says", says), ("bodies", "false")]))]);
    for (members, expected) in [
        (vec![probe("yes"), blind("yes")], true),
        (vec![blind("yes"), probe("yes")], false),
        (vec![probe("invalid"), blind("yes")], false),
        (vec![blind("invalid"), probe("yes")], true),
        (vec![probe("invalid"), probe("invalid")], false),
    ] {
        let filter = of(members);
        let mut exchange = request("POST /", &[]);
        assert!(!filter.needs_body(Way::Request, &exchange), "nobody was asked yet");
        run(&mut Rig::new(), &*filter, &mut exchange);
        assert_eq!(filter.needs_body(Way::Request, &exchange), expected);
    }
}

#[test]
fn the_answer_is_the_one_that_says_most() {
    for (says, expected, challenged) in [
        (vec!["missing", "missing"], "401 auth.missing", vec!["Probe missing"]),
        (vec!["missing", "invalid"], "401 auth.invalid", vec!["Probe invalid", "Probe missing"]),
        (vec!["invalid", "missing"], "401 auth.invalid", vec!["Probe invalid", "Probe missing"]),
        (vec!["address", "missing"], "401 auth.missing", vec!["Probe missing", "Probe address"]),
        (vec!["address", "address"], "403 ip.denied", vec!["Probe address"]),
        (vec!["invalid", "busy", "missing"], "503 auth.busy", vec!["Probe busy"]),
        (vec!["login", "missing"], "302 auth.missing", vec!["Probe login"]),
        (vec!["login", "invalid"], "401 auth.invalid", vec!["Probe invalid", "Probe login"]),
        (vec!["login", "yes"], "nobody", vec![]),
        (vec!["page", "yes"], "302 -", vec!["Probe page"]),
        (vec!["broken login", "yes"], "400 auth.state", vec!["Probe broken login"]),
    ] {
        for waits in [false, true] {
            let member = |says: &&str| if waits { waiting(says, false) } else { probe(says) };
            let filter = of(says.iter().map(member).collect());
            let mut exchange = request("GET /", &[]);
            let verdict = run(&mut Rig::new(), &*filter, &mut exchange);
            let shown = told(&verdict, &exchange);
            assert_eq!(shown.trim_end_matches(" -"), expected.trim_end_matches(" -"), "{says:?}");
            if let Verdict::Reply(reply) = &verdict {
                assert_eq!(challenges(reply), challenged, "{says:?}");
            }
        }
    }
}

#[test]
fn members_that_wait_are_asked_in_their_turn() {
    for (members, expected, edit) in [
        (vec![waiting("invalid", false), probe("yes")], "nobody", None),
        (vec![waiting("invalid", true), probe("yes")], "nobody", None),
        (vec![probe("missing"), waiting("yes", false)], "nobody", Some("yes")),
        (vec![probe("missing"), waiting("yes", true)], "nobody", None),
        (vec![waiting("invalid", false), waiting("yes", false)], "nobody", Some("yes")),
        (
            vec![waiting("missing", true), waiting("invalid", false)],
            "401 auth.invalid",
            Some("invalid"),
        ),
        (vec![waiting("missing", false), probe("invalid")], "401 auth.invalid", None),
    ] {
        let filter = of(members);
        let mut exchange = request("GET /", &[]);
        let verdict = run(&mut Rig::new(), &*filter, &mut exchange);
        assert_eq!(told(&verdict, &exchange), expected);
        let found = exchange.request.headers.value(b"x-edit");
        assert_eq!(found.map(|value| std::str::from_utf8(value).unwrap()), edit, "{expected}");
    }
}

#[test]
fn a_member_that_refuses_leaves_nothing_behind() {
    let lines = [("X-Api-Key", "wrong"), ("Authorization", "Basic eDp5"), ("A", "b")];
    let mut exchange = request("GET /?a=1", &lines);
    exchange.client.trusted = true;
    let before = headers_of(&exchange);
    let names = ["api_key", "mtls", "hmac"].map(Node::text);
    let verdict = run(&mut rig(vec![(key("k"), None)]), &*of(names.into()), &mut exchange);
    assert_eq!(told(&verdict, &exchange), "401 auth.invalid");
    assert_eq!(headers_of(&exchange), before);
}

#[test]
fn later_hooks_are_those_of_the_member_that_passed() {
    let filter = of(vec![probe("missing"), probe("yes"), probe("page")]);
    let interest = filter.interest();
    assert_eq!(interest.request_body, BodyNeed::Buffered(13), "the smallest bound");
    assert_eq!(interest.response_body, BodyNeed::Stream);
    assert!(interest.phases.has(Phase::Finish) && interest.phases.has(Phase::Response));

    let mut rig = Rig::new();
    let mut exchange = request("POST /", &[]);
    let hooks = |rig: &mut Rig, exchange: &mut Exchange| {
        rig.body(&*filter, exchange, "fine");
        rig.response(&*filter, exchange);
        rig.piece(&*filter, exchange, false, &mut Vec::new(), true);
        rig.finish(&*filter, exchange);
        CALLED.take()
    };
    assert!(hooks(&mut rig, &mut exchange).is_empty(), "nobody was asked yet");
    run(&mut rig, &*filter, &mut exchange);
    let expected = ["request body yes", "response yes", "response body yes", "finish yes"];
    assert_eq!(hooks(&mut rig, &mut exchange), expected);

    let verdict = rig.body(&*filter, &mut exchange, "bad");
    assert_eq!(told(&verdict, &exchange), "401 auth.invalid");
    let verdict = rig.body(&*filter, &mut exchange, "slow");
    let verdict = finish(&mut rig, &*filter, &mut exchange, verdict);
    assert_eq!(told(&verdict, &exchange), "401 auth.invalid", "others are not asked any more");
    assert_eq!(exchange.request.headers.value(b"x-edit"), Some(&b"yes"[..]));
}

#[test]
fn they_may_be_nested() {
    let inner = Node::map([("any_of", Node::seq([probe("missing"), waiting("yes", true)]))]);
    let filter = of(vec![probe("invalid"), inner]);
    let mut exchange = request("GET /", &[]);
    let verdict = run(&mut Rig::new(), &*filter, &mut exchange);
    assert_eq!(told(&verdict, &exchange), "nobody");
}

#[test]
fn nobody_goes_on_where_nobody_may() {
    let filters = Node::seq([probe("missing"), probe("missing")]);
    let optional = |filters| Node::map([("filters", filters), ("optional", Node::text("true"))]);
    let filter = build("any_of", optional(filters));
    let mut exchange = request("GET /", &[]);
    let verdict = run(&mut Rig::new(), &*filter, &mut exchange);
    assert_eq!(told(&verdict, &exchange), "nobody");
    let filter = build("any_of", optional(Node::seq([probe("missing"), probe("invalid")])));
    let verdict = run(&mut Rig::new(), &*filter, &mut exchange);
    assert_eq!(told(&verdict, &exchange), "401 auth.invalid");
}

#[test]
fn explain_is_told_who_refused() {
    let mut rig = Rig::new();
    run(&mut rig, &*of(vec![probe("missing"), probe("invalid")]), &mut request("GET /", &[]));
    assert_eq!(rig.notes, ["probe: 401 auth.missing; probe: 401 auth.invalid"]);
}

#[test]
fn mistakes_are_told() {
    for (node, expected) in [
        (list(&[]), "no filters"),
        (list(&["api_kye"]), "no filter `api_kye`"),
        (
            Node::seq([Node::map([("api_key", Node::text("")), ("basic", Node::default())])]),
            "one filter",
        ),
        (Node::seq([Node::map([("api_key", Node::text("a b"))])]), "not a name"),
        (list(&["api_key", "anonymous"]), "`anonymous` (number 2) refuses nobody (write it after"),
        (
            Node::seq([Node::map([("api_key", texts(&[("optional", "true")]))])]),
            "`api_key` (number 1) refuses nobody",
        ),
        (Node::map([("filter", list(&[]))]), "did you mean `filters`"),
    ] {
        let found = bench().mistakes("any_of", node);
        assert!(found.contains(expected), "{found}");
    }
}
