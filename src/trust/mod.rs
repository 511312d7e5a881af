//! Statements, `allowed_signers`, the verifying of signatures, and who is the same person.
//! Knows nothing of files, agents, git, the terminal or the clock.

pub mod mode;
pub mod people;
pub mod post;
pub mod principal;
pub mod signature;
pub mod signers;
pub mod sshsig;
pub mod statement;

pub use mode::Mode;
pub use people::People;
pub use principal::Principal;
pub use signature::{SignatureError, Verified, verify};
pub use signers::AllowedSigners;
pub use statement::{
    AnyStatement, CloseStatement, Decision, ExpungeStatement, PolicyStatement, ReviewStatement,
    Statement,
};
