//! Times that the folders of a picture state, with or without its name.
//!
//! Cameras that sort by folder put the date, and some the hour and minute, into the path; the name then holds the rest
//! or nothing. A row fits the last components of a path, as many as it has; the first that fits decides. Folders that
//! state only a date count where cameras make them (year, month and day each a folder), not where people do: a folder
//! `2024-08-09` is as often the day when a card was emptied.

use std::path::{Component, Path};
use std::sync::LazyLock;

use chrono::Timelike as _;

use super::capture::Source;
use super::choose::Reading;
use super::makers::scheme::{Scheme, schemes};
use super::makers::stem;
use super::template::Template;

#[rustfmt::skip]
const ROWS: &[Scheme] = schemes![
    "Dahua", "{Y}-{M}-{D}/{w}/jpg/{h}/{m}/{s}[{*}", Local,
        "AMC002A3/2018-08-24/001/jpg/22/27/22[M][0@0][0].jpg", "2018-08-24 22:27:22",
        "https://github.com/vov4uk/HikConsole";
    "Dahua", "{Y}-{M}-{D}/{w}/jpg/{h}/{m}.{s}[{*}", Local,
        "Sippe3/2023-09-04/001/jpg/13/28.47[M][0@0][0].jpg", "2023-09-04 13:28:47",
        "https://github.com/vov4uk/HikConsole";
    "Dahua", "{Y}-{M}-{D}/{w}/jpg/{h}.{m}.{s}[{*}", Local,
        "2023-09-04/001/jpg/13.28.47[M][0@0][0].jpg", "2023-09-04 13:28:47",
        "https://github.com/vov4uk/HikConsole";
    "Dahua", "{Y}-{M}-{D}/{w}/jpg/{h}/{h}.{m}.{s}[{*}", Local,
        "192.168.1.108/2023-09-27/001/jpg/14/14.03.11[M][0@0][0].jpg", "2023-09-27 14:03:11",
        "https://github.com/TheScubaDiver/camera-gallery-card/pull/141";
    "Dahua", "{Y}-{M}-{D}/pic_{n}/{h}/{m}/{s}[{*}", Local,
        "IPC-HDBW5238R-AS/4D027BCPAA05B90/2018-07-25/pic_001/09/52/21[M][0@0][1].jpg", "2018-07-25 09:52:21",
        "https://github.com/vov4uk/HikConsole";
    "Dahua", "{Y}-{M}-{D}/pic_{n}/{h}.{m}.{s}[{*}", Local,
        "4H05C95PAA07D83/2018-10-17/pic_001/15.39.01[R][0@0][0].jpg", "2018-10-17 15:39:01",
        "https://github.com/vov4uk/HikConsole";
    "Dahua", "{Y}-{M}-{D}/{w}/dav/{h}/{h}.{m}.{s}-{n}.{n}.{n}[{*}", Local,
        "2018-08-24/001/dav/22/22.27.00-22.27.30[M][0@0][0].mp4", "2018-08-24 22:27:00",
        "https://github.com/TheScubaDiver/camera-gallery-card/pull/141";
    "motionEye", "{Y}-{M}-{D}/{h}-{m}-{s}{~}", Local,
        "Camera1/2024-08-09/14-30-00.jpg", "2024-08-09 14:30:00",
        "https://github.com/motioneye-project/motioneyeos/issues/1035";
    "motionEye", "{Y}/{M}/{D}/{*}_{h}{m}{s}", Local,
        "motioneye/2020/03/12/Corridor1_013601.jpg", "2020-03-12 01:36:01",
        "https://github.com/motioneye-project/motioneye/issues/1631";
    "motionEye", "{Y}/{M}/{D}/{*}_{h}-{m}-{s}", Local,
        "motioneye/2020/03/12/Corridor1_01-36-01.jpg", "2020-03-12 01:36:01",
        "https://github.com/motioneye-project/motioneye/issues/1631";
    "motion", "{Y}/{M}/{D}/{h}/{m}/{s}-snapshot", Local,
        "2024/08/09/14/30/00-snapshot.jpg", "2024-08-09 14:30:00",
        "https://github.com/Motion-Project/motion/issues/1113";
    "motion", "{Y}/{M}/{D}/{h}/{m}/{s}-{n}", Local,
        "2024/08/09/14/30/05-02.jpg", "2024-08-09 14:30:05",
        "https://github.com/Motion-Project/motion/issues/1113";
    // Recordings of a minute and less, in folders by UTC since 0.11.
    "Frigate", "recordings/{Y}-{M}-{D}/{h}/{*}/{m}.{s}", Utc,
        "recordings/2023-04-14/19/front/30.05.mp4", "2023-04-14 19:30:05",
        "https://docs.frigate.video/configuration/record/";
    "Yi", "{Y}Y{M}M{D}D{h}H/E1{m}M{s}S{n}", Local,
        "2023Y01M09D14H/E122M37S23.mp4", "2023-01-09 14:22:37",
        "https://github.com/roleoroleo/yi-hack-Allwinner-v2/issues/895";
    "Yi", "{Y}Y{M}M{D}D{h}H/E0{m}M{s}S{n}", Local,
        "2023Y01M09D14H/E022M37S23.mp4", "2023-01-09 14:22:37",
        "https://github.com/roleoroleo/yi-hack-Allwinner-v2/issues/562";
    "Yi", "{Y}Y{M}M{D}D{h}H/{m}M{s}S{n}", Local,
        "2020Y09M18D14H/29M00S60.mp4", "2020-09-18 14:29:00",
        "https://github.com/roleoroleo/yi-hack-MStar/issues/230";
    "LevelOne", "{*}_{Y}-{M}-{D}/Snap_{h}{m}{s}_{f}_{n}", Local,
        "Img_2010-08-10/Snap_103130_021_1.jpg", "2010-08-10 10:31:30.021",
        "https://www.level1.com/level1_es/amfile/file/download/file/195809/product/11361";
    // Folders of any camera that sends by FTP, its time in the name or in further folders.
    "date folders", "{Y}/{M}/{D}/{h}/{m}/{s}", Local,
        "2024/08/09/14/30/05.jpg", "2024-08-09 14:30:05",
        "https://motion-project.github.io/motion_config.html#snapshot_filename";
    "date folders", "{Y}/{M}/{D}/{h}/{m}-{s}{~}", Local,
        "2024/08/09/14/30-05.jpg", "2024-08-09 14:30:05",
        "https://motion-project.github.io/motion_config.html#snapshot_filename";
    "date folders", "{Y}/{M}/{D}/{h}/{m}.{s}{~}", Local,
        "2024/08/09/14/30.05.jpg", "2024-08-09 14:30:05",
        "https://motion-project.github.io/motion_config.html#snapshot_filename";
    "date folders", "{Y}/{M}/{D}/{h}-{m}-{s}{~}", Local,
        "2024/08/09/14-30-05.jpg", "2024-08-09 14:30:05",
        "https://github.com/motioneye-project/motioneye/issues/1631";
    "date folders", "{Y}/{M}/{D}/{h}_{m}_{s}{~}", Local,
        "2024/08/09/14_30_05.jpg", "2024-08-09 14:30:05",
        "https://github.com/motioneye-project/motioneye/issues/1631";
    "date folders", "{Y}/{M}/{D}/{h}{m}{s}{~}", Local,
        "2024/08/09/143005.jpg", "2024-08-09 14:30:05",
        "https://github.com/motioneye-project/motioneye/issues/1631";
    "date folders", "{Y}-{M}-{D}/{h}{m}{s}{~}", Local,
        "2024-08-09/143005.jpg", "2024-08-09 14:30:05",
        "https://github.com/motioneye-project/motioneyeos/issues/1035";
    "date folders", "{Y}-{M}-{D}/{h}_{m}_{s}{~}", Local,
        "2024-08-09/14_30_05.jpg", "2024-08-09 14:30:05",
        "https://github.com/motioneye-project/motioneyeos/issues/1035";
    "date folders", "{Y}-{M}-{D}/{h}.{m}.{s}{~}", Local,
        "2024-08-09/14.30.05.jpg", "2024-08-09 14:30:05",
        "https://github.com/motioneye-project/motioneyeos/issues/1035";
    "date folders", "{Y}{M}{D}/{h}-{m}-{s}{~}", Local,
        "20240809/14-30-05.jpg", "2024-08-09 14:30:05",
        "https://github.com/motioneye-project/motioneyeos/issues/1035";
    "date folders", "{Y}{M}{D}/{h}{m}{s}{~}", Local,
        "20240809/143005.jpg", "2024-08-09 14:30:05",
        "https://github.com/motioneye-project/motioneyeos/issues/1035";
    "date folders", "{Y}_{M}_{D}/{h}_{m}_{s}{~}", Local,
        "2024_08_09/14_30_05.jpg", "2024-08-09 14:30:05",
        "https://github.com/motioneye-project/motioneyeos/issues/1035";
    "date folders", "{Y}_{M}_{D}/{h}{m}{s}{~}", Local,
        "2024_08_09/143005.jpg", "2024-08-09 14:30:05",
        "https://github.com/motioneye-project/motioneyeos/issues/1035";
    "date folders", "{Y}/{M}/{D}/{h}{m}_{w}", Local,
        "2024/08/09/1430_hd.jpg", "2024-08-09 14:30:00",
        "https://www.foto-webcam.eu/";
    "date folders", "{Y}-{M}-{D}/{h}/{m}/{s}", Local,
        "2024-08-09/14/30/05.jpg", "2024-08-09 14:30:05",
        "https://motion-project.github.io/motion_config.html#snapshot_filename";
    "date folders", "{Y}{M}{D}/{h}/{m}/{s}", Local,
        "20240809/14/30/05.jpg", "2024-08-09 14:30:05",
        "https://motion-project.github.io/motion_config.html#snapshot_filename";
    "date folders", "{Y}/{M}/{D}/{h}-{m}", Local,
        "2024/08/09/14-30.jpg", "2024-08-09 14:30:00",
        "https://github.com/motioneye-project/motioneye/issues/1631";
    "date folders", "{Y}{M}{D}/{h}/{m}", Local,
        "record/20240809/14/30.mp4", "2024-08-09 14:30:00",
        "https://github.com/gtxaspec/wz_mini_hacks";
    "date folders", "{Y}/{M}/{D}/{*}", Local,
        "ftp/2023/01/14/snap.jpg", "2023-01-14 00:00:00",
        "https://github.com/lukelalo/gallery-card/issues/12";
    "date folders", "{Y}/{M}/{D}/{h}/{*}", Local,
        "ftp/2023/01/14/09/snap.jpg", "",
        "https://github.com/lukelalo/gallery-card/issues/12";
];

