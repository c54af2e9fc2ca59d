use portunus_config::load_text;

use super::{apply, weight_edit};

/// The text after the endpoint at an index of `shop` was given the weight 7.
fn edited(text: &str, index: usize) -> Result<String, &'static str> {
    let loaded = load_text("test", text, &Default::default());
    let upstream = loaded.node.find(["upstreams", "shop"]).unwrap();
    let edit = weight_edit(upstream, index, 7, |_| Some(text))?;
    let after = apply(text, vec![edit]);
    let spec = load_text("after", &after, &Default::default()).spec.expect("it is still good");
    let endpoints = &spec.upstreams.get("shop").unwrap().endpoints;
    assert_eq!(endpoints[index].weight.value, 7, "{after}");
    assert_eq!(endpoints[index].url.value, {
        let before = loaded.spec.unwrap();
        before.upstreams.get("shop").unwrap().endpoints[index].url.value.clone()
    });
    Ok(after)
}

#[test]
fn a_written_weight_is_replaced_where_it_stands() {
    let text = "# ours\nupstreams:\n  shop:\n    endpoints:\n      - url: http://10.0.0.1:80 # one\n        \
                weight: 12   # heavy\n      - {weight: \"3\", url: 'http://10.0.0.2:80'}\n";
    assert_eq!(edited(text, 0).unwrap(), text.replace("weight: 12 ", "weight: 7 "));
    assert_eq!(edited(text, 1).unwrap(), text.replace("weight: \"3\"", "weight: 7"));
}

#[test]
fn a_weight_that_was_not_written_comes_beside_the_url() {
    let text = "upstreams:\n  shop:\n    endpoints:\n    - url: http://10.0.0.1:80 # one\n      zone: a\n    \
                - {url: http://10.0.0.2:80, zone: b} # two\n";
    let block = text.replace("# one\n", "# one\n      weight: 7\n");
    assert_eq!(edited(text, 0).unwrap(), block);
    assert_eq!(edited(text, 1).unwrap(), text.replace(":80, zone: b", ":80, weight: 7, zone: b"));
    let windows = text.replace('\n', "\r\n");
    assert_eq!(edited(&windows, 0).unwrap(), block.replace('\n', "\r\n"));
    let last = "upstreams:\n  shop:\n    - url: http://10.0.0.1:80";
    assert_eq!(edited(last, 0).unwrap(), format!("{last}\n      weight: 7"));
}

#[test]
fn a_url_alone_becomes_a_map() {
    let text = "upstreams: {shop: [http://10.0.0.1:80, \"http://10.0.0.2:80\"]} # all\n";
    let first = "{shop: [{url: http://10.0.0.1:80, weight: 7}, \"http";
    assert_eq!(edited(text, 0).unwrap(), text.replace("{shop: [http://10.0.0.1:80, \"http", first));
    let second = "[http://10.0.0.1:80, {url: \"http://10.0.0.2:80\", weight: 7}]";
    assert!(edited(text, 1).unwrap().contains(second));
    let block = "upstreams:\n  shop:\n    endpoints:\n      - http://[::1]:80   # six\n";
    let after = "      - {url: \"http://[::1]:80\", weight: 7}   # six\n";
    assert!(edited(block, 0).unwrap().ends_with(after));
    let alone = "upstreams:\n  shop: http://10.0.0.1:80\n";
    assert!(edited(alone, 0).unwrap().contains("shop: [{url: http://10.0.0.1:80, weight: 7}]\n"));
    let alone = "upstreams:\n  shop: {endpoints: http://10.0.0.1:80, http: 1}\n";
    assert!(
        edited(alone, 0).unwrap().contains("endpoints: [{url: http://10.0.0.1:80, weight: 7}]")
    );
}

#[test]
fn what_is_no_number_is_left_alone() {
    let text = "upstreams: {shop: [{url: http://10.0.0.1:80, weight: \"${WEIGHT:-3}\"}]}\n";
    assert!(edited(text, 0).unwrap_err().contains("as a number"));
}
