//! `validate`: checks requests, and answers, against an OpenAPI document or a JSON Schema.

mod check;
mod refusal;

use std::sync::Arc;

use portunus_base::ByteSize;
use portunus_exchange::Exchange;
use portunus_filter::{BuildCx, Buildable, Filter, FilterReason};
use portunus_spec::{Problem, Reader, Spanned, check as rule, spec, spec_enum};

use crate::api::ApiOptions;
use crate::fault::Faults;
use crate::json::Bounds;
use crate::load;
use crate::request::Strictness;
use crate::schema::Schemas;

spec! {
    /// Checks requests, and answers, against an OpenAPI document or a JSON Schema.
    pub struct ValidateSpec {
        short = openapi;
        /// A file with an OpenAPI document, 3.0 or 3.1, in YAML or JSON.
        openapi: Option<Spanned<String>>,
        /// JSON Schemas instead of a document.
        schema: Option<ValidateSchemaSpec>,
        /// Below which path of the request the paths of the document start; that of the first of its `servers`
        /// unless set.
        base: Option<Spanned<String>>,
        /// Which path and query are looked at: those that earlier filters left, or those that the client sent.
        path: PathChoiceSpec = PathChoiceSpec::Current,
        /// What is done with requests of no operation.
        unknown: ChoiceSpec = ChoiceSpec::Refuse,
        /// What is done with requests that do not fit.
        request: ValidateModeSpec = ValidateModeSpec::Enforce,
        /// What is done with answers that do not fit.
        response: ValidateModeSpec = ValidateModeSpec::Off,
        /// Whether bodies of requests are looked into. Those that are, are held until they are whole.
        body: ValidateBodySpec = ValidateBodySpec::Check,
        /// Largest body that is checked. Where it is enforced, a larger one is answered with 413, or with 502.
        body_max: Spanned<ByteSize> = Spanned::none(ByteSize(1 << 20)),
        /// What is done with parameters of the query that the operation does not name.
        unknown_parameters: ChoiceSpec = ChoiceSpec::Pass,
        /// What is done with JSON that has a key twice: those who read it may take either.
        duplicate_keys: ChoiceSpec = ChoiceSpec::Refuse,
        /// What is done with bodies that are compressed or otherwise encoded: nobody looks into them.
        encoded: ChoiceSpec = ChoiceSpec::Refuse,
        /// Whether formats of texts, such as `date-time` and `uuid`, are checked.
        formats: bool = true,
        /// Deepest nesting of JSON.
        depth_max: Spanned<usize> = Spanned::none(64),
        /// How many mistakes of one message are told.
        errors_max: Spanned<usize> = Spanned::none(20),
    }
}

spec! {
    /// JSON Schemas for bodies.
    pub struct ValidateSchemaSpec {
        short = body;
        /// A file with the JSON Schema of the bodies of requests, in JSON or YAML.
        body: Spanned<String>,
    }
}

spec_enum! {
    /// Whether something is let through.
    pub enum ChoiceSpec {
        /// It is answered with an error.
        Refuse = "refuse",
        /// It is let through.
        Pass = "pass",
    }
}

spec_enum! {
    /// Which path and query of a request are looked at.
    pub enum PathChoiceSpec {
        /// As earlier filters left them.
        Current = "current",
        /// As the client sent them.
        Original = "original",
    }
}

impl PathChoiceSpec {
    /// Does something with the path and query of choice in the request's place.
    pub(crate) fn during<R>(
        self,
        exchange: &mut Exchange,
        inside: impl FnOnce(&mut Exchange) -> R,
    ) -> R {
        let (path, query) = exchange.request.target_stored();
        if self == Self::Original {
            let (path, query) = exchange.target;
            exchange.request.set_target_stored(path, query);
        }
        let result = inside(exchange);
        exchange.request.set_target_stored(path, query);
        result
    }
}

spec_enum! {
    /// What is done with messages that do not fit.
    pub enum ValidateModeSpec {
        /// They are refused.
        Enforce = "enforce",
        /// They are counted and let through.
        Report = "report",
        /// They are not checked.
        Off = "off",
    }
}

spec_enum! {
    /// Whether bodies of requests are looked into.
    pub enum ValidateBodySpec {
        /// They are.
        Check = "check",
        /// They are passed on as they come.
        Pass = "pass",
    }
}

