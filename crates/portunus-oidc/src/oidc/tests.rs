use portunus_base::Wall;
use portunus_filter::Factory;
use portunus_filter::testing::{Bench, Rig, exchange, header, lines, list, shown, texts};
use portunus_identity::{Consumer, Consumers, Credential, CredentialKind};
use portunus_spec::Node;
use serde_json::json;

use super::*;
use crate::OidcSpec;
use crate::cookie::{Cookies, SameSite};
use crate::provider::mark;
use crate::seal::Sealer;
use crate::session::{Session, Tokens, seconds};

static FILTERS: &[Factory] = &[Factory::of::<OidcSpec>()];
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const ISSUER: &str = "https://id.example.com";
const HTML: (&str, &str) = ("Accept", "text/html");

/// The filter, and a worker that calls it.
struct Stage {
    filter: Arc<dyn Filter>,
    rig: Rig,
}

impl Stage {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(more: &[(&'static str, Node)]) -> Self {
        let cookie = Node::map([("secrets", list(&[SECRET]))]);
        let own = [
            ("issuer", Node::text(ISSUER)),
            ("client_id", Node::text("shop")),
            ("forward_claims", texts(&[("X-Email", "email")])),
            ("cookie", cookie),
        ];
        let node = Node::map(own.into_iter().chain(more.iter().cloned()));
        let filter = Bench::new(FILTERS).build("oidc", node).unwrap();
        Self { filter, rig: Rig::new() }
    }

    fn now(&self) -> u64 {
        seconds(self.rig.wall)
    }

    fn session(&self) -> Session {
        let claims = json!({"sub": "anna", "email": "anna@example.com", "groups": ["staff"]});
        let tokens = Tokens { access: Some("token".to_owned()), ..Tokens::default() };
        let claims = claims.as_object().unwrap().clone();
        Session::begin(&mark(ISSUER, "shop"), claims, tokens, self.now())
    }

    /// Asks with these headers.
    fn ask(&mut self, line: &str, headers: &[(&str, &str)]) -> (Verdict, Exchange) {
        let mut exchange = exchange(line);
        exchange.target = exchange.request.target_stored();
        for (name, value) in headers {
            exchange.request.headers.append(name.as_bytes(), value.as_bytes());
        }
        (self.rig.request(&*self.filter, &mut exchange), exchange)
    }

    #[track_caller]
    fn check(&mut self, line: &str, headers: &[(&str, &str)], want: &str) {
        assert_eq!(shown(&self.ask(line, headers).0), want, "{line} {headers:?}");
    }
}

/// The cookie of a session, sealed with a secret.
fn sealed(session: &Session, secret: &str) -> String {
    let sealer = Sealer::new([secret.as_bytes()]);
    let cookies = Cookies::new("portunus", None, true, SameSite::Lax);
    let sealed = session.seal(&sealer, cookies.session_name());
    let lines = cookies.keep_session(&sealed, 60, &Carried::default()).unwrap();
    lines[0].split(';').next().unwrap().to_owned()
}

#[track_caller]
fn reply(verdict: Verdict) -> Box<Reply> {
    match verdict {
        Verdict::Reply(reply) => reply,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_lets_a_request_through_and_says_who_asks() {
    let mut stage = Stage::with(&[("forward_access_token", Node::text("true"))]);
    let cookie = format!("a=b; {}", sealed(&stage.session(), SECRET));
    let asked = [("Cookie", cookie.as_str()), ("X-Email", "root@example.com")];
    let (verdict, exchange) = stage.ask("GET /", &asked);
    assert_eq!(shown(&verdict), "continue");
    let told = lines(&exchange.request.headers);
    assert!(told.contains("Cookie: a=b;"), "{told}");
    assert!(told.contains("X-Email: anna@example.com") && !told.contains("root"), "{told}");
    assert!(told.contains("Authorization: Bearer token"), "{told}");
    let identity = exchange.identity.unwrap();
    assert_eq!(
        (identity.method, &*identity.subject, &*identity.credential),
        ("oidc", "anna", "default")
    );
    assert!(identity.has_group("staff"));
    assert_eq!(identity.expires, Some(Wall((stage.now() + 12 * 3600) * 1_000_000)));
    assert!(exchange.response_extra.is_empty(), "a young session is not written anew");
}

#[test]
fn a_claim_finds_the_consumer() {
    let mut stage = Stage::new();
    let mut consumers = Consumers::builder();
    let consumer = Arc::new(Consumer { name: "ann".into(), ..Consumer::default() });
    consumers.consumer(Arc::clone(&consumer));
    let (claim, value) = ("email".into(), "anna@example.com".into());
    let kind = CredentialKind::Claim { issuer: None, claim, value };
    let not_after = Some(Wall(stage.rig.wall.0 + 1));
    consumers.credential(Credential { id: "c1".into(), consumer, kind, not_after });
    stage.rig.directory.publish(Arc::new(consumers.build()));
    let cookie = sealed(&stage.session(), SECRET);
    let (_, exchange) = stage.ask("GET /", &[("Cookie", &cookie)]);
    assert!(lines(&exchange.request.headers).contains("X-Consumer-Username: ann"));
    assert_eq!(&*exchange.identity.unwrap().credential, "c1");
    stage.rig.wall.0 += 1;
    stage.check("GET /", &[("Cookie", &cookie)], "401 auth.expired problem");
}

#[test]
fn a_user_who_is_no_consumer_is_refused_where_only_consumers_pass() {
    let mut stage = Stage::with(&[("consumers_only", Node::text("true"))]);
    let cookie = sealed(&stage.session(), SECRET);
    stage.check("GET /", &[("Cookie", &cookie)], "403 auth.forbidden problem");
}

#[test]
fn the_upstream_gets_our_access_token_or_none() {
    let more = [("forward_access_token", Node::text("true")), ("optional", Node::text("true"))];
    let mut stage = Stage::with(&more);
    let mut session = stage.session();
    session.tokens.access = None;
    let cookie = sealed(&session, SECRET);
    for asked in [vec![("Cookie", cookie.as_str())], vec![]] {
        let headers: Vec<_> =
            asked.into_iter().chain([("Authorization", "Bearer of the client")]).collect();
        let (verdict, exchange) = stage.ask("GET /", &headers);
        assert_eq!(shown(&verdict), "continue");
        assert!(!lines(&exchange.request.headers).contains("Authorization"));
    }
}

#[test]
fn what_it_keeps_for_itself_is_forgotten_where_it_is_not_asked() {
    let stage = Stage::new();
    let cookie = format!("a=b; {}", sealed(&stage.session(), SECRET));
    let mut exchange = exchange("GET /");
    exchange.request.headers.append(b"Cookie", cookie.as_bytes());
    stage.filter.forget(&mut exchange);
    let left = "Host: shop.example.com:8080; Cookie: a=b";
    assert_eq!(lines(&exchange.request.headers), left);
}

#[test]
fn what_is_no_session_of_this_filter_is_none() {
    let mut stage = Stage::new();
    let session = stage.session();
    let missing = "401 auth.missing problem";
    stage.check("GET /", &[("Cookie", &sealed(&session, "another secret"))], missing);
    let of_another = Session { provider: mark(ISSUER, "other"), ..session.clone() };
    stage.check("GET /", &[("Cookie", &sealed(&of_another, SECRET))], missing);
    let now = stage.now();
    let idle = Session { seen: now - 3600, ..session.clone() };
    stage.check("GET /", &[("Cookie", &sealed(&idle, SECRET))], missing);
    let old = Session { created: now - 12 * 3600, ..session };
    stage.check("GET /", &[("Cookie", &sealed(&old, SECRET))], missing);
}

#[test]
fn an_aging_session_is_written_anew() {
    let mut stage = Stage::new();
    let aging = Session { seen: stage.now() - 1800, ..stage.session() };
    let cookie = sealed(&aging, SECRET);
    let (verdict, exchange) = stage.ask("GET /", &[("Cookie", &cookie)]);
    assert_eq!(shown(&verdict), "continue");
    let set = lines(&exchange.response_extra);
    assert!(set.starts_with("Set-Cookie: __Host-portunus=1."), "{set}");
    assert!(set.ends_with("Cache-Control: no-store"), "no cache keeps a session: {set}");
    let renewed = set.strip_prefix("Set-Cookie: ").unwrap().split(';').next().unwrap();
    assert_ne!(renewed, cookie);
    stage.rig.wall.0 += 2400 * 1_000_000;
    stage.check("GET /", &[("Cookie", renewed)], "continue");
    stage.check("GET /", &[("Cookie", &cookie)], "401 auth.missing problem");
}

#[test]
fn a_logout_ends_the_session_also_for_who_copied_it() {
    let mut stage = Stage::new();
    let cookie = sealed(&stage.session(), SECRET);
    let (verdict, _) = stage.ask("POST /_portunus/oidc/logout", &[("Cookie", &cookie)]);
    let gone = reply(verdict);
    assert_eq!(gone.status, 302);
    let to = header(&gone, "location").unwrap();
    assert_eq!(to, "/_portunus/oidc/logged_out");
    assert!(header(&gone, "set-cookie").unwrap().ends_with("Max-Age=0"));
    stage.check("GET /", &[("Cookie", &cookie)], "401 auth.missing problem");
    let other = sealed(&stage.session(), SECRET);
    stage.check("GET /", &[("Cookie", &other)], "continue");
}

#[test]
fn other_sites_cannot_have_a_page_log_the_user_out() {
    let mut stage = Stage::new();
    let cookie = sealed(&stage.session(), SECRET);
    let foreign = [
        ("Cookie", cookie.as_str()),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "no-cors"),
    ];
    stage.check("GET /_portunus/oidc/logout", &foreign, "403 auth.oidc_foreign problem");
    stage.check("GET /", &[("Cookie", &cookie)], "continue");
    let link = [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "document"),
    ];
    stage.check("GET /_portunus/oidc/logout", &link, "302 - -");
}

#[test]
fn nothing_logs_out_but_the_user() {
    let mut stage = Stage::new();
    let cookie = sealed(&stage.session(), SECRET);
    let head = [("Cookie", cookie.as_str())];
    stage.check("HEAD /_portunus/oidc/logout", &head, "405 auth.oidc_method problem");
    for (name, value) in [
        ("Sec-Purpose", "prefetch;prerender"),
        ("Purpose", "prefetch"),
        ("X-Moz", "Prefetch"),
        ("X-Purpose", "preview"),
    ] {
        let ahead = [("Cookie", cookie.as_str()), (name, value)];
        stage.check("GET /_portunus/oidc/logout", &ahead, "403 auth.oidc_foreign problem");
    }
    stage.check("GET /", &[("Cookie", &cookie)], "continue");
}

#[test]
fn no_login_ends_at_a_page_of_the_filter_however_it_is_written() {
    let mut stage = Stage::new();
    stage.rig.offline = true;
    let provider = |name: &str| {
        let issuer = format!("https://{name}.example.com");
        texts(&[("name", name), ("issuer", &issuer), ("client_id", "shop")])
    };
    let node = Node::map([("providers", Node::seq([provider("one"), provider("two")]))]);
    stage.filter = Bench::new(FILTERS).build("oidc", node).unwrap();
    for (to, is_taken) in [
        ("/cart", true),
        ("/_portunus/oidc/logout", false),
        ("/x/../_portunus/oidc/logout", false),
        ("/_portunus/./oidc/logout", false),
        ("/%5Fportunus/oidc/%6Cogout", false),
        ("/x/%2E%2e/_portunus/oidc/logout?a", false),
    ] {
        let query = crate::form::encode([("to", to)]);
        let page = shown(&stage.ask(&format!("GET /_portunus/oidc/login?{query}"), &[HTML]).0);
        assert_eq!(!page.contains("login/one?to=%2F\""), is_taken, "{to}: {page}");
    }
}

#[test]
fn its_own_pages_are_for_their_methods() {
    let mut stage = Stage::with(&[("prefix", Node::text("/auth"))]);
    stage.check("GET /auth", &[], "404 auth.oidc_path problem");
    stage.check("GET /auth/login/other", &[HTML], "404 auth.oidc_path problem");
    stage.check("POST /auth/login", &[], "405 auth.oidc_method problem");
    stage.check("POST /auth/callback", &[], "405 auth.oidc_method problem");
    stage.check("DELETE /auth/logout", &[], "405 auth.oidc_method problem");
    stage.check("GET /auth/backchannel", &[], "405 auth.oidc_method problem");
    let (verdict, _) = stage.ask("GET /auth/logged_out", &[]);
    let page = shown(&verdict);
    assert!(page.starts_with("200 - <!doctype html>"), "{page}");
    assert!(page.contains("href=\"/auth/login?to=%2F\""), "{page}");
    stage.check("GET /_portunus/oidc/logout", &[], "401 auth.missing problem");
}

#[test]
fn with_several_providers_the_user_chooses() {
    let provider = |name: &str| {
        let issuer = format!("https://{name}.example.com");
        texts(&[("name", name), ("issuer", &issuer), ("client_id", "shop")])
    };
    let providers = Node::seq([provider("one"), provider("two")]);
    let node = Node::map([("providers", providers)]);
    let filter = Bench::new(FILTERS).build("oidc", node).unwrap();
    let mut stage = Stage { filter, rig: Rig::new() };
    let (verdict, _) = stage.ask("GET /cart?a=b", &[HTML]);
    let to = "/_portunus/oidc/login?to=%2Fcart%3Fa%3Db";
    assert_eq!(header(&reply(verdict), "location"), Some(to));
    let page = shown(&stage.ask(&format!("GET {to}"), &[HTML]).0);
    let link = "<a href=\"/_portunus/oidc/login/two?to=%2Fcart%3Fa%3Db\">two</a>";
    assert!(page.contains(link), "{page}");
}

#[test]
fn nothing_is_sent_while_a_request_is_only_explained() {
    let mut stage = Stage::new();
    stage.rig.offline = true;
    let (verdict, _) = stage.ask("GET /", &[HTML]);
    assert_eq!(header(&reply(verdict), "location"), Some(ISSUER));
    let want = "no session: the browser goes to https://id.example.com to log in";
    assert_eq!(stage.rig.notes, [want]);
    let mut due = stage.session();
    (due.tokens.refresh, due.tokens.refresh_at) = (Some("r".to_owned()), Some(0));
    stage.check("GET /", &[("Cookie", &sealed(&due, SECRET))], "continue");
    stage.check("GET /_portunus/oidc/callback?a=b", &[], "503 auth.oidc_unavailable problem");
}

#[test]
fn who_may_be_nobody_is_let_through_without_what_he_claims() {
    let mut stage = Stage::with(&[("optional", Node::text("true"))]);
    let (verdict, exchange) = stage.ask("GET /", &[HTML, ("x_email", "root@example.com")]);
    assert_eq!(shown(&verdict), "continue");
    assert!(exchange.identity.is_none());
    assert!(!lines(&exchange.request.headers).contains("root"));
}
