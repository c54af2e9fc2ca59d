//! Consumers of the configuration and those of a store, as one table.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use portunus_compile::ConsumerSource;
use portunus_identity::{Consumer, Consumers, Credential, CredentialKind};
use portunus_store::{Records, StoredConsumer, StoredKey};

/// One table of both. Of two that claim to be the same, the configuration's one stays; what is said of that comes
/// second.
///
/// A consumer of the store whose plan the configuration does not describe is left out with its keys: without a plan it
/// would have no limits. It is back as soon as the plan is.
pub(super) fn merge(source: &ConsumerSource, records: &Records) -> (Consumers, Vec<String>) {
    let mut builder = source.table();
    let mut clashes = Vec::new();
    let mut left_out: HashSet<&str> = HashSet::new();
    let mut consumers: HashMap<&str, Arc<Consumer>> = HashMap::new();
    for known in &source.consumers {
        consumers.insert(&known.consumer.name, Arc::clone(&known.consumer));
    }
    for stored in records.consumers.values() {
        let name = stored.name.as_str();
        let consumer = match consumer(stored, source) {
            Ok(consumer) => Arc::new(consumer),
            Err(plan) => {
                clashes.push(format!(
                    "the consumer `{name}` and its keys are left out: no plan `{plan}` is described"
                ));
                left_out.insert(name);
                continue;
            }
        };
        if builder.consumer(Arc::clone(&consumer)) {
            consumers.insert(name, consumer);
        } else {
            clashes.push(format!(
                "the consumer `{name}` of the configuration stands for the one of the store"
            ));
        }
    }
    for key in records.keys.values() {
        let Some(consumer) = consumers.get(key.consumer.as_str()) else {
            let StoredKey { id, consumer, .. } = key;
            if left_out.contains(consumer.as_str()) {
                continue;
            }
            clashes.push(format!("the key `{id}` is no use: there is no consumer `{consumer}`"));
            continue;
        };
        if !builder.credential(credential(key, consumer)) {
            clashes.push(format!("the key `{}` of the store is in use already", key.id));
        }
    }
    (builder.build(), clashes)
}

/// The consumer, or the plan that is nowhere described.
fn consumer<'s>(stored: &'s StoredConsumer, source: &ConsumerSource) -> Result<Consumer, &'s str> {
    let StoredConsumer { name, id, groups, attributes, plan } = stored;
    let plan = match plan {
        Some(plan) => Some(source.plans.get(plan.as_str()).ok_or(plan.as_str())?),
        None => None,
    };
    let boxed = |(name, value): (&String, &String)| (name.as_str().into(), value.as_str().into());
    Ok(Consumer {
        id: id.as_str().into(),
        name: name.as_str().into(),
        groups: groups.iter().map(|group| group.as_str().into()).collect(),
        attributes: attributes.iter().map(boxed).collect(),
        plan: plan.cloned(),
    })
}

fn credential(key: &StoredKey, consumer: &Arc<Consumer>) -> Credential {
    Credential {
        id: key.id.as_str().into(),
        consumer: Arc::clone(consumer),
        kind: CredentialKind::Key(key.hash),
        not_after: key.expires,
    }
}

#[cfg(test)]
mod tests;
