use std::fs;
use std::path::{Path, PathBuf};

use portunus_config::load;

use super::{
    NO_KEY, NO_KEY_BUT_WEIGHT, RunningEndpoint, SaveError, SavePlan, UNSURE, commit, plan,
};
use crate::history::{KeptFile, KeptFiles};

/// An endpoint whose weight an operator has set.
fn weighed(upstream: &str, name: &str, weight: u32, configured_weight: u32) -> RunningEndpoint {
    let (upstream, name) = (upstream.to_owned(), name.to_owned());
    RunningEndpoint { upstream, name, weight, configured_weight, drain: false }
}

fn planned(files: &[(&str, &str)], endpoints: &[RunningEndpoint]) -> SavePlan {
    let kept = |(path, text): &(&str, &str)| KeptFile {
        path: PathBuf::from(path),
        text: (*text).to_owned(),
    };
    let files: Vec<KeptFile> = files.iter().map(kept).collect();
    let loaded = load(&files[0].path, &KeptFiles(&files), &Default::default());
    let rendered = loaded.diagnostics.render(&loaded.sources, false);
    assert!(!loaded.diagnostics.has_errors(), "{rendered}");
    plan(endpoints, &loaded, &files, &Default::default())
}

#[test]
fn each_weight_comes_into_the_file_that_it_stands_in() {
    let main = (
        "portunus.yaml",
        "upstreams: {shop: [http://a:80, http://b:80]} # ours\ninclude: [more.yaml]\n",
    );
    let more = ("more.yaml", "upstreams:\n  orders:\n    - {url: http://c:80, weight: 3}\n");
    let changed = [weighed("shop", "http://b:80", 0, 1), weighed("orders", "http://c:80", 9, 3)];
    let plan = planned(&[main, more], &changed);
    assert_eq!(plan.left, []);
    let after = |index: usize| &*plan.files[index].after;
    assert_eq!(after(0), main.1.replace("http://b:80", "{url: http://b:80, weight: 0}"));
    assert_eq!(after(1), more.1.replace("weight: 3", "weight: 9"));
    assert_eq!((plan.weights[1].file.as_str(), plan.weights[1].line), ("more.yaml", 3));
}

#[test]
fn what_stands_in_no_list_is_left_with_the_reason() {
    let main = "upstreams: {shop: [http://a:80]}\nhosts: {\"*\": {routes: {/: \"http://z:80\"}}}\n";
    let changed = [
        weighed("http://z:80", "http://z:80", 5, 1),
        weighed("shop", "http://found:80", 5, 1),
        // A host with two addresses, only one of which has another weight.
        weighed("shop", "http://a:80", 5, 1),
        weighed("shop", "http://a:80", 1, 1),
    ];
    let plan = planned(&[("portunus.yaml", main)], &changed);
    assert!(plan.files.is_empty() && plan.weights.is_empty());
    let whys = ["stands in a route", "a provider", "have different weights"];
    assert_eq!(plan.left.len(), whys.len(), "{:?}", plan.left);
    for (left, why) in plan.left.iter().zip(whys) {
        assert!(left.why.contains(why), "{left:?}");
    }
}

#[test]
fn a_drain_has_no_key_and_a_weight_is_advised_only_where_one_can_be_written() {
    let main = "upstreams: {shop: [http://a:80]}\nhosts: {\"*\": {routes: {/: \"http://z:80\"}}}\n";
    let drained = |upstream, name| RunningEndpoint { drain: true, ..weighed(upstream, name, 1, 1) };
    let all = [
        drained("shop", "http://a:80"),
        drained("shop", "http://found:80"),
        drained("http://z:80", "http://z:80"),
    ];
    let plan = planned(&[("portunus.yaml", main)], &all);
    let whys: Vec<_> = plan.left.iter().map(|left| (left.what, left.why)).collect();
    assert_eq!(whys, [("drain", NO_KEY_BUT_WEIGHT), ("drain", NO_KEY), ("drain", NO_KEY)]);
    assert!(plan.files.is_empty());
}

