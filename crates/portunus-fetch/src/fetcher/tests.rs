use std::time::Duration;

use http::Uri;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use super::{Fetch, Fetcher, place};

/// Answers one connection with `answer`, or never; gives the URL and what was asked.
async fn server(answer: Option<&'static str>) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys?x=1", listener.local_addr().unwrap());
    let asked = Handle::current().spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
            asked.push(stream.read_u8().await.unwrap());
        }
        match answer {
            Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
            None => std::future::pending().await,
        }
        String::from_utf8(asked).unwrap()
    });
    (url, asked)
}

#[tokio::test]
async fn an_answer_comes_with_status_headers_and_body() {
    let answer = "HTTP/1.1 203 Yes\r\nCache-Control: max-age=5\r\nContent-Length: 2\r\n\r\nok";
    let (url, asked) = server(Some(answer)).await;
    let fetched = Fetcher::default().fetch(Fetch::get(url).with_header("X-A", "b")).await.unwrap();
    assert_eq!((fetched.status, &fetched.body[..]), (203, &b"ok"[..]));
    assert_eq!(fetched.headers.get("cache-control").unwrap(), "max-age=5");
    let asked = asked.await.unwrap().to_ascii_lowercase();
    assert!(asked.starts_with("get /keys?x=1 http/1.1\r\n"), "{asked}");
    assert!(asked.contains("\r\nx-a: b\r\n") && asked.contains("\r\nhost: 127.0.0.1:"), "{asked}");
}

#[test]
fn work_is_done_at_home_whoever_waits() {
    let home =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let (url, _asked) = home.block_on(server(Some(answer)));
    let fetcher = Fetcher::default().at_home(home.handle().clone());
    // A runtime without sockets and clocks can wait for it.
    let waiting = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let fetched = waiting.block_on(fetcher.fetch(Fetch::get(url))).unwrap();
    assert_eq!(fetched.status, 200);
}

#[tokio::test]
async fn silence_and_floods_are_errors() {
    let (url, _asked) = server(None).await;
    let fetch = Fetch { timeout: Duration::from_millis(20), ..Fetch::get(url) };
    let error = Fetcher::default().fetch(fetch).await.unwrap_err();
    assert!(error.to_string().ends_with("/keys: no answer in 20 ms"), "{error}");
    let (url, _asked) = server(Some("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789")).await;
    let fetch = Fetch { body_bytes_max: 8, ..Fetch::get(url) };
    let error = Fetcher::default().fetch(fetch).await.unwrap_err();
    assert!(error.to_string().contains("length limit"), "{error}");
}

#[tokio::test]
async fn messages_hold_no_secret() {
    let uri: Uri = "https://user:pass@id.example.com/token?secret=1".parse().unwrap();
    assert_eq!(place(&uri), "https://id.example.com/token");
    let fetch = Fetch::get("http://127.0.0.1:1/").with_header("Authorization", "Basic x\ny");
    let error = Fetcher::default().fetch(fetch).await.unwrap_err();
    assert_eq!(error.to_string(), "the value of `authorization` is not for a header");
    let error = Fetcher::default().fetch(Fetch::get("ftp://a/")).await.unwrap_err();
    assert_eq!(error.to_string(), "ftp://a/: neither http:// nor https://");
}

#[test]
fn roots_without_a_certificate_are_refused() {
    let error = Fetcher::with_roots(b"nothing").unwrap_err();
    assert_eq!(error.to_string(), "there is no certificate in it");
}
