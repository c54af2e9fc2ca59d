//! Components of a message that a signature covers (RFC 9421 section 2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portunus_http::{TargetForm, is_token_byte, split_host_port};
use sfv::{Dictionary, FieldType, Item, List, ListEntry, ListSerializer, Parser};

use super::{Message, SignatureFault, query};

/// One covered component: a header, or what is derived of the request line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Component {
    name: Box<str>,
    form: Form,
    identifier: Box<str>,
}

/// How the component's value is written, by its parameters.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Form {
    /// As it is.
    Plain,
    /// `;sf`: parsed and written anew.
    Strict,
    /// `;bs`: each line as bytes.
    Bytes,
    /// `;key`: one member of a dictionary.
    Member(Box<str>),
    /// `;name`: one parameter of the query.
    QueryParam(Box<str>),
}

impl Component {
    /// The component that an item of the covered list names.
    ///
    /// # Errors
    /// An unknown derived component or parameter, a name that is no header name in lower case, parameters that
    /// exclude each other.
    pub fn of(item: &Item) -> Result<Self, SignatureFault> {
        let name = item.bare_item.as_string().ok_or(SignatureFault::Malformed)?.as_str();
        let form = Form::of(item)?;
        let known = match name.strip_prefix('@') {
            Some("query-param") => matches!(form, Form::QueryParam(_)),
            Some(derived) => DERIVED.contains(&derived) && form == Form::Plain,
            None => is_field_name(name) && !matches!(form, Form::QueryParam(_)),
        };
        let known = known && (form != Form::Strict || kind_of(name).is_some());
        if !known {
            return Err(SignatureFault::UnknownComponent);
        }
        let identifier = item.serialize().into();
        Ok(Self { name: name.into(), form, identifier })
    }

    /// The component as it is written in a covered list, such as `"@query-param";name="id"`, or a bare name.
    ///
    /// # Errors
    /// As [`Component::of`], and text that is no item.
    pub fn parse(text: &str) -> Result<Self, SignatureFault> {
        let quoted = if text.starts_with('"') { text.to_owned() } else { format!("\"{text}\"") };
        let item: Item = Parser::new(&quoted).parse().map_err(|_| SignatureFault::Malformed)?;
        Self::of(&item)
    }

    /// Its name: a header's in lower case, or `@` and the name of a derived one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name and parameters as the signature base has them.
    #[must_use]
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// Whether both name the same, whatever the order of their parameters.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        (&self.name, &self.form) == (&other.name, &other.form)
    }

    /// Whether covering `self` covers `wanted`: the same, or the same header as a whole in another form.
    #[must_use]
    pub fn covers(&self, wanted: &Self) -> bool {
        let whole = |form: &Form| matches!(form, Form::Plain | Form::Strict | Form::Bytes);
        let same_form = self.form == wanted.form || (whole(&self.form) && whole(&wanted.form));
        self.name == wanted.name && same_form
    }

    /// Writes the value that the message has for it.
    ///
    /// # Errors
    /// The message does not have it.
    pub fn write(&self, message: &Message<'_>, out: &mut Vec<u8>) -> Result<(), SignatureFault> {
        match (&*self.name, &self.form) {
            ("@method", _) => out.extend_from_slice(message.method),
            ("@target-uri", _) => message.write_uri(out),
            ("@authority", _) => message.write_authority(out),
            ("@scheme", _) => out.extend_from_slice(message.scheme.as_bytes()),
            ("@request-target", _) => message.write_target(out),
            ("@path", _) => out.extend_from_slice(message.path_or_root()),
            ("@query", _) => message.write_query(out),
            (_, Form::QueryParam(name)) => query::write_param(message.query, name, out)?,
            (name, form) => write_field(name, form, message, out)?,
        }
        Ok(())
    }
}

impl Form {
    fn of(item: &Item) -> Result<Self, SignatureFault> {
        let mut form = Self::Plain;
        for (key, value) in &item.params {
            let text = || value.as_string().map(|text| text.as_str().into());
            let found = match (key.as_str(), value.as_boolean()) {
                ("sf", Some(true)) => Self::Strict,
                ("bs", Some(true)) => Self::Bytes,
                ("key", _) => Self::Member(text().ok_or(SignatureFault::Malformed)?),
                ("name", _) => Self::QueryParam(text().ok_or(SignatureFault::Malformed)?),
                _ => return Err(SignatureFault::UnknownComponent),
            };
            form = match (form, found) {
                (Self::Plain, found) => found,
                // A member is always written strictly: `sf` beside `key` says nothing new.
                (Self::Strict, member @ Self::Member(_))
                | (member @ Self::Member(_), Self::Strict) => member,
                _ => return Err(SignatureFault::UnknownComponent),
            };
        }
        Ok(form)
    }
}