#[test]
fn a_weight_that_would_change_another_upstream_too_is_left_alone_and_the_others_are_saved() {
    let main = "upstreams:\n  shop: &both\n    - http://a:80\n    - http://b:80\n  orders: *both\n  \
                mail: [http://c:80, http://d:80]\n";
    let changed = [
        weighed("mail", "http://c:80", 5, 1),
        weighed("shop", "http://b:80", 5, 1),
        weighed("mail", "http://d:80", 6, 1),
    ];
    let plan = planned(&[("portunus.yaml", main)], &changed);
    let [left] = &*plan.left else { panic!("{:?}", plan.left) };
    assert_eq!((&*left.upstream, &*left.endpoint, left.why), ("shop", "http://b:80", UNSURE));
    assert_eq!((left.file.as_deref(), left.line), (Some("portunus.yaml"), Some(4)));
    let weights = |name| format!("{{url: http://{name}:80, weight: ");
    let expected = main.replace(
        "[http://c:80, http://d:80]",
        &format!("[{}5}}, {}6}}]", weights("c"), weights("d")),
    );
    assert_eq!(plan.files[0].after, expected);
    assert_eq!(plan.weights.len(), 2);
    // The same weight in both upstreams can be written.
    let both = ["shop", "orders"].map(|upstream| weighed(upstream, "http://b:80", 5, 1));
    let plan = planned(&[("portunus.yaml", main)], &both);
    assert_eq!((plan.left.len(), plan.weights.len()), (0, 2));
    assert_eq!(plan.files[0].after.matches("weight: 5").count(), 1);
}

/// A configuration of two files, with a weight that comes into each of them.
fn two_files() -> (tempfile::TempDir, [PathBuf; 2], SavePlan) {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["portunus.yaml", "more.yaml"].map(|name| folder.path().join(name));
    fs::write(&paths[0], "upstreams: {shop: [http://a:80]}\ninclude: [more.yaml]\n").unwrap();
    fs::write(&paths[1], "upstreams: {orders: [http://b:80]}\n").unwrap();
    let changed = [weighed("shop", "http://a:80", 5, 1), weighed("orders", "http://b:80", 5, 1)];
    let plan = SavePlan::of_files(&paths[0], &Default::default(), &changed).unwrap();
    assert_eq!(plan.files.len(), 2);
    (folder, paths, plan)
}

fn is_written(path: &Path) -> bool {
    fs::read_to_string(path).unwrap().contains("weight: 5")
}

#[test]
fn no_file_is_written_unless_all_can_be_made_ready() {
    let (folder, [main, more], plan) = two_files();
    fs::write(&more, "upstreams: {orders: [http://b:80, http://c:80]}\n").unwrap();
    assert_eq!(plan.write(), Err(SaveError::Changed));
    assert!(!is_written(&main) && !is_written(&more));
    fs::remove_file(&more).unwrap();
    let Err(SaveError::NotWritten { written, left, .. }) = plan.write() else { panic!("written") };
    assert_eq!((written.len(), left), (0, vec![main.clone(), more]));
    assert!(!is_written(&main));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn what_cannot_be_put_in_its_place_is_told_apart_from_what_was() {
    let (_folder, [main, more], plan) = two_files();
    let ready = plan.prepare().unwrap();
    fs::remove_file(&more).unwrap();
    fs::create_dir(&more).unwrap();
    let error = commit(ready).unwrap_err();
    assert!(is_written(&main));
    assert_eq!(error.written(), [main]);
    assert!(matches!(&error, SaveError::NotWritten { left, .. } if *left == [more]), "{error:?}");
    assert!(error.to_string().contains("portunus.yaml is written"), "{error}");
}

#[test]
fn only_files_that_were_read_are_files_of_the_configuration() {
    let (folder, [main, more], plan) = two_files();
    let other = folder.path().join("other.yaml");
    fs::write(&other, "").unwrap();
    assert!(plan.reads(&main) && plan.reads(&more));
    assert!(!plan.reads(&other) && !plan.reads(&folder.path().join("absent.yaml")));
    let unread = SavePlan::of_files(&folder.path().join("absent.yaml"), &Default::default(), &[]);
    assert!(matches!(unread, Err(SaveError::Unread(_))));
}
