use std::time::Duration;

use super::{KeyStoreSource, PostgresSource};
use crate::tests::{Process, mistakes};

const LISTENERS: &str = "listeners: {web: \"127.0.0.1:0\"}\n";

fn keys(stores: &str) -> KeyStoreSource {
    let process = Process::new();
    process.put("ca.pem", "-----BEGIN CERTIFICATE-----\n");
    process.load(&format!("{LISTENERS}stores: {{{stores}}}"), None).key_store
}

#[test]
fn keys_live_where_it_is_written() {
    assert_eq!(keys(""), KeyStoreSource::Embedded);
    assert_eq!(keys("keys: off"), KeyStoreSource::Off);
    let KeyStoreSource::Redis(plan) = keys("redis: \"unix:///r\", keys: redis") else { panic!() };
    assert_eq!((plan.url.expose(), plan.timeout), ("unix:///r", Duration::from_millis(100)));
    let postgres =
        "postgres: {url: \"postgres://u:p@h/d\", ca: ca.pem, timeout: 1s}, keys: postgres";
    let KeyStoreSource::Postgres(PostgresSource { url, ca_pem, timeout }) = keys(postgres) else {
        panic!()
    };
    assert_eq!((url.expose(), timeout), ("postgres://u:p@h/d", Duration::from_secs(1)));
    assert_eq!(ca_pem.as_deref(), Some("-----BEGIN CERTIFICATE-----\n"));
}

#[test]
fn authorities_that_are_none_are_refused() {
    let stores = "stores: {postgres: {url: \"postgres://h\", ca: gone.pem}, keys: postgres}";
    assert!(mistakes(&format!("{LISTENERS}{stores}")).contains("no file gone.pem"));
}
