use std::sync::Arc;

use portunus_base::ListenerId;
use portunus_snapshot::{Destination, ListenerPlan};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};

use crate::tests::{Process, golden};
use crate::{Compiled, Question, difference, explain};

/// Puts a certificate for these names under `name.pem`, and its key under `name.key`.
fn put(process: &Process, name: &str, names: &[&str], years: std::ops::Range<i32>) {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.not_before = rcgen::date_time_ymd(years.start, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.end, 1, 1);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    process.put(&format!("{name}.pem"), &issuer.pem());
    process.put(&format!("{name}.key"), &issuer.key().serialize_pem());
}

fn process() -> Process {
    let process = Process::new();
    put(&process, "shop", &["shop.test", "*.shop.test"], 2020..4000);
    put(&process, "blog", &["blog.test"], 2020..4000);
    put(&process, "ca", &["ca.test"], 2020..4000);
    process
}

fn plan(compiled: &Compiled) -> &Arc<ListenerPlan> {
    compiled.snapshot.listener(ListenerId(0)).unwrap()
}

const SHOP: &str = "
listeners:
  web: {address: ':443', tls: {certificates: [{cert: shop.pem, key: shop.key}], client_auth: {ca: ca.pem, mode: optional}}}
hosts:
  shop.test: {routes: {/: http://10.0.0.1}}
  blog.test: {tls: [{cert: blog.pem, key: blog.key}], routes: {/: https://10.0.0.2}}
upstreams: {b: {endpoints: https://10.0.0.3, tls: {ca: ca.pem}}}
";

#[test]
fn an_unchanged_configuration_keeps_its_tls() {
    let process = process();
    let old = process.load(SHOP, None);
    let new = process.load(SHOP, Some(&old));
    assert!(Arc::ptr_eq(plan(&old), plan(&new)));
    assert!(plan(&new).tls.as_ref().unwrap().asks_clients());
    assert!(new.upstreams.iter().all(|source| source.kept));
    let tls: Vec<_> = new.upstreams.iter().map(|one| one.upstream.plan.tls.is_some()).collect();
    assert_eq!(tls, [true, false, true]);
    assert!(difference(Some(&old), &new).is_empty());
    let mut files = new.tls_files.clone();
    files.sort();
    assert_eq!(files, ["blog.key", "blog.pem", "ca.pem", "shop.key", "shop.pem"]);
}

#[test]
fn a_new_certificate_changes_what_belongs_into_the_store_alone() {
    let process = process();
    let old = process.load(SHOP, None);
    put(&process, "shop", &["shop.test"], 2021..4001);
    let new = process.load(SHOP, Some(&old));
    assert!(Arc::ptr_eq(plan(&old), plan(&new)));
    let (before, after) = (&old.certificates[0], &new.certificates[0]);
    assert!(Arc::ptr_eq(&before.store, &after.store));
    assert_ne!(
        before.found[0].certificate.facts().fingerprint_sha256,
        after.found[0].certificate.facts().fingerprint_sha256
    );
    // Nothing is served before control says so.
    let served = after.store.table();
    assert_eq!(
        served.certificates()[0].facts().fingerprint_sha256,
        before.found[0].certificate.facts().fingerprint_sha256
    );
    let origins: Vec<_> = after.found.iter().map(|found| found.origin.as_str()).collect();
    assert_eq!(origins, ["shop.pem", "blog.pem"]);
    assert!(difference(Some(&old), &new).is_empty());
}

#[test]
fn other_settings_make_another_tls_over_the_same_store() {
    let process = process();
    let old = process.load(SHOP, None);
    for (from, to) in
        [("mode: optional", "mode: require"), ("tls: {cert", "protocols: h1, tls: {cert")]
    {
        let new = process.load(&SHOP.replace(from, to), Some(&old));
        let (before, after) = (plan(&old).tls.as_ref().unwrap(), plan(&new).tls.as_ref().unwrap());
        assert!(!Arc::ptr_eq(before, after) && Arc::ptr_eq(before.store(), after.store()));
        assert_eq!(difference(Some(&old), &new).listeners.changed, ["web"]);
    }
    put(&process, "ca", &["ca.test"], 2020..4002);
    let new = process.load(SHOP, Some(&old));
    let change = difference(Some(&old), &new);
    assert_eq!(
        (change.listeners.changed, change.upstreams.changed),
        (vec!["web".into()], vec!["b".into()])
    );
}

#[test]
fn mistakes_are_located() {
    let process = process();
    put(&process, "old", &["old.test"], 2000..2001);
    process.put("bytes.bin", "seven.");
    let text = "
tls: {certificates: [{cert: shop.pem, key: blog.key}]}
listeners:
  a: {address: ':1', tls: {}}
  b: {address: ':2', tls: {}}
  c: {address: ':3', tls: {certificates: [{cert: none.pem, key: {env: NONE}}, {cert: shop.key, key: shop.key}, {cert: shop.pem, key: shop.pem}]}}
  d: {address: ':4', tls: {certificates: [{cert: old.pem, key: old.key}], client_auth: shop.key}}
  e: {address: ':5', tls: {certificates: [{cert: blog.pem, key: blog.key, ocsp: none.der}], ticket_keys: bytes.bin}}
hosts:
  other.test: {listeners: [e], routes: {/: http://10.0.0.1}}
upstreams:
  a: {endpoints: https://a, tls: {ca: none.pem, client: {cert: shop.pem, key: blog.key}}}
  b: {endpoints: https://b, tls: {client: {cert: shop.pem, key: blog.key}}}
";
    let (compiled, found) = process.try_load(text, None);
    assert!(compiled.is_none());
    golden!("tls_mistakes", found);
}

#[test]
fn a_host_without_a_certificate_is_told() {
    let process = process();
    let text = SHOP.replace(
        "shop.test: {routes",
        "other.test: {routes: {/: http://10.0.0.1}}\n  shop.test: {routes",
    );
    let (compiled, found) = process.try_load(&text, None);
    assert!(compiled.is_some());
    golden!("tls_host_without_certificate", found);
}

#[test]
fn explain_tells_the_certificate_and_misdirected_requests() {
    let compiled = process().load(SHOP, None);
    let ask = |words: &str| {
        let words: Vec<String> = words.split('|').map(str::to_owned).collect();
        explain(&compiled, &Question::parse(&words).unwrap()).to_string()
    };
    let all = [
        "https://shop.test/",
        "https://blog.test/",
        "https://a.shop.test/|-H|Host: shop.test",
        "https://shop.test/|-H|Host: blog.test",
        "https://nobody.test/",
        "https://10.0.0.9/|-H|Host: shop.test",
    ];
    golden!("explain_tls", all.map(ask).join("\n"));
}

#[test]
fn acme_asks_for_what_no_file_covers() {
    let text = "
acme: {email: ops@example.com, directory: https://ca.internal/dir, storage: acme}
tls: {certificates: [{cert: shop.pem, key: shop.key}]}
listeners: {web: ':80', secure: {address: ':443', tls: {}}}
hosts:
  shop.test: {routes: {/: http://10.0.0.1}}
  new.test: {routes: {/: http://10.0.0.1}}
  localhost: {routes: {/: http://10.0.0.1}}
  plain.test: {listeners: [web], routes: {/: http://10.0.0.1}}
";
    let compiled = process().load(text, None);
    let acme = compiled.acme.as_ref().unwrap();
    let names: Vec<_> = acme.plan.certificates.iter().map(ToString::to_string).collect();
    assert_eq!((names, acme.storage.as_deref()), (vec!["new.test".to_owned()], Some("acme")));
    assert_eq!(acme.plan.directories[0].url, "https://ca.internal/dir");
    assert!(plan(&compiled).http_challenges.is_some());
    assert!(process().load(SHOP, None).acme.is_none());
}

#[test]
fn on_demand_reaches_the_plans_of_listeners_that_may_lack_a_certificate() {
    let text = "
acme: {on_demand: 'http://127.0.0.1:9000/may', directory: https://ca.internal/dir}
listeners: {secure: {address: ':443', tls: {}}, trying: {address: ':8443', tls: self_signed}, web: ':80'}
hosts: {'*': {routes: {/: http://10.0.0.1}}}
";
    let process = process();
    let compiled = process.load(text, None);
    let asks = |listener: &str| {
        let id = compiled.listeners.iter().find(|one| one.name == listener).unwrap().id;
        compiled.snapshot.listener(id).unwrap().on_demand.is_some()
    };
    assert_eq!((asks("secure"), asks("trying"), asks("web")), (true, false, false));
    let question = Question::parse(&["https://new.test/".to_owned()]).unwrap();
    let told = explain(&compiled, &question).to_string();
    assert!(told.contains("asked for on demand if http://127.0.0.1:9000/may says yes"), "{told}");
    // Without it, the plan is another one.
    let without = process
        .load(&text.replace("on_demand: 'http://127.0.0.1:9000/may', ", ""), Some(&compiled));
    assert!(plan(&without).on_demand.is_none());
}

#[test]
fn what_is_passed_on_reaches_the_plans() {
    let text = "
workers: 4
listeners:
  all:
    address: ':443'
    protocols: h1
    sni: {a.test: db, '*': 10.0.0.9:443}
    tcp: {to: [10.0.0.1:22, 10.0.0.2:22], timeouts: {idle: 5s}}
  dns: {address: ':53', udp: {to: 10.0.0.5:53, sessions_max: 10}}
  raw: {address: ':54', tcp: db}
upstreams: {db: {endpoints: 10.0.0.6:5432, proxy_protocol: v2, http: 2, limits: {streams_max: 7}}}
hosts: {a.test: {listeners: all, routes: {/: http://10.0.0.1}}}
";
    let process = Process::new();
    let compiled = process.load(text, None);
    let plan = |id| compiled.snapshot.listener(ListenerId(id)).unwrap();
    let db = compiled.upstreams[0].upstream.plan.id;
    let all = plan(0);
    assert!(all.http && all.protocols.h1 && !all.protocols.h2);
    assert_eq!(all.tcp.as_ref().unwrap().idle_timeout.as_secs(), 5);
    let sni = all.sni.as_ref().unwrap();
    assert_eq!(sni.find(Some("a.test")).unwrap().destination, Destination::Upstream(db));
    assert_ne!(sni.find(None).unwrap().destination, Destination::Upstream(db));
    assert_eq!(plan(1).udp.as_ref().unwrap().sessions_max, 3);
    assert!(!plan(1).http && !plan(2).http);
    let upstream = &compiled.upstreams[0].upstream.plan;
    assert_eq!((upstream.streams_max, upstream.proxy_protocol.is_some()), (7, true));
    let again = process.load(text, Some(&compiled));
    assert!(difference(Some(&compiled), &again).is_empty());
}
