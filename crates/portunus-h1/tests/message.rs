//! Whole messages: what a reader of a stream makes of the codec's parts.

use portunus_h1::{
    CHUNK_END, Chunked, H1Error, LAST_CHUNK, Limits, Parsed, encode_chunk_size, encode_request,
    encode_response, encode_trailers, parse_request, parse_response, request_framing,
    response_framing,
};
use portunus_http::{Framing, HeaderId, HeaderList, Method, RequestHead, ResponseHead, Version};

/// Names in lower case, with values, without those about framing and connection.
pub(crate) type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// The meaning of a request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: Vec<u8>,
    pub(crate) target: Vec<u8>,
    pub(crate) host: Vec<u8>,
    pub(crate) fields: Fields,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Fields,
}

/// The meaning of an answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) reason: Vec<u8>,
    pub(crate) fields: Fields,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Fields,
}

/// A message, or why there is none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outcome<T> {
    Whole { message: T, framing: Framing, len: usize, again: Vec<u8> },
    Incomplete,
    Fault(H1Error),
}

impl<T> Outcome<T> {
    /// As it stands in a corpus.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Whole { .. } => "ok".to_owned(),
            Self::Incomplete => "incomplete".to_owned(),
            Self::Fault(fault) => fault.code().to_owned(),
        }
    }
}

/// The first request of `bytes`. `again` is the same message encoded anew.
pub(crate) fn read_request(bytes: &[u8]) -> Outcome<Request> {
    let mut head = RequestHead::default();
    match parse_request(bytes, &Limits::default(), &mut head) {
        Err(fault) => Outcome::Fault(fault),
        Ok(Parsed::Incomplete) => Outcome::Incomplete,
        Ok(Parsed::Complete(len)) => match request_framing(&head) {
            Err(fault) => Outcome::Fault(fault),
            Ok(framing) => with_body(bytes, len, framing, |body| {
                let mut again = Vec::new();
                encode_request(&head, framing, &mut again);
                (request_of(&head, body), again)
            }),
        },
    }
}

/// The first answer of `bytes`, to a request with that method.
pub(crate) fn read_response(bytes: &[u8], request: Method) -> Outcome<Response> {
    let mut head = ResponseHead::default();
    match parse_response(bytes, &Limits::default(), &mut head) {
        Err(fault) => Outcome::Fault(fault),
        Ok(Parsed::Incomplete) => Outcome::Incomplete,
        Ok(Parsed::Complete(len)) => match response_framing(&head, request) {
            Err(fault) => Outcome::Fault(fault),
            Ok(framing) => with_body(bytes, len, framing, |body| {
                let mut again = Vec::new();
                encode_response(&head, Version::H11, framing, true, &mut again);
                (response_of(&head, body), again)
            }),
        },
    }
}

struct Body {
    content: Vec<u8>,
    trailers: HeaderList,
}

fn with_body<T>(
    bytes: &[u8],
    head_len: usize,
    framing: Framing,
    finish: impl FnOnce(&Body) -> (T, Vec<u8>),
) -> Outcome<T> {
    match read_body(&bytes[head_len..], framing) {
        Err(fault) => Outcome::Fault(fault),
        Ok(None) => Outcome::Incomplete,
        Ok(Some((body, body_len))) => {
            let (message, mut again) = finish(&body);
            encode_body(&body, framing, &mut again);
            Outcome::Whole { message, framing, len: head_len + body_len, again }
        }
    }
}

fn read_body(bytes: &[u8], framing: Framing) -> Result<Option<(Body, usize)>, H1Error> {
    let plain = |len: usize| {
        let content = bytes.get(..len)?.to_vec();
        Some((Body { content, trailers: HeaderList::default() }, len))
    };
    match framing {
        Framing::None => Ok(plain(0)),
        Framing::Length(len) => Ok(plain(len as usize)),
        Framing::Close => Ok(plain(bytes.len())),
        Framing::Chunked => {
            let mut decoder = Chunked::new(&Limits::default());
            let (content, len) = decode_chunks(&mut decoder, &[bytes.len()], bytes)?;
            let trailers = decoder.trailers().clone();
            Ok(decoder.is_end().then_some((Body { content, trailers }, len)))
        }
    }
}

/// Feeds `bytes` piece by piece, each up to one of `ends`; what a call leaves over stands before
/// the next piece.
pub(crate) fn decode_chunks(
    decoder: &mut Chunked,
    ends: &[usize],
    bytes: &[u8],
) -> Result<(Vec<u8>, usize), H1Error> {
    let (mut content, mut at) = (Vec::new(), 0);
    for end in ends {
        loop {
            let input = &bytes[at..*end];
            let event = decoder.decode(input)?;
            assert!(event.consumed <= input.len() && event.data.end <= event.consumed);
            content.extend_from_slice(&input[event.data]);
            at += event.consumed;
            if event.end {
                return Ok((content, at));
            }
            if event.consumed == 0 {
                break;
            }
        }
        assert_eq!(at, *end, "all input is consumed before the end");
    }
    Ok((content, at))
}

fn encode_body(body: &Body, framing: Framing, out: &mut Vec<u8>) {
    if framing != Framing::Chunked {
        out.extend_from_slice(&body.content);
        return;
    }
    for piece in body.content.chunks(7) {
        encode_chunk_size(piece.len(), out);
        out.extend_from_slice(piece);
        out.extend_from_slice(CHUNK_END);
    }
    out.extend_from_slice(LAST_CHUNK);
    encode_trailers(&body.trailers, out);
}

fn request_of(head: &RequestHead, body: &Body) -> Request {
    Request {
        method: head.method_text().to_vec(),
        target: target_of(head),
        host: head.authority().to_vec(),
        fields: fields_of(&head.headers),
        body: body.content.clone(),
        trailers: fields_of(&body.trailers),
    }
}

fn target_of(head: &RequestHead) -> Vec<u8> {
    let mut target = head.path().to_vec();
    if let Some(query) = head.query() {
        target.push(b'?');
        target.extend_from_slice(query);
    }
    target
}

fn response_of(head: &ResponseHead, body: &Body) -> Response {
    Response {
        status: head.status,
        reason: head.reason().to_vec(),
        fields: fields_of(&head.headers),
        body: body.content.clone(),
        trailers: fields_of(&body.trailers),
    }
}

fn fields_of(list: &HeaderList) -> Fields {
    let kept = list.iter().filter(|field| !is_of_connection(field.id));
    kept.map(|field| (field.name.to_ascii_lowercase(), field.value.to_vec())).collect()
}

/// Headers that the encoder writes itself, or drops; and `Host`, which may move to the front.
pub(crate) fn is_of_connection(id: HeaderId) -> bool {
    matches!(
        id,
        HeaderId::Connection
            | HeaderId::ContentLength
            | HeaderId::Host
            | HeaderId::KeepAlive
            | HeaderId::ProxyConnection
            | HeaderId::TransferEncoding
            | HeaderId::Upgrade
    )
}
