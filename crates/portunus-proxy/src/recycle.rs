//! Futures in recycled memory: the state of a running exchange is too large to keep for each idle connection, and
//! too frequent to allocate for each request.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;

/// Memory for futures of one type.
pub(crate) struct Recycled<F> {
    free: RefCell<Vec<Pin<Box<Option<F>>>>>,
}

impl<F: Future> Recycled<F> {
    pub(crate) fn new() -> Self {
        Self { free: RefCell::new(Vec::new()) }
    }

    /// Runs the future that `make` gives to its end, in recycled memory: it is no part of the caller's own.
    pub(crate) async fn run(&self, make: impl FnOnce() -> F) -> F::Output {
        let mut lease = self.lease(make);
        std::future::poll_fn(|cx| match lease.future() {
            Some(future) => future.poll(cx),
            None => unreachable!("the future was just put there"),
        })
        .await
    }

    fn lease(&self, make: impl FnOnce() -> F) -> Lease<'_, F> {
        let mut place = self.place();
        place.as_mut().set(Some(make()));
        Lease { home: self, place: Some(place) }
    }

    fn place(&self) -> Pin<Box<Option<F>>> {
        self.free.borrow_mut().pop().unwrap_or_else(|| Box::pin(None))
    }
}

/// Gives the memory back even when the future is dropped before its end.
struct Lease<'a, F> {
    home: &'a Recycled<F>,
    place: Option<Pin<Box<Option<F>>>>,
}

impl<F> Lease<'_, F> {
    fn future(&mut self) -> Option<Pin<&mut F>> {
        self.place.as_mut()?.as_mut().as_pin_mut()
    }
}

impl<F> Drop for Lease<'_, F> {
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
