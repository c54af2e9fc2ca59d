//! Answers against their operation.

use portunus_http::{Method, ResponseHead};

use crate::api::Api;
use crate::operation::{Answer, MediaKind, Operation};
use crate::parameter::Source;
use crate::request::{BodyFault, Strictness, check_content, check_parameter, header, is_unread};
use crate::violation::{Part, Violation};

impl Api {
    /// What the head of an answer has against its operation.
    #[must_use]
    pub fn check_answer(
        &self,
        operation: &Operation,
        answer: &ResponseHead,
        strictness: &Strictness,
    ) -> Vec<Violation> {
        let Some(schemas) = &self.answers else { return Vec::new() };
        let Some(described) = operation.answer(answer.status) else {
            let message = format!("{} is not described", answer.status);
            return vec![Violation::new(Part::Status, "", message)];
        };
        let mut violations = Vec::new();
        for parameter in &described.headers {
            let joined = header(&answer.headers, &parameter.name);
            let source = Source::Header(joined.as_deref());
            let max = strictness.violations_max.saturating_sub(violations.len());
            check_parameter(parameter, &source, schemas, max, &mut violations);
        }
        violations
    }

    /// Whether the body of an answer is looked into.
    #[must_use]
    pub fn looks_into(&self, operation: &Operation, answer: &ResponseHead, method: Method) -> bool {
        let checked = |answer: &Answer| {
            answer.content.0.iter().any(|media| !matches!(media.kind, MediaKind::Opaque))
        };
        method != Method::Head && operation.answer(answer.status).is_some_and(checked)
    }

    /// What the body of an answer has against its operation.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_answer_body(
        &self,
        operation: &Operation,
        answer: &ResponseHead,
        body: &[u8],
        strictness: &Strictness,
    ) -> Result<(), BodyFault> {
        let described = operation.answer(answer.status);
        match (&self.answers, described) {
            (Some(schemas), Some(described)) => {
                check_content(&described.content, schemas, &answer.headers, body, strictness)
            }
            _ => Ok(()),
        }
    }
}

impl Operation {
    /// Whether the media type that an answer names is one that nobody looks into.
    pub(crate) fn is_answered_unread(&self, answer: &ResponseHead) -> bool {
        let described = self.answer(answer.status);
        described.is_some_and(|described| is_unread(&described.content, &answer.headers))
    }
}

#[cfg(test)]
mod tests;
