//! What a provider says of itself: OpenID Connect Discovery 1.0.

use portunus_jwt::is_confidential;
use serde_json::Value;

/// The endpoints of a provider, checked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Metadata {
    pub(crate) authorization: String,
    pub(crate) token: String,
    pub(crate) userinfo: Option<String>,
    pub(crate) end_session: Option<String>,
    /// Answers to logins say who they are from (RFC 9207).
    pub(crate) names_itself: bool,
    /// Clients may send their secret in the body of a request, and in no header.
    pub(crate) wants_secret_in_body: bool,
}

impl Metadata {
    /// Reads the document of `issuer`.
    ///
    /// # Errors
    /// What is wrong with it, in words for the log.
    pub(crate) fn parse(document: &[u8], issuer: &str, insecure: bool) -> Result<Self, String> {
        let document: Value =
            serde_json::from_slice(document).map_err(|error| format!("no JSON: {error}"))?;
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        if text("issuer") != Some(issuer) {
            let found = text("issuer").unwrap_or("nobody");
            return Err(format!("it is of the issuer {found:?}, not of {issuer:?}"));
        }
        let optional = |name: &str| match text(name) {
            Some(url) if is_safe(url, insecure) => Ok(Some(url.to_owned())),
            Some(_) => Err(format!("`{name}` is no https:// URL")),
            None => Ok(None),
        };
        let required = |name: &str| optional(name)?.ok_or_else(|| format!("it has no `{name}`"));
        let methods = document.get("token_endpoint_auth_methods_supported");
        let has = |method: &str| {
            methods
                .and_then(Value::as_array)
                .is_some_and(|methods| methods.iter().any(|known| known.as_str() == Some(method)))
        };
        let names_itself = document.get("authorization_response_iss_parameter_supported");
        Ok(Self {
            authorization: required("authorization_endpoint")?,
            token: required("token_endpoint")?,
            userinfo: optional("userinfo_endpoint")?,
            end_session: optional("end_session_endpoint")?,
            names_itself: names_itself.and_then(Value::as_bool).unwrap_or(false),
            wants_secret_in_body: has("client_secret_post") && !has("client_secret_basic"),
        })
    }
}

/// True for URLs that tokens may be sent to: HTTPS, or this machine, or whatever the user allowed. They stand in
/// `Location` too, so nothing but plain characters is in them.
pub(crate) fn is_safe(url: &str, insecure: bool) -> bool {
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain && (is_confidential(url) || (insecure && url.starts_with("http://")))
}

#[cfg(test)]
mod tests;
