//! `grpc_web`: lets browsers call gRPC services. The request of gRPC-Web becomes one of gRPC, and the trailers of the
//! answer become its last message, for browsers cannot read trailers.
//!
//! Source: the protocol description of gRPC-Web (`doc/PROTOCOL-WEB.md` of the gRPC project).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use portunus_exchange::{ErrorKind, Exchange, Phase, PhaseSet, ProxyError};
use portunus_filter::{
    BodyNeed, BodyPiece, BuildCx, Buildable, Filter, FilterCx, FilterReason, Interest, Verdict,
};
use portunus_http::{HeaderId, HeaderList};
use portunus_spec::spec;

spec! {
    /// Lets browsers call gRPC services: requests of gRPC-Web become gRPC, and answers gRPC-Web.
    pub struct GrpcWebSpec {}
}

impl Buildable for GrpcWebSpec {
    const NAME: &'static str = "grpc_web";
    const DOC: &'static str =
        "Lets browsers call gRPC services: translates gRPC-Web to gRPC and back.";
    const REASONS: &'static [FilterReason] =
        &[FilterReason::new("grpc_web.bad_base64", 400, "A text of gRPC-Web is no base64.")];

    fn build(self, _: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        Some(Arc::new(GrpcWeb))
    }
}

struct GrpcWeb;

impl Filter for GrpcWeb {
    fn interest(&self) -> Interest {
        Interest {
            phases: PhaseSet::NONE.with(Phase::Request).with(Phase::Response),
            request_body: BodyNeed::Stream,
            response_body: BodyNeed::Stream,
        }
    }

    fn on_request(&self, exchange: &mut Exchange, _: &mut FilterCx<'_>) -> Verdict {
        let headers = &mut exchange.request.headers;
        let Some((form, kind)) = web_type(headers.value_of(HeaderId::ContentType)) else {
            return Verdict::Continue;
        };
        let grpc = [GRPC, kind].concat();
        headers.set_id(HeaderId::ContentType, &grpc);
        headers.set(b"TE", b"trailers");
        headers.remove(b"X-Grpc-Web");
        exchange.attributes.set(FORM, form.word());
        Verdict::Continue
    }

    fn on_request_body(
        &self,
        exchange: &mut Exchange,
        piece: &mut BodyPiece<'_>,
        _: &mut FilterCx<'_>,
    ) -> Verdict {
        if Form::of(exchange) != Some(Form::Text) {
            return Verdict::Continue;
        }
        // Four characters are three bytes: what is left over waits for the next piece.
        let mut text = exchange.attributes.value(REST).unwrap_or_default().to_vec();
        text.append(piece.bytes);
        let whole = if piece.end { text.len() } else { text.len() - text.len() % 4 };
        let (now, rest) = text.split_at(whole);
        exchange.attributes.set(REST, rest);
        match decode(now, piece.bytes) {
            Ok(()) => Verdict::Continue,
            Err(_) => Verdict::Fail(ProxyError::client(BROKEN)),
        }
    }

    fn on_response(&self, exchange: &mut Exchange, _: &mut FilterCx<'_>) -> Verdict {
        let Some(form) = Form::of(exchange) else { return Verdict::Continue };
        let headers = &mut exchange.response.headers;
        let Some(kind) = headers.value_of(HeaderId::ContentType).and_then(grpc_kind) else {
            // An answer that is no gRPC keeps its form: the client will make a status of it.
            return Verdict::Continue;
        };
        let web = [form.media(), kind].concat();
        headers.set_id(HeaderId::ContentType, &web);
        exchange.attributes.set(ANSWERS, b"");
        Verdict::Continue
    }

