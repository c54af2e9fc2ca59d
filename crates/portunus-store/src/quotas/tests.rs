use super::EmbeddedQuotas;
use crate::tests::run;

#[test]
fn what_was_used_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/quotas.redb");
    let row = |key: &[u8], start, used| (Box::from(key), start, used);
    run(async {
        let quotas = EmbeddedQuotas::new(path.clone());
        assert_eq!(quotas.load().await.unwrap(), []);
        assert!(!path.exists());
        let first = vec![row(b"a", 1, 2), row(b"b", 3, 4), row(b"\xff\0", 5, u64::MAX)];
        quotas.save(first).await.unwrap();
        quotas.save(vec![row(b"a", 9, 1), row(b"b", 3, 0), row(b"c", 3, 0)]).await.unwrap();
        drop(quotas);
        let found = EmbeddedQuotas::new(path.clone()).load().await.unwrap();
        assert_eq!(found, [row(b"a", 9, 1), row(b"\xff\0", 5, u64::MAX)]);
    });
}
