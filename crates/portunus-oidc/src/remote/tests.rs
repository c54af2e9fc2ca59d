use super::*;

#[test]
fn a_provider_that_nobody_asks_is_not_waited_for_long() {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let source = Source {
            issuer: "https://id.example.com".to_owned(),
            insecure: false,
            timeout: Duration::from_secs(10),
            fetcher: Fetcher::default(),
        };
        let remote = Remote::new(source);
        assert!(remote.known().await.is_none());
    });
}
