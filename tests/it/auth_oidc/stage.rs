//! What the tests of logins share: a provider, the program, what stands behind it, and a browser.

use portunus_testkit::{Answer, Authority, Client, Origin, Program, Request, Response, TlsClient};
use serde_json::{Map, Value, json};

use crate::browser::Browser;
use crate::python::Script;

/// One provider: `{more}` are further keys of the filter.
pub(super) const ONE: &str = r#"
listeners:
  web: "127.0.0.1:0"
  secure: {address: "127.0.0.1:0", tls: [{cert: site.pem, key: site.key}]}
hosts:
  "*":
    use:
      - oidc:
          issuer: "{issuer}"
          client_id: shop
          client_secret: hush-hush
          forward_claims: {X-Email: email, X-Groups: groups}
          {more}
    routes: {/**: "{origin}"}
"#;

/// Two providers.
pub(super) const TWO: &str = r#"
listeners:
  web: "127.0.0.1:0"
  secure: {address: "127.0.0.1:0", tls: [{cert: site.pem, key: site.key}]}
hosts:
  "*":
    use:
      - oidc:
          providers:
            - {name: one, issuer: "{issuer}", client_id: shop, client_secret: hush-hush}
            - {name: two, issuer: "{other}", client_id: shop, client_secret: hush-hush, label: The other one}
          forward_claims: {X-Email: email}
    routes: {/**: "{origin}"}
"#;

/// A provider, the program, and what stands behind it.
pub(super) struct Stage {
    pub(super) providers: Vec<(String, Script)>,
    pub(super) program: Program,
    pub(super) origin: Origin,
    authority: Authority,
    browser: Option<Browser>,
}

/// A login that was begun without a browser.
pub(super) struct Begun {
    /// Where the provider is asked to log the user in.
    pub(super) location: String,
    /// The state in it.
    pub(super) state: String,
    /// The cookie of the login, as a browser sends it back.
    pub(super) cookie: String,
}

impl Stage {
    /// With a browser. `None`, after saying so, where a part of it is not installed.
    pub(super) fn set(more: &str, provider: Value) -> Option<Self> {
        let browser = Browser::start()?;
        let mut stage = Self::without_browser(more, provider)?;
        stage.browser = Some(browser);
        Some(stage)
    }

    /// As [`Stage::set`], for tests that are browsers themselves.
    pub(super) fn without_browser(more: &str, provider: Value) -> Option<Self> {
        Self::with_config(ONE, more, provider)
    }

    /// With one provider and another configuration, without a browser.
    pub(super) fn with_config(config: &str, more: &str, provider: Value) -> Option<Self> {
        let started = start_provider()?;
        let setup = Program::config(config).fill("issuer", &started.0).fill("more", more);
        Some(Self::with(vec![started], setup, provider))
    }

    /// With two providers, and a browser.
    pub(super) fn with_two_providers() -> Option<Self> {
        let browser = Browser::start()?;
        let (one, other) = (start_provider()?, start_provider()?);
        let setup = Program::config(TWO).fill("issuer", &one.0).fill("other", &other.0);
        let mut stage = Self::with(vec![one, other], setup, json!({}));
        stage.browser = Some(browser);
        Some(stage)
    }

    fn with(
        providers: Vec<(String, Script)>,
        setup: portunus_testkit::Setup,
        provider: Value,
    ) -> Self {
        let (origin, authority) = (Origin::new(told), Authority::new("the test's"));
        let identity = authority.issue(&["app.localhost"]);
        let program = setup.fill("origin", &origin).identity("site", &identity).start();
        let mut stage = Self { providers, program, origin, authority, browser: None };
        stage.tell_providers(provider);
        stage
    }

    /// Tells the providers of their clients: only now the ports are known.
    fn tell_providers(&mut self, mut options: Value) {
        let callback = self.url("/_portunus/oidc/callback");
        let redirects = [callback.clone(), format!("{callback}/one"), format!("{callback}/two")];
        let plain = self.program.address("web");
        let client = |name: &str, redirects: &[String]| {
            json!({
                "client_id": name,
                "client_secret": "hush-hush",
                "redirect_uris": redirects,
                "post_logout_redirect_uris": [self.url("/_portunus/oidc/logged_out")],
                "backchannel_logout_uri": format!("http://{plain}/_portunus/oidc/backchannel"),
                "backchannel_logout_session_required": true,
            })
        };
        options["clients"] = json!([client("shop", &redirects)]);
        for (_, provider) in &mut self.providers {
            provider.say(&options.to_string());
            assert_eq!(provider.json(), json!({"ready": true}));
        }
    }

    /// The issuer of the first provider.
    pub(super) fn issuer(&self) -> String {
        self.providers[0].0.clone()
    }

    /// What the first provider did since it was asked last.
    pub(super) fn events(&mut self) -> Vec<Value> {
        let provider = &mut self.providers[0].1;
        provider.say("");
        let events = std::iter::repeat_with(|| provider.json());
        events.take_while(|event| event["alive"] != true).collect()
    }

    fn host(&self) -> String {
        let address = self.program.address("secure");
        format!("app.localhost:{}", address.rsplit(':').next().unwrap())
    }

    /// A page of the application, as a browser asks for it.
    pub(super) fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.host())
    }

    pub(super) fn browser(&mut self) -> &mut Browser {
        self.browser.as_mut().expect("a test with a browser")
    }

    /// Goes to a page of the application.
    pub(super) fn go(&mut self, path: &str) {
        let url = self.url(path);
        self.browser().go(&url);
    }

    /// Waits until the browser is on a page of the application.
    #[track_caller]
    pub(super) fn wait_for(&mut self, path: &str) {
        let url = json!(self.url(path));
        self.browser().wait_for(&format!("location.href == {url}"));
    }

    /// Waits for the page of a provider on which a user says who he is, and says so.
    #[track_caller]
    pub(super) fn enter_name(&mut self, provider: usize, name: &str) {
        let issuer = self.providers[provider].0.clone();
        let (name, browser) = (json!(name), self.browser());
        browser.wait_for("!!document.querySelector('[name=login]')");
        assert!(browser.url().starts_with(&issuer), "{}", browser.url());
        browser.run(&format!(
            "document.querySelector('[name=login]').value = {name};
             document.querySelector('[name=password]').value = 'any';
             document.forms[0].submit()",
        ));
        browser.wait_for("!!document.querySelector('[value=consent]')");
        browser.run("document.forms[0].submit()");
    }

    /// Goes to a page of the application without a session, and logs in.
    #[track_caller]
    pub(super) fn log_in(&mut self, path: &str, name: &str) {
        self.go(path);
        self.enter_name(0, name);
        self.wait_for(path);
    }

    /// What the application was told of the user on the page that the browser shows.
    #[track_caller]
    pub(super) fn told(&mut self) -> Value {
        let text = self.browser().text();
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{}: {text}", self.browser().url()))
    }

    /// The browser's session, as it sends it.
    pub(super) fn session(&mut self) -> String {
        let cookie = self.browser().cookies().remove(0);
        format!("{}={}", cookie["name"].as_str().unwrap(), cookie["value"].as_str().unwrap())
    }

    /// Asks without the browser.
    #[track_caller]
    pub(super) fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask_at_once(1, path, headers).remove(0)
    }

    /// Asks on so many connections, on all of them before any answer is read.
    #[track_caller]
    pub(super) fn ask_at_once(
        &self,
        count: usize,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Vec<Answer> {
        let tls = TlsClient::trusting(&self.authority);
        let address = self.program.address("secure");
        let mut clients: Vec<_> = (0..count).map(|_| tls.h1(&address, "app.localhost")).collect();
        for client in &mut clients {
            let request = client.request("GET", path).host(&self.host());
            headers
                .iter()
                .fold(request, |request, (name, value)| request.header(name, value))
                .start();
        }
        clients.iter_mut().map(Client::read).collect()
    }

    /// Begins a login without the browser.
    #[track_caller]
    pub(super) fn begin(&self, path: &str) -> Begun {
        let answer = self.ask(path, &[("Accept", "text/html")]);
        assert_eq!(answer.status, 302, "{answer:?}");
        let location = answer.header("location").unwrap().to_owned();
        let state = location.split("&state=").nth(1).unwrap().split('&').next().unwrap();
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap();
        Begun { state: state.to_owned(), cookie: cookie.to_owned(), location }
    }
}

fn start_provider() -> Option<(String, Script)> {
    let mut script = Script::start_node(include_str!("../../node/openid_provider.mjs"))?;
    let issuer = script.json()["issuer"].as_str().unwrap().to_owned();
    Some((issuer, script))
}

/// A page that says what the application sees of a request.
fn told(request: &Request) -> Response {
    let header = |name: &str| (name.to_owned(), json!(request.header(name)));
    let headers = ["x-email", "x-groups", "cookie", "authorization"].map(header);
    let mut seen: Map<String, Value> = headers.into_iter().collect();
    seen.insert("target".to_owned(), json!(request.target));
    Response::text(Value::Object(seen).to_string())
}
