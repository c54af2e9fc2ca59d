use super::{Document, Version};
use crate::fault::Faults;

fn document(text: &str) -> Document {
    Document::parse("api.yaml", text.to_owned()).unwrap()
}

#[test]
fn the_version_decides_how_schemas_are_read() {
    let version = |text: &str| document(text).version();
    assert_eq!(version("openapi: 3.0.4"), Ok(Version::V30));
    assert_eq!(version("{\"openapi\": \"3.1.1\"}"), Ok(Version::V31));
    let error = version("swagger: '2.0'").unwrap_err().remove(0);
    assert_eq!(error.to_string(), "api.yaml:1:1: a document of Swagger 2.0");
    assert!(version("a: 1").unwrap_err()[0].message.starts_with("not an OpenAPI document"));
    assert!(version("openapi: 4.0.0").unwrap_err()[0].message.contains("4.0.0"));
}

#[test]
fn references_must_lead_somewhere_in_the_document() {
    let text = "openapi: 3.0.0\na: {$ref: '#/b/c'}\nb: {c: 1}\nd: {$ref: '#/nope'}\n\
                e: {$ref: 'other.yaml#/x'}\nexample: {$ref: 'not a reference'}\nf: {$ref: 'https://x/y.json'}\n";
    let document = document(text);
    let mut faults = Faults::default();
    document.check_references(&mut faults);
    let mut lines: Vec<String> =
        document.place(&mut faults).iter().map(ToString::to_string).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "api.yaml:4:5: `#/nope` leads nowhere",
            "api.yaml:5:5: `other.yaml#/x` is another document",
            "api.yaml:7:5: `https://x/y.json` is another document",
        ]
    );
}

#[test]
fn text_that_cannot_be_read_says_where() {
    let error = Document::parse("a.json", "{\"a\": 1,, }".to_owned()).unwrap_err().remove(0);
    assert_eq!(error.at, Some((1, 9)), "{error}");
    let error = Document::parse("a.yaml", "a: b: c".to_owned()).unwrap_err().remove(0);
    assert_eq!(error.at.map(|(line, _)| line), Some(1), "{error}");
}
