use std::sync::Arc;

use portunus_balance::{Address, Endpoint, EndpointState};
use portunus_discovery::Discovered;

use super::{TooMany, WISHES_MAX, What, WishTable, Wishes};

const UP: &str = "up";

fn address(text: &str) -> Address {
    Address::Ip(text.parse().unwrap())
}

fn endpoint(name: &str, at: &str) -> Endpoint {
    Endpoint {
        address: address(at),
        name: name.to_owned(),
        authority: String::new(),
        weight: 1,
        zone: None,
        backup: false,
        state: Arc::new(EndpointState::new(0)),
    }
}

/// A host with two addresses, and one that is written by its address.
fn three() -> Vec<Endpoint> {
    vec![
        endpoint("http://b:80", "10.0.0.1:80"),
        endpoint("http://b:80", "10.0.0.2:80"),
        endpoint("http://10.0.0.3:80", "10.0.0.3:80"),
    ]
}

fn drain(table: &mut WishTable, called: &str, wish: bool, all: &[Endpoint]) -> bool {
    let is_changed = table.set(What::Drain, UP, called, wish.then_some(0), all).unwrap();
    if is_changed {
        table.next_version();
    }
    is_changed
}

fn drained(table: &WishTable, all: &[Endpoint]) -> Vec<bool> {
    all.iter().map(|one| table.drains(UP, &one.name, &one.address)).collect()
}

#[test]
fn a_name_stands_for_the_addresses_that_it_will_have() {
    let (mut table, all) = (WishTable::default(), three());
    assert!(drain(&mut table, "b:80", true, &all));
    assert!(!drain(&mut table, "http://b:80", true, &all), "it is so");
    assert_eq!(drained(&table, &all), [true, true, false]);
    assert!(table.drains(UP, "http://b:80", &address("10.9.9.9:80")));
    assert!(!table.drains("other", "http://b:80", &address("10.0.0.1:80")));
    assert!(drain(&mut table, "10.0.0.1:80", false, &all));
    assert_eq!(drained(&table, &all), [false, true, false], "but for one of them");
    assert!(drain(&mut table, "b:80", true, &all));
    assert_eq!(drained(&table, &all), [true, true, false], "the newest word counts");
    assert!(drain(&mut table, "b:80", false, &all));
    assert_eq!(drained(&table, &all), [false; 3]);
    assert!(table.wishes.is_empty(), "an exception ends with what it is one of: {table:?}");
}

#[test]
fn however_it_is_called_it_is_taken_back() {
    let all = three();
    for (wish, back) in [
        ("10.0.0.3:80", "http://10.0.0.3:80"),
        ("http://10.0.0.3:80", "10.0.0.3:80"),
        ("10.0.0.1:80", "b:80"),
    ] {
        let mut table = WishTable::default();
        assert!(drain(&mut table, wish, true, &all) && drain(&mut table, back, false, &all));
        assert!(table.wishes.is_empty(), "{wish} {back}: {table:?}");
        assert!(!drain(&mut table, back, false, &all));
    }
}

#[test]
fn two_names_of_one_address_have_wishes_of_their_own_or_one() {
    let all = vec![
        endpoint("http://127.0.0.1:80", "127.0.0.1:80"),
        endpoint("http://localhost:80", "127.0.0.1:80"),
    ];
    let mut table = WishTable::default();
    assert!(drain(&mut table, "http://localhost:80", true, &all));
    assert_eq!(drained(&table, &all), [false, true]);
    assert!(drain(&mut table, "127.0.0.1:80", true, &all));
    assert_eq!(drained(&table, &all), [true, true]);
    assert!(drain(&mut table, "localhost:80", false, &all));
    assert_eq!(drained(&table, &all), [true, false]);
    for (called, weight) in [("http://localhost:80", 5), ("http://127.0.0.1:80", 7)] {
        assert_eq!(table.set(What::Weight, UP, called, Some(weight), &all), Ok(true));
    }
    let weight = |one: &Endpoint| table.weight(UP, &one.name, &one.address);
    assert_eq!(all.iter().map(weight).collect::<Vec<_>>(), [Some(7), Some(5)]);
}

#[test]
fn what_is_not_there_is_listed_until_it_is_taken_back() {
    let (mut table, all) = (WishTable::default(), three());
    drain(&mut table, "b:80", true, &all);
    drain(&mut table, "10.0.0.3:80", true, &all);
    let absent = |table: &WishTable, there: &[Endpoint]| {
        let names = table.absent(|_| Some(there)).into_keys();
        names.map(|(_, endpoint)| endpoint).collect::<Vec<_>>()
    };
    assert_eq!(absent(&table, &all), Vec::<String>::new());
    assert_eq!(absent(&table, &all[..2]), ["10.0.0.3:80"]);
    assert_eq!(absent(&table, &[]), ["10.0.0.3:80", "http://b:80"]);
    assert!(table.knows(UP, Some("b:80")) && !table.knows(UP, Some("c:80")));
    assert!(drain(&mut table, "b:80", false, &[]));
    assert_eq!(absent(&table, &[]), ["10.0.0.3:80"]);
    assert!(!table.reset(Some("other")) && table.reset(Some(UP)) && !table.reset(None));
}

#[test]
fn a_weight_that_is_found_is_no_change_any_more_and_that_is_one() {
    let (wishes, all) = (Wishes::default(), three());
    let mut table = WishTable::default();
    assert_eq!(table.set(What::Weight, UP, "b:80", Some(4), &all), Ok(true));
    drain(&mut table, "b:80", true, &all);
    wishes.store(table);
    let found = |weights: [u32; 2]| -> Vec<Discovered> {
        let one = |(one, weight): (&Endpoint, u32)| Discovered {
            address: one.address.clone(),
            name: one.name.clone(),
            authority: String::new(),
            weight,
            zone: None,
            backup: false,
        };
        all.iter().zip(weights).map(one).collect()
    };
    let weight = || wishes.load().weight(UP, "http://b:80", &address("10.0.0.1:80"));
    for (found, of) in [(found([4, 1]), UP), (found([4, 4]), "other"), (Vec::new(), UP)] {
        wishes.settle(of, &found);
        assert_eq!((weight(), wishes.load().version()), (Some(4), 1));
    }
    wishes.settle(UP, &found([4, 4]));
    assert_eq!((weight(), wishes.load().version()), (None, 2));
    assert!(wishes.load().drains(UP, "http://b:80", &address("10.0.0.1:80")));
}

#[test]
fn they_are_bounded() {
    let mut table = WishTable::default();
    for number in 0..WISHES_MAX {
        let all = [endpoint(&format!("http://{number}:80"), "10.0.0.1:80")];
        let place = super::Place {
            upstream: UP.to_owned(),
            called: super::Called::Name(all[0].name.clone()),
            what: What::Drain,
        };
        table.wishes.insert(place, super::Said { wish: Some(0), at: 1 });
    }
    let all = three();
    assert_eq!(table.set(What::Drain, UP, "b:80", Some(0), &all), Err(TooMany));
    assert_eq!(table.wishes.len(), WISHES_MAX);
    assert_eq!(table.set(What::Drain, UP, "7:80", None, &[]), Ok(true));
    assert_eq!(table.set(What::Drain, UP, "b:80", Some(0), &all), Ok(true));
}
