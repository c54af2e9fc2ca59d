//! The testkit's own tests: what the clients and origins tell each other is what was said.

mod client;
mod faulty;
mod h2;
mod metrics;
mod tls;
