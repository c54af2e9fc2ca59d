use instant_acme::{Error, Problem};

use super::{Fault, FaultKind};
use crate::plan::ChallengeKind;

fn fault(json: &str, challenge: ChallengeKind) -> Fault {
    let problem: Problem = serde_json::from_str(json).unwrap();
    Fault::of(&Error::Api(problem), challenge)
}

#[test]
fn what_to_do_depends_on_the_challenge() {
    let json = r#"{"type": "urn:ietf:params:acme:error:connection", "detail": "refused"}"#;
    let http = fault(json, ChallengeKind::Http01);
    assert_eq!((http.kind, http.is_ours()), (FaultKind::Connection, true));
    assert!(http.help.contains("port 80"), "{http}");
    assert!(fault(json, ChallengeKind::TlsAlpn01).help.contains("port 443"));
}

#[test]
fn a_compound_problem_is_of_the_kind_of_its_parts() {
    let json = r#"{"type": "urn:ietf:params:acme:error:compound", "detail": "two names",
        "subproblems": [{"type": "urn:ietf:params:acme:error:caa", "detail": "CAA for a.test\nforbids"}]}"#;
    let fault = fault(json, ChallengeKind::Http01);
    assert_eq!((fault.kind, fault.is_ours()), (FaultKind::Caa, false));
    assert_eq!(fault.what, "the authority says: two names: CAA for a.testforbids");
}

#[test]
fn a_type_that_nobody_knows_is_the_authoritys() {
    let fault = fault(r#"{"detail": "no"}"#, ChallengeKind::Dns01);
    assert_eq!(fault.kind, FaultKind::Authority);
}
