use std::sync::Arc;
use std::time::Duration;

use portunus_testkit::{Folder, RedisServer, free_port, write_certificate};

use super::{Redis, RedisStorePlan};
use crate::tests::{keeps_rows, key, rows, run, told, watch};
use crate::{CredentialStore as _, RowKind};

fn plan(url: &str) -> RedisStorePlan {
    RedisStorePlan { url: url.to_owned(), timeout: Duration::from_secs(2), roots_pem: None }
}

fn store(server: &RedisServer) -> Arc<Redis> {
    Arc::new(Redis::new(&plan(&server.url())).unwrap())
}

#[test]
fn it_keeps_rows() {
    let Some(server) = RedisServer::start(&[]) else { return };
    run(async { keeps_rows(&*store(&server)).await });
}

#[test]
fn nodes_hear_of_each_other() {
    let Some(server) = RedisServer::start(&[]) else { return };
    run(async {
        let (one, two) = (store(&server), store(&server));
        let (watching, changed) = watch(&two);
        told(&changed).await;
        one.insert(key("a", "1")).await.unwrap();
        told(&changed).await;
        assert_eq!(rows(&*two).await.len(), 1);
        one.remove(RowKind::Key, "a").await.unwrap();
        told(&changed).await;
        assert_eq!(rows(&*two).await.len(), 0);
        watching.abort();
    });
}

#[test]
fn it_goes_on_when_the_server_is_back() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    run(async {
        let store = store(&server);
        let (watching, changed) = watch(&store);
        told(&changed).await;
        store.insert(key("a", "1")).await.unwrap();
        told(&changed).await;
        server.kill();
        assert!(store.list().await.is_err());
        server.run();
        // The first answer may still be that of the connection that broke.
        let again = store.insert(key("b", "1")).await;
        assert!(again.is_ok() || store.insert(key("b", "1")).await.unwrap());
        told(&changed).await;
        assert_eq!(rows(&*store).await.len(), 1, "this Redis keeps nothing");
        watching.abort();
    });
}

#[test]
fn tls_is_spoken_with_a_server_of_a_known_authority_alone() {
    let (folder, port) = (Folder::new(), free_port().to_string());
    let roots = write_certificate(&folder.path(""));
    let files = ["--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem"];
    let others =
        ["--tls-port", &port, "--tls-auth-clients", "no", "--tls-ca-cert-file", "cert.pem"];
    let arguments: Vec<&str> = files.into_iter().chain(others).collect();
    let Some(_server) = RedisServer::start_in(folder, &arguments) else { return };
    let plan = plan(&format!("rediss://127.0.0.1:{port}/"));
    let roots_pem = Some(Arc::from(roots.as_bytes()));
    run(async {
        let store = Arc::new(Redis::new(&RedisStorePlan { roots_pem, ..plan.clone() }).unwrap());
        keeps_rows(&*store).await;
        let (watching, changed) = watch(&store);
        told(&changed).await;
        watching.abort();
        let error = Redis::new(&plan).unwrap().list().await.unwrap_err().to_string();
        assert!(error.contains("certificate"), "{error}");
    });
}

#[test]
fn a_server_that_does_not_answer_is_not_waited_for() {
    let Some(server) = RedisServer::start(&[]) else { return };
    run(async {
        let store = store(&server);
        store.insert(key("a", "1")).await.unwrap();
        server.freeze();
        assert!(store.list().await.is_err());
        server.thaw();
        assert_eq!(rows(&*store).await.len(), 1);
    });
}

#[test]
fn no_password_is_shown() {
    for url in
        ["redis://user:secret@host:port/", "http://secret@x", "redis://u:secret@127.0.0.1:1/0"]
    {
        let plan = plan(url);
        assert!(!format!("{plan:?}").contains("secret"));
        let error = match Redis::new(&plan) {
            Err(error) => error.to_string(),
            Ok(store) => {
                let mut text = String::new();
                run(async { text = store.list().await.unwrap_err().to_string() });
                text
            }
        };
        assert!(!error.contains("secret"), "{error}");
    }
}
