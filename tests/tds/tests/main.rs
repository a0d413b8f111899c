//! The stand-in for SQL Server, asked by clients that are not ours: tiberius, and `tsql` of FreeTDS.

mod suite {
    mod changes;
    mod client;
    mod faults;
    mod language;
    mod line;
    mod sessions;
    mod tsql;
    mod types;
}
