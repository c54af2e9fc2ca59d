use std::sync::Barrier;
use std::thread;

use super::*;
use portunus_base::hash_pair;

fn key(number: u64) -> u64 {
    hash_pair(number, 7)
}

fn add_one(table: &Table, number: u64) -> Option<u64> {
    table.update(key(number), |word| word, |word| (word + 1, word + 1))
}

#[test]
fn words_are_kept_by_key() {
    let table = Table::new(100);
    assert_eq!(table.word(key(1)), 0);
    assert_eq!(
        (add_one(&table, 1), add_one(&table, 1), add_one(&table, 2)),
        (Some(1), Some(2), Some(1))
    );
    assert_eq!((table.word(key(1)), table.word(key(2)), table.word(key(3))), (2, 1, 0));
    let mut words: Vec<_> = table.words().collect();
    words.sort_by_key(|(_, word)| *word);
    let again: Vec<_> = words.iter().map(|(key, word)| (table.word(*key), *word)).collect();
    assert_eq!(again, [(1, 1), (2, 2)]);
}

#[test]
fn a_step_that_changes_nothing_takes_no_place() {
    let table = Table::new(1);
    assert_eq!(table.update(key(1), |_| 0, |word| (word, "seen")), Some("seen"));
    assert_eq!(table.words().count(), 0);
}

#[test]
fn the_word_that_matters_least_is_forgotten() {
    let table = Table::new(1);
    (0..8).for_each(|number| (0..=number).for_each(|_| assert!(add_one(&table, number).is_some())));
    assert_eq!(table.forgotten(), 0);
    assert_eq!(add_one(&table, 8), Some(1));
    assert_eq!((table.forgotten(), table.word(key(0)), table.word(key(7))), (1, 0, 8));
    // What matters nothing is no loss.
    assert_eq!(table.update(key(9), |_| 0, |word| (word + 1, ())), Some(()));
    assert_eq!(table.forgotten(), 1);
}

#[test]
fn what_must_be_kept_is_kept() {
    let table = Table::new(1);
    let keep = |number| table.update(key(number), |_| KEEP, |word| (word + 1, ()));
    (0..8).for_each(|number| assert!(keep(number).is_some()));
    assert_eq!((keep(8), keep(3)), (None, Some(())));
    assert_eq!((0..8).map(|number| table.word(key(number))).sum::<u64>(), 9);
}

#[test]
fn a_flood_of_keys_takes_no_more_memory() {
    let table = Table::new(1000);
    let before = table.bytes();
    (0..100_000).for_each(|number| assert!(add_one(&table, number).is_some()));
    assert_eq!(table.bytes(), before);
    assert!(table.words().count() <= 2000);
    assert!(table.forgotten() > 90_000);
}

/// What was begun and left lying stops nobody: a claim, and a word that is closed.
#[test]
fn who_falls_asleep_holds_nobody_up() {
    let table = Table::new(1);
    let mark = mark_of(key(1));
    let bucket = &table.buckets[0];
    bucket[3].store(mark | 5, SeqCst);
    assert_eq!(add_one(&table, 1), Some(1));
    let (at, _) =
        bucket[..WAYS].iter().enumerate().find(|(_, name)| is_name(name.load(SeqCst))).unwrap();
    bucket[WAYS + at].store(CLOSED, SeqCst);
    assert_eq!((table.word(key(1)), add_one(&table, 1)), (0, Some(1)));
    assert_eq!(table.words().count(), 1);
}

/// New keys come from all threads at once, round after round: each is there once, and nothing is counted twice or lost.
#[test]
fn a_key_is_brought_in_once() {
    const THREADS: u64 = 4;
    for round in 0..400 {
        let table = Table::new(16);
        let start = Barrier::new(THREADS as usize);
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    start.wait();
                    for number in 0..6 {
                        assert!(add_one(&table, number).is_some());
                    }
                });
            }
        });
        let words: Vec<_> = table.words().map(|(_, word)| word).collect();
        assert_eq!(words, [THREADS; 6], "round {round}");
    }
}

/// Places change hands all the time, as the words of all other keys may be forgotten: the one key that must be kept
/// never loses a count.
#[test]
fn a_kept_key_is_exact_among_keys_that_come_and_go() {
    const TIMES: u64 = 30_000;
    let table = Table::new(8);
    let kept = key(u64::MAX);
    let count = |_| {
        let loss = |word| if word > 1 << 40 { KEEP } else { 0 };
        table.update(kept, loss, |word| (word.max(1 << 41) + 1, ())).unwrap();
    };
    thread::scope(|scope| {
        for thread in 1..4 {
            let count = &count;
            let table = &table;
            scope.spawn(move || {
                for at in 0..TIMES {
                    let loss = |word| if word > 1 << 40 { KEEP } else { 0 };
                    let other = key((thread << 32) | (at % 50));
                    table.update(other, loss, |word| (word % 1000 + 1, ())).unwrap();
                    count(at);
                }
            });
        }
    });
    assert_eq!(table.word(kept), (1 << 41) + 3 * TIMES);
    assert_eq!(table.words().filter(|(key, _)| *key == mark_of(kept)).count(), 1);
}
