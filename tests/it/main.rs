//! Whole-program tests, by capability.
//!
//! Each test is a configuration, an origin, a client, and what they must see of each other.

// `cfg(test)` says to clippy what these modules are.
#[cfg(test)]
mod acme;
#[cfg(test)]
mod admin;
#[cfg(test)]
mod attacks;
#[cfg(test)]
mod auth_credentials;
#[cfg(test)]
mod auth_jwt;
#[cfg(test)]
mod auth_oidc;
#[cfg(test)]
mod availability;
#[cfg(test)]
mod balance;
#[cfg(test)]
mod breaker;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod cert;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod client_address;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod endpoints;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod filters;
#[cfg(test)]
mod grpc;
#[cfg(test)]
mod h1;
#[cfg(test)]
mod h2;
#[cfg(test)]
mod health;
#[cfg(test)]
mod hedging;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod l4;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod listeners;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod outlier;
#[cfg(test)]
mod overload;
#[cfg(test)]
mod own_token;
#[cfg(test)]
mod proxy_protocol;
#[cfg(test)]
mod python;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod rate_limits;
#[cfg(test)]
mod redis_limits;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod retry;
#[cfg(test)]
mod routing;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod slow;
#[cfg(test)]
mod sticky;
#[cfg(test)]
mod stress;
#[cfg(test)]
mod systemd;
#[cfg(test)]
mod timeouts;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod transform;
#[cfg(test)]
mod upgrade;
#[cfg(test)]
mod websocket;
#[cfg(test)]
mod websocket_peers;
