//! Access files through mdbtools: no ORDER BY, no parameters, one row at a time.
