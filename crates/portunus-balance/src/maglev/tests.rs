use super::*;
use crate::fixture::{Picker, endpoints};

fn slots_of(maglev: &Maglev, index: u32) -> usize {
    maglev.table.iter().filter(|&&slot| slot == index).count()
}

#[test]
fn the_table_is_full_and_even() {
    let tier = endpoints(&[1; 7]);
    let maglev = Maglev::build(&tier, 2_039);
    assert_eq!(maglev.table.len(), 2_039);
    for index in 0..7 {
        let slots = slots_of(&maglev, index);
        assert!((291..=292).contains(&slots), "{slots}");
    }
}

#[test]
fn slots_follow_the_weights() {
    let tier = endpoints(&[3, 1, 0]);
    let maglev = Maglev::build(&tier, 2_039);
    assert!(slots_of(&maglev, 0).abs_diff(1_529) <= 3);
    assert_eq!(slots_of(&maglev, 2), 0);
}

#[test]
fn the_keys_of_an_endpoint_that_is_out_are_spread_and_return() {
    let tier = endpoints(&[1; 5]);
    let maglev = Maglev::build(&tier, 2_039);
    let home = |key| Picker::keyed(key).pick(&maglev, &tier).unwrap();
    let keys: Vec<u64> = (0..2_039).filter(|&key| home(key) == 3).collect();
    tier[3].state.set_active_down(true);
    let mut counts = [0; 5];
    keys.iter().for_each(|&key| counts[home(key)] += 1);
    assert_eq!(counts[3], 0);
    assert!(
        counts.iter().enumerate().all(|(index, &count)| index == 3 || count > 60),
        "{counts:?}"
    );
    tier[3].state.set_active_down(false);
    assert!(keys.iter().all(|&key| home(key) == 3));
}

#[test]
fn without_weights_there_is_no_table() {
    let tier = endpoints(&[0, 0]);
    assert_eq!(Picker::keyed(1).pick(&Maglev::build(&tier, 2_039), &tier), None);
}
