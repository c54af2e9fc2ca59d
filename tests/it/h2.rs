//! HTTP/2 with clients and upstreams: its rules, its limits, its ends.

mod clients;
mod drain;
mod floods;
mod flow;
mod rules;
mod upstreams;
