//! What users write.

use portunus_base::ByteSize;
use portunus_spec::{Named, Node, Spanned, spec, spec_enum};

spec! {
    /// Brings requests and answers into another form: bodies, method, query, status.
    pub struct TransformSpec {
        /// Changes of the request, before it goes to the upstream.
        request: TransformRequestSpec,
        /// Changes of the upstream's answer, before it goes to the client.
        response: TransformResponseSpec,
    }
}

spec! {
    /// Changes of a request.
    ///
    /// The body is changed in this order: `form_to_json`, `json`, then `body` or `json_to_form`.
    pub struct TransformRequestSpec {
        /// The method that the upstream sees.
        method: Option<Spanned<String>>,
        /// Changes of the query.
        query: QueryEditsSpec,
        /// Makes JSON of a form: `a=1&b=2&b=3` becomes `{"a":"1","b":["2","3"]}`.
        form_to_json: Spanned<bool> = Spanned::none(false),
        /// Operations on a JSON body, in this order.
        json: Vec<Spanned<OperationSpec>> = Vec::new(),
        /// A new body, made by a template.
        body: Option<BodySpec>,
        /// Makes a form of a JSON object without objects in it.
        json_to_form: Spanned<bool> = Spanned::none(false),
        /// The media types of bodies to change, such as `application/json` or `text/*`. Without it: JSON for `json` and
        /// `json_to_form`, forms for `form_to_json`, all and none for `body` alone.
        content_type: Vec<Spanned<String>> = Vec::new(),
        /// Largest body to change. A larger one is answered with 413.
        body_max: Spanned<ByteSize> = Spanned::none(ByteSize(1 << 20)),
        /// What happens to a body that is not what its type says.
        on_invalid: InvalidChoice = InvalidChoice::Reject,
    }
}

spec! {
    /// Changes of an answer.
    ///
    /// Answers that the proxy makes itself, answers to requests for a part, and answers without a body keep theirs.
    pub struct TransformResponseSpec {
        /// Which answers are changed. Without it: those with a status from 200 to 299.
        when: WhenSpec,
        /// The status that the client sees.
        status: Option<Spanned<u16>>,
        /// Operations on a JSON body, in this order.
        json: Vec<Spanned<OperationSpec>> = Vec::new(),
        /// A new body, made by a template.
        body: Option<BodySpec>,
        /// The media types of bodies to change. Without it: JSON for `json`, all for `body` alone.
        content_type: Vec<Spanned<String>> = Vec::new(),
        /// Largest body to change. A larger one is answered with 502.
        body_max: Spanned<ByteSize> = Spanned::none(ByteSize(1 << 20)),
        /// What happens to a body that is not what its type says.
        on_invalid: InvalidChoice = InvalidChoice::Reject,
    }
}

spec! {
    /// One operation on a JSON document. Places are JSON Pointers (RFC 6901) such as `/user/id`; `*` means all elements of
    /// an array, `-` the one after the last. A place that is not there is left alone.
    pub struct OperationSpec {
        /// Places with their new values. Objects on the way are made. Texts may hold variables, such as `{client.ip}`.
        set: Named<Node> = Named::default(),
        /// As `set`, but only where nothing stands yet.
        default: Named<Node> = Named::default(),
        /// Places to take away.
        remove: Vec<Spanned<String>> = Vec::new(),
        /// Places of an object with their new key.
        rename: Named<Spanned<String>> = Named::default(),
        /// Places with the place that their value goes to.
        r#move: Named<Spanned<String>> = Named::default(),
        /// Places with the place that their value goes to as well.
        copy: Named<Spanned<String>> = Named::default(),
    }
}

spec! {
    /// A body made by a template in the language of Jinja.
    ///
    /// It knows `body`, `request`, `query`, `params`, `client` and `identity`, and `response` for answers. What it puts
    /// out is escaped for the media type.
    pub struct BodySpec {
        short = template;
        /// The template: `{"user": {{ body.user.name }}}`.
        template: Spanned<String>,
        /// The media type of the new body.
        r#type: Spanned<String> = Spanned::none("application/json".to_owned()),
    }
}

spec! {
    /// Changes of a query. They are made in this order: `remove`, `set`, `add`.
    pub struct QueryEditsSpec {
        /// Names with their only value. Values may hold variables.
        set: Named<Spanned<String>> = Named::default(),
        /// Names with values to add beside those of the same name.
        add: Named<Vec<Spanned<String>>> = Named::default(),
        /// Names to take away.
        remove: Vec<Spanned<String>> = Vec::new(),
    }
}

spec! {
    /// Which answers are changed.
    pub struct WhenSpec {
        short = status;
        /// Statuses: `200`, or `2xx` for all from 200 to 299.
        status: Vec<Spanned<String>> = Vec::new(),
    }
}

spec_enum! {
    /// What happens to a body that is not what its type says.
    pub enum InvalidChoice {
        /// A request is answered with 400, an answer becomes 502.
        Reject = "reject",
        /// It goes on as it is.
        Pass = "pass",
    }
}