impl Buildable for ValidateSpec {
    const NAME: &'static str = "validate";
    const DOC: &'static str =
        "Checks requests, and answers, against an OpenAPI document or a JSON Schema.";
    const REASONS: &'static [FilterReason] = &[
        FilterReason::new(
            refusal::BODY,
            400,
            "The body of the request cannot be read as what it says it is.",
        ),
        FilterReason::new(
            refusal::MEDIA_TYPE,
            415,
            "The body of the request is of a media type, or in an encoding, that the operation does not take.",
        ),
        FilterReason::new(refusal::METHOD, 405, "The path has no operation of this method."),
        FilterReason::new(refusal::OPERATION, 404, "The request is of no operation."),
        FilterReason::new(refusal::REQUEST, 400, "The request does not fit its operation."),
        FilterReason::new(refusal::RESPONSE, 502, "The answer does not fit its operation."),
    ];

    fn build(self, cx: &mut BuildCx<'_, '_>) -> Option<Arc<dyn Filter>> {
        let fine = self.check(cx.reader);
        let target = self.target(cx);
        let body_bytes_max = usize::try_from(self.body_max.value.0).unwrap_or(usize::MAX);
        let strictness = Strictness {
            unknown_parameters: self.unknown_parameters == ChoiceSpec::Refuse,
            violations_max: self.errors_max.value,
            json: Bounds {
                depth: self.depth_max.value,
                values: VALUES_MIN.max(body_bytes_max / VALUE_BYTES),
                duplicates: self.duplicate_keys == ChoiceSpec::Pass,
            },
        };
        let (target, slot) = (target.filter(|_| fine)?, cx.slot());
        Some(Arc::new(check::Validate {
            body_bytes_max,
            decisions: check::Decisions::new(cx),
            target,
            strictness,
            slot,
            spec: self,
        }))
    }
}

impl ValidateSpec {
    fn check(&self, reader: &mut Reader<'_>) -> bool {
        let size = rule(&self.body_max, reader, |size| match size.0 {
            1..=BODY_BYTES_MAX => Ok(()),
            _ => Err(Problem::new("bodies of this size are not checked").help("write 1B to 64MiB")),
        });
        let depth = rule(&self.depth_max, reader, |depth| match depth {
            1..=127 => Ok(()),
            _ => Err(Problem::new("no depth of JSON").help("write a number from 1 to 127")),
        });
        let errors = rule(&self.errors_max, reader, |errors| match errors {
            1..=100 => Ok(()),
            _ => Err(Problem::new("no number of mistakes").help("write a number from 1 to 100")),
        });
        let base = check_base(self.base.as_ref(), reader);
        size && depth && errors && base
    }

    fn target(&self, cx: &mut BuildCx<'_, '_>) -> Option<check::Target> {
        match (&self.openapi, &self.schema) {
            (Some(file), None) => {
                let answers = self.response != ValidateModeSpec::Off;
                let shared = load::api(file, ApiOptions { answers, formats: self.formats }, cx)?;
                let base = self.base.as_ref().map_or(&shared.server_path, |base| &base.value);
                let finder = load::finder(&shared.api.operations, base, file, cx.reader)?;
                Some(check::Target::Api { shared, finder })
            }
            (None, Some(schema)) => self.schema(&schema.body, cx).map(check::Target::Schema),
            (Some(file), Some(_)) => {
                let error = cx.reader.error(file.span, "either a document or a schema");
                error.help("remove `openapi` or `schema`");
                None
            }
            (None, None) => {
                let error = cx.reader.error(cx.span, "nothing to check against");
                error.help("write `openapi: api.yaml`, or `schema: {body: schema.json}`");
                None
            }
        }
    }

    fn schema(&self, file: &Spanned<String>, cx: &mut BuildCx<'_, '_>) -> Option<Schemas> {
        let document = load::document(file, cx.reader)?;
        let mut faults = Faults::default();
        let schemas = Schemas::of_schema(&document, self.formats, &mut faults);
        load::report(&document.place(&mut faults), file.span, cx.reader);
        schemas
    }
}

/// Whether a text can be what paths start with.
pub(crate) fn check_base(base: Option<&Spanned<String>>, reader: &mut Reader<'_>) -> bool {
    base.is_none_or(|base| {
        rule(base, reader, |base| match base.as_str() {
            "" => Ok(()),
            path if path.starts_with('/') && !path.ends_with('/') => Ok(()),
            _ => Err(Problem::new("not the start of a path").help("write /v1, or nothing: \"\"")),
        })
    })
}

/// So many values a body may have, however small it must be.
const VALUES_MIN: usize = 100_000;
/// Beyond that, bytes of the largest body for each value: a value takes more memory than its text.
const VALUE_BYTES: usize = 8;
/// Largest body that a filter may hold.
const BODY_BYTES_MAX: u64 = 64 << 20;

#[cfg(test)]
mod tests;