impl Message<'_> {
    /// Host in lower case, and the port where it is not the scheme's own (RFC 9421 section 2.2.3).
    fn write_authority(&self, out: &mut Vec<u8>) {
        let parts = split_host_port(self.authority);
        let authority = match parts {
            Some(parts) if parts.port == Some(self.default_port) => parts.host,
            _ => self.authority,
        };
        out.extend(authority.iter().map(u8::to_ascii_lowercase));
    }

    fn write_uri(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.scheme.as_bytes());
        out.extend_from_slice(b"://");
        self.write_authority(out);
        self.write_path_and_query(out);
    }

    fn write_target(&self, out: &mut Vec<u8>) {
        match self.form {
            TargetForm::Origin => self.write_path_and_query(out),
            TargetForm::Absolute => self.write_uri(out),
            TargetForm::Authority => out.extend_from_slice(self.authority),
            TargetForm::Asterisk => out.push(b'*'),
        }
    }

    fn write_path_and_query(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.path_or_root());
        if self.query.is_some() {
            self.write_query(out);
        }
    }

    fn write_query(&self, out: &mut Vec<u8>) {
        out.push(b'?');
        out.extend_from_slice(self.query.unwrap_or(&[]));
    }

    fn path_or_root(&self) -> &[u8] {
        if self.path.is_empty() { b"/" } else { self.path }
    }
}

fn write_field(
    name: &str,
    form: &Form,
    message: &Message<'_>,
    out: &mut Vec<u8>,
) -> Result<(), SignatureFault> {
    let mut values = message.headers.values(name.as_bytes()).map(<[u8]>::trim_ascii).peekable();
    values.peek().ok_or(SignatureFault::AbsentComponent)?;
    if *form == Form::Bytes {
        let lines: Vec<_> = values.map(|value| format!(":{}:", STANDARD.encode(value))).collect();
        out.extend_from_slice(lines.join(", ").as_bytes());
        return Ok(());
    }
    // HTTP/2 parts cookies into lines of their own (RFC 9113 section 8.2.3).
    let between = if name == "cookie" { &b"; "[..] } else { b", " };
    let whole = values.collect::<Vec<_>>().join(between);
    let strict = match form {
        Form::Strict => rewrite(&whole, kind_of(name)).ok_or(SignatureFault::AbsentComponent)?,
        Form::Member(key) => member(&whole, key).ok_or(SignatureFault::AbsentComponent)?,
        Form::Plain | Form::Bytes | Form::QueryParam(_) => {
            out.extend_from_slice(&whole);
            return Ok(());
        }
    };
    out.extend_from_slice(strict.as_bytes());
    Ok(())
}

/// The types of structured fields.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Item,
    List,
    Dictionary,
}

/// The type of a header that is a structured field: only of these can the strict form be made.
fn kind_of(name: &str) -> Option<Kind> {
    match name {
        "accept-signature"
        | "content-digest"
        | "priority"
        | "repr-digest"
        | "signature"
        | "signature-input"
        | "want-content-digest"
        | "want-repr-digest" => Some(Kind::Dictionary),
        "cache-status" | "client-cert-chain" | "proxy-status" => Some(Kind::List),
        "client-cert" => Some(Kind::Item),
        _ => None,
    }
}

/// A structured field written anew in its one strict form.
fn rewrite(value: &[u8], kind: Option<Kind>) -> Option<String> {
    let parser = Parser::new(value);
    match kind? {
        Kind::Item => Some(parser.parse::<Item>().ok()?.serialize()),
        Kind::List => Some(parser.parse::<List>().ok()?.serialize().unwrap_or_default()),
        Kind::Dictionary => {
            Some(parser.parse::<Dictionary>().ok()?.serialize().unwrap_or_default())
        }
    }
}

/// One member of a dictionary, written strictly.
fn member(value: &[u8], key: &str) -> Option<String> {
    let dictionary: Dictionary = Parser::new(value).parse().ok()?;
    let entry: &ListEntry = dictionary.get(key)?;
    let mut list = ListSerializer::new();
    list.members([entry]);
    list.finish()
}

fn is_field_name(name: &str) -> bool {
    let lower = |byte: u8| is_token_byte(byte) && !byte.is_ascii_uppercase();
    !name.is_empty() && name.bytes().all(lower)
}

/// The derived components of requests, without those that need a parameter.
const DERIVED: [&str; 7] =
    ["method", "target-uri", "authority", "scheme", "request-target", "path", "query"];
