use std::sync::Arc;
use std::time::Duration;

use portunus_testkit::PostgresServer;

use super::{Postgres, PostgresPlan};
use crate::CredentialStore as _;
use crate::tests::{keeps_rows, key, rows, run, told, watch};

fn plan(url: &str) -> PostgresPlan {
    PostgresPlan { url: url.to_owned(), timeout: Duration::from_secs(5), roots_pem: None }
}

fn store(server: &PostgresServer) -> Arc<Postgres> {
    Arc::new(Postgres::new(&plan(&server.url())).unwrap())
}

#[test]
fn it_keeps_rows() {
    let Some(server) = PostgresServer::start() else { return };
    run(async { keeps_rows(&*store(&server)).await });
}

#[test]
fn two_nodes_that_start_at_once_make_one_table_and_hear_of_each_other() {
    let Some(server) = PostgresServer::start() else { return };
    run(async {
        let (one, two) = (store(&server), store(&server));
        let (first, second) = tokio::join!(one.list(), two.list());
        assert_eq!((first.unwrap(), second.unwrap()), (vec![], vec![]));
        let (watching, changed) = watch(&two);
        told(&changed).await;
        one.insert(key("a", "1")).await.unwrap();
        told(&changed).await;
        assert_eq!(rows(&*two).await.len(), 1);
        one.remove(crate::RowKind::Key, "a").await.unwrap();
        told(&changed).await;
        assert_eq!(rows(&*two).await.len(), 0);
        watching.abort();
    });
}

#[test]
fn it_goes_on_when_the_server_is_back() {
    let Some(mut server) = PostgresServer::start() else { return };
    run(async {
        let store = store(&server);
        let (watching, changed) = watch(&store);
        told(&changed).await;
        store.insert(key("a", "1")).await.unwrap();
        told(&changed).await;
        server.kill();
        assert!(store.list().await.is_err());
        assert!(store.insert(key("b", "1")).await.is_err());
        server.run();
        assert_eq!(rows(&*store).await.len(), 1);
        told(&changed).await;
        watching.abort();
    });
}

#[test]
fn a_user_who_may_not_make_tables_uses_the_one_that_is_there() {
    let Some(server) = PostgresServer::start() else { return };
    run(async {
        rows(&*store(&server)).await;
        let made = "CREATE ROLE guest LOGIN; REVOKE CREATE ON SCHEMA public FROM PUBLIC;
                    GRANT SELECT, INSERT, UPDATE, DELETE ON portunus_credentials TO guest";
        server.query(made).unwrap();
        let url = server.url().replace("portunus@", "guest@");
        keeps_rows(&Postgres::new(&plan(&url)).unwrap()).await;
    });
}

#[test]
fn tls_is_spoken_with_a_server_of_a_known_authority_alone() {
    let port = portunus_testkit::free_port();
    let Some((_server, roots)) = PostgresServer::start_with_tls(port) else { return };
    let url = format!("postgres://portunus@127.0.0.1:{port}/postgres?sslmode=require");
    let trusting = |roots: Option<&str>| {
        let roots_pem = roots.map(|pem| Arc::from(pem.as_bytes()));
        Postgres::new(&PostgresPlan { roots_pem, ..plan(&url) }).unwrap()
    };
    run(async {
        keeps_rows(&trusting(Some(&roots))).await;
        let error = trusting(None).list().await.unwrap_err().to_string();
        assert!(error.contains("certificate"), "{error}");
    });
    let no_pem = PostgresPlan { roots_pem: Some(Arc::from(&b"no PEM"[..])), ..plan(&url) };
    assert!(Postgres::new(&no_pem).is_err());
}

#[test]
fn no_password_is_shown() {
    for url in [
        "postgres://user:secret@host:port/",
        "http://secret@x",
        "postgres://u:secret@127.0.0.1:1/x",
    ] {
        let plan = plan(url);
        assert!(!format!("{plan:?}").contains("secret"));
        let error = match Postgres::new(&plan) {
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

#[test]
fn tls_is_used_where_somebody_may_stand_between() {
    let mode =
        |url: &str| format!("{:?}", Postgres::new(&plan(url)).unwrap().config.get_ssl_mode());
    assert_eq!(mode("postgres://u@127.0.0.1/x"), "Disable");
    assert_eq!(mode("postgres://u@localhost/x"), "Disable");
    assert_eq!(mode("postgres://u@%2Frun%2Fpostgresql/x"), "Disable");
    assert_eq!(mode("postgres://u@db.internal/x"), "Require");
    assert_eq!(mode("postgres://u@db.internal/x?sslmode=disable"), "Disable");
}
