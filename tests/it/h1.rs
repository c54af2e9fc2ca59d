//! HTTP/1 between client, program and origin.

mod bodies;
mod connections;
mod interim;
mod smuggling;
mod targets;
