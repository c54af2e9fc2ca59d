use super::*;

/// Rows in memory, and whether they can be reached.
#[derive(Default)]
struct Kept {
    #[expect(clippy::disallowed_types, reason = "a test")]
    rows: Mutex<Rows>,
    is_down: std::sync::atomic::AtomicBool,
}

type Rows = HashMap<Box<[u8]>, (u64, u64)>;

impl QuotaPersistence for Kept {
    fn load(&self) -> QuotaFuture<'_, Vec<QuotaRow>> {
        let rows = self.rows.lock().unwrap();
        let rows = rows.iter().map(|(key, (start, used))| (key.clone(), *start, *used)).collect();
        Box::pin(async { Ok(rows) })
    }

    fn save(&self, rows: Vec<QuotaRow>) -> QuotaFuture<'_, ()> {
        if self.is_down.load(std::sync::atomic::Ordering::SeqCst) {
            return Box::pin(async { Err("no disk".to_owned()) });
        }
        let mut kept = self.rows.lock().unwrap();
        for (key, start, used) in rows {
            match used {
                0 => _ = kept.remove(&key),
                _ => _ = kept.insert(key, (start, used)),
            }
        }
        Box::pin(async { Ok(()) })
    }
}

const NOW: Wall = Wall(1_800_000_000_000_000);
const TOMORROW: Wall = Wall(NOW.0 + 86_400_000_000);

fn remaining(book: &QuotaBook, number: u64, now: Wall) -> u64 {
    let calendar = book.calendar("api", Period::Day, 100, now);
    calendar.peek(book.seed().hash(&number.to_le_bytes()), 10, 0, now).remaining
}

fn take(book: &QuotaBook, number: u64, cost: u64, now: Wall) {
    let calendar = book.calendar("api", Period::Day, 100, now);
    calendar.charge(book.seed().hash(&number.to_le_bytes()), cost, now);
}

#[tokio::test]
async fn what_was_used_survives_a_restart() {
    let kept = Arc::new(Kept::default());
    let first = QuotaBook::open(kept.clone()).await.unwrap();
    take(&first, 1, 3, NOW);
    take(&first, 2, 10, NOW);
    first.save(NOW).await.unwrap();
    take(&first, 1, 1, NOW);
    first.save(NOW).await.unwrap();
    // The seed and two keys.
    assert_eq!(kept.rows.lock().unwrap().len(), 3);

    let second = QuotaBook::open(kept.clone()).await.unwrap();
    assert_eq!((remaining(&second, 1, NOW), remaining(&second, 2, NOW)), (6, 0));
    assert!(second.changes(NOW).is_empty());
    take(&second, 3, 1, NOW);
    second.save(NOW).await.unwrap();
    // Yesterday is forgotten.
    second.save(TOMORROW).await.unwrap();
    assert_eq!(kept.rows.lock().unwrap().len(), 1);
    assert_eq!(remaining(&second, 2, TOMORROW), 10);
}

#[tokio::test]
async fn what_could_not_be_saved_is_saved_later() {
    let kept = Arc::new(Kept::default());
    let book = QuotaBook::open(kept.clone()).await.unwrap();
    take(&book, 1, 3, NOW);
    kept.is_down.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(book.save(NOW).await, Err("no disk".to_owned()));
    kept.is_down.store(false, std::sync::atomic::Ordering::SeqCst);
    book.save(NOW).await.unwrap();
    assert_eq!(remaining(&QuotaBook::open(kept).await.unwrap(), 1, NOW), 7);
}

#[tokio::test(start_paused = true)]
async fn it_saves_by_itself() {
    let kept = Arc::new(Kept::default());
    let book = Arc::new(QuotaBook::open(kept.clone()).await.unwrap());
    take(&book, 1, 3, SystemClock.wall());
    let saving = tokio::time::timeout(SAVE_EVERY * 2, book.run()).await;
    assert!(saving.is_err());
    assert_eq!(kept.rows.lock().unwrap().len(), 2);
}

#[test]
fn another_room_keeps_what_was_used() {
    let book = QuotaBook::in_memory();
    take(&book, 1, 4, NOW);
    let larger = book.calendar("api", Period::Day, 1000, NOW);
    assert_eq!(larger.peek(book.seed().hash(&1u64.to_le_bytes()), 10, 0, NOW).remaining, 6);
    assert!(Arc::ptr_eq(&larger, &book.calendar("api", Period::Day, 1000, NOW)));
    assert!(!Arc::ptr_eq(&larger, &book.calendar("api", Period::Month, 1000, NOW)));
}

#[tokio::test]
async fn what_counts_is_saved_whatever_a_refused_configuration_wanted() {
    let kept = Arc::new(Kept::default());
    let book = QuotaBook::open(kept.clone()).await.unwrap();
    let live = book.calendar("api", Period::Day, 100, NOW);
    let refused = book.calendar("api", Period::Day, 1000, NOW);
    assert!(Arc::ptr_eq(&live, &refused));
    drop(refused);
    live.charge(book.seed().hash(&1u64.to_le_bytes()), 3, NOW);
    book.save(NOW).await.unwrap();
    assert_eq!(remaining(&QuotaBook::open(kept).await.unwrap(), 1, NOW), 7);
    let before = Arc::downgrade(&live);
    drop(live);
    let larger = book.calendar("api", Period::Day, 1000, NOW);
    assert!(before.upgrade().is_none_or(|before| !Arc::ptr_eq(&before, &larger)));
    assert_eq!(remaining_in(&book, &larger), 7);
}

fn remaining_in(book: &QuotaBook, calendar: &Calendar) -> u64 {
    calendar.peek(book.seed().hash(&1u64.to_le_bytes()), 10, 0, NOW).remaining
}

#[test]
fn rows_that_nobody_wrote_are_no_quotas() {
    let row = |key: &[u8]| (key.into(), 0, 1);
    assert!(read_row(&row(SEED_KEY)).is_none());
    assert!(read_row(&row(b"")).is_none());
    assert!(read_row(&row(b"\xff\xff\x0012345678")).is_none());
    let usage = Usage { key: 7, start: Wall(5), used: 9 };
    assert_eq!(read_row(&super::row("a b", &usage)), Some(("a b", usage)));
}
