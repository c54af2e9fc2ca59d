//! Consumers, their credentials and their plans.

use portunus_base::Rate;
use portunus_spec::{Named, Node, Reader, Secret, Shape, Spanned, Spec, Value, spec};

use super::{EndSpec, PemSpec};

spec! {
    /// Somebody who calls the API.
    pub struct ConsumerSpec {
        short = name;
        /// The name, as upstreams and logs see it.
        name: Spanned<String>,
        /// A name that never changes, for upstreams and for counting; the name unless set.
        id: Option<Spanned<String>>,
        /// API keys, each one itself or its hash: `sha256:` and 64 hexadecimal digits.
        keys: Vec<KeySpec> = Vec::new(),
        /// Users with their passwords.
        passwords: Vec<PasswordSpec> = Vec::new(),
        /// Keys of HTTP message signatures (RFC 9421).
        signatures: Vec<SignatureSpec> = Vec::new(),
        /// Client certificates: `CN=robot,O=Example` (a whole subject), `sha256:` and the fingerprint,
        /// `spiffe://...` or any other URI, `dns:name`.
        certificates: Vec<Spanned<String>> = Vec::new(),
        /// A token with one of these claims is this consumer.
        claims: Named<Vec<Spanned<String>>> = Named::default(),
        /// Whose tokens those are: their `iss`. Without it, those of every issuer that a filter of the request trusts.
        claim_issuer: Option<Spanned<String>>,
        /// The groups it belongs to.
        groups: Vec<Spanned<String>> = Vec::new(),
        /// Anything else that is known about it, for templates and expressions.
        attributes: Named<Spanned<String>> = Named::default(),
        /// How much it may do.
        plan: Option<Spanned<String>>,
    }
}

impl ConsumerSpec {
    /// The id, which is the name where none is written.
    #[must_use]
    pub fn full_id(&self) -> &Spanned<String> {
        self.id.as_ref().unwrap_or(&self.name)
    }
}

spec! {
    /// An API key in full.
    pub struct FullKeySpec {
        /// What logs and upstreams call it; made of the consumer's name and its place unless set.
        id: Option<Spanned<String>>,
        /// The key, or its hash: `sha256:` and 64 hexadecimal digits.
        value: Spanned<Secret>,
        /// When it ends.
        expires: Option<Spanned<EndSpec>>,
    }
}

/// An API key: the key itself or its hash, in place or as `{file: path}` or `{env: NAME}`; or in full.
#[derive(Clone, Debug)]
pub struct KeySpec(pub FullKeySpec);

impl Spec for KeySpec {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        if is_secret(node) {
            let value = Spanned::read(node, reader)?;
            return Some(Self(FullKeySpec { id: None, value, expires: None }));
        }
        FullKeySpec::read(node, reader).map(Self)
    }

    fn write(&self) -> Node {
        self.0.write()
    }

    fn shape() -> Shape {
        let mut forms = match Secret::shape() {
            Shape::OneOf(forms) => forms,
            other => vec![other],
        };
        forms.push(FullKeySpec::shape());
        Shape::OneOf(forms)
    }
}

/// Whether a node is a secret by itself: text, `{file: path}` or `{env: NAME}`.
fn is_secret(node: &Node) -> bool {
    match &node.value {
        Value::Map(entries) => {
            matches!(entries.as_slice(), [one] if ["file", "env"].contains(&one.key.as_str()))
        }
        _ => node.scalar().is_some(),
    }
}

spec! {
    /// A user with a password.
    pub struct PasswordSpec {
        /// The user.
        user: Spanned<String>,
        /// The hash of the password, as `portunus key password` and `htpasswd -B` write it.
        hash: Spanned<Secret>,
    }
}

spec! {
    /// A key of HTTP message signatures: a secret that both sides know, or a public key.
    pub struct SignatureSpec {
        /// The `keyid` of its signatures.
        id: Spanned<String>,
        /// The secret; its bytes in base64 after `base64:`.
        secret: Option<Spanned<Secret>>,
        /// A PEM file with the public key.
        public_key: Option<Spanned<PemSpec>>,
    }
}

spec! {
    /// How much a consumer may do.
    pub struct PlanSpec {
        short = rate;
        /// How fast: for `rate_limit`.
        rate: Vec<Spanned<Rate>> = Vec::new(),
        /// How much in all: for `quota`.
        quota: Vec<Spanned<Rate>> = Vec::new(),
    }
}
