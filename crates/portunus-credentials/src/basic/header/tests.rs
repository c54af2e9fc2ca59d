use base64::engine::general_purpose::STANDARD as ENCODER;

use super::*;

fn told(text: &str) -> Told {
    read(format!("Basic {}", ENCODER.encode(text)).as_bytes())
}

fn login_of(user: &str, password: &str) -> Told {
    Told::Login(Login { user: user.into(), password: password.as_bytes().into() })
}

#[test]
fn users_and_passwords_are_read() {
    // The two examples of RFC 7617.
    let aladdin = login_of("Aladdin", "open sesame");
    assert_eq!(read(b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), aladdin);
    assert_eq!(read(b"Basic dGVzdDoxMjPCow=="), login_of("test", "123\u{a3}"));
    assert_eq!(read(b"bAsIc   QWxhZGRpbjpvcGVuIHNlc2FtZQ"), aladdin);
    assert_eq!(told("a:"), login_of("a", ""));
    assert_eq!(told("a:b:c"), login_of("a", "b:c"));
    assert_eq!(format!("{:?}", told("a:secret")), "Login(Login(\"a\", ..))");
}

#[test]
fn what_is_malformed_is_no_login() {
    for text in ["", "a", ":", ":password", "a:b\n", "a\0:b", "a\u{7f}:b"] {
        assert_eq!(told(text), Told::Malformed, "{text:?}");
    }
    for value in [&b"Basic"[..], b"Basic ", b"Basic *", b"Basic QQ==QQ==", b"Basic /////w=="] {
        assert_eq!(read(value), Told::Malformed, "{value:?}");
    }
    assert_eq!(told(&format!("a:{}", "b".repeat(2048))), Told::Malformed);
}

#[test]
fn other_schemes_are_for_others() {
    for value in [&b"Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ=="[..], b"Basically x", b"", b"QQ=="] {
        assert_eq!(read(value), Told::Other, "{value:?}");
    }
}
