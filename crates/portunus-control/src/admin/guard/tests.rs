use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};

use super::{OwnToken, Reach, Wanted, changes_refusal, is_own_name, refusal};

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

/// How a change is refused.
fn refused(
    reach: Reach,
    method: Method,
    shown: Option<&str>,
    wanted: Wanted<'_>,
) -> Option<StatusCode> {
    let mut headers = HeaderMap::new();
    headers.extend(shown.map(|it| (header::AUTHORIZATION, it.parse().unwrap())));
    changes_refusal(reach, &method, &headers, wanted).map(|(status, _)| status)
}

#[test]
fn who_can_merely_connect_changes_no_keys() {
    let (forbidden, unknown) = (Some(StatusCode::FORBIDDEN), Some(StatusCode::UNAUTHORIZED));
    let (none, right) = (Wanted::Unknown, Wanted::Configured("right"));
    for reach in [Reach::Loopback, Reach::Network] {
        for method in [Method::POST, Method::DELETE] {
            assert_eq!(refused(reach, method.clone(), None, none), forbidden);
            assert_eq!(refused(reach, method.clone(), Some("Bearer "), none), forbidden);
            assert_eq!(refused(reach, method.clone(), None, right), unknown);
            assert_eq!(refused(reach, method.clone(), Some("right"), right), unknown);
            assert_eq!(refused(reach, method.clone(), Some("Bearer wrong"), right), unknown);
            assert_eq!(refused(reach, method, Some("Bearer right"), right), None);
        }
        assert_eq!(refused(reach, Method::GET, None, right), None);
    }
    assert_eq!(refused(Reach::Socket, Method::POST, None, none), None);
    assert_eq!(refused(Reach::Socket, Method::DELETE, None, right), None);
}

#[test]
fn the_token_of_the_state_folder_opens_what_a_configured_one_does() {
    let home = tempfile::tempdir().unwrap();
    let env = [("STATE_DIRECTORY".to_owned(), home.path().display().to_string())].into();
    let token = OwnToken::kept(&env).unwrap();
    let text = crate::read_own_token(token.path()).unwrap();
    let own = Wanted::Own(&token);
    for reach in [Reach::Loopback, Reach::Network] {
        let shown = |shown: &str| refused(reach, Method::POST, Some(shown), own);
        assert_eq!(shown(&format!("Bearer {text}")), None);
        for wrong in ["Bearer ", "Bearer wrong", &text, &format!("Bearer {text}0")] {
            assert_eq!(shown(wrong), Some(StatusCode::FORBIDDEN), "{wrong}");
        }
        assert_eq!(refused(reach, Method::POST, None, own), Some(StatusCode::FORBIDDEN));
    }
    let why = |reach| own.refusal(reach).1;
    let path = token.path().to_str().unwrap();
    assert!(why(Reach::Loopback).contains(path) && !why(Reach::Loopback).contains(&text));
    assert!(!why(Reach::Network).contains(path), "only this machine knows its folders");
}
