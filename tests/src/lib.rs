//! Real servers for tests, the POS simulator, the demo, the benches.
