use std::sync::Arc;

use portunus_limits::{QuotaBook, QuotaPersistence as _, QuotaRow};
use portunus_store::EmbeddedQuotas;

use super::Kept;

fn row(key: &[u8], used: u64) -> QuotaRow {
    (key.into(), 1, used)
}

#[tokio::test]
async fn a_portunus_without_quotas_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("quotas.redb");
    let kept = Arc::new(Kept::new(EmbeddedQuotas::new(path.clone())));
    drop(QuotaBook::open(kept).await.unwrap());
    assert!(!path.exists());
}

#[tokio::test]
async fn what_waited_is_written_with_what_comes_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("quotas.redb");
    let kept = Kept::new(EmbeddedQuotas::new(path.clone()));
    assert_eq!(kept.load().await.unwrap(), []);
    kept.save(vec![row(b"seed", 7)]).await.unwrap();
    assert!(!path.exists());
    kept.save(vec![row(b"a", 1)]).await.unwrap();
    kept.save(vec![row(b"b", 2)]).await.unwrap();
    drop(kept);
    let kept = Kept::new(EmbeddedQuotas::new(path));
    assert_eq!(kept.load().await.unwrap(), [row(b"a", 1), row(b"b", 2), row(b"seed", 7)]);
    kept.save(vec![row(b"a", 3)]).await.unwrap();
    assert_eq!(kept.load().await.unwrap()[0], row(b"a", 3));
}
