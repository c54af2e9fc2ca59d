//! Consumers: those who call, as the configuration or a store knows them.

use std::collections::BTreeMap;
use std::sync::Arc;

use portunus_base::Rate;

/// Somebody who calls, known by name.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Consumer {
    /// What upstreams get as `X-Consumer-Id`; stays when the name changes.
    pub id: Box<str>,
    /// The name, as people use it.
    pub name: Box<str>,
    /// The groups that it belongs to.
    pub groups: Box<[Box<str>]>,
    /// Whatever else is known of it.
    pub attributes: BTreeMap<Box<str>, Box<str>>,
    /// How much it may ask for.
    pub plan: Option<Arc<Plan>>,
}

/// How much consumers may ask for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Plan {
    /// The plan's name.
    pub name: Box<str>,
    /// Rates: budgets that fill up again all the time.
    pub rates: Box<[Rate]>,
    /// Quotas: budgets of calendar windows.
    pub quotas: Box<[Rate]>,
}
