//! The data path: accept, detect, protocol, and the phases of an exchange.
