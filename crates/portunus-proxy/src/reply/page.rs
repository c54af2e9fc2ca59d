//! The body of a problem answer.

use super::title;

/// `application/problem+json` (RFC 9457).
pub(super) fn json(status: u16, code: &str, detail: &str) -> String {
    let title = title(status);
    let mut text = format!("{{\"type\":\"about:blank\",\"title\":\"{title}\",\"status\":{status}");
    for (name, value) in [("reason", code), ("detail", detail)] {
        if !value.is_empty() {
            text.push_str(&format!(",\"{name}\":\""));
            escape_json(value, &mut text);
            text.push('"');
        }
    }
    text.push_str("}\n");
    text
}

/// A page for people.
pub(super) fn html(status: u16, code: &str, detail: &str) -> String {
    let title = title(status);
    let paragraph = |text: String| if text.is_empty() { text } else { format!("<p>{text}</p>\n") };
    let code =
        if code.is_empty() { String::new() } else { format!("<code>{}</code>", escape_html(code)) };
    let (code, detail) = (paragraph(code), paragraph(escape_html(detail)));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{status} {title}</title>\n\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:36em;margin:15vh auto;padding:0 1em;\
         color:#222;background:#fff}}code{{color:#666}}</style>\n\
         <h1>{status} {title}</h1>\n{detail}{code}</html>\n"
    )
}

fn escape_json(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests;
