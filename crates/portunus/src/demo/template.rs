//! The files of `examples/shop`, with the addresses of a running shop in place of their variables.

/// The whole shop behind one Portunus.
pub(super) const SINGLE: &str = include_str!("../../../../examples/shop/portunus.yaml");
/// The edge tier.
pub(super) const EDGE: &str = include_str!("../../../../examples/shop/edge.yaml");
/// The gateway tier.
pub(super) const GATEWAY: &str = include_str!("../../../../examples/shop/gateway.yaml");

/// Values for variables, by name.
pub(super) type Values = Vec<(String, String)>;

/// Puts values in the place of `${NAME:-default}`; a name without a value keeps its place.
///
/// Portunus would take the values from its environment as well. Filled in, the file of a running
/// process can be read, and given to `portunus` again.
pub(super) fn fill(text: &str, values: &[(String, String)]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        let reference = after.split_once('}').and_then(|(inside, after)| {
            let name = inside.split_once(":-").map_or(inside, |(name, _)| name);
            Some((&values.iter().find(|(known, _)| known == name)?.1, after))
        });
        match reference {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push_str("${");
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// The variable that holds an address: `SHOP_USERS_1` for `users-1`.
pub(super) fn variable(name: &str) -> String {
    format!("SHOP_{}", name.to_ascii_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests;
