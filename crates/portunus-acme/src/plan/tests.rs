use super::{AcmePlan, ChallengeKind, Directory, Eab, Key, Names};

fn plan(challenge: ChallengeKind, names: &[&str]) -> AcmePlan {
    let directory = Directory { url: "https://ca.internal/dir".to_owned(), roots: None, eab: None };
    AcmePlan {
        email: None,
        directories: vec![directory],
        challenge,
        certificates: vec![Names::new(names).unwrap()],
        on_demand: None,
        dns: None,
        renew_before: None,
    }
}

#[test]
fn names_are_one_set_however_they_are_written() {
    let one = Names::new(["b.example.com.", "A.example.com", "a.example.com"]).unwrap();
    let other = Names::new(["a.example.com", "b.example.com"]).unwrap();
    assert_eq!(one, other);
    assert_eq!(one.to_string(), "a.example.com, b.example.com");
    assert_eq!(one.key(), other.key());
}

#[test]
fn different_sets_have_different_keys_that_are_names_of_files() {
    let one = Names::new(["*.example.com"]).unwrap();
    let other = Names::new(["*.example.com", "example.com"]).unwrap();
    assert_ne!(one.key(), other.key());
    assert!(one.key().starts_with("_.example.com-"), "{}", one.key());
}

#[test]
fn keys_of_long_names_fit_in_names_of_files() {
    let long = |end: &str| Names::new([format!("{}{end}", "a23456789.".repeat(24))]).unwrap();
    let (one, other) = (long("one.test").key(), long("two.test").key());
    assert_ne!(one, other);
    assert!(one.len() <= 220, "{one}");
}

#[test]
fn what_is_no_name_of_a_host_is_refused() {
    let wrong =
        ["", "localhost", "10.0.0.1", "a b.test", "../x.test", "*.*.test", "a..test", "-.test"];
    for name in wrong {
        assert!(Names::new([name]).is_err(), "{name}");
    }
    assert!(Names::new::<&str>([]).is_err());
    assert!(Names::new((0..101).map(|n| format!("h{n}.test"))).is_err());
}

#[test]
fn a_wildcard_needs_dns_01_and_the_error_says_so() {
    let error = plan(ChallengeKind::Http01, &["*.example.com"]).check().unwrap_err();
    assert!(error.to_string().contains("challenge: dns-01"), "{error}");
    assert!(plan(ChallengeKind::Http01, &["a.example.com"]).check().is_ok());
}

#[test]
fn dns_01_needs_a_server() {
    let error = plan(ChallengeKind::Dns01, &["a.example.com"]).check().unwrap_err();
    assert!(error.help.contains("rfc2136"), "{error}");
}

#[test]
fn keys_are_read_in_both_alphabets_and_never_shown() {
    for text in ["-_-_", "+/+/", " +/+/\n", "c2VjcmV0cw", "c2VjcmV0cw=="] {
        assert!(Key::from_base64(text).is_ok(), "{text}");
    }
    assert_eq!(Key::from_base64("-_-_"), Key::from_base64("+/+/"));
    assert!(Key::from_base64("?").is_err());
    assert!(Key::from_base64("").is_err());
    let eab = Eab::new("kid", "c2VjcmV0cw").unwrap();
    assert!(!format!("{eab:?}").contains("115"), "{eab:?}");
}
