use crate::tests::Process;
use crate::{Question, explain};

const DOCUMENT: &str = "openapi: 3.0.3
servers: [{url: 'https://pets.example.com/v1'}]
paths:
  /pets:
    get:
      operationId: listPets
      parameters: [{name: limit, in: query, schema: {type: integer}}]
      x-portunus: {use: [{headers: {request: {set: {X-From: document}}}}]}
    post: {requestBody: {content: {application/json: {schema: {type: object}}}}}
  /pets/{petId}:
    get: {operationId: getPet, parameters: [{name: petId, in: path, required: true, schema: {type: integer}}]}
";

fn process() -> Process {
    let process = Process::new();
    process.put("pets.yaml", DOCUMENT);
    process
}

fn config(openapi: &str, routes: &str) -> String {
    format!("hosts:\n  api.example.com:\n    openapi: {openapi}\n    routes: {routes}\n")
}

fn names(process: &Process, text: &str) -> Vec<String> {
    let compiled = process.load(text, None);
    compiled.snapshot.routes.iter().map(|route| route.name.to_string()).collect()
}

fn explained(process: &Process, text: &str, question: &str) -> String {
    let compiled = process.load(text, None);
    let question = Question::parse(&question.split(' ').map(str::to_owned).collect::<Vec<_>>());
    explain(&compiled, &question.unwrap()).to_string()
}

#[test]
fn each_operation_is_a_route_with_its_name() {
    let text = config("{file: pets.yaml, to: http://127.0.0.1:1}", "{}");
    assert_eq!(
        names(&process(), &text),
        [
            "api.example.com/v1/pets listPets",
            "api.example.com/v1/pets POST",
            "api.example.com/v1/pets/{petId} getPet",
        ]
    );
}

#[test]
fn filters_of_a_document_exist_once() {
    let process = process();
    let text = config("{file: pets.yaml, to: http://127.0.0.1:1, prefix: /api}", "{}");
    let compiled = process.load(&text, None);
    let filter = |route: usize| {
        let links = compiled.snapshot.routes[route].chain.links();
        assert_eq!(links.iter().map(|link| link.name).collect::<Vec<_>>(), ["validate"]);
        std::sync::Arc::as_ptr(&links[0].filter)
    };
    // Those that look into bodies and those that do not.
    assert!(std::ptr::addr_eq(filter(0), filter(2)) && !std::ptr::addr_eq(filter(0), filter(1)));
    let again = process.load(&text, Some(&compiled));
    assert!(std::sync::Arc::ptr_eq(&again.snapshot.routes[0], &compiled.snapshot.routes[0]));
    assert!(compiled.tls_files.contains(&"pets.yaml".to_owned()), "the document is watched");
    process.put("pets.yaml", &DOCUMENT.replace("listPets", "allPets"));
    let changed = process.load(&text, Some(&compiled));
    assert_eq!(&*changed.snapshot.routes[0].name, "api.example.com/api/pets allPets");
}

#[test]
fn operations_have_filters_of_their_own_and_explain_names_them() {
    let process = process();
    let text = config(
        "{file: pets.yaml, to: http://127.0.0.1:1, extensions: true, operations: {getPet: \
         {use: [{headers: {request: {set: {X-Pet: '{petId}'}}}}]}}}",
        "{}",
    );
    let shown = explained(&process, &text, "GET http://api.example.com/v1/pets/7");
    assert!(
        shown.contains("X-Pet: 7") && shown.contains("operation getPet (GET /pets/{petId})"),
        "{shown}"
    );
    let shown = explained(&process, &text, "GET http://api.example.com/v1/pets?limit=x");
    assert!(shown.contains("X-From") && shown.contains("validate.request"), "{shown}");
    let ignored = text.replace("extensions: true", "extensions: false");
    let shown = explained(&process, &ignored, "GET http://api.example.com/v1/pets");
    assert!(!shown.contains("X-From"), "{shown}");
}

#[test]
fn paths_that_are_written_go_before_those_of_the_document() {
    let text = config("{file: pets.yaml, to: http://127.0.0.1:1}", "{/v1/pets: {respond: mine}}");
    assert_eq!(
        names(&process(), &text),
        ["api.example.com/v1/pets", "api.example.com/v1/pets/{petId} getPet"]
    );
}

#[test]
fn a_mock_needs_no_service() {
    let text = config("{file: pets.yaml, mock: true, validate: {response: report}}", "{}");
    let compiled = process().load(&text, None);
    let links = compiled.snapshot.routes[0].chain.links();
    assert_eq!(links.iter().map(|link| link.name).collect::<Vec<_>>(), ["validate", "mock"]);
}

#[test]
fn mistakes_point_at_the_document_or_at_what_is_written_for_it() {
    let process = process();
    let mistakes = |text: &str| process.try_load(text, None).1;
    let check = |openapi: &str, expected: &str| {
        let shown = mistakes(&config(openapi, "{}"));
        assert!(shown.contains(expected), "{shown}");
    };
    check("pets.yaml", "the routes of a document lead nowhere");
    check("{file: none.yaml, mock: true}", "none.yaml");
    check("{file: pets.yaml, mock: true, prefix: v1}", "not the start of a path");
    check("{file: pets.yaml, mock: true, operations: {getPat: {}}}", "did you mean `getPet`?");
    check(
        "{file: pets.yaml, mock: true, operations: {getPet: {use: [nope]}}}",
        "no filter or chain `nope`",
    );
    check("{file: pets.yaml, mock: true, validate: {respnse: report}}", "unknown key `respnse`");
    check("{file: pets.yaml, mock: true, validate: 7}", "`7` is not");
    process.put("broken.yaml", "openapi: 3.0.0\npaths:\n  /a: {$ref: 'b.yaml'}\n");
    check("{file: broken.yaml, mock: true}", "broken.yaml:3:8: `b.yaml` is another document");
    process.put("wrong.yaml", "openapi: 3.0.0\npaths: {/a: {get: {x-portunus: {usw: []}}}}\n");
    check("{file: wrong.yaml, mock: true, extensions: true}", "has no `use`");
}

#[test]
fn a_wide_path_that_is_written_does_not_go_before_the_document() {
    let process = process();
    let warnings = |routes: &str| {
        let text = config("{file: pets.yaml, to: http://127.0.0.1:1}", routes);
        process.try_load(&text, None).1
    };
    for wide in ["/**", "/v1/**", "/{version}/**"] {
        let shown = warnings(&format!("{{'{wide}': {{respond: mine}}}}"));
        assert!(shown.contains("this route does not get `/v1/pets"), "{wide}: {shown}");
    }
    for apart in ["/v2/**", "/v1/pets/7/**", "/v1/pets"] {
        let shown = warnings(&format!("{{'{apart}': {{respond: mine}}}}"));
        assert!(!shown.contains("does not get"), "{apart}: {shown}");
    }
}
