use super::*;

#[test]
fn followers_notice_once() {
    let published = Published::new(Arc::new(1));
    let mut adopted = 0;
    let mut followed = Followed::new(&published, |value| *value);
    let mut look = |published: &Published<i32>| {
        *followed.current(published, |value| {
            adopted += 1;
            *value
        })
    };
    assert_eq!(look(&published), 1);
    published.publish(Arc::new(2));
    assert_eq!((look(&published), look(&published)), (2, 2));
    assert_eq!(adopted, 1);
}
