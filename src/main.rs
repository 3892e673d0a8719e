//! Arguments to runtime to exit code; everything else is the library's.

fn main() {}
