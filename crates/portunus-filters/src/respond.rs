//! `respond`: answers without asking an upstream.

use std::sync::Arc;

use bytes::Bytes;
use portunus_exchange::template::Escape;
use portunus_exchange::{Exchange, Phase, PhaseSet, Reply, ReplyBody, Template};
use portunus_filter::{BuildCx, Buildable, Filter, FilterCx, Interest, SlotId, Verdict};
use portunus_spec::{Named, Problem, Spanned, check, spec};

use crate::every::every;
use crate::header_edit::HeaderEdit;
use portunus_filter::{Message, check_value};

spec! {
    /// Answers without asking an upstream.
    pub struct RespondSpec {
        short = body;
        /// Status of the answer.
        status: Spanned<u16> = Spanned::none(200),
        /// Text of the answer. Variables are filled in; in HTML, XML and JSON their values are escaped.
        body: Option<Spanned<String>>,
        /// Media type of the text.
        content_type: Spanned<String> = Spanned::none("text/plain; charset=utf-8".to_owned()),
        /// More headers of the answer; values may hold variables.
        headers: Named<Spanned<String>> = Named::default(),
    }
}

impl Buildable for RespondSpec {
    const NAME: &'static str = "respond";
    const DOC: &'static str = "Answers without asking an upstream.";

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let status = check(&self.status, cx.reader, |status| check_status(*status, &self.body));
        let content_type = check(&self.content_type, cx.reader, |text| check_value(text));
        let headers = self.headers.iter();
        let headers = every(
            headers.map(|(name, value)| HeaderEdit::build(name, value, Message::Response, cx)),
        );
        let body = match &self.body {
            Some(text) => {
                warn_of_status(text, &self.status, cx);
                Some(Body::build(text, &self.content_type, cx)?)
            }
            None => None,
        };
        (status && content_type).then_some(())?;
        let (headers, status) = (headers?, self.status.value);
        Some(Arc::new(Respond { status, body, headers, scratch: cx.slot() }))
    }
}

fn check_status(status: u16, body: &Option<Spanned<String>>) -> Result<(), Problem> {
    match status {
        204 | 205 | 304 if body.as_ref().is_some_and(|body| !body.is_empty()) => {
            Err(Problem::new(format!("an answer with {status} has no body"))
                .help("leave out `body`, or write another status"))
        }
        200..=599 => Ok(()),
        _ => Err(Problem::new(format!("{status} is not a final status"))
            .help("write a status from 200 to 599")),
    }
}

/// `respond: 404` is a text, though it looks like a status.
fn warn_of_status(text: &Spanned<String>, status: &Spanned<u16>, cx: &mut BuildCx<'_, '_>) {
    let looks = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    if looks && status.span.is_none() {
        let message = format!("this answers {} with the text `{}`", status.value, text.value);
        cx.reader.warning(text.span, message).help(format!("write `{{status: {}}}`", text.value));
    }
}

struct Respond {
    status: u16,
    body: Option<Body>,
    headers: Vec<HeaderEdit>,
    scratch: SlotId,
}

impl Filter for Respond {
    fn interest(&self) -> Interest {
        Interest { phases: PhaseSet::NONE.with(Phase::Request), ..Interest::default() }
    }

    fn on_request(&self, exchange: &mut Exchange, cx: &mut FilterCx<'_>) -> Verdict {
        let mut reply = Reply::plain(self.status, ReplyBody::Empty);
        let scratch = cx.local::<Vec<u8>>(self.scratch);
        for edit in &self.headers {
            let value = Bytes::copy_from_slice(edit.value(exchange, scratch));
            reply.headers.push((Bytes::copy_from_slice(&edit.name.text), value));
        }
        match &self.body {
            Some(body) => Verdict::reply(body.put(exchange, reply)),
            None => Verdict::reply(reply),
        }
    }
}

/// A text with its media type; also the pages of `error_pages`.
#[derive(Debug)]
pub(crate) struct Body {
    text: Text,
    content_type: Bytes,
    escape: Escape,
}

#[derive(Debug)]
enum Text {
    Fixed(Bytes),
    Filled(Template),
}

impl Body {
    /// Compiles a text with variables.
    pub(crate) fn build(
        text: &Spanned<String>,
        content_type: &str,
        cx: &mut BuildCx<'_, '_>,
    ) -> Option<Self> {
        let template = cx.template(text)?;
        let fixed = template.as_literal().map(Bytes::copy_from_slice);
        let text = fixed.map_or(Text::Filled(template), Text::Fixed);
        Some(Self::new(text, content_type))
    }

    /// A text that is sent as it is.
    pub(crate) fn fixed(text: String, content_type: &str) -> Self {
        Self::new(Text::Fixed(Bytes::from(text)), content_type)
    }

    fn new(text: Text, content_type: &str) -> Self {
        let escape = Escape::of_content_type(content_type);
        Self { text, content_type: Bytes::copy_from_slice(content_type.as_bytes()), escape }
    }

    /// The reply with this body.
    pub(crate) fn put(&self, exchange: &Exchange, reply: Reply) -> Reply {
        let bytes = match &self.text {
            Text::Fixed(bytes) => bytes.clone(),
            Text::Filled(template) => {
                let mut out = Vec::new();
                template.render_escaped(exchange, self.escape, &mut out);
                Bytes::from(out)
            }
        };
        let reply = reply.with_header("Content-Type", self.content_type.clone());
        Reply { body: ReplyBody::Whole(bytes), ..reply }
    }
}

#[cfg(test)]
mod tests;
