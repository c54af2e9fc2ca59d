use super::*;

fn exchange() -> Exchange {
    let mut exchange = Exchange::default();
    exchange.request.set_method(b"PUT");
    exchange.request.set_path(b"/a/b");
    exchange.request.set_query(Some(b"x=1&y=2"));
    exchange.request.set_authority(b"Shop.Example.com:8080");
    exchange.request.headers.append(b"Cookie", b"a=1; sid = s42 ;b=2");
    exchange.request.headers.append(b"X-Tag", b"t");
    exchange.attributes.set("request_id", b"r1");
    let client = ClientCertificate { subject: "CN=robot".into(), ..Default::default() };
    exchange.tls = Some(std::rc::Rc::new(TlsFacts {
        version: "TLSv1.3",
        server_name: Some("shop.example.com".into()),
        client: Some(client),
        ..TlsFacts::default()
    }));
    exchange
}

fn rendered(text: &str) -> String {
    let mut out = Vec::new();
    Template::compile(text, &["id"]).unwrap().render(&exchange(), &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn variables_are_filled_in() {
    for (text, expected) in [
        ("plain", "plain"),
        ("{method} {uri}", "PUT /a/b?x=1&y=2"),
        ("http://{host}{path}", "http://shop.example.com/a/b"),
        ("{header.x-tag}/{cookie.sid}/{query.y}/{query}", "t/s42/2/x=1&y=2"),
        ("{request_id}{attribute.none}{id}", "r1"),
        ("{{{method}}}", "{PUT}"),
        ("{client.ip}:{client.port}", "0.0.0.0:0"),
        ("ünïcode {scheme}", "ünïcode http"),
        ("{tls.version} {tls.server_name} {tls.cipher}", "1.3 shop.example.com "),
        ("{client.cert.subject}/{client.cert.serial}", "CN=robot/"),
    ] {
        assert_eq!(rendered(text), expected, "{text}");
    }
}

#[test]
fn mistakes_are_placed() {
    let fault = Template::compile("ab{nope}", &["id"]).unwrap_err();
    assert_eq!((fault.at, fault.message.as_str()), (3, "unknown variable `nope`"));
    assert!(fault.help.unwrap().contains("id"));
    assert_eq!(Template::compile("a{method", &[]).unwrap_err().at, 1);
    assert!(Template::compile("{header.}", &[]).is_err());
    assert!(Template::compile("{}", &[]).is_err());
}

#[test]
fn values_never_break_a_header() {
    let mut exchange = exchange();
    exchange.attributes.set("user", b"a\r\nX: 1\0");
    let mut out = Vec::new();
    Template::compile("{attribute.user}", &[]).unwrap().render_value(&exchange, &mut out);
    assert_eq!(out, b"aX: 1");
}
