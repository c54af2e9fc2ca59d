use super::*;

/// `open sesame`, by bcrypt with the cost 4.
fn bcrypt_of(password: &str) -> String {
    bcrypt::hash(password, 4).unwrap()
}

fn argon2_of(password: &str) -> String {
    use argon2::PasswordHasher as _;
    let params = Params::new(64, 1, 1, None).unwrap();
    let hasher = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    hasher.hash_password_with_salt(password.as_bytes(), b"sixteen of salt!").unwrap().to_string()
}

#[test]
fn a_password_fits_its_own_hash_alone() {
    for text in [bcrypt_of("open sesame"), argon2_of("open sesame")] {
        let hash = PasswordHash::parse(&text).unwrap();
        assert!(hash.fits(b"open sesame"), "{text}");
        for wrong in [&b"open sesame "[..], b"", b"open", b"Open sesame", b"open sesame\0"] {
            assert!(!hash.fits(wrong), "{text} {wrong:?}");
        }
    }
}

#[test]
fn hashes_of_other_programs_are_taken() {
    // By Apache's htpasswd -nbB -C 5, and by the reference argon2.
    let apache = bcrypt_of("p").replace("$2b$", "$2y$");
    assert!(PasswordHash::parse(&apache).unwrap().fits(b"p"));
    let reference = "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$\
        wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA";
    assert!(PasswordHash::parse(reference).unwrap().fits(b"password"));
}

#[test]
fn long_passwords_are_not_cut() {
    let long = "x".repeat(72);
    let hash = PasswordHash::parse(&bcrypt_of(&long)).unwrap();
    assert!(!hash.fits(format!("{long}y").as_bytes()));
    let hash = PasswordHash::parse(&argon2_of(&long)).unwrap();
    assert!(!hash.fits(format!("{long}y").as_bytes()) && hash.fits(long.as_bytes()));
}

#[test]
fn what_is_weak_or_no_hash_is_refused() {
    let costly = bcrypt_of("p").replace("$04$", "$20$");
    let huge = argon2_of("p").replace("m=64", "m=4000000");
    for (text, expected) in [
        ("$apr1$salt$hash", "$apr1$"),
        ("{SHA}5baa61e4c9b93f3f0682250b6cf8331b7ee68fd8", "{SHA}"),
        ("$6$salt$hash", "crypt"),
        ("secret", "no hash"),
        ("", "no hash"),
        ("$2y$05$short", "malformed"),
        ("$argon2id$v=19$m=64,t=1,p=1", "malformed"),
        ("$argon2id$v=19$m=1,t=1,p=1$c29tZXNhbHQ$aGFzaA", "malformed"),
        (costly.as_str(), "cost"),
        (huge.as_str(), "256 MiB"),
    ] {
        let problem = format!("{:?}", PasswordHash::parse(text).unwrap_err());
        assert!(problem.contains(expected), "{text}: {problem}");
        assert!(problem.contains("make"), "{text}: {problem}");
    }
}

#[test]
fn nobody_has_the_password_of_nobody() {
    let nobody = PasswordHash::of_nobody();
    assert!(PasswordHash::parse(nobody.text()).is_ok(), "it is checked like any other");
    let fresh = Params::DEFAULT;
    let text = format!("m={},t={},p={}", fresh.m_cost(), fresh.t_cost(), fresh.p_cost());
    assert!(nobody.text().contains(&text), "it costs what new hashes cost");
    assert!(!nobody.fits(b""));
    assert_eq!(format!("{nobody:?}"), "PasswordHash(..)");
}
