use super::*;
use crate::{Named, Node, Spec, spec, spec_enum};

spec! {
    /// A tree
    /// of two lines.
    struct TreeSpec {
        short = name;
        /// What it is called.
        name: String,
        /// Its branches.
        branches: Vec<TreeSpec> = Vec::new(),
        /// By name | with a bar.
        leaves: Named<u16> = Named::default(),
        /// Its colour.
        colour: Colour = Colour::Green,
        /// Anything.
        other: Option<Node>,
    }
}

spec_enum! {
    /// What the eye sees.
    enum Colour {
        /// In summer.
        Green = "green",
        /// In autumn.
        Red = "red",
    }
}

#[test]
fn a_recursive_schema_ends() {
    insta::assert_snapshot!(json_schema(&TreeSpec::shape()));
}

#[test]
fn the_reference_is_a_table() {
    let Shape::Struct(shape) = TreeSpec::shape() else { panic!("no struct") };
    insta::assert_snapshot!(markdown(&shape));
}

#[test]
fn open_lists_take_the_kinds_of_a_registry() {
    let kinds = vec![("tree".to_owned(), TreeSpec::shape())];
    let text = json_schema_with(&Shape::List(|| Shape::Open("filter")), &[("filter", kinds)]);
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    let tree = &schema["$defs"]["filter"]["anyOf"][1]["properties"]["tree"];
    assert_eq!(tree["$ref"], "#/$defs/TreeSpec");
    assert!(schema["$defs"]["TreeSpec"].is_object());
}
