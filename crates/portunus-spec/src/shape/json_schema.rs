//! JSON Schema 2020-12 of a shape, for editors.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{Choice, FieldShape, Json, Scalar, Shape, StructShape};

/// The schema of a shape as indented text. Open lists accept anything.
#[must_use]
pub fn json_schema(root: &Shape) -> String {
    json_schema_with(root, &[])
}

/// The schema of a shape; `open` gives, for each open list, its kinds with their shapes.
#[must_use]
pub fn json_schema_with(root: &Shape, open: &[(&str, Vec<(String, Shape)>)]) -> String {
    let mut writer = Writer::default();
    let mut schema = Map::new();
    schema.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    if let Value::Object(body) = writer.shape(root) {
        schema.extend(body);
    }
    for (slot, kinds) in open {
        let body = writer.kinds(kinds);
        writer.definitions.insert((*slot).to_owned(), body);
    }
    for slot in std::mem::take(&mut writer.slots) {
        writer.definitions.entry(slot).or_insert_with(|| json!({}));
    }
    schema.insert("$defs".into(), Value::Object(writer.definitions));
    serde_json::to_string_pretty(&Value::Object(schema)).unwrap_or_default() + "\n"
}

/// Collects the definitions while the schema is written.
#[derive(Default)]
struct Writer {
    definitions: Map<String, Value>,
    names: HashMap<&'static str, String>,
    slots: Vec<String>,
}

impl Writer {
    fn shape(&mut self, shape: &Shape) -> Value {
        match shape {
            Shape::Any => json!({}),
            Shape::Never => json!(false),
            Shape::Open(slot) => {
                self.slots.push((*slot).to_owned());
                json!({"$ref": format!("#/$defs/{slot}")})
            }
            Shape::Scalar(scalar) => scalar_schema(scalar),
            Shape::List(item) => {
                let item = self.shape(&item());
                json!({"anyOf": [{"type": "array", "items": item}, item]})
            }
            Shape::Map(value) => {
                json!({"type": ["object", "null"], "additionalProperties": self.shape(&value())})
            }
            Shape::Struct(shape) => {
                json!({"$ref": format!("#/$defs/{}", self.definition(shape))})
            }
            Shape::Choice(choice) => choice_schema(choice),
            Shape::OneOf(forms) => {
                let forms: Vec<Value> = forms.iter().map(|form| self.shape(form)).collect();
                json!({"anyOf": forms})
            }
        }
    }

    /// The name of a struct's definition, which is written on first use.
    fn definition(&mut self, shape: &StructShape) -> String {
        if let Some(name) = self.names.get(shape.id) {
            return name.clone();
        }
        let taken = self.definitions.contains_key(shape.name);
        let name = if taken { shape.id.replace("::", ".") } else { shape.name.to_owned() };
        self.names.insert(shape.id, name.clone());
        self.definitions.insert(name.clone(), Value::Null);
        let body = self.body(shape);
        self.definitions.insert(name.clone(), body);
        name
    }

    fn body(&mut self, shape: &StructShape) -> Value {
        let mut properties = Map::new();
        for field in shape.fields.iter().filter(|field| field.is_usable()) {
            properties.insert(field.name.to_owned(), self.field(field));
        }
        let required: Vec<&str> =
            shape.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
        let mut object = json!({
            "type": if required.is_empty() { json!(["object", "null"]) } else { json!("object") },
            "additionalProperties": false,
            "properties": properties,
        });
        if let (Value::Object(object), false) = (&mut object, required.is_empty()) {
            object.insert("required".into(), json!(required));
        }
        let short = shape.fields.iter().find(|field| Some(field.name) == shape.short);
        let mut body = match short {
            Some(field) => json!({"anyOf": [object, self.shape(&(field.shape)())]}),
            None => object,
        };
        describe(&mut body, &shape.doc);
        body
    }

    fn field(&mut self, field: &FieldShape) -> Value {
        let mut schema = self.shape(&(field.shape)());
        let doc = match &field.default {
            Some(default) => format!("{}\nDefault: {default}", field.doc),
            None => field.doc.clone(),
        };
        describe(&mut schema, &doc);
        schema
    }

    /// A bare name or a map of one key, for each kind of a registry.
    fn kinds(&mut self, kinds: &[(String, Shape)]) -> Value {
        let names: Vec<&str> = kinds.iter().map(|(name, _)| name.as_str()).collect();
        let mut properties = Map::new();
        for (name, shape) in kinds {
            properties.insert(name.clone(), self.shape(shape));
        }
        json!({"anyOf": [
            {"type": "string", "examples": names},
            {
                "type": "object",
                "additionalProperties": false,
                "minProperties": 1,
                "maxProperties": 1,
                "properties": properties,
            },
        ]})
    }
}

fn scalar_schema(scalar: &Scalar) -> Value {
    let kind = match scalar.json {
        Json::Boolean => json!("boolean"),
        Json::Integer => json!("integer"),
        Json::Number => json!("number"),
        Json::String if scalar.pattern.is_some() => json!("string"),
        Json::String => json!(["string", "number", "boolean"]),
    };
    // A text with a variable in it can stand for any scalar.
    let mut schema = match scalar.json {
        Json::String => json!({"type": kind}),
        _ => json!({"anyOf": [{"type": kind}, {"type": "string", "pattern": VARIABLE}]}),
    };
    if let Value::Object(object) = &mut schema {
        if let Some(pattern) = scalar.pattern {
            object.insert("pattern".into(), json!(format!("{pattern}|{VARIABLE}")));
        }
        if !scalar.examples.is_empty() && scalar.json == Json::String {
            object.insert("examples".into(), json!(scalar.examples));
        }
    }
    schema
}

fn choice_schema(choice: &Choice) -> Value {
    let words = choice.words.iter().map(|(word, doc)| match doc.as_str() {
        "" => json!({"const": word}),
        doc => json!({"const": word, "description": doc}),
    });
    let mut forms: Vec<Value> = words.collect();
    forms.push(json!({"type": "string", "pattern": VARIABLE}));
    let mut schema = json!({"anyOf": forms});
    describe(&mut schema, &choice.doc);
    schema
}

fn describe(schema: &mut Value, doc: &str) {
    if let (Value::Object(object), false) = (schema, doc.is_empty()) {
        object.insert("description".into(), json!(doc));
    }
}

/// A reference to an environment variable.
const VARIABLE: &str = r"\$\{";
