//! Tokens and sets of keys, as strangers send them: a token, perhaps with a set after a zero byte.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portunus_base::Wall;
use portunus_jwt::{
    Algorithm, AlgorithmSet, Key, KeySet, Rules, TOKEN_BYTES_MAX, Token, check_unsigned, verify,
};

/// A secret that the seeds do not hold.
static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let key = Key::secret(None, &[7; 64], AlgorithmSet::shared());
    KeySet::new(vec![key.expect("64 bytes are enough")])
});

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (token, set) = bytes.split_at(end);
    let (rules, now) = (Rules::default(), Wall(1_800_000_000_000_000));
    if let Ok(parsed) = Token::parse(token, TOKEN_BYTES_MAX) {
        // The parts are the token, and nothing else.
        assert!(token.starts_with(parsed.signed()) && token.len() <= TOKEN_BYTES_MAX);
        assert_eq!(token.iter().filter(|byte| **byte == b'.').count(), 2);
        let _ = parsed.claims().map(|claims| (rules.check(&claims, now), rules.end(&claims)));
    }
    assert!(verify(token, TOKEN_BYTES_MAX, &KEYS, &rules, now).is_err());
    let _ = check_unsigned(token, TOKEN_BYTES_MAX, &rules, now);
    let all: AlgorithmSet = Algorithm::ALL.into_iter().collect();
    let set = set.strip_prefix(&[0]).unwrap_or(token);
    if let Ok(set) = KeySet::parse(set, all) {
        for key in set.keys() {
            // A key checks algorithms of its own kind alone.
            assert!(key.algorithms().iter().all(|one| one.key_kind() == key.kind()));
        }
        let _ = verify(token, TOKEN_BYTES_MAX, &set, &rules, now);
    }
    let _ = KeySet::keys_of_pem(None, set, all);
});
