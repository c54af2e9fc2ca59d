//! Operations: what a request of a path and method may hold, and what its answers may.

mod read;

use portunus_route::Params;

use crate::media_type::MediaRange;
use crate::parameter::{Parameter, Shape};
use crate::schema::SchemaId;

pub(crate) use read::read_all;

/// An operation of a document.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its `operationId`, or else method and path.
    pub name: Box<str>,
    /// The method, in upper case.
    pub method: Box<str>,
    /// The path as the document writes it, without a query.
    pub path: Box<str>,
    /// What the query must hold, for documents that tell operations apart by it; an empty value is any.
    pub query: Box<[(Box<str>, Box<str>)]>,
    /// Where it stands in the document.
    pub(crate) at: Box<str>,
    /// The parts of the path: their names, and what its pattern calls them.
    pub(crate) parts: Box<[(Box<str>, Box<str>)]>,
    pub(crate) parameters: Box<[Parameter]>,
    pub(crate) body: Option<Body>,
    pub(crate) answers: Box<[Answer]>,
}

/// The body of a request.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) required: bool,
    pub(crate) content: Content,
}

/// The forms of a body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content(pub(crate) Box<[Media]>);

/// One form of a body.
#[derive(Clone, Debug)]
pub(crate) struct Media {
    pub(crate) range: MediaRange,
    /// As the document writes it.
    pub(crate) written: Box<str>,
    pub(crate) kind: MediaKind,
    pub(crate) schema: Option<SchemaId>,
    /// Where it stands in the document.
    pub(crate) at: Box<str>,
}

/// How a body is looked at.
#[derive(Clone, Debug)]
pub(crate) enum MediaKind {
    /// As JSON.
    Json,
    /// As pairs of names and values.
    Form(Box<FormShape>),
    /// Not at all.
    Opaque,
}

/// What a form holds.
#[derive(Clone, Debug)]
pub(crate) struct FormShape {
    pub(crate) keys: Vec<Parameter>,
    pub(crate) shape: Shape,
}

/// The answers of one status, of a hundred of them, or of all that are not described.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusRange,
    /// Where it stands in the document.
    pub(crate) at: Box<str>,
    pub(crate) headers: Box<[Parameter]>,
    pub(crate) content: Content,
}

/// Which answers are described; the order is from the closest to the widest.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum StatusRange {
    One(u16),
    /// `4XX` is 4.
    Hundred(u16),
    Default,
}

impl Operation {
    /// Whether some form of its body is looked into.
    pub(crate) fn has_checked_body(&self) -> bool {
        let checked = |media: &Media| !matches!(media.kind, MediaKind::Opaque);
        self.body.as_ref().is_some_and(|body| body.content.0.iter().any(checked))
    }

    /// A part of its path, as it is written in the request.
    pub(crate) fn part<'p>(&self, params: &'p Params, name: &str) -> Option<&'p [u8]> {
        let (_, given) = self.parts.iter().find(|(part, _)| **part == *name)?;
        params.value(given)
    }

    /// The description of answers with a status.
    pub(crate) fn answer(&self, status: u16) -> Option<&Answer> {
        let fits = |answer: &&Answer| answer.status.has(status);
        self.answers.iter().filter(fits).min_by_key(|answer| answer.status)
    }
}

impl Content {
    /// The closest form for a media type.
    pub(crate) fn find(&self, media_type: &MediaRange) -> Option<&Media> {
        let close = |media: &'_ Media| media.range.closeness(media_type);
        let forms = self.0.iter().filter_map(|media| Some((close(media)?, media)));
        forms.max_by_key(|(closeness, _)| *closeness).map(|(_, media)| media)
    }

    /// What may be sent, for messages.
    pub(crate) fn list(&self) -> String {
        let written: Vec<&str> = self.0.iter().map(|media| &*media.written).collect();
        written.join(", ")
    }
}

impl StatusRange {
    fn parse(text: &str) -> Option<Self> {
        let hundred = text.strip_suffix("XX").or_else(|| text.strip_suffix("xx"));
        match (text, hundred) {
            ("default", _) => Some(Self::Default),
            (_, Some(hundred)) => {
                hundred.parse().ok().filter(|hundred| (1..=5).contains(hundred)).map(Self::Hundred)
            }
            _ => text.parse().ok().filter(|one| (100..600).contains(one)).map(Self::One),
        }
    }

    pub(crate) fn has(self, status: u16) -> bool {
        match self {
            Self::One(one) => one == status,
            Self::Hundred(hundred) => status / 100 == hundred,
            Self::Default => true,
        }
    }
}

#[cfg(test)]
mod tests;