/// Most folders that count: more than any row has components.
const DEPTH: usize = 8;

/// Rows with the number of their components.
static SCHEMES: LazyLock<Vec<(&Scheme, usize, Template)>> = LazyLock::new(|| {
    let components = |template: &str| template.matches('/').count() + 1;
    ROWS.iter()
        .map(|scheme| {
            (
                scheme,
                components(scheme.template),
                Template::library(scheme.template),
            )
        })
        .collect()
});

/// The time that the folders of a picture state, with or without its name. The path is relative to the camera
/// directory, or absolute.
pub(super) fn read(path: &Path) -> Option<Reading> {
    stem::of(path.file_name()?)?;
    let joined = last_components(path, DEPTH);
    SCHEMES.iter().find_map(|(scheme, components, template)| {
        let text = tail(&joined, *components)?;
        let moment = template.read(text)?;
        if moment.local.hour() == 0 && begins_like_a_count(scheme.template) {
            return None;
        }
        Some(Reading {
            source: Source::Path,
            raw: String::from_utf8_lossy(tail(path.as_os_str().as_encoded_bytes(), *components)?)
                .into_owned(),
            local: moment.local,
            offset: moment.offset.or(scheme.clock.offset()),
            precision: moment.precision,
            scheme: Some(scheme.maker),
        })
    })
}

