use portunus_filter::testing::header;
use portunus_http::HeaderList;
use portunus_testkit::Response;
use serde_json::json;

use super::*;
use crate::target::Target;
use crate::testing::{FakeProvider, Issued, now, plan, with_background};

/// A login that is under way in a browser, and the end of it.
struct Stage {
    plan: Plan,
    login: Login,
    _fake: FakeProvider,
}

impl Stage {
    fn new(token: impl Fn(&Issued) -> Response + Send + Sync + 'static) -> Self {
        let fake = FakeProvider::new(token);
        let plan = plan(&fake.provider(false));
        let begun = now().seconds();
        let target = Target::parse(b"/cart?item=7").unwrap();
        let login = Login::begin(&plan.providers[0].mark, target, begun);
        Self { plan, login: Login { nonce: "n".to_owned(), ..login }, _fake: fake }
    }

    /// What the browser brings.
    fn visit(&self) -> Visit {
        let cookies = &self.plan.cookies;
        let sealed = self.login.seal(&self.plan.sealer, cookies.session_name());
        let line = cookies.set_login(&self.login.state, &sealed, Life::Seconds(60));
        let mut headers = HeaderList::default();
        headers.append(b"Cookie", line.split(';').next().unwrap().as_bytes());
        let carried = cookies.take(&mut headers);
        Visit { carried, origin: "https://shop.test".to_owned(), now: now() }
    }

    /// Comes back with this answer, in which `{state}` stands for the state.
    fn come_back(&self, query: &str, visit: &Visit) -> Reply {
        let form = Form::parse(query.replace("{state}", &self.login.state).as_bytes());
        with_background(&self.plan.providers[0], answer(&self.plan, form, None, visit))
    }
}

#[track_caller]
fn check(reply: &Reply, status: u16, reason: Option<&str>) {
    let found = reply.reason.map(|reason| reason.0);
    assert_eq!((reply.status, found), (status, reason), "{reply:?}");
}

#[test]
fn a_login_ends_with_a_session_where_the_user_wanted_to_go() {
    let stage = Stage::new(|issued| {
        let place = "redirect_uri=https%3A%2F%2Fshop.test%2F_portunus%2Foidc%2Fcallback";
        assert!(issued.form.contains(place), "{}", issued.form);
        issued.id_token(json!({"nonce": "n"}))
    });
    let reply = stage.come_back("state={state}&code=c", &stage.visit());
    check(&reply, 302, None);
    assert_eq!(header(&reply, "location"), Some("/cart?item=7"));
    let cookies: Vec<String> = reply
        .headers
        .iter()
        .filter(|(name, _)| name == "Set-Cookie")
        .map(|(_, line)| String::from_utf8(line.to_vec()).unwrap())
        .collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert!(cookies[0].contains("-login.") && cookies[0].ends_with("Max-Age=0"));
    let mut headers = HeaderList::default();
    headers.append(b"Cookie", cookies[1].split(';').next().unwrap().as_bytes());
    let carried = stage.plan.cookies.take(&mut headers);
    let found = stage.plan.session(&carried, now().seconds()).unwrap();
    assert_eq!(found.session.claim("sub"), Some("anna"));
}

#[test]
fn a_login_that_ended_does_not_end_again() {
    let stage = Stage::new(|issued| issued.id_token(json!({"nonce": "n"})));
    check(&stage.come_back("state={state}&code=c", &stage.visit()), 302, None);
    let without = Visit { carried: Default::default(), ..stage.visit() };
    let reply = stage.come_back("state={state}&code=c", &without);
    check(&reply, 400, Some("auth.oidc_state"));
}

#[test]
fn a_login_of_another_key_or_provider_is_none() {
    let stage = Stage::new(|issued| issued.id_token(json!({"nonce": "n"})));
    let other = Stage::new(|_| Response::status(500));
    // Sealed by somebody else.
    let visit = Visit { carried: other.visit().carried, ..stage.visit() };
    let query = format!("state={}&code=c", other.login.state);
    check(&stage.come_back(&query, &visit), 400, Some("auth.oidc_state"));
    // Of a provider that the filter had before.
    let mut before = Stage::new(|_| Response::status(500));
    before.login.provider = "another".to_owned();
    let reply = before.come_back("state={state}&code=c", &before.visit());
    check(&reply, 400, Some("auth.oidc_state"));
}

#[test]
fn a_refused_login_is_over_too() {
    let stage = Stage::new(|issued| issued.id_token(json!({"nonce": "of another login"})));
    let reply = stage.come_back("state={state}&code=c", &stage.visit());
    check(&reply, 400, Some("auth.oidc_nonce"));
    let over = header(&reply, "set-cookie").unwrap();
    assert!(over.contains("-login.") && over.ends_with("Max-Age=0"), "{over}");
    check(&stage.come_back("state=%ff", &stage.visit()), 400, Some("auth.oidc_callback"));
}