    fn on_response_body(
        &self,
        exchange: &mut Exchange,
        piece: &mut BodyPiece<'_>,
        _: &mut FilterCx<'_>,
    ) -> Verdict {
        let Some(form) =
            Form::of(exchange).filter(|_| exchange.attributes.value(ANSWERS).is_some())
        else {
            return Verdict::Continue;
        };
        if piece.end {
            append_trailers(&exchange.response_trailers, piece.bytes);
            exchange.response_trailers.clear();
        }
        if form == Form::Text && !piece.bytes.is_empty() {
            // Each piece is padded by itself, which the protocol allows: nothing waits for the next.
            *piece.bytes = STANDARD.encode(&*piece.bytes).into_bytes();
        }
        Verdict::Continue
    }
}

/// How a client writes its messages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Binary,
    /// In base64, for clients that can only send text.
    Text,
}

impl Form {
    fn word(self) -> &'static [u8] {
        match self {
            Self::Binary => b"binary",
            Self::Text => b"text",
        }
    }

    fn media(self) -> &'static [u8] {
        match self {
            Self::Binary => WEB,
            Self::Text => WEB_TEXT,
        }
    }

    /// What the request of the exchange was written in; None when it is no gRPC-Web.
    fn of(exchange: &Exchange) -> Option<Self> {
        match exchange.attributes.value(FORM)? {
            b"text" => Some(Self::Text),
            _ => Some(Self::Binary),
        }
    }
}

/// The form of gRPC-Web, and what follows it: `+proto`, parameters.
fn web_type(content_type: Option<&[u8]>) -> Option<(Form, &[u8])> {
    let content_type = content_type?;
    [Form::Text, Form::Binary].into_iter().find_map(|form| {
        let kind = after(content_type, form.media())?;
        Some((form, kind))
    })
}

/// What follows `application/grpc`.
fn grpc_kind(content_type: &[u8]) -> Option<&[u8]> {
    after(content_type, GRPC)
}

/// What follows a media type, where it is that type and not only begins like it.
fn after<'t>(content_type: &'t [u8], media: &[u8]) -> Option<&'t [u8]> {
    let (start, rest) = content_type.split_at_checked(media.len())?;
    let ends = matches!(rest.first(), None | Some(b'+' | b';' | b' '));
    (start.eq_ignore_ascii_case(media) && ends).then_some(rest)
}

/// Decodes text that may be padded at the end of each message in it.
fn decode(text: &[u8], into: &mut Vec<u8>) -> Result<(), base64::DecodeError> {
    let mut left = text;
    while !left.is_empty() {
        let padding = left.iter().position(|&byte| byte == b'=');
        // A group of four ends with its padding.
        let end = padding.map_or(left.len(), |at| (at / 4 + 1) * 4).min(left.len());
        let (group, rest) = left.split_at(end);
        into.extend(LENIENT.decode(group)?);
        left = rest;
    }
    Ok(())
}

/// The trailers as the last message: a flag, the length, and lines like those of HTTP/1.
fn append_trailers(trailers: &HeaderList, bytes: &mut Vec<u8>) {
    let mut lines = Vec::new();
    for header in trailers.iter() {
        lines.extend(header.name.to_ascii_lowercase());
        lines.extend_from_slice(b": ");
        lines.extend_from_slice(header.value);
        lines.extend_from_slice(b"\r\n");
    }
    let length = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    bytes.push(TRAILERS_FLAG);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.append(&mut lines);
}

const WEB: &[u8] = b"application/grpc-web";
const WEB_TEXT: &[u8] = b"application/grpc-web-text";
const GRPC: &[u8] = b"application/grpc";
/// The first bit of a message's flags says that it holds trailers.
const TRAILERS_FLAG: u8 = 0x80;
const BROKEN: ErrorKind = ErrorKind::Filter { code: "grpc_web.bad_base64", status: 400 };
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Attribute: the form of the request.
const FORM: &str = "grpc_web.form";
/// Attribute: text of the request that is not decoded yet.
const REST: &str = "grpc_web.rest";
/// Attribute: the answer is one of gRPC.
const ANSWERS: &str = "grpc_web.answers";

#[cfg(test)]
mod tests;
