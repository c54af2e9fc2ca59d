//! Futures in recycled memory: the state of a running exchange is too large to keep for each idle connection, and
//! too frequent to allocate for each request.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Memory for futures of one type.
pub(crate) struct Recycled<F> {
    free: RefCell<Vec<Place<F>>>,
}

type Place<F> = Pin<Box<Option<F>>>;

impl<F: Future> Recycled<F> {
    pub(crate) fn new() -> Self {
        Self { free: RefCell::new(Vec::new()) }
    }

    /// The future that `make` gives, in recycled memory: it is no part of the caller's own.
    pub(crate) fn run(self: &Rc<Self>, make: impl FnOnce() -> F) -> Lease<F> {
        let mut place = self.free.borrow_mut().pop().unwrap_or_else(|| Box::pin(None));
        place.as_mut().set(Some(make()));
        Lease { home: Rc::clone(self), place: Some(place) }
    }
}

/// A running future. Gives its memory back, also when it is dropped before its end.
pub(crate) struct Lease<F> {
    home: Rc<Recycled<F>>,
    place: Option<Place<F>>,
}

impl<F: Future> Future for Lease<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.place.as_mut().and_then(|place| place.as_mut().as_pin_mut()) {
            Some(future) => future.poll(cx),
            None => unreachable!("the future is there as long as the lease"),
        }
    }
}

impl<F> Drop for Lease<F> {
    fn drop(&mut self) {
        let Some(mut place) = self.place.take() else { return };
        place.as_mut().set(None);
        let mut free = self.home.free.borrow_mut();
        if free.len() < FREE_MAX {
            free.push(place);
        }
    }
}

/// The most unused places.
const FREE_MAX: usize = 64;
