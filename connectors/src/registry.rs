//! From the name of a connector to a connector: one line each.
