use proptest::prelude::*;

use super::*;

fn shown(list: &HeaderList) -> String {
    let lines = list.iter().map(|h| {
        format!("{}={}", String::from_utf8_lossy(h.name), String::from_utf8_lossy(h.value))
    });
    lines.collect::<Vec<_>>().join(" ")
}

#[test]
fn edits_keep_order_and_case() {
    let mut list = HeaderList::default();
    list.append(b"HoSt", b"a");
    list.append(b"X-One", b"1");
    list.append(b"Cookie", b"c");
    list.append(b"x-one", b"2");
    assert_eq!(list.value(b"X-ONE"), Some(&b"1"[..]));
    assert_eq!(list.values(b"x-one").count(), 2);
    list.set(b"x-ONE", b"3");
    assert_eq!(shown(&list), "HoSt=a X-One=3 Cookie=c");
    list.set(b"New", b"n");
    list.set_id(HeaderId::Host, b"b");
    assert_eq!(list.remove(b"cookie"), 1);
    assert_eq!(list.remove(b"cookie"), 0);
    assert_eq!(shown(&list), "HoSt=b X-One=3 New=n");
    list.retain(|h| h.id != HeaderId::Host);
    assert_eq!(list.remove_id(HeaderId::Other), 2);
    assert!(list.is_empty());
}

#[test]
fn texts_in_lower_case_are_copied_only_when_they_change() {
    let mut list = HeaderList::default();
    list.append(b"Host", b"Shop.Example");
    let host = list.text_of(HeaderId::Host).unwrap();
    let lower = list.lower(host);
    assert_eq!((list.text(host), list.text(lower)), (&b"Shop.Example"[..], &b"shop.example"[..]));
    assert_eq!(list.lower(lower), lower);
    assert_eq!(list.text(lower.prefix(4)), b"shop");
    assert_eq!(lower.prefix(99), lower);
    assert_eq!(list.text_of(HeaderId::Cookie), None);
}

#[test]
fn a_cleared_list_gives_big_memory_back() {
    let mut list = HeaderList::default();
    list.append(b"a", &vec![b'x'; 1 << 20]);
    list.clear();
    assert!(list.arena.capacity() <= 2 * ARENA_KEPT_MAX);
    assert_eq!(list.value(b"a"), None);
}

#[derive(Clone, Debug)]
enum Edit {
    Append(u8, u8),
    Set(u8, u8),
    Remove(u8),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (0u8..5, any::<u8>()).prop_map(|(n, v)| Edit::Append(n, v)),
        (0u8..5, any::<u8>()).prop_map(|(n, v)| Edit::Set(n, v)),
        (0u8..5).prop_map(Edit::Remove),
    ]
}

const TEST_NAMES: [&str; 5] = ["Host", "Cookie", "X-A", "x-b", "Via"];

proptest! {
    /// Any run of edits does what the same run does to a plain list of pairs.
    #[test]
    fn edits_follow_the_model(edits in prop::collection::vec(edit(), 0..40)) {
        let mut list = HeaderList::default();
        let mut model: Vec<(String, u8)> = Vec::new();
        for edit in edits {
            match edit {
                Edit::Append(name, value) => {
                    list.append(TEST_NAMES[name as usize].as_bytes(), &[value]);
                    model.push((TEST_NAMES[name as usize].to_owned(), value));
                }
                Edit::Set(name, value) => {
                    let name = TEST_NAMES[name as usize];
                    list.set(name.to_ascii_lowercase().as_bytes(), &[value]);
                    match model.iter().position(|(n, _)| n == name) {
                        Some(first) => {
                            model[first].1 = value;
                            let mut at = 0;
                            model.retain(|(n, _)| { at += 1; at - 1 <= first || n != name });
                        }
                        None => model.push((name.to_ascii_lowercase(), value)),
                    }
                    for (n, _) in &mut model { if n.eq_ignore_ascii_case(name) { *n = name.to_owned(); } }
                }
                Edit::Remove(name) => {
                    list.remove(TEST_NAMES[name as usize].as_bytes());
                    model.retain(|(n, _)| n != TEST_NAMES[name as usize]);
                }
            }
            let mut lines = Vec::new();
            list.write_lines(HeaderIds::of(&[HeaderId::Via]), &mut lines);
            let expected: Vec<u8> = list.iter().filter(|h| h.id != HeaderId::Via)
                .flat_map(|h| [h.name, b": ", h.value, b"\r\n"].concat()).collect();
            prop_assert_eq!(lines, expected);
            let got: Vec<_> = list.iter().map(|h| (String::from_utf8_lossy(h.name).to_ascii_lowercase(), h.value[0])).collect();
            let want: Vec<_> = model.iter().map(|(n, v)| (n.to_ascii_lowercase(), *v)).collect();
            prop_assert_eq!(got, want);
        }
    }
}

#[test]
fn heads_as_they_arrive_are_written_line_by_line_whatever_their_spacing() {
    let raw = b"Host: a\r\nX-A:1\r\nVia: v\r\nX-b:  2\r\nCookie: c\r\n";
    let mut list = HeaderList::default();
    let base = list.store(raw);
    assert_eq!(base, Text::new(0, raw.len()));
    for (name, value) in [("Host", "a"), ("X-A", "1"), ("Via", "v"), ("X-b", "2"), ("Cookie", "c")]
    {
        let at = |text: &str, from: usize| {
            let found = raw[from..].windows(text.len()).position(|w| w == text.as_bytes());
            from + found.unwrap()
        };
        let start = at(name, 0);
        let value_start = at(value, start + name.len());
        let id = HeaderId::of(name.as_bytes());
        list.push_stored(id, Text::new(start, name.len()), Text::new(value_start, value.len()));
    }
    let mut out = Vec::new();
    list.write_lines(HeaderIds::of(&[HeaderId::Via]), &mut out);
    assert_eq!(out, b"Host: a\r\nX-A: 1\r\nX-b: 2\r\nCookie: c\r\n");
}
