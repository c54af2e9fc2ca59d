use super::*;

#[test]
fn addresses_are_written_as_the_formatter_does() {
    for text in ["0.0.0.0", "127.0.0.1", "255.10.9.100", "::1", "2001:db8::ff00:42:8329"] {
        assert_eq!(AddressText::of_ip(text.parse().unwrap()).text(), text.as_bytes());
    }
    let longest = "1111:2222:3333:4444:5555:6666:7777:8888";
    assert_eq!(AddressText::of_ip(longest.parse().unwrap()).text(), longest.as_bytes());
}
