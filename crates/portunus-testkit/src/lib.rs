//! Clients, origins and faulty peers for tests.
