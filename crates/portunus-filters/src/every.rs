//! Building lists so that one mistake does not hide the next.

/// All of what was tried, when every one succeeded. Each is tried, so that each mistake is reported.
pub(crate) fn every<T>(tried: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let mut found = Vec::new();
    let mut whole = true;
    for one in tried {
        whole &= one.is_some();
        found.extend(one);
    }
    whole.then_some(found)
}
