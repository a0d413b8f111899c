//! What the rows of a POS mean.
//!
//! A mapping is a versioned document. It is compiled once into [`Rules`], and then turns rows into records at memory
//! speed. It never fails on data: a row or record that breaks a rule is set aside with field, rule, raw value and
//! reason, and the rest go on. `mappings` does no I/O and does not know about files, databases or HTTP.
