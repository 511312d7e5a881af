//! Rebuilds the program when the runbooks it carries change.

#[allow(
    clippy::print_stdout,
    reason = "it is how a build script speaks to cargo"
)]
fn main() {
    println!("cargo:rerun-if-changed=runbooks");
}
