use super::*;
use crate::tests::*;

#[test]
fn a_secret_is_for_the_hashes_that_are_no_longer() {
    let names = |len: usize, allowed| {
        let key = Key::secret(None, &vec![1; len], allowed)?;
        Ok(key.algorithms().iter().map(Algorithm::word).collect::<Vec<_>>())
    };
    assert_eq!(names(31, all()), Err(KeyFault::Short));
    assert_eq!(names(32, all()), Ok(vec!["HS256"]));
    assert_eq!(names(63, all()), Ok(vec!["HS256", "HS384"]));
    assert_eq!(names(64, all()), Ok(vec!["HS256", "HS384", "HS512"]));
    assert_eq!(names(32, Some(Algorithm::Hs512).into_iter().collect()), Err(KeyFault::Short));
    assert_eq!(names(64, AlgorithmSet::public()), Err(KeyFault::Algorithm));
}

#[test]
fn keys_are_for_their_own_kind_alone() {
    for algorithm in Algorithm::ALL {
        let key = key_for(algorithm).verifier(all()).unwrap();
        assert!(key.algorithms().iter().all(|one| one.key_kind() == key.kind()), "{key:?}");
        assert!(key.algorithms().has(algorithm));
        let others = all().iter().filter(|one| one.key_kind() != key.kind()).collect();
        assert_eq!(key_for(algorithm).verifier(others).unwrap_err(), KeyFault::Algorithm);
    }
}

#[test]
fn points_off_the_curve_are_no_keys() {
    let mut point = vec![4];
    point.extend([1; 64]);
    let fault = Key::public(None, KeyKind::P256, &point, all()).unwrap_err();
    assert_eq!(fault, KeyFault::Form("it is no key of its kind"));
    assert!(Key::public(None, KeyKind::Ed25519, &[1; 31], all()).is_err());
    assert!(Key::public(None, KeyKind::Rsa, &[1; 31], all()).is_err());
}

#[test]
fn a_curve_with_a_point_of_another_curve_is_no_key() {
    let p256 = crate::jwk::point(&map(private_jwk("RFC 7515 A.3")), KeyKind::P256).unwrap();
    assert!(Key::public(None, KeyKind::P384, &p256, all()).is_err());
    assert!(Key::public(None, KeyKind::P521, &p256, all()).is_err());
}
