use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{Control, Options};
use crate::task::Task;
use crate::{ConfigSource, Console, Refusal};

/// An origin that answers everything with its name.
async fn origin(name: &'static str) -> (SocketAddr, Task) {
    origin_at(name, "127.0.0.1:0".parse().unwrap()).await
}

async fn origin_at(name: &'static str, address: SocketAddr) -> (SocketAddr, Task) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = Task::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let _ = stream.read(&mut request).await;
            let length = name.len();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n");
            let answer = format!("{head}Connection: close\r\n\r\n{name}");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (address, task)
}

/// The answer to one request on a connection of its own.
async fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer
}

async fn get(address: &str, path: &str) -> String {
    let host = "Host: localhost\r\nConnection: close";
    ask(address, &format!("GET {path} HTTP/1.1\r\n{host}\r\n\r\n")).await
}

fn options(source: ConfigSource) -> Options {
    Options {
        source,
        // Nothing can be kept there.
        env: [("STATE_DIRECTORY".to_owned(), "/dev/null/state".to_owned())].into(),
        memory: || None,
        registries: portunus_compile::Registries { filters: portunus_filters::FILTERS },
        version: "test",
        console: Console::Quiet,
        allocator_threads: drop,
    }
}

const TOKEN: &str = "the-token-of-the-admin-api";

fn config(to: SocketAddr) -> String {
    format!(
        "listeners: {{web: {{address: 127.0.0.1:0}}}}\n\
         admin: {{address: 127.0.0.1:0, token: {TOKEN}}}\n\
         workers: 1\n\
         log: {{access: off}}\n\
         hosts: {{\"*\": {{routes: {{/**: http://{to}}}}}}}\n"
    )
}

fn listener(control: &Control) -> String {
    control.listeners().first().unwrap().1.to_string()
}

/// Does something while control obeys its admin API.
async fn with<R>(control: &mut Control, act: impl Future<Output = R>) -> R {
    tokio::select! {
        result = act => result,
        () = control.obey() => panic!("control never ends by itself"),
    }
}

#[tokio::test]
async fn it_serves_reloads_and_keeps_the_old_when_the_new_is_bad() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("portunus.yaml");
    let ((first, _a), (second, _b)) = (origin("first").await, origin("second").await);
    std::fs::write(&file, config(first)).unwrap();
    let mut control = Control::start(options(ConfigSource::File(file.clone()))).await.unwrap();
    let (web, admin) = (listener(&control), control.admin_address().unwrap().to_owned());
    assert!(get(&web, "/").await.ends_with("first"));

    std::fs::write(&file, "hosts: [nonsense\n").unwrap();
    let refused = control.reload().await.unwrap_err();
    assert!(matches!(refused, Refusal::Config(_)), "{refused:?}");
    assert!(get(&web, "/").await.ends_with("first"));
    let status = with(&mut control, get(&admin, "/api/status")).await;
    assert!(status.contains("\"generation\":1") && status.contains("\"ok\":false"), "{status}");

    std::fs::write(&file, config(second)).unwrap();
    let reload = |token: &str| {
        format!(
            "POST /api/reload HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
        )
    };
    let refused = with(&mut control, ask(&admin, &reload("wrong"))).await;
    assert!(refused.contains("401") && refused.contains("token.wrong"), "{refused}");
    let answer = with(&mut control, ask(&admin, &reload(TOKEN))).await;
    assert!(answer.contains("\"generation\":2"), "{answer}");
    assert_eq!(listener(&control), web, "an unchanged listener keeps its socket");
    assert!(get(&web, "/").await.ends_with("second"));
    control.stop();
}

#[tokio::test]
async fn a_taken_address_stops_the_start_and_vetoes_a_reload() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().map(|address| (taken, address)).unwrap();
    let (to, _origin) = origin("only").await;
    let text = config(to)
        .replace("address: 127.0.0.1:0, token", &format!("address: \"{}\", token", taken.1));
    let source = ConfigSource::Text { name: "test".to_owned(), text };
    let error = Control::start(options(source)).await.err().unwrap();
    assert!(error.to_string().contains("in use"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("portunus.yaml");
    std::fs::write(&file, config(to)).unwrap();
    let mut control = Control::start(options(ConfigSource::File(file.clone()))).await.unwrap();
    let text =
        config(to).replace("web: {", &format!("web2: {{address: \"{}\"}}, web: {{", taken.1));
    std::fs::write(&file, text).unwrap();
    let shared = config(to).replace("127.0.0.1:0}}", &format!("\"{}\"}}}}", listener(&control)));
    let second = ConfigSource::Text { name: "second".to_owned(), text: shared };
    let error = Control::start(options(second)).await.err().unwrap();
    assert!(error.to_string().contains("in use"), "two programs cannot share a port: {error}");

    let refused = control.reload().await.unwrap_err();
    assert!(matches!(&refused, Refusal::System(lines) if lines.len() == 1), "{refused:?}");
    assert!(get(&listener(&control), "/").await.ends_with("only"));
    control.stop();
}

#[tokio::test]
async fn readiness_follows_the_stages_and_a_drain_ends() {
    let (to, _origin) = origin("only").await;
    let source = ConfigSource::Text { name: "test".to_owned(), text: config(to) };
    let control = Control::start(options(source)).await.unwrap();
    let admin = control.admin_address().unwrap().to_owned();
    assert!(get(&admin, "/readyz").await.contains("200 OK"));
    assert!(get(&admin, "/metrics").await.contains("portunus_"));
    assert!(get(&admin, "/api/config").await.contains("hosts:"));
    control.drain().await;
    assert!(get(&admin, "/readyz").await.contains("503"));
    assert!(get(&admin, "/healthz").await.contains("200 OK"));
    assert_eq!(control.connections(), 0);
    control.stop();
}

#[tokio::test]
async fn a_listener_moves_to_another_address() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("portunus.yaml");
    let (to, _origin) = origin("only").await;
    std::fs::write(&file, config(to)).unwrap();
    let mut control = Control::start(options(ConfigSource::File(file.clone()))).await.unwrap();
    let old = listener(&control);
    std::fs::write(&file, config(to).replace("127.0.0.1:0}}", "\"[::1]:0\"}}")).unwrap();
    control.reload().await.unwrap();
    let new = listener(&control);
    assert!(new.starts_with("[::1]:") && new != old, "{new}");
    assert!(get(&new, "/").await.ends_with("only"));
    let closing = async { while TcpStream::connect(&old).await.is_ok() {} };
    let closed = tokio::time::timeout(std::time::Duration::from_secs(30), closing).await;
    assert!(closed.is_ok(), "the old address is closed");
    control.stop();
}

