//! Whole-program tests, by capability.
