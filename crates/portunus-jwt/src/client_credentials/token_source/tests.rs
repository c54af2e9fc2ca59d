use super::*;
use proptest::prelude::*;
use serde_json::json;

fn told(status: u16, body: serde_json::Value) -> Result<(String, u64), String> {
    let (value, life) = read(status, body.to_string().as_bytes())?;
    Ok((String::from_utf8(value.to_vec()).unwrap(), life.as_secs()))
}

#[test]
fn answers_are_read() {
    let token = |more| {
        let mut answer = crate::tests::map(json!({"access_token": "t1", "token_type": "bearer"}));
        answer.extend(crate::tests::map(more));
        told(200, answer.into())
    };
    let good = |seconds| Ok(("Bearer t1".to_owned(), seconds));
    assert_eq!(token(json!({})), good(300));
    assert_eq!(token(json!({"expires_in": 60})), good(60));
    assert_eq!(token(json!({"expires_in": "60"})), good(60));
    assert_eq!(token(json!({"expires_in": 1e18})), good(LIFETIME_MAX.as_secs()));
    for bad in [json!(-1), json!("soon"), json!(null), json!(1e300)] {
        assert!(token(json!({"expires_in": bad})).is_err(), "{bad}");
    }
    for bad in ["", "a b", "a\r\nb", "a\u{0}"] {
        let fault = "the answer has no token".to_owned();
        assert_eq!(token(json!({"access_token": bad})), Err(fault));
    }
    assert!(token(json!({"token_type": "mac"})).unwrap_err().contains("`Bearer`"));
    assert!(told(200, json!([])).unwrap_err().contains("no"));
}

#[test]
fn faults_do_not_show_what_the_answer_holds() {
    assert_eq!(
        told(400, json!({"error": "invalid_client"})),
        Err("status 400 invalid_client".to_owned())
    );
    assert_eq!(told(400, json!({"error": "<b>secret"})), Err("status 400".to_owned()));
    assert_eq!(told(503, json!([])), Err("status 503".to_owned()));
}

proptest! {
    #[test]
    fn a_token_is_renewed_before_its_end(seconds in 4..1_000_000u64) {
        let lifetime = Duration::from_secs(seconds);
        prop_assert!(until_renewal(lifetime) < lifetime);
        prop_assert!(until_renewal(lifetime) >= RENEWAL_MIN);
    }
}
