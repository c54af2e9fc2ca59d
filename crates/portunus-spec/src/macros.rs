//! The macros that make a Rust type and its [`Spec`](crate::Spec) from one description.

/// Makes a struct that is read from a map. See the crate's page for the form.
///
/// `short = field;` as the first line names the field that a scalar or list in place of the map
/// sets. A field without a default is required, unless its type has an absent value. Doc comments
/// become the reference. A key that is a Rust keyword is written as a raw identifier (`r#use`).
#[macro_export]
macro_rules! spec {
    (@default $ty:ty) => { None };
    (@default $ty:ty = $default:expr) => {{
        fn default() -> $ty {
            $default
        }
        Some(default as fn() -> $ty)
    }};
    (@field [$($doc:literal)*] $field:ident $ty:ty $(= $default:expr)?) => {
        $crate::Field::<$ty> {
            name: stringify!($field),
            doc: &[$($doc),*],
            default: $crate::spec!(@default $ty $(= $default)?),
        }
    };
    (@short) => { None };
    (@short $short:ident) => { Some(stringify!($short)) };
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident {
            short = $short:ident;
            $($fields:tt)*
        }
    ) => {
        $crate::spec! { @make [$short] $(#[doc = $doc])* $vis struct $name { $($fields)* } }
    };
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident { $($fields:tt)* }
    ) => {
        $crate::spec! { @make [] $(#[doc = $doc])* $vis struct $name { $($fields)* } }
    };
    (
        @make [$($short:ident)?]
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $field_doc:literal])*
                $field:ident: $ty:ty $(= $default:expr)?
            ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $(
                $(#[doc = $field_doc])*
                $vis $field: $ty,
            )*
        }

        impl $crate::Spec for $name {
            fn read(node: &$crate::Node, reader: &mut $crate::Reader<'_>) -> Option<Self> {
                let known = &[$(stringify!($field)),*];
                let fields = $crate::Fields::open(node, known, $crate::spec!(@short $($short)?), reader)?;
                $(
                    let $field = $crate::spec!(@field [$($field_doc)*] $field $ty $(= $default)?)
                        .read(&fields, reader);
                )*
                let _ = fields;
                Some(Self { $($field: $field?),* })
            }

            fn write(&self) -> $crate::Node {
                let entries = [$(
                    $crate::spec!(@field [$($field_doc)*] $field $ty $(= $default)?)
                        .write(&self.$field),
                )*];
                $crate::Node::fields(entries)
            }

            fn shape() -> $crate::Shape {
                $crate::Shape::Struct($crate::shape::StructShape {
                    id: concat!(module_path!(), "::", stringify!($name)),
                    name: stringify!($name),
                    doc: $crate::shape::doc(&[$($doc),*]),
                    short: $crate::spec!(@short $($short)?),
                    fields: vec![$(
                        $crate::spec!(@field [$($field_doc)*] $field $ty $(= $default)?).shape(),
                    )*],
                })
            }

            fn absent() -> Option<Self> {
                $(
                    let $field =
                        $crate::spec!(@field [$($field_doc)*] $field $ty $(= $default)?).absent();
                )*
                Some(Self { $($field: $field?),* })
            }
        }
    };
}

/// Makes an enum of words.
#[macro_export]
macro_rules! spec_enum {
    (
        $(#[doc = $doc:literal])*
        $vis:vis enum $name:ident {
            $(
                $(#[doc = $word_doc:literal])*
                $variant:ident = $word:literal
            ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        $vis enum $name {
            $(
                $(#[doc = $word_doc])*
                $variant,
            )*
        }

        impl $name {
            /// The word as users write it.
            #[must_use]
            $vis const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl $crate::Spec for $name {
            fn read(node: &$crate::Node, reader: &mut $crate::Reader<'_>) -> Option<Self> {
                let words = [$(($word, Self::$variant)),*];
                $crate::read_word(node, reader, "one of the known words", &words)
            }

            fn write(&self) -> $crate::Node {
                $crate::Node::text(self.word())
            }

            fn shape() -> $crate::Shape {
                $crate::Shape::Choice($crate::shape::Choice {
                    name: stringify!($name),
                    doc: $crate::shape::doc(&[$($doc),*]),
                    words: vec![$(($word, $crate::shape::doc(&[$($word_doc),*]))),*],
                })
            }
        }
    };
}
