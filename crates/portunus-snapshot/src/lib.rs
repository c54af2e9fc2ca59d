//! The immutable plan that workers follow, and decide(), the pure decision function.
