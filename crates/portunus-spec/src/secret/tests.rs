use crate::*;

struct World;

impl Lookup for World {
    fn env(&self, name: &str) -> Option<String> {
        (name == "X").then(|| "from-env".to_owned())
    }

    fn file(&self, path: &str) -> Result<String, String> {
        if path == "x" { Ok("from-file\n".to_owned()) } else { Err("no such file".to_owned()) }
    }
}

#[test]
fn a_secret_comes_from_its_three_places_and_is_never_shown() {
    let forms = [
        (Node::text("in-place"), "in-place", Node::text("[hidden]")),
        (Node::map([("env", Node::text("X"))]), "from-env", Node::map([("env", Node::text("X"))])),
        (
            Node::map([("file", Node::text("x"))]),
            "from-file",
            Node::map([("file", Node::text("x"))]),
        ),
    ];
    for (node, text, normal) in forms {
        let secret = Secret::read(&node, &mut Reader::new(&World)).unwrap();
        assert_eq!(secret.expose(), text);
        assert!(secret.write().same(&normal));
        assert!(!format!("{secret:?}").contains(text));
    }
    for bad in [
        Node::map([("env", Node::text("Y"))]),
        Node::map([("path", Node::text("x"))]),
        Node::seq([]),
    ] {
        let mut reader = Reader::new(&World);
        assert!(Secret::read(&bad, &mut reader).is_none());
        assert_eq!(reader.finish().len(), 1);
    }
}

#[test]
fn rendering_masks_a_secret_on_the_same_line() {
    let mut sources = Sources::default();
    let source = sources.add("a.yaml", "{key: hush, othre: 1}");
    let node = Node::new(Span::new(source, 6, 10), Value::Text("hush".into()));
    let mut reader = Reader::new(&World);
    Secret::read(&node, &mut reader).unwrap();
    reader.error(Span::new(source, 12, 17), "unknown key `othre`");
    let rendered = reader.finish().render(&sources, false);
    assert!(rendered.contains("{key: ****, othre: 1}"), "{rendered}");
}
