//! Files to copy: what patterns match, and where each goes below the destination.

use std::path::{Path, PathBuf};

use image::Digest;

use super::{CopyError, Result, at};
use crate::fetch::FetchError;
use crate::ignore::{Ignore, name_matches};
use crate::view::{Node, View, parts};

/// Files to copy, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    pub(super) items: Vec<Item>,
    /// The destination is a directory, whatever is there.
    pub(super) directory: bool,
    /// Whose what is copied becomes (`S-1-...`); nobody's in particular when absent.
    pub(super) owner: Option<String>,
    /// What stands for the items that are not looked at for the digest.
    pub(super) told: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Below the destination; empty is the destination itself.
    pub(super) path: String,
    /// What the source is called, should the destination be a directory.
    pub(super) name: String,
    pub(super) what: What,
    /// Something that is told stands for it.
    pub(super) is_told: bool,
    /// Whose it is and who may do what with it, where that is known and not as usual.
    pub(super) descriptor: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    /// The newest of the folders that it is made of.
    Directory(PathBuf),
    File(PathBuf),
    Text(String),
    Link(PathBuf),
}

/// How much of a source's path is kept below the destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// A file's name; of a directory, what is in it.
    Name,
    /// All of it but so many elements at its beginning.
    PathAfter(usize),
}

/// What is not copied although it is named.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    /// By the path in the context.
    pub(crate) hidden: Ignore,
    /// By the path below what is copied.
    pub(crate) exclude: Ignore,
}

impl Filter {
    fn takes_out(&self, path: &str, below: &str) -> bool {
        self.hidden.hides(path) || self.exclude.hides(below)
    }

    /// Whether something below a folder that is taken out may be there all the same.
    fn may_keep_below(&self) -> bool {
        self.hidden.may_keep_below() || self.exclude.may_keep_below()
    }
}

impl Selection {
    /// Whether the destination is told to be a directory.
    pub(crate) fn into_directory(directory: bool) -> Self {
        Self { directory, ..Self::default() }
    }

    /// The same, belonging to an account.
    pub(crate) fn owned_by(self, owner: Option<String>) -> Self {
        Self { owner, ..self }
    }

    /// A file whose text stands in the Dockerfile.
    pub(crate) fn text(&mut self, name: &str, text: String) {
        self.items.push(Item::named(name, What::Text(text)));
    }

    /// A file of the host under a name.
    pub(crate) fn file(&mut self, name: &str, file: &Path) {
        self.items.push(Item::named(name, What::File(file.to_owned())));
    }

    /// The one file that it is, when it is nothing else.
    pub(crate) fn single_file(&self) -> Option<&str> {
        match &self.items[..] {
            [Item { path, name, what: What::File(_) | What::Text(_), .. }]
                if path.is_empty() && !self.directory =>
            {
                Some(name)
            }
            _ => None,
        }
    }

    /// Takes out the files that were named themselves and are wanted.
    pub(crate) fn take_files(
        &mut self,
        wanted: impl Fn(&Path) -> std::result::Result<bool, FetchError>,
    ) -> std::result::Result<Vec<PathBuf>, FetchError> {
        let mut taken = Vec::new();
        for item in std::mem::take(&mut self.items) {
            match &item.what {
                What::File(file) if item.path.is_empty() && wanted(file)? => {
                    taken.push(file.clone());
                }
                _ => self.items.push(item),
            }
        }
        Ok(taken)
    }

    /// Everything of another selection behind what is here.
    pub(crate) fn append(&mut self, other: Self) {
        self.items.extend(other.items);
        self.told.extend(other.told);
        self.directory |= other.directory;
    }

    /// Lets `told` stand for a folder, should it be here, whose files are not the same each time
    /// although they mean the same.
    pub(crate) fn tell(&mut self, folder: &str, told: &str) {
        let below = format!("{folder}/");
        for item in &mut self.items {
            item.is_told |= item.path == folder || item.path.starts_with(&below);
        }
        if self.items.iter().any(|item| item.is_told) {
            self.told.push(told.to_owned());
        }
    }

