use std::hash::{DefaultHasher, Hasher};

use super::*;
use proptest::prelude::{prop, prop_assert_eq, proptest};

/// A vector of the reference implementation: the key 00 01 … 0f, an empty message.
#[test]
fn it_is_the_published_function() {
    let seed = Seed(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
    assert_eq!(seed.hash(&[]).to_be_bytes(), [0xab, 0xac, 0x01, 0x58, 0x05, 0x0f, 0xc4, 0xdc]);
}

#[test]
fn it_is_never_shown() {
    assert_eq!(format!("{:?}", Seed(1, 2)), "Seed");
}

proptest! {
    /// The standard library has the same function, with a secret of zeros.
    #[test]
    fn it_agrees_with_the_standard_library(bytes in prop::collection::vec(0u8.., 0..64)) {
        let mut hasher = DefaultHasher::new();
        hasher.write(&bytes);
        prop_assert_eq!(Seed(0, 0).hash(&bytes), hasher.finish());
    }
}
