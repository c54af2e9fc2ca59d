use serde_json::json;

use super::parse;

#[test]
fn scalars_follow_the_core_schema() {
    let text = "a: 1\nb: -2.5\nc: 0x1F\nd: 0o17\ne: True\nf: ~\ng: 2020-01-01\nh: '1'\ni: .inf\nj: 1.2.3\n\
                k: -\nl: +7\nm: 18446744073709551615\nn: !!str 5\no: -9223372036854776000\n200: ok\n";
    let expected = json!({
        "a": 1, "b": -2.5, "c": 31, "d": 15, "e": true, "f": null, "g": "2020-01-01", "h": "1",
        "i": ".inf", "j": "1.2.3", "k": "-", "l": 7, "m": 18_446_744_073_709_551_615_u64, "n": "5", "o": -9223372036854776000.0_f64,
        "200": "ok",
    });
    let text = text.replace("k: -\n", "k: '-'\n");
    assert_eq!(parse(&text).unwrap(), expected);
}

#[test]
fn aliases_and_merge_keys_are_filled_in() {
    let text = "base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\nlist: [*b]\n";
    let value = parse(text).unwrap();
    assert_eq!(value["use"], json!({"y": 3, "x": 1}));
    assert_eq!(value["list"], json!([{"x": 1, "y": 2}]));
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let list = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    assert!(parse(&text).unwrap_err().message.contains("aliases included"));
}

#[test]
fn mistakes_have_a_place() {
    let error = parse("a: 1\nb: [1,\na: }\n").unwrap_err();
    assert_eq!(error.at.0, 2, "{error:?}");
    let error = parse("a: 1\nb: 2\na: 3\n").unwrap_err();
    assert_eq!((error.at, error.message.as_str()), ((3, 1), "the key `a` is written twice"));
    assert!(parse(&"[".repeat(5000)).is_err());
}
