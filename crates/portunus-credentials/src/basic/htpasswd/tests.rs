use super::*;

#[test]
fn a_file_is_read_line_by_line() {
    let (alice, bob) = (bcrypt::hash("a", 4).unwrap(), bcrypt::hash("b", 4).unwrap());
    let text = format!("# people\n\nalice:{alice}\r\n  bob:{bob}  \n");
    let mut users = Users::default();
    assert!(users.add_file(&text).is_empty());
    assert!(users.hash("alice").unwrap().fits(b"a"));
    assert!(users.hash("bob").unwrap().fits(b"b"));
    assert!(users.hash("# people").is_none() && users.hash("Alice").is_none());
    assert_eq!(format!("{users:?}"), "Users(2)");
}

#[test]
fn mistakes_have_the_number_of_their_line() {
    let fine = bcrypt::hash("a", 4).unwrap();
    let text = format!("alice:{fine}\nbob\ncarol:$apr1$x$y\nalice:{fine}\n:{fine}\n");
    let mistakes = Users::default().add_file(&text);
    let shown: Vec<_> = mistakes.iter().map(|mistake| format!("{mistake:?}")).collect();
    let expected = ["line 2: there is no", "line 3: MD5", "line 4: the user", "line 5: ``"];
    assert_eq!(shown.len(), expected.len());
    for (shown, expected) in shown.iter().zip(expected) {
        assert!(shown.contains(expected), "{shown}");
    }
}
