//! What the shop consists of: three services, each with two replicas, and what they begin with.

use std::io;
use std::path::Path;

use serde_json::{Value, json};

use super::store::Store;

/// A service of the shop.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub(super) enum Service {
    /// Who buys.
    Users,
    /// What was bought.
    Orders,
    /// What there is to buy.
    Inventory,
}

impl Service {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Users, Self::Orders, Self::Inventory];

    /// Its name, which is also the first segment of its paths.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Orders => "orders",
            Self::Inventory => "inventory",
        }
    }

    /// The name of a replica: `users-1`.
    pub(super) fn replica(self, number: u16) -> String {
        format!("{}-{number}", self.name())
    }

    /// Its items, below the folder that all services share. Makes the folder if need be.
    pub(super) fn store(self, state: &Path) -> io::Result<Store> {
        std::fs::create_dir_all(state)?;
        Store::open(&state.join(self.name()), &self.seeds())
    }

    fn seeds(self) -> Vec<Value> {
        match self {
            Self::Users => vec![
                json!({"name": "first customer", "email": "first@example.com"}),
                json!({"name": "second customer", "email": "second@example.com"}),
            ],
            Self::Orders => vec![
                json!({"user": 1, "items": [{"item": 1, "count": 2}], "paid": true}),
                json!({"user": 2, "items": [{"item": 3, "count": 1}], "paid": false}),
            ],
            Self::Inventory => vec![
                json!({"name": "door", "price": 120, "count": 7}),
                json!({"name": "gate", "price": 450, "count": 2}),
                json!({"name": "key", "price": 5, "count": 300}),
            ],
        }
    }
}

/// Replicas of each service, numbered from 1.
pub(super) const REPLICAS: u16 = 2;