/// Whether the name of a row's files begins with the hour and minute as one number. Just after midnight that looks like
/// the count of the folder's first pictures.
fn begins_like_a_count(template: &str) -> bool {
    let name = template.rsplit('/').next().unwrap_or(template);
    name.starts_with("{h}{m}")
}

/// The makers of all rows.
#[cfg(test)]
pub(super) fn makers() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.maker)
}

/// The last components of a path that are names, joined by slashes, the last without its extension and what copying
/// added.
pub(super) fn last_components(path: &Path, most: usize) -> Vec<u8> {
    let names = path
        .components()
        .rev()
        .map_while(|component| match component {
            Component::Normal(name) => Some(name),
            _ => None,
        });
    let mut names: Vec<&[u8]> = names
        .take(most)
        .map(|name| name.as_encoded_bytes())
        .collect();
    if let Some(last) = names.first_mut() {
        *last = path.file_name().and_then(stem::of).unwrap_or(last);
    }
    names.reverse();
    names.join(&b'/')
}

/// The last so many components of a path, if it has them.
pub(super) fn tail(path: &[u8], components: usize) -> Option<&[u8]> {
    let mut slashes = memchr::memrchr_iter(b'/', path);
    match slashes.nth(components.checked_sub(1)?) {
        Some(slash) => Some(&path[slash + 1..]),
        None => (memchr::memchr_iter(b'/', path).count() + 1 == components).then_some(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_row_reads_its_example() {
        for row in ROWS {
            let found = read(Path::new(row.example));
            let means = found.as_ref().map_or(String::new(), |found| {
                found.local.format("%F %T%.f").to_string()
            });
            assert_eq!(means, row.means, "{}", row.example);
            assert!(row.source.starts_with("https://"), "{}", row.maker);
            if let Some(found) = found {
                assert_eq!(
                    (found.offset, found.scheme),
                    (row.clock.offset(), Some(row.maker)),
                    "{}",
                    row.example
                );
                let deeper = Path::new("/srv/7").join(row.example);
                assert_eq!(
                    read(&deeper).map(|found| found.local),
                    Some(found.local),
                    "{}",
                    row.example
                );
            }
        }
    }

    #[test]
    fn folders_of_people_state_nothing() {
        for path in [
            "2024-08-09/RCNX0001.JPG",
            "2024/August/a.jpg",
            "offload 2024-08-09/100RECNX/RCNX0001.JPG",
            "22[M][0@0][0].jpg",
            "2024-08-09/0001.jpg",
            "2024-08-09/000123.jpg",
            "20240809/000001.jpg",
            "2024/13/09/a.jpg",
            "2024/08/09/.a.jpg",
            "",
            "/",
            "..",
        ] {
            assert!(read(Path::new(path)).is_none(), "{path}");
        }
    }

    #[test]
    fn a_path_has_so_many_last_components() {
        assert_eq!(tail(b"a/b/c", 2), Some(b"b/c".as_slice()));
        assert_eq!(tail(b"a/b/c", 3), Some(b"a/b/c".as_slice()));
        assert_eq!(tail(b"a/b/c", 4), None);
        assert_eq!(tail(b"a", 1), Some(b"a".as_slice()));
    }

    proptest! {
        #[test]
        fn no_path_is_too_wild(path in "[0-9YMDHS/._-]{0,60}", text: String) {
            let _ = read(Path::new(&path));
            let _ = read(Path::new(&text));
        }
    }
}
