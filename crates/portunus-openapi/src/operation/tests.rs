use super::StatusRange;

#[test]
fn only_what_is_a_status_is_one() {
    assert_eq!(StatusRange::parse("404"), Some(StatusRange::One(404)));
    assert_eq!(StatusRange::parse("5XX"), Some(StatusRange::Hundred(5)));
    for text in ["0", "99", "600", "65535", "0XX", "6XX", "700XX", "+200x"] {
        assert_eq!(StatusRange::parse(text), None, "{text}");
    }
}
