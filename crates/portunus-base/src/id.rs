//! Small typed indexes. An id is an index into a table of the snapshot that it came from.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident: $repr:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(pub $repr);

        impl $name {
            /// The id as an index.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// A listener of a snapshot.
    ListenerId: u32;
    /// A route of a snapshot.
    RouteId: u32;
    /// An upstream of a snapshot.
    UpstreamId: u32;
    /// A worker of this process, from 0.
    WorkerId: u16;
}
