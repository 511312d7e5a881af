//! A library both verifiers trust: one commit for each world, with its policy, signers and runbooks.

use std::path::{Path, PathBuf};

use git2::{Oid, Repository, Signature, Time};

use super::world::{World, signers};

pub struct Shelf {
    pub path: PathBuf,
    repo: Repository,
    tip: Option<Oid>,
}

impl Shelf {
    pub fn new(path: &Path) -> Self {
        let repo = Repository::init_bare(path).unwrap();
        repo.set_head("refs/heads/main").unwrap();
        Self {
            path: path.to_owned(),
            repo,
            tip: None,
        }
    }

    /// Puts what a world pins into the library, and the commit into the world.
    pub fn place(&mut self, mut world: World) -> World {
        let mut index = git2::Index::new().unwrap();
        let mut files = vec![
            ("policy.yaml".to_owned(), world.policy.clone()),
            (
                "allowed_signers".to_owned(),
                signers() + &world.more_signers,
            ),
        ];
        files.extend(
            world
                .books
                .iter()
                .map(|book| (book.path.clone(), book.text.clone())),
        );
        for (path, text) in files {
            let id = self.repo.blob(text.as_bytes()).unwrap();
            index.add(&entry(&path, id, text.len())).unwrap();
        }
        let tree = index.write_tree_to(&self.repo).unwrap();
        let tree = self.repo.find_tree(tree).unwrap();
        let who = Signature::new(
            "Erin East",
            "erin@example.org",
            &Time::new(1_780_000_000, 0),
        )
        .unwrap();
        let parent = self.tip.map(|tip| self.repo.find_commit(tip).unwrap());
        let parents: Vec<_> = parent.iter().collect();
        let commit = self
            .repo
            .commit(
                Some("refs/heads/main"),
                &who,
                &who,
                "Runbooks\n",
                &tree,
                &parents,
            )
            .unwrap();
        self.tip = Some(commit);
        world.commit = commit.to_string();
        for book in &mut world.books {
            book.commit = commit.to_string();
        }
        world
    }
}

fn entry(path: &str, id: Oid, size: usize) -> git2::IndexEntry {
    git2::IndexEntry {
        ctime: git2::IndexTime::new(0, 0),
        mtime: git2::IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode: 0o100_644,
        uid: 0,
        gid: 0,
        file_size: u32::try_from(size).unwrap(),
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_bytes().to_vec(),
    }
}
