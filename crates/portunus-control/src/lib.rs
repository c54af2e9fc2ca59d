//! Watches sources, compiles, publishes; runs discovery, health checks and the admin API.
