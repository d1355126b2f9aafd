//! The fonts of a layer: Wine's own, where its distribution has them, and none of the host's.
//!
//! Whatever loads Wine's `user32` has fontconfig look for fonts, and Wine writes what was found into
//! the registry. So the prefix that becomes the layer is filled with the fonts that containers
//! have; each of the host's would be looked for in vain by every program.

use std::path::{Path, PathBuf};

use super::wine::Wine;

/// Where Wine's own are, if there are any.
pub(super) fn of(wine: &Wine) -> Option<PathBuf> {
    let fonts = wine.data.join("fonts");
    let has_one = std::fs::read_dir(&fonts).is_ok_and(|mut entries| entries.next().is_some());
    has_one.then_some(fonts)
}

/// What fontconfig is told: the one place to look in, and where to keep what it found.
pub(super) fn configuration(fonts: Option<&Path>, cache: &str) -> String {
    let fonts = fonts.map(|path| format!("<dir>{}</dir>", path.display())).unwrap_or_default();
    format!(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE fontconfig SYSTEM \"fonts.dtd\">\n\
         <fontconfig>{fonts}<cachedir>{cache}</cachedir></fontconfig>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_only_when_there_is_one() {
        let with = configuration(Some(Path::new("/usr/share/wine/fonts")), "/tmp");
        assert!(with.contains("<dir>/usr/share/wine/fonts</dir><cachedir>/tmp<"), "{with}");
        assert!(!configuration(None, "/tmp").contains("<dir>"));
    }
}
