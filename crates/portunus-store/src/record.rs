//! What the rows of a store mean: consumers and keys.

use std::collections::BTreeMap;

use portunus_base::Wall;
use portunus_identity::KeyHash;
use serde_json::{Map, Value, json};

use crate::{Row, RowKind};

/// A consumer that was made while Portunus ran.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StoredConsumer {
    /// The name.
    pub name: String,
    /// A name that never changes.
    pub id: String,
    /// The groups it belongs to.
    pub groups: Vec<String>,
    /// Anything else that is known about it.
    pub attributes: BTreeMap<String, String>,
    /// The name of its plan, which the configuration describes.
    pub plan: Option<String>,
}

/// A key that was made while Portunus ran.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredKey {
    /// What logs call it, and what revokes it.
    pub id: String,
    /// Whose it is, by name: a consumer of the store or of the configuration.
    pub consumer: String,
    /// The hash of the key. The key itself is nowhere.
    pub hash: KeyHash,
    /// When it was made.
    pub created: Wall,
    /// When it ends.
    pub expires: Option<Wall>,
}

/// Something that a row says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Record {
    /// A consumer.
    Consumer(StoredConsumer),
    /// A key.
    Key(StoredKey),
}

/// All that a store knows.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Records {
    /// Consumers by name.
    pub consumers: BTreeMap<String, StoredConsumer>,
    /// Keys by id.
    pub keys: BTreeMap<String, StoredKey>,
}

impl Records {
    /// What rows say. Those that nobody here understands, those of a newer version for instance, are left out, and
    /// stay where they are.
    #[must_use]
    pub fn read(rows: &[Row]) -> Self {
        let mut records = Self::default();
        for row in rows {
            match Record::read(row) {
                Some(record) => records.put(record),
                None => tracing::warn!(
                    "the {} `{}` of the store cannot be read, and is left out",
                    row.kind.word(),
                    row.id
                ),
            }
        }
        records
    }

    /// Adds a record, or puts it in the place of another one.
    pub fn put(&mut self, record: Record) {
        match record {
            Record::Consumer(consumer) => {
                self.consumers.insert(consumer.name.clone(), consumer);
            }
            Record::Key(key) => {
                self.keys.insert(key.id.clone(), key);
            }
        }
    }

    /// Removes a record.
    pub fn remove(&mut self, kind: RowKind, id: &str) {
        match kind {
            RowKind::Consumer => self.consumers.remove(id).is_some(),
            RowKind::Key => self.keys.remove(id).is_some(),
        };
    }
}

impl Record {
    /// The row that says it.
    #[must_use]
    pub fn row(&self) -> Row {
        match self {
            Self::Consumer(consumer) => {
                let StoredConsumer { name, id, groups, attributes, plan } = consumer;
                let text =
                    json!({"id": id, "groups": groups, "attributes": attributes, "plan": plan});
                Row { kind: RowKind::Consumer, id: name.clone(), text: text.to_string() }
            }
            Self::Key(key) => {
                let StoredKey { id, consumer, hash, created, expires } = key;
                let text = json!({
                    "consumer": consumer,
                    "hash": hash.to_string(),
                    "created_us": created.0,
                    "expires_us": expires.map(|end| end.0),
                });
                Row { kind: RowKind::Key, id: id.clone(), text: text.to_string() }
            }
        }
    }

    /// What a row says; `None` when nobody here understands it.
    #[must_use]
    pub fn read(row: &Row) -> Option<Self> {
        let value: Value = serde_json::from_str(&row.text).ok()?;
        let fields = value.as_object()?;
        Some(match row.kind {
            RowKind::Consumer => Self::Consumer(StoredConsumer {
                name: row.id.clone(),
                id: text(fields, "id")?,
                groups: texts(fields, "groups")?,
                attributes: attributes(fields)?,
                plan: optional(fields, "plan", |plan| plan.as_str().map(str::to_owned))?,
            }),
            RowKind::Key => Self::Key(StoredKey {
                id: row.id.clone(),
                consumer: text(fields, "consumer")?,
                hash: text(fields, "hash")?.parse().ok()?,
                created: Wall(fields.get("created_us")?.as_u64()?),
                // An end that cannot be read must not become a key without an end.
                expires: optional(fields, "expires_us", |end| end.as_u64().map(Wall))?,
            }),
        })
    }
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name)?.as_str().map(str::to_owned)
}

fn texts(fields: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    let items = fields.get(name)?.as_array()?;
    items.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

fn attributes(fields: &Map<String, Value>) -> Option<BTreeMap<String, String>> {
    let entries = fields.get("attributes")?.as_object()?;
    entries.iter().map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// A value that may be missing; `None` when it is there and cannot be read.
fn optional<T>(
    fields: &Map<String, Value>,
    name: &str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Option<Option<T>> {
    match fields.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(value) => read(value).map(Some),
    }
}

#[cfg(test)]
mod tests;
