use super::*;

/// The tree as text, with brackets around each operation.
fn tree(text: &str) -> String {
    shape(&parse(text).unwrap_or_else(|error| panic!("{text}: {error}")))
}

fn shape(ast: &Ast) -> String {
    let list = |parts: &[Ast], by: &str| parts.iter().map(shape).collect::<Vec<_>>().join(by);
    match &ast.what {
        Written::Literal(Value::Int(number)) => number.to_string(),
        Written::Literal(other) => format!("{other:?}"),
        Written::Name(name) => name.to_string(),
        Written::Select(base, name) => format!("{}.{name}", shape(base)),
        Written::Index(parts) => format!("{}[{}]", shape(&parts[0]), shape(&parts[1])),
        Written::Call(call) => {
            let target = call.target.as_ref().map_or(String::new(), |it| shape(it) + ".");
            format!("{target}{}({})", call.name, list(&call.args, ", "))
        }
        Written::Not(inner) => format!("(!{})", shape(inner)),
        Written::Negate(inner) => format!("(-{})", shape(inner)),
        Written::Binary(sign, parts) => {
            format!("({} {} {})", shape(&parts[0]), sign.text(), shape(&parts[1]))
        }
        Written::All(parts) => format!("({})", list(parts, " && ")),
        Written::Any(parts) => format!("({})", list(parts, " || ")),
        Written::If(parts) => format!("({})", list(&**parts, " ? ")),
        Written::List(items) => format!("[{}]", list(items, ", ")),
        Written::Map(entries) => {
            let entry = |[key, value]: &[Ast; 2]| format!("{}: {}", shape(key), shape(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
    }
}

#[test]
fn operators_bind_as_in_cel() {
    for (text, wanted) in [
        ("a || b && c == d", "(a || (b && (c == d)))"),
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("a < b == c", "((a < b) == c)"),
        ("a in b.c[0].d(1, x)", "(a in b.c[0].d(1, x))"),
        ("a ? b : c ? d : e", "(a ? b ? (c ? d ? e))"),
        ("!a && !!b", "((!a) && b)"),
        ("-a.b + --c", "((-a.b) + c)"),
        ("-1 - -2", "(-1 - -2)"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("- 1.x", "-1.x"),
        ("[1, 2,][0]", "[1, 2][0]"),
        ("{a: 1, b: {}}.a", "{a: 1, b: {}}.a"),
        ("a && b && c || d || e", "((a && b && c) || d || e)"),
        ("f(1,).`b-c`", "f(1).b-c"),
    ] {
        assert_eq!(tree(text), wanted, "{text}");
    }
}

#[test]
fn spans_cover_what_was_written() {
    let text = "a.b == 'x' && f(c , d )[0]";
    let Written::All(parts) = parse(text).unwrap().what else { panic!() };
    let parts: Vec<&str> = parts.iter().map(|part| part.span.of(text)).collect();
    assert_eq!(parts, ["a.b == 'x'", "f(c , d )[0]"]);
}

#[test]
fn mistakes_have_a_place_and_help() {
    for (text, wanted) in [
        ("", "0: the expression ends too early"),
        ("a ==", "4: the expression ends too early"),
        ("a and b", "2: `and` does not fit here (write `&&`)"),
        ("not a", "4: `a` does not fit here"),
        ("(a", "2: the expression ends too early (write `)` here)"),
        ("a ? b", "5: the expression ends too early (write `:` here)"),
        ("a b", "2: `b` does not fit here"),
        (
            "a 'b'",
            "2: a value does not fit here (write an operator such as `==` or `&&` before it)",
        ),
        ("a..b", "2: `.` does not fit here"),
        ("for", "0: `for` does not fit here (this word is reserved in CEL)"),
        (
            "9223372036854775808",
            "0: this number is larger than an int can be (write `u` after it for an unsigned one)",
        ),
        ("{a: 1, b}", "8: `}` does not fit here (write `:` here)"),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(format!("{}: {error}", error.at), wanted, "{text}");
    }
}

/// Every kind of nesting ends in a diagnostic, never in an exhausted stack.
#[test]
fn nesting_is_bounded() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("f(", ")"),
        ("{1:", "}"),
        ("a[", "]"),
        ("a?b:", "c"),
        ("a+", "a"),
        ("1 in ", "a"),
        ("-(", ")"),
        ("a.", "b"),
        ("a.f(", ")"),
    ] {
        for count in [20, 60, 500] {
            let text = format!("{}x{}", open.repeat(count), close.repeat(count));
            match parse(&text) {
                Ok(ast) => assert!(ast.depth <= DEPTH_MAX),
                Err(error) => {
                    assert!(error.message.contains("nested too deeply"), "{text} {error}")
                }
            }
        }
    }
    assert_eq!(tree(&format!("{}a", "!".repeat(1000))), "a");
    assert_eq!(parse(&format!("a{}", " && a".repeat(1000))).unwrap().depth, 2);
    assert!(parse(&"a".repeat(TEXT_BYTES_MAX + 1)).is_err());
}
