//! Names of networks and programs that observe nature: rivers, plants, animals, the sky.

use super::scheme::{Scheme, schemes};

#[rustfmt::skip]
pub(super) const ROWS: &[Scheme] = schemes![
    "HydroCam", "image_capture_{Y}-{M}-{D}_{h}-{m}-{s}", Local,
        "image_capture_2024-08-09_14-30-00.jpg", "2024-08-09 14:30:00",
        "https://github.com/hydrocam/collector";
    "HydroCam", "video_capture_{Y}-{M}-{D}_{h}-{m}-{s}", Local,
        "video_capture_2024-08-09_14-30-00.mp4", "2024-08-09 14:30:00",
        "https://github.com/hydrocam/collector";
    "HydroCam", "{Y}-{M}-{D}_{h}-{m}-{s}", Local,
        "2024-08-09_14-30-00.jpg", "2024-08-09 14:30:00",
        "https://github.com/hydrocam/scalability-test";
    "HydroCam", "image_capture_{Y}-{M}-{D}_{h}-{m}-{s}_segmented", Local,
        "image_capture_2024-08-09_14-30-00_segmented.png", "2024-08-09 14:30:00",
        "https://github.com/hydrocam/serverlesscompute";
    "USGS HIVIS", "{*}___{Y}-{M}-{D}T{h}-{m}-{s}Z{~}", Utc,
        "NC_Briar_Creek_near_Charlotte___2024-12-17T06-15-03Z.jpg", "2024-12-17 06:15:03",
        "https://apps.usgs.gov/hivis/camera/NC_Briar_Creek_near_Charlotte";
    "PhenoCam", "{*}_{Y}_{M}_{D}_{h}{m}{s}", Local,
        "harvard_2026_03_18_133005.jpg", "2026-03-18 13:30:05",
        "https://phenocam.nau.edu/webcam/tools/camera_config/";
    "camtrapR", "{*}__{Y}-{M}-{D}__{h}-{m}-{s}", Local,
        "StationA__Cam1__2009-04-10__05-07-00(1).JPG", "2009-04-10 05:07:00",
        "https://cran.r-project.org/web/packages/camtrapR/vignettes/camtrapr2.html";
    "Allsky", "image-{Y}{M}{D}{h}{m}{s}", Local,
        "image-20240809143000.jpg", "2024-08-09 14:30:00",
        "https://github.com/AllskyTeam/allsky";
    "Allsky", "allsky-{Y}{M}{D}_{h}{m}{s}", Local,
        "allsky-20240809_143000.jpg", "2024-08-09 14:30:00",
        "https://github.com/AllskyTeam/allsky";
    "Allsky", "keogram-{Y}{M}{D}", Local,
        "keogram-20240809.jpg", "2024-08-09 00:00:00",
        "https://github.com/AllskyTeam/allsky";
    "Allsky", "startrails-{Y}{M}{D}", Local,
        "startrails-20240809.jpg", "2024-08-09 00:00:00",
        "https://github.com/AllskyTeam/allsky";
    "Allsky", "allsky-{Y}{M}{D}", Local,
        "allsky-20240809.mp4", "2024-08-09 00:00:00",
        "https://github.com/AllskyTeam/allsky";
    "SilCam", "D{Y}{M}{D}T{h}{m}{s}.{F}", Local,
        "D20240809T143000.123456.silc", "2024-08-09 14:30:00.123456",
        "https://github.com/SINTEF/pyopia/issues/389";
    "AMI trap", "{Y}{M}{D}{h}{m}{s}-{n}-snapshot", Local,
        "20240809143000-00-snapshot.jpg", "2024-08-09 14:30:00",
        "https://github.com/RolnickLab/antenna/pull/809";
    "goestools", "{*}_{Y}{M}{D}T{h}{m}{s}Z{~}", Utc,
        "GOES16_FD_CH13_20220327T110046Z.jpg", "2022-03-27 11:00:46",
        "https://github.com/pietern/goestools/pull/137";
    // Two-digit years, but whether by UTC or by the zone of the aircraft its manual does not say.
    "Parrot Sequoia", "IMG_{y}{M}{D}_{h}{m}{s}_{n}_{w}", Unclear,
        "IMG_160831_220010_0000_GRE.TIF", "",
        "https://www.parrot.com/assets/s3fs-public/2021-09/bd_sequoia_integration_manual_en_0.pdf";
];
