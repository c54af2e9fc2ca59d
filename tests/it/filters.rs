//! Each filter over the whole program.

mod error_pages;
mod forward_auth;
mod headers;
mod ip;
mod limits;
mod redirect;
mod request_id;
mod respond;
mod rewrite;
mod split_and_mirror;
