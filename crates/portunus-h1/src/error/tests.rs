use super::*;

#[test]
fn codes_are_distinct_and_statuses_are_errors() {
    let mut codes: Vec<_> = H1Error::ALL.iter().map(|fault| fault.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), H1Error::ALL.len());
    for fault in H1Error::ALL {
        assert_eq!(fault.reason(), format!("request.{}", fault.code()));
        assert!([400, 414, 431, 501, 505].contains(&fault.status()), "{fault}");
    }
}
