use std::pin::Pin;
use std::sync::Arc;

use portunus_filter::Background;
use tokio::sync::Semaphore;

use super::{ServicesThread, Tasks};

/// Tells when it begins and when it is dropped.
#[derive(Debug)]
struct Work {
    begun: Semaphore,
    ended: Arc<Semaphore>,
}

struct End(Arc<Semaphore>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

impl Background for Work {
    fn run(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let _end = End(Arc::clone(&self.ended));
            self.begun.add_permits(1);
            std::future::pending().await
        })
    }
}

fn work() -> Arc<Work> {
    Arc::new(Work { begun: Semaphore::new(0), ended: Arc::new(Semaphore::new(0)) })
}

#[tokio::test]
async fn work_goes_on_as_long_as_it_is_wanted_and_is_done_once() {
    let thread = ServicesThread::start().unwrap();
    let (one, two) = (work(), work());
    let (a, b): (Arc<dyn Background>, Arc<dyn Background>) = (one.clone(), two.clone());
    let mut tasks = Tasks::default();
    tasks.run([&a, &a].into_iter(), &thread.handle());
    one.begun.acquire().await.unwrap().forget();
    tasks.run([&b, &a].into_iter(), &thread.handle());
    two.begun.acquire().await.unwrap().forget();
    assert_eq!((one.begun.available_permits(), one.ended.available_permits()), (0, 0));
    tasks.run([&b].into_iter(), &thread.handle());
    one.ended.acquire().await.unwrap().forget();
    assert_eq!(two.ended.available_permits(), 0);
    drop(tasks);
    two.ended.acquire().await.unwrap().forget();
}
