use super::{Chunks, FIRST, LEVELS, place};

#[test]
fn places_are_dense_and_each_index_has_one() {
    let mut expected = (0, 0);
    for index in 0..10_000 {
        assert_eq!(place(index), expected, "{index}");
        expected.1 += 1;
        if expected.1 == (FIRST as usize) << expected.0 {
            expected = (expected.0 + 1, 0);
        }
    }
    let (level, offset) = place(u32::MAX);
    assert!(level < LEVELS && offset < (FIRST as usize) << level);
}

#[test]
fn cells_appear_on_first_use_and_stay() {
    let chunks = Chunks::<std::cell::Cell<u32>>::default();
    assert!(chunks.cell(70).is_none());
    chunks.cell_or_grow(70).unwrap().set(7);
    chunks.cell_or_grow(5_000).unwrap().set(9);
    assert_eq!(chunks.cell(70).unwrap().get(), 7);
    assert!(chunks.cell(0).is_none());
}
