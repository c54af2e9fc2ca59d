use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};

use super::{Reach, is_own_name, keys_refusal, refusal};

fn allowed(reach: Reach, method: Method, path: &str, headers: &[(HeaderName, &str)]) -> bool {
    let headers: HeaderMap =
        headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
    refusal(reach, &method, path, &headers).is_none()
}

#[test]
fn only_names_that_nobody_else_can_own_are_ours() {
    for host in ["localhost", "LOCALHOST:8170", "a.localhost", "127.0.0.1:8170", "[::1]:80"] {
        assert!(is_own_name(host), "{host}");
    }
    for host in ["evil.example", "localhost.evil.example:8170", "127.0.0.1.evil.example", "", "1"] {
        assert!(!is_own_name(host), "{host}");
    }
}

#[test]
fn another_name_opens_nothing_on_loopback_and_only_probes_elsewhere() {
    let name = [(header::HOST, "portunus.internal:8170")];
    let get = |reach, path| allowed(reach, Method::GET, path, &name);
    assert!(!get(Reach::Loopback, "/metrics"));
    assert!(!get(Reach::Loopback, "/api/status"));
    assert!(get(Reach::Network, "/metrics"));
    assert!(!get(Reach::Network, "/api/status"));
    assert!(get(Reach::Socket, "/api/status"));
}

#[test]
fn a_page_of_another_origin_cannot_reload() {
    let post = |origin: &str| {
        let headers = [(header::HOST, "127.0.0.1:8170"), (header::ORIGIN, origin)];
        allowed(Reach::Loopback, Method::POST, "/api/reload", &headers)
    };
    assert!(post("http://127.0.0.1:8170"));
    assert!(!post("https://evil.example"));
    assert!(!post("null"));
    let no_browser = [(header::HOST, "127.0.0.1:8170")];
    assert!(allowed(Reach::Loopback, Method::POST, "/api/reload", &no_browser));
}

#[test]
fn who_can_merely_connect_changes_no_keys() {
    let asked = |reach, method: Method, shown: Option<&str>, token| {
        let mut headers = HeaderMap::new();
        headers.extend(shown.map(|it| (header::AUTHORIZATION, it.parse().unwrap())));
        keys_refusal(reach, &method, &headers, token).map(|(status, _)| status)
    };
    let (forbidden, unknown) = (Some(StatusCode::FORBIDDEN), Some(StatusCode::UNAUTHORIZED));
    for reach in [Reach::Loopback, Reach::Network] {
        for method in [Method::POST, Method::DELETE] {
            assert_eq!(asked(reach, method.clone(), None, None), forbidden);
            assert_eq!(asked(reach, method.clone(), Some("Bearer "), None), forbidden);
            assert_eq!(asked(reach, method.clone(), None, Some("right")), unknown);
            assert_eq!(asked(reach, method.clone(), Some("right"), Some("right")), unknown);
            assert_eq!(asked(reach, method.clone(), Some("Bearer wrong"), Some("right")), unknown);
            assert_eq!(asked(reach, method, Some("Bearer right"), Some("right")), None);
        }
        assert_eq!(asked(reach, Method::GET, None, Some("right")), None);
    }
    assert_eq!(asked(Reach::Socket, Method::POST, None, None), None);
    assert_eq!(asked(Reach::Socket, Method::DELETE, None, Some("right")), None);
}
