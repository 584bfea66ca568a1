//! Names of phones, drones and the programs that pass their pictures on.

use super::scheme::{Scheme, schemes};

#[rustfmt::skip]
pub(super) const ROWS: &[Scheme] = schemes![
    "Pixel", "PXL_{Y}{M}{D}_{h}{m}{s}{f}{~}", Utc,
        "PXL_20240809_143000123.MP.jpg", "2024-08-09 14:30:00.123",
        "https://github.com/simulot/immich-go/blob/main/internal/cameras/names/pixel.go";
    // The camera writes milliseconds; what has lost them may have changed its zone too.
    "Pixel", "PXL_{Y}{M}{D}_{h}{m}{s}{~}", Unclear,
        "PXL_20240809_143000.jpg", "",
        "https://github.com/simulot/immich-go/blob/main/internal/cameras/names/pixel.go";
    "Android", "IMG_{Y}{M}{D}_{h}{m}{s}{~}", Local,
        "IMG_20171111_030128.jpg", "2017-11-11 03:01:28",
        "https://android.googlesource.com/platform/packages/apps/Camera2/";
    "Android", "IMG_{Y}{M}{D}_{h}{m}{s}{f}{~}", Local,
        "IMG_20240809_143000123_HDR.jpg", "2024-08-09 14:30:00.123",
        "https://github.com/simulot/immich-go";
    "Android", "VID_{Y}{M}{D}_{h}{m}{s}{~}", Local,
        "VID_20240809_143000.mp4", "2024-08-09 14:30:00",
        "https://android.googlesource.com/platform/packages/apps/Camera2/";
    "Android", "VID_{Y}{M}{D}_{h}{m}{s}{f}{~}", Local,
        "VID_20240809_143000123.mp4", "2024-08-09 14:30:00.123",
        "https://github.com/simulot/immich-go";
    "Android", "PANO_{Y}{M}{D}_{h}{m}{s}{~}", Local,
        "PANO_20240809_143000.jpg", "2024-08-09 14:30:00",
        "https://android.googlesource.com/platform/packages/apps/Camera2/";
    "Android", "MVIMG_{Y}{M}{D}_{h}{m}{s}{~}", Local,
        "MVIMG_20190809_143000.jpg", "2019-08-09 14:30:00",
        "https://github.com/simulot/immich-go";
    "Android", "IMG{Y}{M}{D}{h}{m}{s}{~}", Local,
        "IMG20240809143000.jpg", "2024-08-09 14:30:00",
        "https://github.com/simulot/immich-go";
    "Nexus", "{n}IMG_{n}_BURST{Y}{M}{D}{h}{m}{s}{~}", Local,
        "00015IMG_00015_BURST20171111030039_COVER.jpg", "2017-11-11 03:00:39",
        "https://github.com/simulot/immich-go/issues/100";
    // Named by the moment in UTC when it is known, else by what the program guessed.
    "PhotoPrism", "{Y}{M}{D}_{h}{m}{s}_{X}", Unclear,
        "20130518_142022_3D657EBD.jpg", "",
        "https://github.com/photoprism/photoprism/pull/2414";
    "Samsung", "{Y}{M}{D}_{h}{m}{s}{~}", Local,
        "20231207_101605_031.jpg", "2023-12-07 10:16:05",
        "https://github.com/simulot/immich-go/blob/main/internal/cameras/names/samsung.go";
    // Named by the moment in UTC by all accounts, which its maker does not state.
    "OneDrive", "{Y}{M}{D}_{h}{m}{s}{f}_iOS", Unclear,
        "20230901_203000000_iOS.jpg", "",
        "https://support.microsoft.com/en-us/office/automatically-save-photos-and-videos-with-onedrive-for-ios-94f8e9a4-a6e2-4b5b-bda3-d8b5d4d3a3f5";
    "Windows Phone", "WP_{Y}{M}{D}_{h}_{m}_{s}{~}", Local,
        "WP_20150809_14_30_00_Pro.jpg", "2015-08-09 14:30:00",
        "https://github.com/simulot/immich-go";
    "Windows Phone", "WP_{Y}{M}{D}_{n}", Local,
        "WP_20150809_001.jpg", "2015-08-09 00:00:00",
        "https://github.com/simulot/immich-go";
    "Android", "Screenshot_{Y}{M}{D}-{h}{m}{s}{~}", Local,
        "Screenshot_20240809-143000.png", "2024-08-09 14:30:00",
        "https://github.com/ente/photos-web/pull/491";
    "Android", "Screenshot_{Y}-{M}-{D}-{h}-{m}-{s}-{f}{~}", Local,
        "Screenshot_2024-08-09-14-30-00-123_com.android.chrome.jpg", "2024-08-09 14:30:00.123",
        "https://android.googlesource.com/platform/frameworks/base/";
    "DJI", "DJI_{Y}{M}{D}{h}{m}{s}_{n}{~}", Local,
        "DJI_20240430104041_0001_T.JPG", "2024-04-30 10:40:41",
        "https://www.dji.com/support";
    "DJI", "dji_{w}_{Y}{M}{D}_{h}{m}{s}_{*}", Local,
        "dji_fly_20240809_143000_0001_1723213800000_photo.jpg", "2024-08-09 14:30:00",
        "https://www.dji.com/support";
    "WhatsApp", "IMG-{Y}{M}{D}-WA{n}", Local,
        "IMG-20240809-WA0001.jpg", "2024-08-09 00:00:00",
        "https://github.com/photoprism/photoprism/pull/2414";
    "WhatsApp", "VID-{Y}{M}{D}-WA{n}", Local,
        "VID-20240809-WA0001.mp4", "2024-08-09 00:00:00",
        "https://github.com/photoprism/photoprism/pull/2414";
    "WhatsApp", "WhatsApp Image {Y}-{M}-{D} at {h}.{m}.{s}{~}", Local,
        "WhatsApp Image 2024-08-09 at 14.30.00.jpeg", "2024-08-09 14:30:00",
        "https://github.com/icecore2/whatsapp-media-date-to-exif/issues/7";
    "WhatsApp", "WhatsApp Image {Y}-{M}-{D} at {I}.{m}.{s} {p}", Local,
        "WhatsApp Image 2024-08-09 at 2.30.00 PM.jpeg", "2024-08-09 14:30:00",
        "https://github.com/icecore2/whatsapp-media-date-to-exif/issues/7";
    "WhatsApp", "WhatsApp Video {Y}-{M}-{D} at {h}.{m}.{s}{~}", Local,
        "WhatsApp Video 2024-08-09 at 14.30.00.mp4", "2024-08-09 14:30:00",
        "https://github.com/icecore2/whatsapp-media-date-to-exif/issues/7";
    "Signal", "signal-{Y}-{M}-{D}-{h}{m}{s}{~}", Local,
        "signal-2024-08-09-143000.jpg", "2024-08-09 14:30:00",
        "https://github.com/ente/photos-web/pull/491";
    "Signal", "signal-{Y}-{M}-{D}-{h}-{m}-{s}-{f}{~}", Local,
        "signal-2024-08-09-14-30-00-123.jpg", "2024-08-09 14:30:00.123",
        "https://github.com/signalapp/Signal-Desktop/issues/7900";
    "Telegram", "photo_{Y}-{M}-{D}_{h}-{m}-{s}{~}", Local,
        "photo_2024-08-09_14-30-00.jpg", "2024-08-09 14:30:00",
        "https://github.com/telegramdesktop/tdesktop";
    // Exports of the desktop program: day first, whatever the country.
    "Telegram", "photo_{n}@{D}-{M}-{Y}_{h}-{m}-{s}{~}", Local,
        "photo_5@09-08-2024_14-30-00.jpg", "2024-08-09 14:30:00",
        "https://github.com/telegramdesktop/tdesktop";
    "Telegram", "video_{n}@{D}-{M}-{Y}_{h}-{m}-{s}{~}", Local,
        "video_5@09-08-2024_14-30-00.mp4", "2024-08-09 14:30:00",
        "https://github.com/telegramdesktop/tdesktop";
    "Dropbox", "{Y}-{M}-{D} {h}.{m}.{s}{~}", Local,
        "2015-11-29 13.54.12-1.jpg", "2015-11-29 13:54:12",
        "https://github.com/haiwen/seafile-iOS/issues/100";
    "Nextcloud", "Photo-{Y}-{M}-{D}-{h}-{m}-{s}_{n}", Local,
        "Photo-2017-07-06-06-40-56_1623.JPG", "2017-07-06 06:40:56",
        "https://github.com/nextcloud/ios/issues/297";
    "Nextcloud", "{Y}-{M}-{D} {h}-{m}-{s} {n}", Local,
        "2017-07-06 06-40-56 1623.jpg", "2017-07-06 06:40:56",
        "https://github.com/nextcloud/ios/issues/297";
    // Two-digit years first or days first: versions of the program differ.
    "Nextcloud", "{y}-{M}-{D} {h}-{m}-{s} {n}", Unclear,
        "17-06-01 16-04-02 0001.jpg", "",
        "https://github.com/nextcloud/ios/issues/359";
];
