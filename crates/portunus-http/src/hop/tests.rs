use super::*;

#[test]
fn connection_names_go_but_essential_headers_stay() {
    let mut headers = HeaderList::default();
    for (name, value) in [
        ("Host", "a"),
        ("Connection", "close, X-Secret, host"),
        ("X-Secret", "1"),
        ("Keep-Alive", "timeout=5"),
        ("connection", "x-other , x-forwarded-for"),
        ("X-Other", "2"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("TE", "trailers"),
        ("Upgrade", "h2c"),
        ("X-Kept", "3"),
    ] {
        headers.append(name.as_bytes(), value.as_bytes());
    }
    strip_hop_by_hop(&mut headers);
    let kept: Vec<_> = headers.iter().map(|h| h.name.to_vec()).collect();
    assert_eq!(kept, [&b"Host"[..], b"X-Forwarded-For", b"X-Kept"]);
}
