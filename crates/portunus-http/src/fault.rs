//! Why a message was refused: the form that the faults of every version of HTTP have.

/// Declares the faults of one version of HTTP: one variant a fault, each with a stable code and a status. The codes
/// stand in logs, metrics and answers; a request's reason is the code behind `prefix`.
#[macro_export]
macro_rules! faults {
    (
        $(#[$about:meta])* $name:ident, $prefix:literal;
        $($(#[$doc:meta])* $variant:ident => $code:literal, $status:literal;)*
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// Every fault.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code by itself, for instance `bad_length`.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The reason code for a request.
            #[must_use]
            pub fn reason(self) -> &'static str {
                match self { $(Self::$variant => concat!($prefix, $code),)* }
            }

            /// The status that answers a request with this fault.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }
        }
    };
}
