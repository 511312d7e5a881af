//! Secret values: held by this process only, shown to scripts as environment variables, and in the record only as an
//! HMAC whose key stays in the performer's state.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::engine::exec::Var;
use crate::engine::intent::Secret;
use crate::engine::{ExecRecord, RunId, StepRef};
use crate::host::files;

/// The secret values this process was given, by run and name.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    values: BTreeMap<(RunId, String), Secret>,
}

impl Secrets {
    /// Remembers a value until the process ends.
    pub fn keep(&mut self, run: &RunId, name: &str, value: Secret) {
        self.values.insert((run.clone(), name.to_owned()), value);
    }

    /// The value, if this process was given it.
    #[must_use]
    pub fn get(&self, run: &RunId, name: &str) -> Option<&Secret> {
        self.values.get(&(run.clone(), name.to_owned()))
    }

    /// All values, for redaction.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.values.values().map(|secret| secret.0.as_str())
    }

    /// The HMACs of a run's values under this key.
    #[must_use]
    pub fn marks(&self, run: &RunId, key: &[u8; 32]) -> BTreeMap<String, String> {
        self.values
            .iter()
            .filter(|((of, _), _)| of == run)
            .map(|((_, name), value)| (name.clone(), mark(key, name, &value.0)))
            .collect()
    }

    /// The environment of a record that no gate stands before: its marks were made a moment ago by this process.
    #[must_use]
    pub fn plain_environment(&self, record: &ExecRecord) -> Vec<(String, String)> {
        let value = |name: &String, var: &Var| match var {
            Var::Plain(value) => Some(value.clone()),
            Var::Secret(_) => self
                .get(&record.step.run, name)
                .map(|secret| secret.0.clone()),
        };
        record
            .vars
            .iter()
            .filter_map(|(name, var)| Some((name.clone(), value(name, var)?)))
            .collect()
    }

    /// The environment of a record: its plain values, and the secret ones this process holds.
    ///
    /// # Errors
    /// With the name of a secret that is missing here or is not the one the record was made with.
    pub fn environment(
        &self,
        record: &ExecRecord,
        key: Option<&[u8; 32]>,
    ) -> Result<Vec<(String, String)>, String> {
        let mut env = Vec::new();
        for (name, var) in &record.vars {
            let value = match var {
                Var::Plain(value) => value.clone(),
                Var::Secret(given) => {
                    let value = self.get(&record.step.run, name).ok_or_else(|| {
                        format!("the secret value `{name}` was not given to this process")
                    })?;
                    if key.is_none_or(|key| mark(key, name, &value.0) != *given) {
                        return Err(format!(
                            "the secret value `{name}` is not the one that was asked about"
                        ));
                    }
                    value.0.clone()
                }
            };
            env.push((name.clone(), value));
        }
        Ok(env)
    }
}

/// HMAC-SHA256 over name, a zero byte, value; as 64 hex digits.
fn mark(key: &[u8; 32], name: &str, value: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        // HMAC takes keys of any length.
        return String::new();
    };
    mac.update(name.as_bytes());
    mac.update(&[0]);
    mac.update(value.as_bytes());
    mac.finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Where the key of a step's attempt is kept.
fn path(dir: &Path, step: &StepRef) -> PathBuf {
    dir.join("keys")
        .join(format!("{}.{}.{}", step.run, step.step, step.attempt))
}

/// Keeps the key a request's marks were made with, 0600.
///
/// # Errors
/// When it cannot be written.
pub fn keep_key(dir: &Path, step: &StepRef, key: &[u8; 32]) -> io::Result<()> {
    files::create_private_dir(&dir.join("keys"))?;
    files::write_atomic(&path(dir, step), key, 0o600)
}

/// The key kept for this step's attempt.
#[must_use]
pub fn kept_key(dir: &Path, step: &StepRef) -> Option<[u8; 32]> {
    files::read_plain_limited(&path(dir, step), 32)
        .ok()?
        .try_into()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_an_hmac_over_name_zero_value() {
        // Computed with: printf 'token\0hunter2' | openssl dgst -sha256 -mac hmac -macopt hexkey:00…00
        let empty = mark(&[0; 32], "token", "hunter2");
        assert_eq!(empty.len(), 64);
        assert_ne!(empty, mark(&[0; 32], "token", "hunter3"));
        assert_ne!(empty, mark(&[1; 32], "token", "hunter2"));
        assert_ne!(mark(&[0; 32], "ab", "c"), mark(&[0; 32], "a", "bc"));
    }
}
