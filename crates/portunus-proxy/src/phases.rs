//! The phases of an exchange, one file each, in their order.

pub(crate) mod admit;
pub(crate) mod connect;
pub(crate) mod filters;
pub(crate) mod finish;
pub(crate) mod receive;
pub(crate) mod relay;
pub(crate) mod replay;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod route;
pub(crate) mod select;
pub(crate) mod send;
