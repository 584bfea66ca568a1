//! The file names by which makers and programs say when a picture was taken.
//!
//! A row is added by adding a row: its example is tested. A name that fits no row states no time, however much
//! it looks like a date; the first row that fits decides.

use std::ffi::OsStr;

use chrono::{FixedOffset, Offset as _, Utc};

use super::capture::Source;
use super::choose::Reading;
use super::template;

/// What a scheme's clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// The time of the zone that the operator gave for the camera.
    Local,
    Utc,
}

/// One way of naming files.
struct Scheme {
    maker: &'static str,
    /// The name without its extension, as [`template`] describes it.
    template: &'static str,
    clock: Clock,
    #[cfg(test)]
    example: &'static str,
    /// The local or UTC time that the example states.
    #[cfg(test)]
    means: &'static str,
    /// Where the scheme is described.
    #[cfg(test)]
    source: &'static str,
}

macro_rules! schemes {
    ($($maker:literal, $template:literal, $clock:ident, $example:literal, $means:literal, $source:literal;)*) => {
        &[$(Scheme {
            maker: $maker,
            template: $template,
            clock: Clock::$clock,
            #[cfg(test)]
            example: $example,
            #[cfg(test)]
            means: $means,
            #[cfg(test)]
            source: $source,
        }),*]
    };
}

/// Maker, template, clock; an example, what it means, and the public source of the scheme.
#[rustfmt::skip]
const SCHEMES: &[Scheme] = schemes![
    "HydroCam", "image_capture_{Y}-{M}-{D}_{h}-{m}-{s}", Local,
        "image_capture_2024-08-09_14-30-00.jpg", "2024-08-09 14:30:00",
        "https://github.com/hydrocam/collector";
    "HydroCam", "video_capture_{Y}-{M}-{D}_{h}-{m}-{s}", Local,
        "video_capture_2024-08-09_14-30-00.mp4", "2024-08-09 14:30:00",
        "https://github.com/hydrocam/collector";
    "HydroCam", "{Y}-{M}-{D}_{h}-{m}-{s}", Local,
        "2024-08-09_14-30-00.jpg", "2024-08-09 14:30:00",
        "https://github.com/hydrocam/scalability-test";
    "USGS HIVIS", "{*}___{Y}-{M}-{D}T{h}-{m}-{s}Z", Utc,
        "CO_Site_VIEW___2025-06-09T17-05-22Z.jpg", "2025-06-09 17:05:22",
        "https://apps.usgs.gov/hivis/";
    "PhenoCam", "{*}_{Y}_{M}_{D}_{h}{m}{s}", Local,
        "harvard_2026_03_18_133005.jpg", "2026-03-18 13:30:05",
        "https://phenocam.nau.edu/webcam/tools/camera_config/";
    "Hikvision", "{*}_{n}_{Y}{M}{D}{h}{m}{s}{f}_{*}", Local,
        "192.168.1.64_01_20200730111229020_MOTION_DETECTION.jpg", "2020-07-30 11:12:29.020",
        "https://www.hikvision.com/";
    "motion", "{n}-{Y}{M}{D}{h}{m}{s}-{n}", Local,
        "01-20240809143000-02.jpg", "2024-08-09 14:30:00",
        "https://motion-project.github.io/motion_config.html#picture_filename";
    "Reolink", "{*}_{n}_{Y}{M}{D}{h}{m}{s}", Local,
        "Name_00_20230114123456.jpg", "2023-01-14 12:34:56",
        "https://support.reolink.com/";
    "Pixel", "PXL_{Y}{M}{D}_{h}{m}{s}{f}", Utc,
        "PXL_20240809_143000123.jpg", "2024-08-09 14:30:00.123",
        "https://support.google.com/pixelcamera/";
    "Pixel", "PXL_{Y}{M}{D}_{h}{m}{s}{f}.{*}", Utc,
        "PXL_20240809_143000123.MP.jpg", "2024-08-09 14:30:00.123",
        "https://support.google.com/pixelcamera/";
    "Android", "IMG_{Y}{M}{D}_{h}{m}{s}", Local,
        "IMG_20240809_143000.jpg", "2024-08-09 14:30:00",
        "https://android.googlesource.com/platform/packages/apps/Camera2/";
    "Android", "VID_{Y}{M}{D}_{h}{m}{s}", Local,
        "VID_20240809_143000.mp4", "2024-08-09 14:30:00",
        "https://android.googlesource.com/platform/packages/apps/Camera2/";
];

/// The time that a file's name states, by the first scheme that it fits.
pub(super) fn read(name: &OsStr) -> Option<Reading> {
    let bytes = name.as_encoded_bytes();
    let stem = memchr::memrchr(b'.', bytes).map_or(bytes, |dot| &bytes[..dot]);
    SCHEMES.iter().find_map(|scheme| {
        let (local, precision) = template::read(scheme.template, stem)?;
        Some(Reading {
            source: Source::Filename,
            raw: name.to_string_lossy().into_owned(),
            local,
            offset: scheme.clock.offset(),
            precision,
            scheme: Some(scheme.maker),
        })
    })
}

impl Clock {
    fn offset(self) -> Option<FixedOffset> {
        match self {
            Self::Local => None,
            Self::Utc => Some(Utc.fix()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_scheme_reads_its_example() {
        for scheme in SCHEMES {
            let found = read(OsStr::new(scheme.example)).expect(scheme.example);
            let means = found.local.format("%Y-%m-%d %H:%M:%S%.f").to_string();
            assert_eq!(means, scheme.means, "{}", scheme.example);
            assert_eq!(found.offset, scheme.clock.offset(), "{}", scheme.example);
            assert_eq!(found.scheme, Some(scheme.maker), "{}", scheme.example);
            assert!(scheme.source.starts_with("https://"), "{}", scheme.maker);
        }
    }

    #[test]
    fn names_that_only_look_like_dates_state_none() {
        for name in [
            "RCNX0001.JPG",
            "20240809.jpg",
            "IMG_20241309_143000.jpg",
            "IMG_20240230_143000.jpg",
            "IMG_20240809_246000.jpg",
            "IMG_20240809_1430001.jpg",
            "xIMG_20240809_143000.jpg",
            "serial-20240809143000.jpg",
            "DSC_20240809.jpg",
            "image_capture_2024-08-09_14-30.jpg",
            "image_capture_2024-08-09.jpg",
            "01-20240809143000.jpg",
            "12345678901234567890.jpg",
            "PXL_20240809_143000.jpg",
            "",
            ".",
        ] {
            assert!(read(OsStr::new(name)).is_none(), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_name_is_too_wild(name in "[A-Z0-9_.{}*-]{0,255}", text: String) {
            let _ = read(OsStr::new(&name));
            let _ = read(OsStr::new(&text));
        }

        #[test]
        fn a_name_made_by_a_scheme_is_read_back(seconds in 946_684_800..4_000_000_000_i64) {
            let at = chrono::DateTime::from_timestamp(seconds, 0).expect("within the calendar").naive_utc();
            for name in [
                at.format("image_capture_%Y-%m-%d_%H-%M-%S.jpg").to_string(),
                at.format("a_b_%Y_%m_%d_%H%M%S.jpg").to_string(),
                at.format("7-%Y%m%d%H%M%S-12.jpg").to_string(),
                at.format("A_B_C___%Y-%m-%dT%H-%M-%SZ.jpg").to_string(),
            ] {
                prop_assert_eq!(read(OsStr::new(&name)).map(|found| found.local), Some(at));
            }
        }
    }
}
