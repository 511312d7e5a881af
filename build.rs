//! Rebuilds the program when the runbooks and clocks it carries change.

#[allow(
    clippy::print_stdout,
    reason = "it is how a build script speaks to cargo"
)]
fn main() {
    println!("cargo:rerun-if-changed=runbooks");
    println!("cargo:rerun-if-changed=src/timeline/clocks/data");
}
