use serde_json::json;

use super::text;

#[test]
fn each_certificate_is_a_line() {
    let certificates = json!([
        {"listener": "secure", "names": ["shop.example.com", "*.shop.example.com"], "issuer": "Test CA",
         "not_after": "2027-01-01T00:00:00Z", "expired": false, "source": "shop.pem"},
        {"listener": "edge", "names": ["a.test"], "issuer": "A", "not_after": "2020-01-01T00:00:00Z",
         "expired": true, "source": "acme"},
    ]);
    assert_eq!(
        text(&certificates),
        "  secure  shop.example.com, *.shop.example.com  until 2027-01-01T00:00:00Z    by Test CA  shop.pem\n  \
           edge    a.test                                EXPIRED 2020-01-01T00:00:00Z  by A        acme\n"
    );
    assert_eq!(text(&json!([])), "  none\n");
}
