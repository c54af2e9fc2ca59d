use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portunus_http::HeaderList;
use proptest::prelude::*;
use sfv::{Dictionary, ListEntry, Parser};

use super::*;

pub(crate) mod vectors;

use vectors::*;

fn headers(lines: &[(&str, &str)]) -> HeaderList {
    let mut list = HeaderList::default();
    lines.iter().for_each(|(name, value)| list.append(name.as_bytes(), value.as_bytes()));
    list
}

/// `https://example.com:443/foo?param=Value&Pet=dog`, as POST.
fn message(headers: &HeaderList) -> Message<'_> {
    Message {
        method: b"POST",
        scheme: "https",
        default_port: 443,
        authority: b"example.com",
        path: b"/foo",
        query: Some(b"param=Value&Pet=dog"),
        form: TargetForm::Origin,
        headers,
    }
}

fn key(text: &str) -> VerifyingKey {
    match text.starts_with("-----") {
        true => VerifyingKey::of_pem(text).unwrap(),
        false => VerifyingKey::of_secret(&STANDARD.decode(text).unwrap()).unwrap(),
    }
}

fn signed(vector: &Vector) -> (HeaderList, Signed) {
    let (label, _) = vector.input.split_once('=').unwrap();
    let mut list = headers(HEADERS);
    list.append(b"Signature-Input", vector.input.as_bytes());
    list.append(b"Signature", format!("{label}=:{}:", vector.signature).as_bytes());
    let mut found = parse(&list).unwrap();
    assert_eq!((found.len(), &*found[0].label), (1, label));
    (list, found.remove(0))
}

#[test]
fn the_signatures_of_the_standard_hold() {
    for vector in VECTORS {
        let (list, signed) = signed(vector);
        let message = Message { authority: vector.host.as_bytes(), ..message(&list) };
        let base = base(&signed.input, &message).unwrap();
        let key = key(vector.key);
        assert!(key.verify(key.algorithms()[0], &base, &signed.signature), "{}", vector.input);
    }
    let signature = STANDARD.decode(ANSWER_SIGNATURE).unwrap();
    let verify =
        |text: &str| key(P256).verify(Algorithm::EcdsaP256Sha256, text.as_bytes(), &signature);
    assert!(verify(ANSWER_BASE));
    assert!(!verify(&ANSWER_BASE.replace("200", "201")));
}

