//! What the fuzz targets share: whole messages from the codec's parts.

use portunus_h1::{
    CHUNK_END, Chunked, H1Error, LAST_CHUNK, Limits, encode_chunk_size, encode_trailers,
};
use portunus_http::{Framing, HeaderList};

/// A body and its trailers.
pub struct Body {
    /// The payload.
    pub content: Vec<u8>,
    /// The trailers as name and value.
    pub trailers: HeaderList,
}

/// Reads a body from the start of `bytes`, cut where `cuts` say; None when its end is not there.
pub fn read_body(bytes: &[u8], framing: Framing, cuts: &[u8]) -> Result<Option<Body>, H1Error> {
    let plain = |len: usize| {
        let content = bytes.get(..len)?.to_vec();
        Some(Body { content, trailers: HeaderList::default() })
    };
    match framing {
        Framing::None => Ok(plain(0)),
        Framing::Length(len) => Ok(usize::try_from(len).ok().and_then(plain)),
        Framing::Close => Ok(plain(bytes.len())),
        Framing::Chunked => {
            let mut decoder = Chunked::new(&Limits::default());
            let content = decode(&mut decoder, bytes, cuts)?;
            let trailers = decoder.trailers().clone();
            Ok(decoder.is_end().then_some(Body { content, trailers }))
        }
    }
}

/// Feeds `bytes` in pieces as long as `cuts` say, then the rest.
pub fn decode(decoder: &mut Chunked, bytes: &[u8], cuts: &[u8]) -> Result<Vec<u8>, H1Error> {
    let (mut content, mut at) = (Vec::new(), 0);
    let lens = cuts.iter().map(|len| usize::from(*len)).chain([bytes.len()]);
    for len in lens {
        let end = (at + len).min(bytes.len());
        while at < end {
            let input = &bytes[at..end];
            let event = decoder.decode(input)?;
            assert!(event.consumed <= input.len() && event.data.end <= event.consumed);
            content.extend_from_slice(&input[event.data]);
            at += event.consumed;
            if event.end {
                return Ok(content);
            }
            assert!(event.consumed > 0, "input that is there is consumed");
        }
    }
    Ok(content)
}

/// Writes a body with that framing, as the data path does.
pub fn write_body(body: &Body, framing: Framing, out: &mut Vec<u8>) {
    if framing != Framing::Chunked {
        out.extend_from_slice(&body.content);
        return;
    }
    for piece in body.content.chunks(1000) {
        encode_chunk_size(piece.len(), out);
        out.extend_from_slice(piece);
        out.extend_from_slice(CHUNK_END);
    }
    out.extend_from_slice(LAST_CHUNK);
    encode_trailers(&body.trailers, out);
}

/// Names in lower case with values, without those that the encoder writes itself.
pub fn fields(list: &HeaderList) -> Vec<(Vec<u8>, Vec<u8>)> {
    let ours: [&[u8]; 7] = [
        b"connection",
        b"content-length",
        b"host",
        b"keep-alive",
        b"proxy-connection",
        b"transfer-encoding",
        b"upgrade",
    ];
    let fields = list.iter().map(|field| (field.name.to_ascii_lowercase(), field.value.to_vec()));
    fields.filter(|(name, _)| !ours.contains(&name.as_slice())).collect()
}
