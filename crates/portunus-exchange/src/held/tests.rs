use std::rc::Rc;

use crate::Exchange;

#[test]
fn what_is_held_is_given_back_when_the_exchange_is_over() {
    let permit = Rc::new(());
    let mut exchange = Exchange::default();
    exchange.held.keep(Rc::clone(&permit));
    assert_eq!(Rc::strong_count(&permit), 2);
    exchange.clear();
    assert_eq!(Rc::strong_count(&permit), 1);
    exchange.held.keep(Rc::clone(&permit));
    drop(exchange);
    assert_eq!(Rc::strong_count(&permit), 1);
}
