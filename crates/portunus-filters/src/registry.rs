//! All built-in filters, in alphabetical order.

use portunus_filter::Factory;

use crate::{
    error_pages, forward_auth, grpc_web, headers, hsts, ip, limits, redirect, redirect_https,
    request_id, respond, rewrite,
};

/// All built-in filters.
pub static FILTERS: &[Factory] = &[
    Factory::of::<error_pages::ErrorPagesSpec>(),
    Factory::of::<forward_auth::ForwardAuthSpec>(),
    Factory::of::<grpc_web::GrpcWebSpec>(),
    Factory::of::<headers::HeadersSpec>(),
    Factory::of::<hsts::HstsSpec>(),
    Factory::of::<ip::IpSpec>(),
    Factory::of::<limits::LimitsSpec>(),
    Factory::of::<redirect::RedirectSpec>(),
    Factory::of::<redirect_https::RedirectHttpsSpec>(),
    Factory::of::<request_id::RequestIdSpec>(),
    Factory::of::<respond::RespondSpec>(),
    Factory::of::<rewrite::RewriteSpec>(),
];

/// The filter of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Factory> {
    FILTERS.iter().find(|factory| factory.name == name)
}

#[cfg(test)]
mod tests;
