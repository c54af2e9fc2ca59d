use super::*;

#[test]
fn a_stored_authority_is_the_same_as_a_set_one() {
    for authority in ["a", "A.Example.:80", "a.example.", "[2001:DB8::1]:80", "no:port"] {
        let (mut set, mut stored) = (RequestHead::default(), RequestHead::default());
        set.set_authority(authority.as_bytes());
        let text = stored.headers.store(authority.as_bytes());
        stored.set_authority_stored(text);
        assert_eq!(set.authority(), stored.authority());
        assert_eq!(set.host(), stored.host(), "{authority}");
        assert_eq!(set.port(), stored.port());
    }
}
