use super::*;
use proptest::prelude::*;

const BOUNDS: CacheBounds = CacheBounds { entries: 4, bytes: 100 };

fn keep(cache: &mut TokenCache<u32>, token: &str, value: u32) {
    cache.keep(token.as_bytes(), value, Wall(100), BOUNDS);
}

fn found(cache: &mut TokenCache<u32>, token: &str) -> Option<u32> {
    cache.find(token.as_bytes(), Wall(1)).copied()
}

#[test]
fn a_value_is_found_until_its_end() {
    let mut cache = TokenCache::default();
    keep(&mut cache, "a", 1);
    assert_eq!(cache.find(b"a", Wall(99)), Some(&1));
    assert_eq!(cache.find(b"a", Wall(100)), None);
    assert_eq!(found(&mut cache, "b"), None);
    keep(&mut cache, "a", 2);
    assert_eq!((found(&mut cache, "a"), cache.len()), (Some(2), 1));
    cache.clear();
    assert_eq!((found(&mut cache, "a"), cache.len()), (None, 0));
}

#[test]
fn what_nobody_asks_for_goes_first() {
    let mut cache = TokenCache::default();
    for (value, token) in ["a", "b", "c", "d"].into_iter().enumerate() {
        keep(&mut cache, token, value as u32);
    }
    assert_eq!(found(&mut cache, "a"), Some(0));
    keep(&mut cache, "e", 4);
    assert_eq!(found(&mut cache, "a"), Some(0));
    assert_eq!(found(&mut cache, "b"), None);
    assert_eq!((found(&mut cache, "e"), cache.len()), (Some(4), 4));
}

#[test]
fn tokens_that_only_end_alike_are_two() {
    let mut cache = TokenCache::default();
    let (a, b) = (format!("a{}", "x".repeat(40)), format!("b{}", "x".repeat(40)));
    keep(&mut cache, &a, 1);
    assert_eq!(found(&mut cache, &b), None);
    keep(&mut cache, &b, 2);
    assert_eq!((found(&mut cache, &a), found(&mut cache, &b)), (None, Some(2)));
    assert_eq!(cache.len(), 1);
}

proptest! {
    #[test]
    fn it_is_as_a_map_that_forgets(steps in prop::collection::vec((0..9u8, 0..40usize, any::<bool>()), 0..200)) {
        let mut cache = TokenCache::default();
        let mut model = std::collections::HashMap::new();
        for (step, (name, len, is_asked)) in steps.into_iter().enumerate() {
            let token = format!("{}{name}", "x".repeat(len));
            if is_asked {
                let known = found(&mut cache, &token);
                prop_assert!(known.is_none() || known == model.get(&token).copied());
            } else {
                keep(&mut cache, &token, step as u32);
                prop_assert_eq!(found(&mut cache, &token), Some(step as u32));
                model.insert(token, step as u32);
            }
            let bytes: usize = cache.entries.iter().map(|entry| entry.token.len()).sum();
            prop_assert_eq!((cache.bytes, cache.index.len()), (bytes, cache.entries.len()));
            prop_assert!(cache.len() <= BOUNDS.entries && bytes <= BOUNDS.bytes);
            for (at, entry) in cache.entries.iter().enumerate() {
                prop_assert_eq!(cache.index.get(&entry.hash), Some(&(at as u32)));
            }
        }
    }
}