    /// What `pattern` (a path from the root, slashes) matches in `view`.
    pub(crate) fn source(
        &mut self,
        view: &View,
        pattern: &str,
        filter: &Filter,
        kept: Kept,
    ) -> Result<()> {
        let wild = is_wild(pattern);
        self.directory |= wild || kept != Kept::Name;
        for path in matching(view, pattern)? {
            let below = kept.of(&path);
            let name = path.rsplit('/').next().unwrap_or_default();
            let is_out = !path.is_empty() && filter.hidden.hides(&path);
            match view.find(&path).map_err(at(&path))? {
                Some(Node::Directory(folder)) if !is_out || filter.may_keep_below() => {
                    self.directory = true;
                    if !below.is_empty() && !filter.takes_out(&path, &below) {
                        self.push(&below, What::of(&folder));
                    }
                    self.tree(&folder, &path, &below, filter)?;
                }
                Some(Node::File(file)) if !is_out => match kept {
                    Kept::Name if filter.exclude.hides(name) => {}
                    Kept::Name => self.file(name, &file),
                    Kept::PathAfter(_) if filter.exclude.hides(&below) => {}
                    Kept::PathAfter(_) => self.push(&below, What::File(file)),
                },
                _ if wild => {}
                _ => return Err(CopyError::Missing(path)),
            }
        }
        Ok(())
    }

    fn tree(&mut self, folder: &View, path: &str, below: &str, filter: &Filter) -> Result<()> {
        for name in folder.names().map_err(at(path))? {
            let path = format!("{path}/{name}");
            let below = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            let is_out = filter.takes_out(&path, &below);
            let what = match folder.open(&name).map_err(at(&path))? {
                Some(Node::Directory(inner)) => {
                    if !is_out {
                        self.push(&below, What::of(&inner));
                    }
                    if !is_out || filter.may_keep_below() {
                        self.tree(&inner, &path, &below, filter)?;
                    }
                    continue;
                }
                Some(Node::File(file)) => What::File(file),
                Some(Node::Link(target)) => What::Link(target),
                None => continue,
            };
            if !is_out {
                self.push(&below, what);
            }
        }
        Ok(())
    }

    fn push(&mut self, path: &str, what: What) {
        self.items.push(Item { path: path.to_owned(), ..Item::named("", what) });
    }

    /// A digest of names and contents, without times.
    pub(crate) fn digest(&self) -> Result<Digest> {
        let about = serde_json::json!([self.owner, self.directory, self.told]);
        let mut all = format!("{about}\n");
        for item in self.items.iter().filter(|item| !item.is_told) {
            let (kind, content) = match &item.what {
                What::Directory(_) => ("directory", String::new()),
                What::File(path) => ("file", hash(path)?),
                What::Text(text) => ("file", Digest::of(text.as_bytes()).to_string()),
                What::Link(target) => ("link", target.to_string_lossy().into_owned()),
            };
            let mut line = serde_json::json!([item.path, item.name, kind, content]);
            if let (Some(line), Some(text)) = (line.as_array_mut(), &item.descriptor) {
                line.push(text.as_str().into());
            }
            all.push_str(&line.to_string());
            all.push('\n');
        }
        Ok(Digest::of(all.as_bytes()))
    }
}

impl Item {
    /// One that goes by its own name.
    fn named(name: &str, what: What) -> Self {
        let (path, name) = (String::new(), name.to_owned());
        Self { path, name, what, is_told: false, descriptor: None }
    }
}

impl What {
    fn of(folder: &View) -> Self {
        Self::Directory(folder.newest().unwrap_or(Path::new("")).to_owned())
    }

    /// Where it lies, if it is not made here.
    pub(super) fn origin(&self) -> Option<&Path> {
        match self {
            Self::Directory(path) | Self::File(path) => Some(path),
            Self::Text(_) | Self::Link(_) => None,
        }
    }
}

impl Kept {
    fn of(self, path: &str) -> String {
        match self {
            Self::Name => String::new(),
            Self::PathAfter(skipped) => parts(path).skip(skipped).collect::<Vec<_>>().join("/"),
        }
    }
}

