use super::*;

#[test]
fn every_refusal_has_a_reason_of_the_reference_and_a_sentence() {
    let all = [
        Refusal::Missing,
        Refusal::Expired,
        Refusal::NoConsumer,
        Refusal::Callback,
        Refusal::State,
        Refusal::Issuer,
        Refusal::denied("access_denied"),
        Refusal::code("invalid_grant"),
        Refusal::IdToken("it has expired"),
        Refusal::Nonce,
        Refusal::Unavailable,
        Refusal::Size,
        Refusal::Path,
        Refusal::Method("GET"),
        Refusal::Foreign,
        Refusal::LogoutToken("it is of another issuer"),
    ];
    assert_eq!(all.len(), REASONS.len());
    for refusal in all {
        let reply = refusal.reply();
        let code = reply.reason.unwrap().0;
        let listed = REASONS.iter().find(|reason| reason.code == code).unwrap();
        assert_eq!(reply.status, listed.status);
        assert!(reply.detail.unwrap().starts_with(listed.doc));
    }
}

#[test]
fn the_words_of_others_are_not_said_again() {
    let detail = Refusal::denied("<script>alert(1)</script>").reply().detail.unwrap();
    assert!(detail.contains("another error") && !detail.contains('<'), "{detail}");
    let detail = Refusal::code("invalid_grant").reply().detail.unwrap();
    assert!(detail.contains("It says: invalid_grant."), "{detail}");
}
