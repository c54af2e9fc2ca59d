use super::*;

#[test]
fn underscores_do_not_hide_a_protected_name() {
    assert!(is_lookalike(b"x_forwarded_for"));
    assert!(is_lookalike(b"X_Real-Ip"));
    assert!(!is_lookalike(b"X-Real-Ip"), "that is the name itself");
    assert!(!is_lookalike(b"my_header"));
    assert!(!is_lookalike(&[b'_'; 100]));
}
