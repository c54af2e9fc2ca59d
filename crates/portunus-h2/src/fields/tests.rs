use super::*;

#[test]
fn every_known_name_goes_out_in_lower_case() {
    for id in HeaderId::all() {
        assert_eq!(name_of(id, b"").unwrap().as_str(), id.lower_name());
    }
    assert_eq!(name_of(HeaderId::Other, b"X-Own").unwrap().as_str(), "x-own");
    assert_eq!(name_of(HeaderId::Other, b"bad name"), None);
}

#[test]
fn texts_share_memory_and_stay_apart() {
    let texts: Vec<_> = (0..2000u32).map(|n| text(n.to_string().as_bytes())).collect();
    for (n, text) in texts.iter().enumerate() {
        assert_eq!(text, n.to_string().as_bytes());
    }
    let long = vec![b'x'; 10_000];
    assert_eq!(text(&long), long);
}

#[test]
fn a_list_survives_the_way_out_and_in() {
    let mut list = HeaderList::default();
    let fields: [(&[u8], &[u8]); 4] =
        [(b"accept", b"*/*"), (b"x-own", b"\xc3\xa9"), (b"cookie", b"a=1; b=2"), (b"x-empty", b"")];
    for (name, value) in fields {
        list.append(name, value);
    }
    let mut back = HeaderList::default();
    fields_into(&map_of(&list, HeaderIds::NONE), 10, &mut back).unwrap();
    let back: Vec<_> = back.iter().map(|header| (header.name, header.value)).collect();
    assert_eq!(back, fields);
}
