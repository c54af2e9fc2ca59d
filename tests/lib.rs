//! Holds nothing: the tests of the whole program are in `it/`.
