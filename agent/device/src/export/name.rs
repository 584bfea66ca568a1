//! The name of an image on a stick: its site's folder, then the last folders and the name that it has on the device, in
//! characters that FAT and exFAT take. Two images never get one name.

use std::path::Path;

use weir_journey::identity::Sha256;

/// Folders of the device's path that are kept: a day's and a camera's, which tell the capture time of some makers.
const FOLDERS: usize = 4;
/// A component is no longer than this, in characters: FAT takes 255.
const LONGEST: usize = 120;

/// The path below the stick's folder, with `/` between its components; one that is taken there gets digits of the digest.
pub(super) fn on_stick(site: &str, original: &Path, sha256: &Sha256, folder: &Path) -> String {
    let mut parts: Vec<String> = original
        .components()
        .filter_map(|component| match component {
            std::path::Component::Normal(name) => Some(plain(&name.to_string_lossy())),
            _ => None,
        })
        .collect();
    let name = parts.pop().unwrap_or_else(|| "image".to_owned());
    let folders = parts
        .split_off(parts.len().saturating_sub(FOLDERS))
        .join("/");
    let below = if folders.is_empty() {
        site.to_owned()
    } else {
        format!("{site}/{folders}")
    };
    let wanted = format!("{below}/{name}");
    if folder.join(&wanted).symlink_metadata().is_err() {
        return wanted;
    }
    let digits = &sha256.to_string()[..16];
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, "bin"));
    format!("{below}/{stem}_{digits}.{extension}")
}

/// A component in characters that every file system takes
/// (<https://learn.microsoft.com/windows/win32/fileio/naming-a-file>).
fn plain(name: &str) -> String {
    let mapped: String = name
        .chars()
        .map(|c| match c {
            '<' | '>' | ':' | '"' | '|' | '?' | '*' | '\\' | char::REPLACEMENT_CHARACTER => '_',
            c if c.is_control() => '_',
            c => c,
        })
        .collect();
    let skipped = mapped.chars().count().saturating_sub(LONGEST);
    // The end is kept: it has the extension, and most often the time.
    let kept: String = mapped.chars().skip(skipped).collect();
    let kept = kept.trim_end_matches(['.', ' ']).trim_start_matches('.');
    if kept.is_empty() {
        "_".to_owned()
    } else {
        kept.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_name_stays_below_the_site_and_fits_fat(original in "(/[^/\0]{1,300}){1,8}") {
            let room = tempfile::tempdir().unwrap();
            let name = on_stick("first-dam", Path::new(&original), &Sha256([7; 32]), room.path());
            prop_assert!(name.starts_with("first-dam/"));
            for part in name.split('/') {
                prop_assert!(!part.is_empty() && part != "." && part != ".." && part.chars().count() <= LONGEST);
                prop_assert!(!part.contains(['<', '>', ':', '"', '|', '?', '*', '\\']));
                prop_assert!(!part.ends_with(['.', ' ']));
            }
        }
    }

    #[test]
    fn names_that_repeat_from_folder_to_folder_do_not_meet() {
        let room = tempfile::tempdir().unwrap();
        let name =
            |original: &str| on_stick("a", Path::new(original), &Sha256([7; 32]), room.path());
        assert_eq!(
            name("/srv/cam/DCIM/100/R1.JPG"),
            "a/srv/cam/DCIM/100/R1.JPG"
        );
        assert_ne!(
            name("/srv/cam/DCIM/100/R1.JPG"),
            name("/srv/cam/DCIM/101/R1.JPG")
        );
        std::fs::create_dir_all(room.path().join("a/srv/cam/DCIM/100")).unwrap();
        std::fs::write(room.path().join("a/srv/cam/DCIM/100/R1.JPG"), "another").unwrap();
        assert_eq!(
            name("/srv/cam/DCIM/100/R1.JPG"),
            "a/srv/cam/DCIM/100/R1_0707070707070707.JPG"
        );
    }
}
