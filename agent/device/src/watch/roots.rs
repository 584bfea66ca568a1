//! Which camera directory a path belongs to, and how deep below it the agent looks.
//!
//! Pure path arithmetic: nothing here touches the file system but [`Root::new`], which asks for the
//! working directory.

use std::io;
use std::path::{Path, PathBuf};

/// Names one camera directory of this process: its position in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RootId(pub usize);

/// A camera directory. It need not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Which one it is.
    pub id: RootId,
    /// Absolute, without `.` and trailing slashes; may itself be a symbolic link.
    pub directory: PathBuf,
    /// How many levels of sub-directories are looked into; 0 is the directory alone.
    pub max_depth: usize,
}

impl Root {
    /// A root at `directory`, made absolute against the working directory.
    ///
    /// # Errors
    /// The path is empty, or the working directory cannot be read.
    pub fn new(id: RootId, directory: &Path, max_depth: usize) -> io::Result<Self> {
        let mut absolute = std::path::absolute(directory)?;
        // `absolute` keeps a trailing slash, and watch events would not: compare components only.
        absolute = absolute.components().collect();
        Ok(Self {
            id,
            directory: absolute,
            max_depth,
        })
    }

    /// Whether the directory at `path` is one whose files this root takes: not too deep, and nothing
    /// on the way hidden (a leading dot means "leave me alone until I am renamed").
    pub(super) fn looks_into(&self, path: &Path) -> bool {
        match path.strip_prefix(&self.directory) {
            Ok(below) => {
                below.components().count() <= self.max_depth && !below.components().any(is_hidden)
            }
            Err(_) => false,
        }
    }
}

fn is_hidden(component: std::path::Component<'_>) -> bool {
    component.as_os_str().as_encoded_bytes().first() == Some(&b'.')
}

/// All camera directories, to find the one a path belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    roots: Vec<Root>,
}

impl Places {
    pub(crate) fn new(roots: Vec<Root>) -> Self {
        Self { roots }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Root> {
        self.roots.iter()
    }

    pub(crate) fn get(&self, id: RootId) -> Option<&Root> {
        self.roots.iter().find(|root| root.id == id)
    }

    /// The innermost root that `path` is in (roots may be nested).
    pub(crate) fn root_of(&self, path: &Path) -> Option<&Root> {
        self.roots
            .iter()
            .filter(|root| path.starts_with(&root.directory))
            .max_by_key(|root| root.directory.as_os_str().len())
    }

    /// Whether `path` is a root or on the way to one: its coming may mean that a root came.
    pub(super) fn leads_to_a_root(&self, path: &Path) -> bool {
        self.roots
            .iter()
            .any(|root| root.directory.starts_with(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(id: usize, directory: &str, max_depth: usize) -> Root {
        Root::new(RootId(id), Path::new(directory), max_depth).expect("absolute")
    }

    #[test]
    fn the_innermost_root_owns_a_path_and_neighbours_do_not() {
        let places = Places::new(vec![root(0, "/cam", 9), root(1, "/cam/b/", 9)]);
        let owner = |path: &str| places.root_of(Path::new(path)).map(|root| root.id.0);
        assert_eq!(owner("/cam/a.jpg"), Some(0));
        assert_eq!(owner("/cam/b/a.jpg"), Some(1));
        assert_eq!(owner("/cam/bb/a.jpg"), Some(0));
        assert_eq!(owner("/camera/a.jpg"), None);
        assert!(places.leads_to_a_root(Path::new("/")));
        assert!(places.leads_to_a_root(Path::new("/cam/b")));
        assert!(!places.leads_to_a_root(Path::new("/cam/b/c")));
    }

    #[test]
    fn depth_and_hidden_directories_bound_where_a_root_looks() {
        let root = root(0, "/cam/./x//", 1);
        assert_eq!(root.directory, Path::new("/cam/x"));
        assert!(root.looks_into(Path::new("/cam/x")));
        assert!(root.looks_into(Path::new("/cam/x/2026")));
        assert!(!root.looks_into(Path::new("/cam/x/2026/11")));
        assert!(!root.looks_into(Path::new("/cam/x/.thumbs")));
        assert!(!root.looks_into(Path::new("/cam")));
        // A hidden place above the root was the operator's choice.
        let inside = Root::new(RootId(1), Path::new("/home/.cam"), 1).expect("absolute");
        assert!(inside.looks_into(Path::new("/home/.cam/a")));
    }
}
