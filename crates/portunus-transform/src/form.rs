//! `application/x-www-form-urlencoded` and JSON, either way.

use std::collections::HashMap;

use portunus_http::{form_decoded, form_encode_into, query_pairs};

use crate::json::{Fault, Json, unescaped, write_string};

/// The JSON object of a form: each value a string, and an array of strings where a name comes several times.
pub(crate) fn to_json(form: &[u8]) -> Result<String, Fault> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut fields: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in query_pairs(form.trim_ascii_end()) {
        let (name, value) = (decoded(name)?, decoded(value)?);
        let at = *places.entry(name.clone()).or_insert(fields.len());
        match fields.get_mut(at) {
            Some((_, values)) => values.push(value),
            None => fields.push((name, vec![value])),
        }
    }
    let mut out = vec![b'{'];
    for (at, (name, values)) in fields.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_string(name, &mut out);
        out.push(b':');
        write_values(values, &mut out);
    }
    out.push(b'}');
    Ok(String::from_utf8(out).unwrap_or_default())
}

fn write_values(values: &[String], out: &mut Vec<u8>) {
    if let [only] = values {
        return write_string(only, out);
    }
    out.push(b'[');
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_string(value, out);
    }
    out.push(b']');
}

/// The form of a JSON object whose values are scalars, or arrays of them.
pub(crate) fn of_json(mut json: Json<'_>) -> Result<Vec<u8>, Fault> {
    json.open()?;
    let Json::Object(entries) = json else { return Err(Fault::NoForm) };
    let mut out = Vec::new();
    for (name, mut value) in entries {
        value.open()?;
        match value {
            Json::Array(items) => {
                items.iter().try_for_each(|item| write_field(&name, item, &mut out))?;
            }
            scalar => write_field(&name, &scalar, &mut out)?,
        }
    }
    Ok(out)
}

fn write_field(name: &str, value: &Json<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let text = match value.as_text().ok_or(Fault::NoForm)? {
        "null" => "".into(),
        string if string.starts_with('"') => unescaped(string)?,
        nested if nested.starts_with(['{', '[']) => return Err(Fault::NoForm),
        scalar => scalar.into(),
    };
    if !out.is_empty() {
        out.push(b'&');
    }
    form_encode_into(name.as_bytes(), out);
    out.push(b'=');
    form_encode_into(text.as_bytes(), out);
    Ok(())
}

/// A name or a value of a form, without its encoding.
pub(crate) fn decoded(text: &[u8]) -> Result<String, Fault> {
    String::from_utf8(form_decoded(text))
        .map_err(|_| Fault::Syntax("a field of the form is no text".to_owned()))
}

#[cfg(test)]
mod tests;
