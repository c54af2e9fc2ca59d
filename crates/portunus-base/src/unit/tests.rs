use std::time::Duration;

use proptest::prelude::*;

use super::*;

#[test]
fn durations_read_as_written() {
    for (text, us) in
        [("250ms", 250_000), ("5s", 5_000_000), ("1m", 60_000_000), ("1.5s", 1_500_000)]
    {
        assert_eq!(parse_duration(text), Ok(Duration::from_micros(us)), "{text}");
    }
    for bad in ["5", "s", "", "5 s", "-1s", "1e9s", "5sec", "99999999999999999999d"] {
        assert!(parse_duration(bad).is_err(), "{bad}");
    }
}

#[test]
fn sizes_rates_and_shares_read_as_written() {
    assert_eq!(parse_size("64KiB"), Ok(ByteSize(65_536)));
    assert_eq!(parse_size("1MB"), Ok(ByteSize(1_000_000)));
    assert!(parse_size("64").is_err());
    assert_eq!(parse_byte_rate("1KiB/s"), Ok(ByteRate(1024)));
    assert!(parse_byte_rate("1KiB").is_err() && parse_byte_rate("1/s").is_err());
    assert_eq!(parse_rate("20/m"), Ok(Rate { count: 20, window: Duration::from_secs(60) }));
    assert!(parse_rate("20").is_err());
    assert_eq!(parse_percent("20%"), Ok(Percent(0.2)));
    assert!(parse_percent("120%").is_err());
}

proptest! {
    #[test]
    fn what_is_written_reads_back(us in any::<u32>(), size in any::<u32>(), count in any::<u32>(), window in 0usize..5) {
        let duration = Duration::from_micros(u64::from(us));
        prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        let size = ByteSize(u64::from(size));
        prop_assert_eq!(parse_size(&size.to_string()), Ok(size));
        let flow = ByteRate(size.0);
        prop_assert_eq!(parse_byte_rate(&flow.to_string()), Ok(flow));
        let rate = Rate { count: u64::from(count), window: Duration::from_secs(WINDOWS[window].1) };
        prop_assert_eq!(parse_rate(&rate.to_string()), Ok(rate));
    }
}
