use std::time::Duration;

use super::*;

const NOW: Mono = Mono(0);

fn watch(burst: u32, per_second: u32) -> FloodWatch {
    let allowance = Allowance { burst, per_second };
    let limits =
        FloodLimits { ping: allowance, window_update: allowance, ..FloodLimits::default() };
    FloodWatch::new(&limits, 0, NOW)
}

fn frame(kind: u8, payload: usize) -> Vec<u8> {
    let mut bytes = (payload as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, 0, 0, 0, 0, 1]);
    bytes.resize(HEADER_BYTES + payload, 0);
    bytes
}

#[test]
fn frames_are_found_however_the_bytes_are_cut() {
    let bytes =
        [frame(PING, 8), frame(DATA, 300), frame(PING, 8), frame(GOAWAY, 8), frame(PING, 8)];
    for cut in 1..40 {
        let mut watch = watch(2, 0);
        let mut floods = Vec::new();
        for piece in bytes.concat().chunks(cut) {
            floods.extend(watch.received(piece, NOW));
        }
        assert_eq!(floods, [FloodKind::Ping], "the third of two");
        assert!(watch.saw_goaway());
    }
}

#[test]
fn what_is_allowed_comes_back_with_time() {
    let mut watch = watch(10, 5);
    let mut take =
        |at: u64| watch.received(&frame(PING, 0), Mono(0).after(Duration::from_secs(at)));
    assert_eq!((0..10).find_map(|_| take(0)), None);
    assert_eq!(take(0), Some(FloodKind::Ping));
    assert_eq!((0..5).find_map(|_| take(1)), None);
    assert_eq!(take(1), Some(FloodKind::Ping));
    assert_eq!((0..10).find_map(|_| take(100)), None, "no more than the burst");
    assert_eq!(take(100), Some(FloodKind::Ping));
}

#[test]
fn answers_explain_updates_of_windows() {
    let mut watch = watch(2, 0);
    for _ in 0..100 {
        watch.sent(128);
        assert_eq!(watch.received(&frame(FRAME_WINDOW_UPDATE, 4), NOW), None);
        assert_eq!(watch.received(&frame(FRAME_WINDOW_UPDATE, 4), NOW), None);
    }
    watch.sent(1_000_000);
    let floods = (0..3).filter_map(|_| watch.received(&frame(FRAME_WINDOW_UPDATE, 4), NOW));
    assert_eq!(floods.collect::<Vec<_>>(), [FloodKind::WindowUpdate]);
}

#[test]
fn every_kind_has_a_name_of_its_own() {
    let mut names: Vec<_> = FloodKind::ALL.iter().map(|kind| kind.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FloodKind::ALL.len());
}
