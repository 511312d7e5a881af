//! Reading objects out of a repository that may be damaged or hostile. Loose objects are read here, not by libgit2: it
//! never returns from a loose object whose compressed data end early (`git_zstream_get_output` in 1.9 loops for ever on
//! it), and that is just what a power cut leaves. Here every file is read to its end, its check sum and its name are
//! checked. Of a packed object the size is asked first, so that none larger than wanted is ever unpacked.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use git2::{ObjectType, Odb, Oid, Repository};

use crate::host::caught::caught;

/// No object that is read is larger.
const MOST: usize = 1 << 30;

/// Why an object is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unread {
    #[error("it has {size} bytes, more than {limit}")]
    TooLarge { size: u64, limit: usize },
    #[error("it is a {found}, not a {wanted}")]
    Kind {
        found: ObjectType,
        wanted: ObjectType,
    },
    #[error("it has no header that can be read")]
    Header,
    #[error("its content is that of {0}")]
    Other(Oid),
    #[error("{0}")]
    Damaged(String),
}

/// Where a loose object would be.
pub(crate) fn loose_path(git_dir: &Path, oid: Oid) -> PathBuf {
    let hex = oid.to_string();
    let (fan, rest) = hex.split_at(2.min(hex.len()));
    git_dir.join("objects").join(fan).join(rest)
}

/// The objects of a repository.
pub(crate) struct Objects<'a> {
    git_dir: PathBuf,
    odb: Odb<'a>,
}

impl<'a> Objects<'a> {
    pub(crate) fn of(repo: &'a Repository) -> Result<Self, git2::Error> {
        Ok(Self {
            git_dir: repo.commondir().to_owned(),
            odb: repo.odb()?,
        })
    }

    /// Whether there is something of this name, good or bad.
    pub(crate) fn exists(&self, oid: Oid) -> bool {
        self.odb.exists(oid)
    }

    /// An object of at most `limit` bytes; its name is that of its content.
    pub(crate) fn read(&self, oid: Oid, limit: usize) -> Result<(ObjectType, Vec<u8>), Unread> {
        let limit = limit.min(MOST);
        if let Some(file) = self.loose_file(oid) {
            return loose(file, oid, limit);
        }
        self.small_enough(oid, limit)?;
        let object = self.odb.read(oid).map_err(unread)?;
        Ok((object.kind(), object.data().to_vec()))
    }

    /// Whether libgit2 may be asked for an object: it is not larger than this, and its file is whole.
    pub(crate) fn is_fit(&self, oid: Oid, limit: usize) -> Result<(), Unread> {
        match self.loose_file(oid) {
            Some(file) => loose(file, oid, limit.min(MOST)).map(|_| ()),
            None => self.small_enough(oid, limit),
        }
    }

    fn loose_file(&self, oid: Oid) -> Option<File> {
        File::open(loose_path(&self.git_dir, oid)).ok()
    }

    /// Asks a pack for the size. Where a damaged one names a kind that there is none of, git2 panics.
    fn small_enough(&self, oid: Oid, limit: usize) -> Result<(), Unread> {
        let header = caught(|| self.odb.read_header(oid)).ok_or(Unread::Header)?;
        let (size, _) = header.map_err(unread)?;
        within(size as u64, limit)
    }

    /// An object of this kind.
    pub(crate) fn read_as(
        &self,
        oid: Oid,
        kind: ObjectType,
        limit: usize,
    ) -> Result<Vec<u8>, Unread> {
        match self.read(oid, limit)? {
            (found, bytes) if found == kind => Ok(bytes),
            (found, _) => Err(Unread::Kind {
                found,
                wanted: kind,
            }),
        }
    }
}

fn unread(error: git2::Error) -> Unread {
    Unread::Damaged(error.message().to_owned())
}

fn within(size: u64, limit: usize) -> Result<(), Unread> {
    if size > limit as u64 {
        return Err(Unread::TooLarge { size, limit });
    }
    Ok(())
}

/// Reads a loose object: zlib over `<kind> <size>`, a zero byte and the content, and nothing behind it.
fn loose(file: File, oid: Oid, limit: usize) -> Result<(ObjectType, Vec<u8>), Unread> {
    let failed = |error: std::io::Error| Unread::Damaged(error.to_string());
    let mut packed = Vec::new();
    // Data that cannot be compressed grow by less than a hundredth.
    let most = (limit as u64).saturating_add(limit as u64 / 100 + 4096);
    file.take(most).read_to_end(&mut packed).map_err(failed)?;
    let bytes = inflate(&packed, limit)?;
    let (kind, size, content) = header(&bytes).ok_or(Unread::Header)?;
    if size != content.len() as u64 {
        return Err(Unread::Header);
    }
    match Oid::hash_object(kind, content) {
        Ok(found) if found == oid => Ok((kind, content.to_vec())),
        Ok(found) => Err(Unread::Other(found)),
        Err(error) => Err(unread(error)),
    }
}