#[test]
fn what_is_changed_does_not_fit_any_more() {
    let vector = &VECTORS[2];
    let (list, signed) = signed(vector);
    let fits = |message: &Message<'_>, input: &SignatureInput| {
        let base = base(input, message).unwrap();
        key(vector.key).verify(Algorithm::RsaPssSha512, &base, &signed.signature)
    };
    assert!(fits(&message(&list), &signed.input));
    for changed in [
        Message { method: b"PUT", ..message(&list) },
        Message { authority: b"example.org", ..message(&list) },
        Message { path: b"/fo", ..message(&list) },
        Message { query: Some(b"param=Value&Pet=cat"), ..message(&list) },
        Message { query: None, ..message(&list) },
    ] {
        assert!(!fits(&changed, &signed.input), "{changed:?}");
    }
    let mut tampered = list.clone();
    tampered.set(b"date", b"Tue, 20 Apr 2021 02:07:56 GMT");
    assert!(!fits(&message(&tampered), &signed.input));
    tampered.set(b"date", b"Tue, 20 Apr 2021 02:07:55 GMT");
    assert!(fits(&message(&tampered), &signed.input));
    tampered.append(b"DATE", b"Tue, 20 Apr 2021 02:07:55 GMT");
    assert!(!fits(&message(&tampered), &signed.input), "a second line");

    let reordered = vector.input.replace(r#""date" "@method""#, r#""@method" "date""#);
    let later = vector.input.replace("1618884473", "1618884474");
    let fewer = vector.input.replace(r#""date" "#, "");
    for input in [reordered, later, fewer] {
        let input = input_of(input.split_once('=').unwrap().1).unwrap();
        assert!(!fits(&message(&list), &input), "{input:?}");
    }
}

fn input_of(text: &str) -> Result<SignatureInput, SignatureFault> {
    let dictionary: Dictionary = Parser::new(&format!("sig={text}")).parse().unwrap();
    let ListEntry::InnerList(list) = &dictionary["sig"] else { panic!("{text}") };
    SignatureInput::of(list)
}

/// The value of one component, or what is wrong.
fn value(component: &str, message: &Message<'_>) -> Result<String, SignatureFault> {
    let mut out = Vec::new();
    Component::parse(component)?.write(message, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn derived_components_are_those_of_the_standard() {
    let none = HeaderList::default();
    let www = Message {
        authority: b"www.EXAMPLE.com:443",
        path: b"/path",
        query: Some(b"param=value"),
        ..message(&none)
    };
    let no_query = Message { query: None, ..www };
    let proxied = Message { form: TargetForm::Absolute, ..www };
    let connect = Message {
        form: TargetForm::Authority,
        authority: b"www.example.com:80",
        path: b"",
        query: None,
        ..www
    };
    let asterisk = Message { form: TargetForm::Asterisk, path: b"*", query: None, ..www };
    for (component, message, expected) in [
        ("@method", &www, "POST"),
        ("@target-uri", &www, "https://www.example.com/path?param=value"),
        ("@authority", &www, "www.example.com"),
        ("@authority", &connect, "www.example.com:80"),
        ("@scheme", &www, "https"),
        ("@request-target", &www, "/path?param=value"),
        ("@request-target", &no_query, "/path"),
        ("@request-target", &proxied, "https://www.example.com/path?param=value"),
        ("@request-target", &connect, "www.example.com:80"),
        ("@request-target", &asterisk, "*"),
        ("@path", &www, "/path"),
        ("@path", &connect, "/"),
        ("@query", &www, "?param=value"),
        ("@query", &no_query, "?"),
    ] {
        assert_eq!(value(component, message).as_deref(), Ok(expected), "{component}");
    }
}

#[test]
fn parameters_of_the_query_are_encoded_in_one_way() {
    let none = HeaderList::default();
    let query = b"var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace\
        &fa%C3%A7ade%22%3A%20=something&qux=&twice=1&twice=2&bad=%ff";
    let message = Message { query: Some(query), ..message(&none) };
    for (name, expected) in [
        ("var", Ok("this%20is%20a%20big%0Amultiline%20value")),
        ("bar", Ok("with%20plus%20whitespace")),
        ("fa%C3%A7ade%22%3A%20", Ok("something")),
        ("qux", Ok("")),
        ("bad", Ok("%EF%BF%BD")),
        ("twice", Err(SignatureFault::AbsentComponent)),
        ("Qux", Err(SignatureFault::AbsentComponent)),
    ] {
        let found = value(&format!("\"@query-param\";name=\"{name}\""), &message);
        assert_eq!(found.as_deref(), expected.as_ref().map(|text| *text), "{name}");
    }
}

#[test]
fn headers_are_those_of_the_standard() {
    let list = headers(&[
        ("Host", "www.example.com"),
        ("X-OWS-Header", " Leading and trailing whitespace. "),
        ("Cache-Control", "max-age=60"),
        ("Cache-Control", "   must-revalidate"),
        ("Priority", "  a=1,    b=2;x=1;y=2,   c=(a   b   c)"),
        ("Example-Header", "value, with, lots"),
        ("Example-Header", "of, commas"),
        ("Cookie", "a=b"),
        ("Cookie", "c=d"),
        ("Empty", ""),
        ("Client-Cert", ":AAE=: "),
        ("Proxy-Status", "a;error=x ,b"),
    ]);
    for (component, expected) in [
        ("host", Ok("www.example.com")),
        ("x-ows-header", Ok("Leading and trailing whitespace.")),
        ("cache-control", Ok("max-age=60, must-revalidate")),
        ("cookie", Ok("a=b; c=d")),
        ("empty", Ok("")),
        ("priority", Ok("a=1,    b=2;x=1;y=2,   c=(a   b   c)")),
        (r#""priority";sf"#, Ok("a=1, b=2;x=1;y=2, c=(a b c)")),
        (r#""priority";key="a""#, Ok("1")),
        (r#""priority";key="b""#, Ok("2;x=1;y=2")),
        (r#""priority";key="c""#, Ok("(a b c)")),
        (r#""priority";sf;key="c""#, Ok("(a b c)")),
        (r#""priority";key="d""#, Err(SignatureFault::AbsentComponent)),
        (r#""client-cert";sf"#, Ok(":AAE=:")),
        (r#""proxy-status";sf"#, Ok("a;error=x, b")),
        (r#""example-header";bs"#, Ok(":dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:")),
        ("nope", Err(SignatureFault::AbsentComponent)),
    ] {
        let found = value(component, &message(&list));
        assert_eq!(found.as_deref(), expected.as_ref().map(|text| *text), "{component}");
    }
}

#[test]
fn unknown_components_are_refused() {
    for text in [
        "@status",
        "@signature-params",
        "@query-param",
        "@unknown",
        "Content-Type",
        "a b",
        r#""date";sf"#,
        r#""date";req"#,
        r#""date";tr"#,
        r#""date";other=1"#,
        r#""date";name="x""#,
        r#""@method";sf"#,
        r#""@method";name="x""#,
        r#""@query-param";sf"#,
        r#""priority";bs;sf"#,
        r#""priority";bs;key="a""#,
        r#""priority";sf=?0"#,
    ] {
        assert_eq!(Component::parse(text), Err(SignatureFault::UnknownComponent), "{text}");
    }
    for text in ["\"date\";key=a", "\"\u{e4}\"", "\"date\" x"] {
        assert_eq!(Component::parse(text), Err(SignatureFault::Malformed), "{text}");
    }
}

#[test]
fn signatures_come_in_pairs() {
    let many = |count: usize, value: &str| {
        let members = (0..count).map(|at| format!("s{at}={value}"));
        members.collect::<Vec<_>>().join(", ")
    };
    let long = format!("s=();nonce=\"{}\"", "n".repeat(16 * 1024));
    let covered = (0..65).map(|at| format!("\"h{at}\"")).collect::<Vec<_>>().join(" ");
    for (input, signature, expected) in [
        ("a=()", "a=:AA==:", Ok(1)),
        ("a=(), b=(\"date\")", "b=:AA==:, a=:AQ==:", Ok(2)),
        ("", "", Ok(0)),
        ("a=()", "b=:AA==:", Err(SignatureFault::Unpaired)),
        ("a=()", "", Err(SignatureFault::Unpaired)),
        ("a=(), a=()", "a=:AA==:", Err(SignatureFault::DuplicateLabel)),
        ("a=()", "a=:AA==:, a=:AQ==:", Err(SignatureFault::DuplicateLabel)),
        ("a=\"date\"", "a=:AA==:", Err(SignatureFault::Malformed)),
        ("a=()", "a=AA", Err(SignatureFault::Malformed)),
        ("a=()", "a=(:AA==:)", Err(SignatureFault::Malformed)),
        ("a=();created=\"1\"", "a=:AA==:", Err(SignatureFault::Malformed)),
        ("a=();keyid=1", "a=:AA==:", Err(SignatureFault::Malformed)),
        ("a=(date)", "a=:AA==:", Err(SignatureFault::Malformed)),
        ("a=(", "a=:AA==:", Err(SignatureFault::Malformed)),
        ("a=(\"date\" \"date\")", "a=:AA==:", Err(SignatureFault::DuplicateComponent)),
        ("a=(\"date\" \"date\";bs)", "a=:AA==:", Ok(1)),
        (
            "a=(\"priority\";sf;key=\"u\" \"priority\";key=\"u\";sf)",
            "a=:AA==:",
            Err(SignatureFault::DuplicateComponent),
        ),
        (&many(8, "()"), &many(8, ":AA==:"), Ok(8)),
        (&many(9, "()"), &many(9, ":AA==:"), Err(SignatureFault::TooMany)),
        (&format!("a=({covered})"), "a=:AA==:", Err(SignatureFault::TooMany)),
        (&long, "s=:AA==:", Err(SignatureFault::TooMany)),
    ] {
        let mut list = HeaderList::default();
        list.append(b"Signature-Input", input.as_bytes());
        list.append(b"Signature", signature.as_bytes());
        assert_eq!(parse(&list).map(|found| found.len()), expected, "{input:.60} {signature:.60}");
    }
    let lines = headers(&[
        ("signature-input", "a=()"),
        ("signature-input", "b=()"),
        ("signature", "b=:AA==:"),
        ("signature", "a=:AQ==:"),
    ]);
    let found = parse(&lines).unwrap();
    let labels: Vec<_> = found.iter().map(|it| (&*it.label, &*it.signature)).collect();
    assert_eq!(labels, [("a", &[1][..]), ("b", &[0][..])]);
}

#[test]
fn values_beyond_ascii_cannot_be_signed() {
    let list = headers(&[("X-Name", "J\u{fc}rgen")]);
    let input = input_of("(\"x-name\")").unwrap();
    assert_eq!(base(&input, &message(&list)), Err(SignatureFault::NotAscii));
    let input = input_of("(\"x-name\";bs)").unwrap();
    assert!(base(&input, &message(&list)).is_ok());
}

#[test]
fn a_key_takes_no_algorithm_of_another_kind() {
    let text = b"text";
    let keys = [RSA, RSA_PSS, P256, ED25519, SECRET].map(key);
    for key in &keys {
        for algorithm in Algorithm::ALL {
            assert!(!key.verify(algorithm, text, &[]));
            assert!(!key.verify(algorithm, text, &[0; 64]));
        }
    }
    // An RSA key in PEM as the secret of an HMAC: what confused verifiers take.
    let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, RSA_PSS.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&secret, text);
    assert!(!keys[1].verify(Algorithm::HmacSha256, text, tag.as_ref()));
}

#[test]
fn bad_keys_are_told() {
    assert!(VerifyingKey::of_secret(b"").is_err());
    assert!(VerifyingKey::of_secret(&[7; 15]).is_err());
    assert!(VerifyingKey::of_secret(&[7; 16]).is_ok());
    for (pem, expected) in [
        ("", "no public key"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "cannot be read"),
        ("-----BEGIN PUBLIC KEY-----\n*\n-----END PUBLIC KEY-----", "no public key"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "no public key"),
        // RSA of 1024 bits.
        (
            "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDCFENGw33yGihy92pDjZQhl0C3
6rPJj+CvfSC8+q28hxA161QFNUd13wuCTUcq0Qd2qsBe/2hFyc2DCJJg0h1L78+6
Z4UMR7EOcpfdUE9Hf3m/hs+FUR45uBJeDK1HSFHD8bHKD6kv8FPGfJTotc+2xjJw
oYi+1hqp1fIekaxsyQIDAQAB
-----END PUBLIC KEY-----",
            "2048",
        ),
    ] {
        let fault = VerifyingKey::of_pem(pem).unwrap_err();
        assert!(fault.message.contains(expected), "{pem}: {fault:?}");
    }
    assert_eq!(format!("{:?}", key(SECRET)), "Secret(..)");
    assert_eq!(format!("{:?}", key(RSA)), "Public(Rsa)");
}

#[test]
fn the_digest_is_that_of_the_body() {
    let digest = HEADERS[2].1;
    let sha256 = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    for (lines, body, expected) in [
        (vec![digest], BODY, Ok(())),
        (vec![sha256], BODY, Ok(())),
        (vec![sha256, digest], BODY, Ok(())),
        (vec!["md5=:AAAA:", sha256], BODY, Ok(())),
        (vec![digest], b"{\"hello\": \"world\"} ".as_slice(), Err(SignatureFault::DigestMismatch)),
        (vec![sha256, "sha-512=:AAAA:"], BODY, Err(SignatureFault::DigestMismatch)),
        (vec![sha256], b"", Err(SignatureFault::DigestMismatch)),
        (vec!["md5=:AAAA:"], BODY, Err(SignatureFault::UnknownDigest)),
        (
            vec!["sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="],
            BODY,
            Err(SignatureFault::UnknownDigest),
        ),
        (vec!["sha-256"], BODY, Err(SignatureFault::UnknownDigest)),
        (vec!["=="], BODY, Err(SignatureFault::UnknownDigest)),
        (vec![], BODY, Err(SignatureFault::UnknownDigest)),
    ] {
        let lines: Vec<_> = lines.into_iter().map(|value| ("Content-Digest", value)).collect();
        assert_eq!(check_digest(&headers(&lines), body), expected, "{lines:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(
        input in ".{0,80}",
        signature in "[a-c]=:[A-Za-z0-9+/]{0,12}=?=?:",
        value: Vec<u8>,
    ) {
        let mut list = HeaderList::default();
        list.append(b"Signature-Input", input.as_bytes());
        list.append(b"Signature", signature.as_bytes());
        list.append(b"Priority", &value);
        for signed in parse(&list).unwrap_or_default() {
            let _ = base(&signed.input, &message(&list));
        }
        let _ = value_of_each_form(&list);
        let _ = check_digest(&list, &value);
    }

    #[test]
    fn what_is_covered_is_written_as_it_was_sent(
        names in prop::collection::hash_set("[a-z]{1,8}(-[a-z]{1,8})?", 0..6),
        created in 0..2_000_000_000i64,
        nonce in "[ -~]{0,20}",
    ) {
        let items: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
        let nonce = nonce.replace(['"', '\\'], "");
        let text = format!("({});created={created};nonce=\"{nonce}\"", items.join(" "));
        let input = input_of(&text).unwrap();
        prop_assert_eq!(&*input.text, text);
        prop_assert_eq!(input.created, Some(created));
        prop_assert_eq!(input.nonce.as_deref(), Some(nonce.as_str()));
    }
}

fn value_of_each_form(list: &HeaderList) -> Vec<Result<String, SignatureFault>> {
    let forms = ["priority", "\"priority\";sf", "\"priority\";bs", "\"priority\";key=\"a\""];
    let write = |form: &&str| {
        let mut out = Vec::new();
        Component::parse(form)?.write(&message(list), &mut out)?;
        Ok(String::from_utf8_lossy(&out).into_owned())
    };
    forms.iter().map(write).collect()
}
