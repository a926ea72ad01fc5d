//! What the fuzz targets run. The same entries are properties in the tests of the program (tests/fuzz.rs).

pub mod entries;
