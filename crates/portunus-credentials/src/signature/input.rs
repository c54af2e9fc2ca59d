//! The headers `Signature-Input` and `Signature` (RFC 9421 section 4).

use portunus_http::HeaderList;
use sfv::visitor::{DictionaryVisitor, EntryVisitor};
use sfv::{Dictionary, InnerList, KeyRef, ListEntry, ListSerializer, Parser};

use super::{Component, SignatureFault};

/// One signature of a request with what it says of itself.
#[derive(Clone, Debug)]
pub struct Signed {
    /// Its label.
    pub label: Box<str>,
    /// What it covers and how it was made.
    pub input: SignatureInput,
    /// The signature.
    pub signature: Vec<u8>,
}

/// What a signature covers and how it was made.
#[derive(Clone, Debug, Default)]
pub struct SignatureInput {
    /// The covered components in their order.
    pub components: Vec<Component>,
    /// When it was made, in seconds since the Unix epoch.
    pub created: Option<i64>,
    /// When it ends, in the same unit.
    pub expires: Option<i64>,
    /// A value that is used once.
    pub nonce: Option<Box<str>>,
    /// The algorithm by name.
    pub algorithm: Option<Box<str>>,
    /// The name of the key.
    pub key_id: Option<Box<str>>,
    /// What the signature is for.
    pub tag: Option<Box<str>>,
    /// All of it as it stands in the signature base.
    pub text: Box<str>,
}

/// The signatures of a request; none when it has none of the two headers.
///
/// # Errors
/// Headers that are no dictionaries, labels that stand twice or in one header alone, and more of anything than
/// anybody needs.
pub fn parse(headers: &HeaderList) -> Result<Vec<Signed>, SignatureFault> {
    let inputs = dictionary(headers, b"signature-input")?;
    let mut signatures = dictionary(headers, b"signature")?;
    if inputs.len() != signatures.len() {
        return Err(SignatureFault::Unpaired);
    }
    let mut signed = Vec::with_capacity(inputs.len());
    for (label, entry) in inputs {
        let ListEntry::InnerList(list) = entry else { return Err(SignatureFault::Malformed) };
        let signature = signatures.swap_remove(&label).ok_or(SignatureFault::Unpaired)?;
        let ListEntry::Item(item) = signature else { return Err(SignatureFault::Malformed) };
        let bytes = item.bare_item.as_byte_sequence().ok_or(SignatureFault::Malformed)?;
        signed.push(Signed {
            label: label.as_str().into(),
            input: SignatureInput::of(&list)?,
            signature: bytes.to_vec(),
        });
    }
    Ok(signed)
}

impl SignatureInput {
    /// What an inner list of `Signature-Input` says.
    ///
    /// # Errors
    /// Unknown components, one that is covered twice, parameters of a wrong type.
    pub fn of(list: &InnerList) -> Result<Self, SignatureFault> {
        if list.items.len() > COMPONENTS_MAX {
            return Err(SignatureFault::TooMany);
        }
        let mut input = Self { text: text_of(list).into(), ..Self::default() };
        for item in &list.items {
            let component = Component::of(item)?;
            if input.components.iter().any(|it| it.is_same(&component)) {
                return Err(SignatureFault::DuplicateComponent);
            }
            input.components.push(component);
        }
        input.read_params(list)?;
        Ok(input)
    }

    fn read_params(&mut self, list: &InnerList) -> Result<(), SignatureFault> {
        for (key, value) in &list.params {
            let number = || value.as_integer().map(i64::from).ok_or(SignatureFault::Malformed);
            let text = || {
                let text = value.as_string().map(|text| text.as_str().into());
                text.ok_or(SignatureFault::Malformed)
            };
            match key.as_str() {
                "created" => self.created = Some(number()?),
                "expires" => self.expires = Some(number()?),
                "nonce" => self.nonce = Some(text()?),
                "alg" => self.algorithm = Some(text()?),
                "keyid" => self.key_id = Some(text()?),
                "tag" => self.tag = Some(text()?),
                // Parameters of later versions are signed like the others, and mean nothing here.
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether something covered covers `wanted`.
    #[must_use]
    pub fn covers(&self, wanted: &Component) -> bool {
        self.components.iter().any(|component| component.covers(wanted))
    }
}

/// The list as it stands in the signature base, always in its strict form.
fn text_of(list: &InnerList) -> String {
    let mut serializer = ListSerializer::new();
    let mut inner = serializer.inner_list();
    inner.items(&list.items);
    inner.finish().parameters(&list.params);
    serializer.finish().unwrap_or_default()
}

fn dictionary(headers: &HeaderList, name: &[u8]) -> Result<Dictionary, SignatureFault> {
    let lines: Vec<&[u8]> = headers.values(name).collect();
    if lines.iter().map(|line| line.len()).sum::<usize>() > HEADER_BYTES_MAX {
        return Err(SignatureFault::TooMany);
    }
    let whole = lines.join(&b", "[..]);
    let parser = Parser::new(&whole);
    let mut unique = Unique { members: Dictionary::new(), fault: None };
    let parsed = parser.parse_dictionary_with_visitor(&mut unique);
    match (parsed, unique.fault) {
        (_, Some(fault)) => Err(fault),
        (Ok(()), None) => Ok(unique.members),
        (Err(_), None) => Err(SignatureFault::Malformed),
    }
}

/// Members by key, where one that stands twice is a fault: who takes the first and who takes the last would see
/// different signatures.
struct Unique {
    members: Dictionary,
    fault: Option<SignatureFault>,
}

impl<'de> DictionaryVisitor<'de> for &mut Unique {
    type Out = ();
    type Error = SignatureFault;

    fn entry(&mut self, key: &'de KeyRef) -> Result<impl EntryVisitor<'de>, SignatureFault> {
        let fault = match self.members.len() {
            _ if self.members.contains_key(key.as_str()) => Some(SignatureFault::DuplicateLabel),
            LABELS_MAX.. => Some(SignatureFault::TooMany),
            _ => None,
        };
        if let Some(fault) = fault {
            self.fault = Some(fault);
            return Err(fault);
        }
        let entry = DictionaryVisitor::entry(&mut self.members, key);
        entry.map_err(|never| match never {})
    }

    fn finish(self) -> Result<(), SignatureFault> {
        Ok(())
    }
}

/// Signatures of one request.
const LABELS_MAX: usize = 8;
/// Components that one signature covers.
const COMPONENTS_MAX: usize = 64;
/// Bytes of one of the two headers.
const HEADER_BYTES_MAX: usize = 16 * 1024;
