//! Packed logs: which packing a file has, told by its first bytes, and what comes out of it, as a stream that holds no
//! more than a decoder's window. Sizes that a file states of itself are never believed.

mod sink;
mod stream;
#[cfg(test)]
mod tests;

use std::io::{self, BufReader, Read};

pub use self::stream::{Streamed, window};
use super::source::Source;

/// The packings that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Packing {
    Gzip,
    Zstd,
    Xz,
    Bzip2,
}

/// A decoder may use so much memory: what `xz -9` and `zstd --ultra -22 --long=27` need, and no more.
const MOST_MEMORY: u64 = 160 << 20;

/// The same for zstd, as the power of two of its window.
const MOST_WINDOW_LOG: u32 = 27;

/// Packed bytes that are read at once.
const READ: usize = 256 << 10;

impl Packing {
    /// By the first bytes of a file; none for one that is not packed.
    #[must_use]
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31 | 0x17, ..] => Some(Self::Bzip2),
            _ => None,
        }
    }

    /// By the end of a file's name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        [Self::Gzip, Self::Zstd, Self::Xz, Self::Bzip2]
            .into_iter()
            .find(|packing| packing.ending() == ending)
    }

    /// The usual end of a name, without the dot.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Gzip => "gz",
            Self::Zstd => "zst",
            Self::Xz => "xz",
            Self::Bzip2 => "bz2",
        }
    }

    /// What comes out of packed bytes: all members, frames or streams of it one after the other.
    ///
    /// # Errors
    /// When no decoder can be made; faults of the data come while reading.
    pub fn unpack<'r>(
        self,
        packed: impl Read + Send + 'r,
    ) -> io::Result<Box<dyn Read + Send + 'r>> {
        let packed = BufReader::with_capacity(READ, packed);
        Ok(match self {
            Self::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(packed)),
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
                decoder.window_log_max(MOST_WINDOW_LOG)?;
                Box::new(decoder)
            }
            Self::Xz => {
                let stream = liblzma::stream::Stream::new_stream_decoder(
                    MOST_MEMORY,
                    liblzma::stream::CONCATENATED,
                )?;
                Box::new(liblzma::bufread::XzDecoder::new_stream(packed, stream))
            }
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(packed)),
        })
    }
}

/// The bytes of a source from its beginning on.
pub struct Bytes<'a, S: ?Sized> {
    source: &'a S,
    at: u64,
}

impl<'a, S: Source + ?Sized> Bytes<'a, S> {
    /// From its first byte.
    pub fn of(source: &'a S) -> Self {
        Self { source, at: 0 }
    }
}

impl<S: Source + ?Sized> Read for Bytes<'_, S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read_at(buf, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
