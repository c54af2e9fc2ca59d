//! Each filter over the whole program.

mod authorize;
mod cors;
mod csrf;
mod error_pages;
mod fault;
mod forward_auth;
mod grpc_web;
mod headers;
mod hsts;
mod ip;
mod limits;
mod opa;
mod redirect;
mod redirect_https;
mod request_id;
mod respond;
mod rewrite;
mod security_headers;
mod split_and_mirror;