/// All of an object's zlib stream, its check sum included, and nothing behind it. Of one that says it is larger than
/// `limit`, or is, no more than its beginning is kept.
pub(crate) fn inflate(packed: &[u8], limit: usize) -> Result<Vec<u8>, Unread> {
    const HEADER: usize = 32;
    let damaged = |what: &str| Unread::Damaged(format!("its file is damaged: {what}"));
    let mut inflater = flate2::Decompress::new(true);
    let mut bytes = Vec::new();
    loop {
        let taken = usize::try_from(inflater.total_in()).unwrap_or(usize::MAX);
        let left = packed.get(taken..).unwrap_or_default();
        let first = bytes.is_empty();
        bytes.reserve(if first { 4096 } else { left.len().max(4096) });
        let before = (inflater.total_in(), bytes.len());
        let status = inflater
            .decompress_vec(left, &mut bytes, flate2::FlushDecompress::None)
            .map_err(|error| damaged(&error.to_string()))?;
        if first && let Some((_, size, _)) = header(&bytes) {
            within(size, limit)?;
        }
        within(bytes.len().saturating_sub(HEADER) as u64, limit)?;
        if status == flate2::Status::StreamEnd {
            break;
        }
        if before == (inflater.total_in(), bytes.len()) {
            return Err(damaged("it ends early"));
        }
    }
    if inflater.total_in() == packed.len() as u64 {
        Ok(bytes)
    } else {
        Err(damaged("it goes on behind the object"))
    }
}

/// Kind, size and content of a loose object, as its beginning says.
fn header(bytes: &[u8]) -> Option<(ObjectType, u64, &[u8])> {
    let end = bytes.iter().take(32).position(|byte| *byte == 0)?;
    let (kind, size) = std::str::from_utf8(&bytes[..end]).ok()?.split_once(' ')?;
    let content = &bytes[end + 1..];
    let kind = match kind {
        "blob" => ObjectType::Blob,
        "tree" => ObjectType::Tree,
        "commit" => ObjectType::Commit,
        "tag" => ObjectType::Tag,
        _ => return None,
    };
    let number: u64 = size.parse().ok()?;
    (number.to_string() == size).then_some((kind, number, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(content: &[u8]) -> (tempfile::TempDir, Oid) {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repository::init_bare(dir.path()).unwrap();
        let oid = repo.blob(content).unwrap();
        (dir, oid)
    }

    fn pack(dir: &Path, oid: Oid) {
        let repo = Repository::open_bare(dir).unwrap();
        let mut builder = repo.packbuilder().unwrap();
        builder.insert_object(oid, None).unwrap();
        builder.write(&dir.join("objects/pack"), 0o600).unwrap();
        std::fs::remove_file(loose_path(dir, oid)).unwrap();
    }

    #[test]
    fn a_large_object_is_refused_by_its_header_loose_or_packed() {
        let (dir, oid) = repository(&vec![b'x'; 100_000]);
        for packed in [false, true] {
            if packed {
                pack(dir.path(), oid);
            }
            let repo = Repository::open_bare(dir.path()).unwrap();
            let objects = Objects::of(&repo).unwrap();
            let large = Unread::TooLarge {
                size: 100_000,
                limit: 99_999,
            };
            assert_eq!(objects.read(oid, 99_999), Err(large.clone()), "{packed}");
            assert_eq!(objects.is_fit(oid, 99_999), Err(large), "{packed}");
            assert_eq!(objects.read(oid, 100_000).unwrap().1.len(), 100_000);
            assert_eq!(objects.is_fit(oid, 100_000), Ok(()));
            let wanted = ObjectType::Tree;
            assert!(objects.read_as(oid, wanted, 100_000).is_err(), "{packed}");
        }
    }

    #[test]
    fn a_loose_object_that_is_larger_than_it_says_is_refused() {
        use std::io::Write as _;
        let (dir, oid) = repository(b"small");
        let text = [b"blob 5\0".to_vec(), vec![b'x'; 1 << 20]].concat();
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&text).unwrap();
        let path = loose_path(dir.path(), oid);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, encoder.finish().unwrap()).unwrap();
        let repo = Repository::open_bare(dir.path()).unwrap();
        let objects = Objects::of(&repo).unwrap();
        assert!(matches!(
            objects.read(oid, 1000),
            Err(Unread::TooLarge { limit: 1000, .. })
        ));
        assert_eq!(objects.read(oid, 2 << 20), Err(Unread::Header));
    }

    #[test]
    fn a_pack_that_names_a_kind_there_is_none_of_is_an_error_and_no_panic() {
        let (dir, oid) = repository(b"some content");
        pack(dir.path(), oid);
        let packs = std::fs::read_dir(dir.path().join("objects/pack")).unwrap();
        let packs: Vec<_> = packs.map(|entry| entry.unwrap().path()).collect();
        let pack = packs
            .iter()
            .find(|path| path.extension().is_some_and(|ext| ext == "pack"));
        let pack = pack.unwrap();
        let mut bytes = std::fs::read(pack).unwrap();
        // The kind stands in three bits of the first byte behind the head of the pack: 3 is a blob, 5 is nothing.
        bytes[12] = (bytes[12] & 0x8f) | (5 << 4);
        std::fs::remove_file(pack).unwrap();
        std::fs::write(pack, bytes).unwrap();
        let repo = Repository::open_bare(dir.path()).unwrap();
        let objects = Objects::of(&repo).unwrap();
        assert!(objects.read(oid, 1000).is_err());
        assert!(objects.is_fit(oid, 1000).is_err());
    }
}
