//! Chance, from the kernel. Tests bring their own.

use std::io;

use rustix::rand::{GetRandomFlags, getrandom};

/// Where random bytes come from.
pub trait Random: Send + Sync {
    /// Fills the whole buffer.
    ///
    /// # Errors
    /// When the kernel has none to give; the buffer must not be used then.
    fn fill(&self, buffer: &mut [u8]) -> io::Result<()>;
}

/// The kernel's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> io::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match getrandom(&mut buffer[filled..], GetRandomFlags::empty()) {
                Ok(count) => filled += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_filled_and_no_two_fills_are_alike() {
        let mut first = [0_u8; 4096];
        let mut second = [0_u8; 4096];
        SystemRandom.fill(&mut first).unwrap();
        SystemRandom.fill(&mut second).unwrap();
        assert_ne!(first, second);
        assert!(first.chunks(64).all(|chunk| chunk.iter().any(|b| *b != 0)));
    }
}
