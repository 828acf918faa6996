//! wab
fn main() {}
