//! Captured artifacts as values: digests, canonical bytes, redaction and the escaping of foreign text.
//! Knows nothing of files, processes, the terminal or the clock.

pub mod canonical;
pub mod digest;
pub mod escape;
pub mod redact;

pub use digest::Digest;
pub use redact::Redactor;
