//! Reading objects out of a repository that may be damaged. Loose objects are read here, not by libgit2: it never returns
//! from a loose object whose compressed data end early (`git_zstream_get_output` in 1.9 loops for ever on it), and that is
//! just what a power cut leaves. Here every file is read to its end, its check sum and its name are checked.

use std::io::Read;
use std::path::{Path, PathBuf};

use git2::{ObjectType, Odb, Oid, Repository};

/// No object of a record is larger.
const MOST: usize = 1 << 30;

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
            git_dir: repo.path().to_owned(),
            odb: repo.odb()?,
        })
    }

    /// Whether there is something of this name, good or bad.
    pub(crate) fn exists(&self, oid: Oid) -> bool {
        self.odb.exists(oid)
    }

    /// An object of at most `limit` bytes; its name is that of its content.
    pub(crate) fn read(&self, oid: Oid, limit: usize) -> Result<(ObjectType, Vec<u8>), String> {
        let limit = limit.min(MOST);
        let path = loose_path(&self.git_dir, oid);
        if let Ok(file) = std::fs::File::open(&path) {
            return loose(file, oid, limit);
        }
        let packed = |error: git2::Error| error.message().to_owned();
        // Not asked for its header first: of a damaged pack git2 makes a panic there and an error here.
        let object = self.odb.read(oid).map_err(packed)?;
        if object.len() > limit {
            return Err(format!("it has {} bytes, more than {limit}", object.len()));
        }
        Ok((object.kind(), object.data().to_vec()))
    }

    /// An object of this kind.
    pub(crate) fn read_as(
        &self,
        oid: Oid,
        kind: ObjectType,
        limit: usize,
    ) -> Result<Vec<u8>, String> {
        match self.read(oid, limit)? {
            (found, bytes) if found == kind => Ok(bytes),
            (found, _) => Err(format!("it is a {found}, not a {kind}")),
        }
    }
}

/// Reads a loose object: zlib over `<kind> <size>`, a zero byte and the content, and nothing behind it.
fn loose(file: std::fs::File, oid: Oid, limit: usize) -> Result<(ObjectType, Vec<u8>), String> {
    let mut packed = Vec::new();
    file.take(MOST as u64 + 1)
        .read_to_end(&mut packed)
        .map_err(|error| error.to_string())?;
    let bytes = inflate(&packed, limit.saturating_add(64))?;
    let (kind, content) = header(&bytes).ok_or_else(|| "its file has no header".to_owned())?;
    match Oid::hash_object(kind, content) {
        Ok(found) if found == oid => Ok((kind, content.to_vec())),
        Ok(found) => Err(format!("its content is that of {found}")),
        Err(error) => Err(error.message().to_owned()),
    }
}

/// All of a zlib stream, its check sum included, and nothing behind it.
pub(crate) fn inflate(packed: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    let mut inflater = flate2::Decompress::new(true);
    let mut bytes = Vec::new();
    loop {
        let taken = usize::try_from(inflater.total_in()).unwrap_or(usize::MAX);
        let left = packed.get(taken..).unwrap_or_default();
        bytes.reserve(left.len().max(4096));
        let before = (inflater.total_in(), bytes.len());
        let status = inflater
            .decompress_vec(left, &mut bytes, flate2::FlushDecompress::None)
            .map_err(|error| format!("its file is damaged: {error}"))?;
        if bytes.len() > limit {
            return Err(format!("it has more than {limit} bytes"));
        }
        if status == flate2::Status::StreamEnd {
            break;
        }
        if before == (inflater.total_in(), bytes.len()) {
            return Err("its file is damaged: it ends early".to_owned());
        }
    }
    if inflater.total_in() == packed.len() as u64 {
        Ok(bytes)
    } else {
        Err("its file is damaged: it goes on behind the object".to_owned())
    }
}

fn header(bytes: &[u8]) -> Option<(ObjectType, &[u8])> {
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
    (size == content.len().to_string()).then_some((kind, content))
}
