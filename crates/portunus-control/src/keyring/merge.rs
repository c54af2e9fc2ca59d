//! Consumers of the configuration and those of a store, as one table.

use std::collections::HashMap;
use std::sync::Arc;

use portunus_compile::ConsumerSource;
use portunus_identity::{Consumer, Consumers, Credential, CredentialKind};
use portunus_store::{Records, StoredConsumer, StoredKey};

/// One table of both. Of two that claim to be the same, the configuration's one stays; what is said of that comes
/// second.
pub(super) fn merge(source: &ConsumerSource, records: &Records) -> (Consumers, Vec<String>) {
    let mut builder = source.table();
    let mut clashes = Vec::new();
    let mut consumers: HashMap<&str, Arc<Consumer>> = HashMap::new();
    for known in &source.consumers {
        consumers.insert(&known.consumer.name, Arc::clone(&known.consumer));
    }
    for stored in records.consumers.values() {
        let consumer = Arc::new(consumer(stored, source, &mut clashes));
        if builder.consumer(Arc::clone(&consumer)) {
            consumers.insert(&stored.name, consumer);
        } else {
            let name = &stored.name;
            clashes.push(format!(
                "the consumer `{name}` of the configuration stands for the one of the store"
            ));
        }
    }
    for key in records.keys.values() {
        let Some(consumer) = consumers.get(key.consumer.as_str()) else {
            let StoredKey { id, consumer, .. } = key;
            clashes.push(format!("the key `{id}` is no use: there is no consumer `{consumer}`"));
            continue;
        };
        if !builder.credential(credential(key, consumer)) {
            clashes.push(format!("the key `{}` of the store is in use already", key.id));
        }
    }
    (builder.build(), clashes)
}

fn consumer(
    stored: &StoredConsumer,
    source: &ConsumerSource,
    clashes: &mut Vec<String>,
) -> Consumer {
    let StoredConsumer { name, id, groups, attributes, plan } = stored;
    let found = plan.as_ref().and_then(|plan| source.plans.get(plan.as_str()));
    if let (Some(plan), None) = (plan, found) {
        clashes.push(format!("the plan `{plan}` of the consumer `{name}` is nowhere described"));
    }
    let boxed = |(name, value): (&String, &String)| (name.as_str().into(), value.as_str().into());
    Consumer {
        id: id.as_str().into(),
        name: name.as_str().into(),
        groups: groups.iter().map(|group| group.as_str().into()).collect(),
        attributes: attributes.iter().map(boxed).collect(),
        plan: found.cloned(),
    }
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
