//! Signed messages: no panic; what is read of a signature and written again is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portunus_credentials::signature::{Component, Message, Signed, base, check_digest, parse};
use portunus_http::{HeaderList, TargetForm};

fuzz_target!(|bytes: &[u8]| {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let target = lines.next().unwrap_or(&[]);
    let mut headers = HeaderList::default();
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or(&[]);
        headers.append(&line[..colon], value.trim_ascii());
    }
    let message = message(target, &headers);
    for signed in parse(&headers).unwrap_or_default() {
        if let Ok(text) = base(&signed.input, &message) {
            assert!(text.is_ascii() && text.ends_with(signed.input.text.as_bytes()));
        }
        again(&signed);
    }
    let _ = check_digest(&headers, bytes);
    if let Ok(component) = Component::parse(&String::from_utf8_lossy(target)) {
        let same = Component::parse(component.identifier()).unwrap();
        assert!(same.is_same(&component) && same.covers(&component));
    }
});

/// The text that is signed stands for the same signature.
fn again(signed: &Signed) {
    let mut headers = HeaderList::default();
    headers.append(b"Signature-Input", format!("again={}", signed.input.text).as_bytes());
    headers.append(b"Signature", b"again=:AA==:");
    let found = parse(&headers).unwrap();
    let [same] = found.as_slice() else { panic!("one signature") };
    assert_eq!(same.input.text, signed.input.text);
    assert_eq!(same.input.components, signed.input.components);
    assert_eq!(same.input.key_id, signed.input.key_id);
}

fn message<'a>(target: &'a [u8], headers: &'a HeaderList) -> Message<'a> {
    let mark = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
    Message {
        method: b"GET",
        scheme: "https",
        default_port: 443,
        authority: headers.value(b"host").unwrap_or(b"example.com"),
        path: &target[..mark],
        query: target.get(mark + 1..),
        form: TargetForm::Origin,
        headers,
    }
}
