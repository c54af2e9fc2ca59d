use portunus_http::HeaderList;

use super::Preferences;

#[test]
fn preferences_are_read_as_the_standard_says() {
    let mut headers = HeaderList::default();
    headers.append(b"Prefer", b"respond-async, Code=404; foo=\"a,b\", example=\"a \\\"cat\\\"\"");
    headers.append(b"prefer", b"code=500, =x, wait = 10, broken=\"");
    let preferences = Preferences::read(&headers);
    assert_eq!(preferences.value("code"), Some("404"));
    assert_eq!(preferences.value("example"), Some("a \"cat\""));
    assert_eq!(preferences.value("respond-async"), Some(""));
    assert_eq!(preferences.value("wait"), Some("10"));
    assert_eq!(preferences.value("broken"), None);
    assert_eq!(preferences.value("foo"), None);
}
