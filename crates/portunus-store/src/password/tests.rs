use argon2::{Argon2, PasswordHash, PasswordVerifier as _};

use super::password_hash;

#[test]
fn a_hash_fits_its_password_alone_and_is_never_twice_the_same() {
    let (one, two) = (password_hash("päss wörd").unwrap(), password_hash("päss wörd").unwrap());
    assert!(one.starts_with("$argon2id$v=19$"), "{one}");
    assert_ne!(one, two);
    let hash = PasswordHash::new(&one).unwrap();
    let fits = |password: &str| Argon2::default().verify_password(password.as_bytes(), &hash);
    assert!(fits("päss wörd").is_ok());
    assert!(fits("pass word").is_err());
}
