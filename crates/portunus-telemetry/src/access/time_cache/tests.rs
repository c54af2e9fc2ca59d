use portunus_base::Wall;
use proptest::prelude::*;

use super::{TimeCache, write_millis};

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn both_forms_are_of_the_same_second() {
    let mut times = TimeCache::default();
    let mut check = |us, rfc3339, common| {
        assert_eq!(written(|out| times.write_rfc3339(Wall(us), out)), rfc3339);
        assert_eq!(written(|out| times.write_common(Wall(us), out)), common);
    };
    check(0, "1970-01-01T00:00:00.000Z", "01/Jan/1970:00:00:00 +0000");
    check(951_782_399_999_999, "2000-02-28T23:59:59.999Z", "28/Feb/2000:23:59:59 +0000");
    check(951_782_400_007_000, "2000-02-29T00:00:00.007Z", "29/Feb/2000:00:00:00 +0000");
    check(1_795_502_726_050_000, "2026-11-24T06:45:26.050Z", "24/Nov/2026:06:45:26 +0000");
}

#[test]
fn milliseconds_keep_three_decimals() {
    for (us, text) in [(0, "0.000"), (7, "0.007"), (1_234, "1.234"), (60_000_010, "60000.010")] {
        assert_eq!(written(|out| write_millis(us, out)), text);
    }
}

proptest! {
    #[test]
    fn any_time_has_a_text(us: u64) {
        let text = written(|out| TimeCache::default().write_rfc3339(Wall(us), out));
        prop_assert_eq!(text.len(), 24);
    }
}
