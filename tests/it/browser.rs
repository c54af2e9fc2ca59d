//! A real browser: headless Chromium, over its DevTools protocol.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use portunus_testkit::{Folder, eventually};
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// A browser with one page. Dropping it ends it.
pub(crate) struct Browser {
    process: Child,
    socket: WebSocket<TcpStream>,
    page: String,
    calls: u64,
    _profile: Folder,
}

impl Browser {
    /// Starts one; `None`, after saying so, where it is not installed.
    pub(crate) fn start() -> Option<Self> {
        let profile = Folder::new();
        let mut command = Command::new("chromium");
        command.args(FLAGS).arg(format!("--user-data-dir={}", profile.path("").display()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(process) = command.spawn() else {
            println!("skipped: there is no chromium here (Debian package chromium)");
            return None;
        };
        let mut place = None;
        eventually("chromium says where it listens", || {
            let text = profile.read("DevToolsActivePort");
            let lines = text.split_once('\n');
            place = lines.map(|(port, path)| (port.to_owned(), path.trim().to_owned()));
            place.is_some()
        });
        let (port, path) = place.unwrap();
        let address = format!("127.0.0.1:{port}");
        let stream = TcpStream::connect(&address).expect("chromium listens");
        let opened = tungstenite::client(format!("ws://{address}{path}"), stream);
        let (socket, _) = opened.expect("chromium speaks WebSocket");
        let (page, calls) = (String::new(), 0);
        let mut browser = Self { process, socket, page, calls, _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach);
        browser.page = attached["sessionId"].as_str().expect("a session").to_owned();
        Some(browser)
    }

    /// Goes to a page, as if its address was typed in.
    #[track_caller]
    pub(crate) fn go(&mut self, url: &str) {
        let went = self.call("Page.navigate", json!({"url": url}));
        assert_eq!(went.get("errorText"), None, "{url}: {went}");
    }

    /// Runs a script on the page; null while the page is being left.
    pub(crate) fn run(&mut self, script: &str) -> Value {
        let call = json!({"expression": script, "returnByValue": true, "awaitPromise": true});
        self.try_call("Runtime.evaluate", call)["result"]["value"].take()
    }

    /// Waits until a script says `true` on the page that is there then.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, script: &str) {
        let ask = format!("document.readyState == 'complete' && ({script})");
        // The last page says what went wrong.
        let what = format!("a page for which {script} holds");
        let mut tries = 0_u32;
        eventually(&what, || {
            tries += 1;
            let holds = self.run(&ask) == Value::Bool(true);
            if !holds && tries.is_power_of_two() {
                println!("not yet: {}: {}", self.url(), self.text());
            }
            holds
        });
    }

    /// The address of the page.
    pub(crate) fn url(&mut self) -> String {
        self.run("location.href").as_str().unwrap_or_default().to_owned()
    }

    /// What a user reads on the page.
    pub(crate) fn text(&mut self) -> String {
        self.run("document.body.innerText").as_str().unwrap_or_default().to_owned()
    }

    /// All cookies that it keeps, those that no script can see included.
    pub(crate) fn cookies(&mut self) -> Vec<Value> {
        let url = self.url();
        let mut answer = self.call("Network.getCookies", json!({"urls": [url]}));
        serde_json::from_value(answer["cookies"].take()).expect("a list of cookies")
    }

    /// Gives it a cookie of the page at an address, as strict as the program makes its own.
    pub(crate) fn set_cookie(&mut self, url: &str, name: &str, value: &str) {
        let set = self.call(
            "Network.setCookie",
            json!({
                "name": name, "value": value, "url": url, "path": "/",
                "secure": true, "httpOnly": true, "sameSite": "Lax",
            }),
        );
        assert_eq!(set["success"], true, "{set}");
    }

    #[track_caller]
    fn call(&mut self, method: &str, parameters: Value) -> Value {
        let mut answer = self.exchange(method, parameters);
        assert_eq!(answer.get("error"), None, "{method}: {answer}");
        answer["result"].take()
    }

    /// As `call`, with an empty result where the page went away meanwhile.
    fn try_call(&mut self, method: &str, parameters: Value) -> Value {
        self.exchange(method, parameters)["result"].take()
    }

    #[track_caller]
    fn exchange(&mut self, method: &str, parameters: Value) -> Value {
        self.calls += 1;
        let mut call = json!({"id": self.calls, "method": method, "params": parameters});
        if !self.page.is_empty() {
            call["sessionId"] = json!(self.page);
        }
        self.socket.send(Message::text(call.to_string())).expect("chromium listens");
        loop {
            let message = self.socket.read().expect("chromium answers");
            let Ok(text) = message.to_text() else { continue };
            let answer: Value = serde_json::from_str(text).unwrap_or_default();
            if answer["id"] == self.calls {
                return answer;
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It fails where the browser has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Nothing of it goes beyond this machine: no other name resolves.
const FLAGS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",
    "--host-resolver-rules=MAP *.localhost 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
];
