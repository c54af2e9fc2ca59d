//! All built-in filters, in alphabetical order.

use portunus_filter::Factory;

use crate::{
    authorize, cors, csrf, error_pages, fault, forward_auth, grpc_web, headers, hsts, ip, limits,
    opa, redirect, redirect_https, request_id, respond, rewrite, security_headers,
};

/// All built-in filters.
pub static FILTERS: &[Factory] = &[
    Factory::of::<portunus_credentials::AnonymousSpec>(),
    Factory::of::<portunus_credentials::AnyOfSpec>(),
    Factory::of::<portunus_credentials::ApiKeySpec>(),
    Factory::of::<authorize::AuthorizeSpec>(),
    Factory::of::<portunus_limits::BandwidthSpec>(),
    Factory::of::<portunus_credentials::BasicSpec>(),
    Factory::of::<portunus_jwt::ClientCredentialsSpec>(),
    Factory::of::<portunus_limits::ConcurrencySpec>(),
    Factory::of::<cors::CorsSpec>(),
    Factory::of::<csrf::CsrfSpec>(),
    Factory::of::<error_pages::ErrorPagesSpec>(),
    Factory::of::<fault::FaultSpec>(),
    Factory::of::<forward_auth::ForwardAuthSpec>(),
    Factory::of::<grpc_web::GrpcWebSpec>(),
    Factory::of::<headers::HeadersSpec>(),
    Factory::of::<portunus_credentials::HmacSpec>(),
    Factory::of::<hsts::HstsSpec>(),
    Factory::of::<portunus_jwt::IntrospectionSpec>(),
    Factory::of::<ip::IpSpec>(),
    Factory::of::<portunus_jwt::JwtSpec>(),
    Factory::of::<limits::LimitsSpec>(),
    Factory::of::<portunus_openapi::MockSpec>(),
    Factory::of::<portunus_credentials::MtlsSpec>(),
    Factory::of::<portunus_oidc::OidcSpec>(),
    Factory::of::<opa::OpaSpec>(),
    Factory::of::<portunus_limits::QuotaSpec>(),
    Factory::of::<portunus_limits::RateLimitSpec>(),
    Factory::of::<redirect::RedirectSpec>(),
    Factory::of::<redirect_https::RedirectHttpsSpec>(),
    Factory::of::<request_id::RequestIdSpec>(),
    Factory::of::<respond::RespondSpec>(),
    Factory::of::<rewrite::RewriteSpec>(),
    Factory::of::<security_headers::SecurityHeadersSpec>(),
    Factory::of::<portunus_transform::TransformSpec>(),
    Factory::of::<portunus_openapi::ValidateSpec>(),
];

/// The filter of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Factory> {
    FILTERS.iter().find(|factory| factory.name == name)
}

#[cfg(test)]
mod tests;