fn is_wild(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The paths that a pattern means; one without wildcards means itself, there or not.
fn matching(view: &View, pattern: &str) -> Result<Vec<String>> {
    let mut paths = vec![String::new()];
    for part in parts(pattern) {
        let mut next = Vec::new();
        for path in &paths {
            if part == "**" {
                below(view, path, &mut next)?;
            } else if !is_wild(&part) {
                next.push(format!("{path}/{part}"));
            } else if let Some(Node::Directory(folder)) = view.find(path).map_err(at(path))? {
                let names = folder.names().map_err(at(path))?;
                let names = names.into_iter().filter(|name| name_matches(&part, name));
                next.extend(names.map(|name| format!("{path}/{name}")));
            }
        }
        paths = next;
    }
    Ok(paths)
}

/// A folder and all folders below it.
fn below(view: &View, path: &str, found: &mut Vec<String>) -> Result<()> {
    let Some(Node::Directory(folder)) = view.find(path).map_err(at(path))? else { return Ok(()) };
    found.push(path.to_owned());
    for name in folder.names().map_err(at(path))? {
        if let Some(Node::Directory(_)) = folder.open(&name).map_err(at(path))? {
            below(view, &format!("{path}/{name}"), found)?;
        }
    }
    Ok(())
}

fn hash(path: &Path) -> Result<String> {
    Ok(super::digest(path).map_err(at(path))?.to_string())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn context() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["src/a/deep", "src/b"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        for file in ["src/a/x.txt", "src/a/deep/y.txt", "src/b/x.txt", "src/b/z.md"] {
            fs::write(dir.path().join(file), file).unwrap();
        }
        dir
    }

    fn selected(pattern: &str, kept: Kept) -> Vec<String> {
        let dir = context();
        let mut selection = Selection::default();
        let view = View::folder(dir.path());
        selection.source(&view, pattern, &Filter::default(), kept).unwrap();
        let path = |item: &Item| format!("{}{}", item.path, item.name);
        selection.items.iter().map(path).collect()
    }

    #[test]
    fn a_pattern_gives_names_and_a_folder_what_is_in_it() {
        assert_eq!(selected("/src/*/x.txt", Kept::Name), ["x.txt", "x.txt"]);
        assert_eq!(selected("/src/a", Kept::Name), ["deep", "deep/y.txt", "x.txt"]);
        assert!(selected("/none*", Kept::Name).is_empty());
    }

    #[test]
    fn parents_are_kept_from_the_pivot_on() {
        let all = Kept::PathAfter(0);
        assert_eq!(selected("/src/*/x.txt", all), ["src/a/x.txt", "src/b/x.txt"]);
        assert_eq!(selected("/src/b", Kept::PathAfter(1)), ["b", "b/x.txt", "b/z.md"]);
        let deep = ["a/deep/y.txt", "a/x.txt", "b/x.txt"];
        let mut found = selected("/src/**/*.txt", Kept::PathAfter(1));
        found.sort();
        assert_eq!(found, deep);
    }

    #[test]
    fn exclusions_are_matched_below_what_is_copied() {
        let dir = context();
        let view = View::folder(dir.path());
        let names = |pattern: &str, exclude: &str, kept| {
            let exclude = Ignore::of(&[exclude.to_owned()]).unwrap();
            let filter = Filter { exclude, ..Filter::default() };
            let mut selection = Selection::default();
            selection.source(&view, pattern, &filter, kept).unwrap();
            let path = |item: &Item| format!("{}{}", item.path, item.name);
            selection.items.iter().map(path).collect::<Vec<_>>()
        };
        assert_eq!(names("/src/b", "*.md", Kept::Name), ["x.txt"]);
        assert_eq!(names("/src/b/*", "*.md", Kept::Name), ["x.txt"]);
        assert_eq!(names("/src/a", "deep", Kept::Name), ["x.txt"]);
        assert_eq!(names("/src/b", "**/*.md", Kept::PathAfter(1)), ["b", "b/x.txt"]);
        assert_eq!(names("/src/b", "*.md", Kept::PathAfter(1)).len(), 3);
    }

    #[test]
    fn what_is_missing_is_named_and_an_owner_is_part_of_the_digest() {
        let dir = context();
        let view = View::folder(dir.path());
        let mut selection = Selection::default();
        let missing = selection.source(&view, "/nope", &Filter::default(), Kept::PathAfter(0));
        assert_eq!(missing.unwrap_err().to_string(), "\"/nope\": not found");
        selection.source(&view, "/src/b/z.md", &Filter::default(), Kept::Name).unwrap();
        let digest = selection.digest().unwrap();
        let owned = selection.clone().owned_by(Some("S-1-5-18".to_owned()));
        assert_ne!(owned.digest().unwrap(), digest);
    }

    #[test]
    fn a_destination_that_is_a_directory_makes_another_digest() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "a").unwrap();
        let view = View::folder(dir.path());
        let digest = |pattern: &str| {
            let mut selection = Selection::default();
            selection.source(&view, pattern, &Filter::default(), Kept::Name).unwrap();
            selection.digest().unwrap()
        };
        // `COPY a /x` makes a file, `COPY a* /x` one in a folder.
        assert_ne!(digest("/a"), digest("/a*"));
    }

    #[test]
    fn what_something_stands_for_is_not_looked_at() {
        let dir = context();
        let view = View::folder(dir.path());
        let digest = |told: &str| {
            let mut selection = Selection::default();
            selection.source(&view, "/src", &Filter::default(), Kept::Name).unwrap();
            selection.tell("a", told);
            selection.digest().unwrap()
        };
        let before = digest("one");
        fs::write(dir.path().join("src/a/x.txt"), "another").unwrap();
        assert_eq!(digest("one"), before);
        assert_ne!(digest("two"), before);
        fs::write(dir.path().join("src/b/x.txt"), "another").unwrap();
        assert_ne!(digest("one"), before);
    }
}
