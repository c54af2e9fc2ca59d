use super::*;

#[test]
fn a_split_follows_its_weights() {
    let split = Split::new(&[(UpstreamId(1), 95), (UpstreamId(2), 0), (UpstreamId(3), 5)]);
    let split = split.unwrap();
    assert_eq!(split.choose(0), Some(UpstreamId(1)));
    assert_eq!(split.choose(u64::MAX), Some(UpstreamId(3)));
    let step = u64::MAX / 10_000;
    let third = (0..10_000).filter(|n| split.choose(n * step) == Some(UpstreamId(3))).count();
    assert!((499..=501).contains(&third), "{third}");
    assert_eq!(split.weights().nth(1), Some((UpstreamId(2), 0)));
    assert_eq!(Split::new(&[(UpstreamId(1), 0)]), None);
}
