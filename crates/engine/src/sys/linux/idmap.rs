//! User namespaces: the silo's own, and those that tell an id-mapped mount who is who.
//!
//! A namespace needs a process to be made in; a child that does nothing lends itself and ends. Its
//! descriptor keeps the namespace.

use std::fmt::Write as _;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use super::identity::{FIRST_ID, ID_COUNT};
use super::namespaces::Child;
use crate::error::ErrorKind;

/// A user namespace that maps the container's ids.
#[derive(Debug)]
pub(crate) struct IdMap {
    namespace: OwnedFd,
}

impl IdMap {
    /// The container's ids 0.. on host ids 1000000000..
    pub(crate) fn container() -> Result<Self, ErrorKind> {
        let lines = format!("0 {FIRST_ID} {ID_COUNT}\n");
        Self::with(&lines, &lines)
    }

    /// A map in which the files of this owner are the container root's; `None` when the usual map
    /// does that already. Root then has the owner's place.
    pub(crate) fn for_owner(uid: u32, gid: u32) -> Result<Option<Self>, ErrorKind> {
        if uid == 0 && gid == 0 {
            return Ok(None);
        }
        Self::with(&exchanged(uid), &exchanged(gid)).map(Some)
    }

    fn with(uids: &str, gids: &str) -> Result<Self, ErrorKind> {
        let fail = |what: &'static str| move |e| ErrorKind::io(what, e);
        let child = Child::idle_in_user_namespace()
            .map_err(fail("make a user namespace (see user.max_user_namespaces)"))?;
        let proc = format!("/proc/{}", child.pid());
        fs::write(format!("{proc}/uid_map"), uids).map_err(fail("map user ids"))?;
        fs::write(format!("{proc}/gid_map"), gids).map_err(fail("map group ids"))?;
        let namespace = fs::File::open(format!("{proc}/ns/user")).map_err(fail("keep it"))?;
        Ok(Self { namespace: namespace.into() })
    }
}

impl AsFd for IdMap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.namespace.as_fd()
    }
}

/// The usual map, with `owner` and 0 in each other's place.
fn exchanged(owner: u32) -> String {
    if owner == 0 {
        return format!("0 {FIRST_ID} {ID_COUNT}\n");
    }
    if owner >= ID_COUNT {
        // Outside the map anyway: root alone gives up its place.
        return format!("{owner} {FIRST_ID} 1\n1 {} {}\n", FIRST_ID + 1, ID_COUNT - 1);
    }
    let mut lines = format!("{owner} {FIRST_ID} 1\n0 {} 1\n", FIRST_ID + owner);
    if owner > 1 {
        let _ = writeln!(lines, "1 {} {}", FIRST_ID + 1, owner - 1);
    }
    let after = owner + 1;
    if after < ID_COUNT {
        let _ = writeln!(lines, "{after} {} {}", FIRST_ID + after, ID_COUNT - after);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a map as `(inside, outside, count)`.
    fn parse(map: &str) -> Vec<(u32, u32, u32)> {
        let number = |word: Option<&str>| word.unwrap().parse().unwrap();
        let line = |line: &str| {
            let mut words = line.split(' ');
            (number(words.next()), number(words.next()), number(words.next()))
        };
        map.lines().map(line).collect()
    }

    #[test]
    fn an_owner_and_root_change_places_and_everyone_else_stays() {
        for owner in [1, 2, 1000, ID_COUNT - 1] {
            let map = parse(&exchanged(owner));
            let seen = |id: u32| {
                map.iter()
                    .find(|(from, _, n)| id >= *from && id < from + n)
                    .map(|(f, t, _)| t + id - f)
            };
            assert_eq!(seen(owner), Some(FIRST_ID));
            assert_eq!(seen(0), Some(FIRST_ID + owner));
            for other in (1..ID_COUNT).filter(|id| *id != owner) {
                assert_eq!(seen(other), Some(FIRST_ID + other));
            }
        }
    }

    #[test]
    fn no_two_owners_ever_look_the_same() {
        for owner in [0, 1, 1000, ID_COUNT, 3_000_000] {
            let total: u32 = parse(&exchanged(owner)).iter().map(|(_, _, n)| n).sum();
            assert_eq!(total, ID_COUNT);
        }
    }
}
