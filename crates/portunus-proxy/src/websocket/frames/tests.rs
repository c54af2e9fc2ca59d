use proptest::prelude::*;
use tungstenite::protocol::frame::{
    Frame,
    coding::{Data, OpCode},
};

use super::*;

/// A frame of `length` bytes, as a client or a server sends it.
fn frame(length: usize, masked: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut frame = Frame::message(vec![0x88; length], OpCode::Data(Data::Binary), true);
    if masked {
        frame.header_mut().mask = Some([1, 2, 3, 4]);
    }
    frame.format(&mut bytes).unwrap();
    bytes
}

#[test]
fn each_length_of_a_length_is_understood() {
    for length in [0, 1, 125, 126, 65_535, 65_536, 70_000] {
        for masked in [false, true] {
            let bytes = frame(length, masked);
            let mut frames = Frames::default();
            assert_eq!(frames.follow(&bytes), bytes.len(), "{length}");
            assert!(frames.is_between());
            assert_eq!(frames.follow(&bytes[..bytes.len() - 1]), 0, "{length}");
            assert!(!frames.is_between());
        }
    }
}

#[test]
fn a_length_that_no_memory_has_is_only_counted() {
    let mut frames = Frames::default();
    assert_eq!(frames.follow(&[0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), 0);
    assert_eq!(frames.follow(&[0; 4096]), 0);
    assert!(!frames.is_between());
}

#[test]
fn our_frames_are_whole() {
    for ours in [going_away(), going_away_masked(0x0102_0304_0506_0708)] {
        assert_eq!(Frames::default().follow(&ours), ours.len());
    }
    let masked = going_away_masked(u64::from_ne_bytes([1, 2, 3, 4, 0, 0, 0, 0]));
    assert_eq!(masked, [0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xe9 ^ 2]);
}

proptest! {
    #[test]
    fn the_ends_are_where_the_frames_end_however_the_bytes_are_cut(
        lengths in prop::collection::vec((0usize..300, any::<bool>()), 1..8),
        cuts in prop::collection::vec(1usize..64, 1..64),
    ) {
        let (mut bytes, mut ends) = (Vec::new(), vec![0]);
        for (length, masked) in lengths {
            bytes.extend(frame(length, masked));
            ends.push(bytes.len());
        }
        let (mut frames, mut at, mut cuts) = (Frames::default(), 0, cuts.into_iter().cycle());
        while at < bytes.len() {
            let to = bytes.len().min(at + cuts.next().unwrap());
            let last = ends.iter().copied().filter(|end| (at + 1..=to).contains(end)).max();
            prop_assert_eq!(frames.follow(&bytes[at..to]), last.map_or(0, |end| end - at));
            prop_assert_eq!(frames.is_between(), ends.contains(&to));
            at = to;
        }
    }
}
