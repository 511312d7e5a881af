//! Who is at the keyboard, and how they sign: the agent, key files, `ssh-keygen` for hardware keys.
//! Knows nothing of what is signed, of policy, git or the terminal; the environment comes in as a value.

pub mod agent;
pub mod keyfile;
mod keygen;
mod signer;
mod who;

pub use agent::AgentError;
pub use keyfile::{KeyFileError, create_key};
pub use keygen::KeygenError;
pub use signer::{Passphrase, SignError, Signer};
pub use who::{
    Asked, Candidate, Candidates, Environment, Identity, IdentityError, Origin, Source, candidates,
    identify,
};