#[tokio::test]
async fn failing_tests_of_the_configuration_veto_it() {
    let (to, _origin) = origin("only").await;
    let tests = "tests: [{name: wrong, request: GET http://a.test/, expect: 418}]\n";
    let source = ConfigSource::Text { name: "test".to_owned(), text: config(to) + tests };
    let error = Control::start(options(source)).await.err().unwrap();
    let Refusal::Tests(text) = &error.0 else { panic!("{error}") };
    assert!(text.contains("418") && text.contains("wrong"), "{text}");
}

#[tokio::test]
async fn health_checks_see_an_endpoint_go_and_come_back() {
    let (to, origin) = origin("only").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("portunus.yaml");
    let health = "health: {path: /, every: 10ms, healthy_after: 2, unhealthy_after: 2}";
    let upstreams = format!("upstreams: {{shop: {{endpoints: [\"http://{to}\"], {health}}}}}\n");
    let text = config(to).replace(&format!("/**: http://{to}"), "/**: shop") + &upstreams;
    std::fs::write(&file, &text).unwrap();
    let mut control = Control::start(options(ConfigSource::File(file.clone()))).await.unwrap();
    let admin = control.admin_address().unwrap().to_owned();
    drop(origin);
    until(&admin, "\"state\":\"down\"").await;
    let web = listener(&control);
    assert!(get(&web, "/").await.contains("503"), "an endpoint that is down gets no request");
    let more = format!("http://{to}\", \"http://127.0.0.2:{}\"], balance: random,", to.port());
    std::fs::write(&file, text.replace(&format!("http://{to}\"],"), &more)).unwrap();
    control.reload().await.unwrap();
    let upstreams = get(&admin, "/api/upstreams").await;
    assert!(upstreams.contains("127.0.0.2") && upstreams.contains("down"), "{upstreams}");
    std::fs::write(&file, &text).unwrap();
    control.reload().await.unwrap();

    let (_, _origin) = origin_at("back", to).await;
    until(&admin, "\"state\":\"up\"").await;
    assert!(get(&web, "/").await.ends_with("back"));
    control.stop();
}

/// Asks for the upstreams until the answer holds `wanted`.
async fn until(admin: &str, wanted: &str) {
    let asking = async { while !get(admin, "/api/upstreams").await.contains(wanted) {} };
    let found = tokio::time::timeout(std::time::Duration::from_secs(30), asking).await;
    assert!(found.is_ok(), "{wanted}");
}

#[tokio::test]
async fn a_local_authority_is_made_once_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let file = folder.path().join("portunus.yaml");
    let text = "listeners: {web: {address: 127.0.0.1:0, tls: self_signed}}\nadmin: 127.0.0.1:0\nworkers: 1\n\
                log: {access: off}\nhosts: {\"*\": {routes: {/: {respond: a}}}}\n";
    std::fs::write(&file, text).unwrap();
    let start = || {
        let mut options = options(ConfigSource::File(file.clone()));
        options.env.insert("STATE_DIRECTORY".to_owned(), state.display().to_string());
        Control::start(options)
    };
    let mut authorities = Vec::new();
    for _ in 0..2 {
        let mut control = start().await.unwrap();
        let admin = control.admin_address().unwrap().to_owned();
        let answers =
            async { (get(&admin, "/api/certificates").await, get(&admin, "/api/authority").await) };
        let (certificates, authority) = with(&mut control, answers).await;
        assert!(certificates.contains("\"source\":\"local authority\""), "{certificates}");
        assert!(authority.contains("-----BEGIN CERTIFICATE-----"), "{authority}");
        let body = authority.split_once("\r\n\r\n").unwrap().1.to_owned();
        authorities.push(body);
        control.stop();
    }
    assert_eq!(authorities[0], authorities[1]);
    let mut env = portunus_config::Env::default();
    env.insert("STATE_DIRECTORY".to_owned(), state.display().to_string());
    let pem = crate::local_authority(&env).unwrap();
    assert!(authorities[0].contains(pem.lines().nth(1).unwrap()));
}
