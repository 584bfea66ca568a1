//! Names by which network cameras, recorders and dash cameras store and send pictures.

use super::scheme::{Scheme, schemes};

#[rustfmt::skip]
pub(super) const ROWS: &[Scheme] = schemes![
    "Hikvision", "{*}_{n}_{Y}{M}{D}{h}{m}{s}{f}_{*}", Local,
        "192.168.1.64_01_20200730111229020_MOTION_DETECTION.jpg", "2020-07-30 11:12:29.020",
        "https://github.com/vov4uk/HikConsole";
    "Uniview", "{*}_{n}_{Y}{M}{D}{h}{m}{s}{f}", Local,
        "192.168.1.13_3_20240809143000123.jpg", "2024-08-09 14:30:00.123",
        "https://gebruikershandleiding.com/Ksenia-Network-Video-Recorder/preview-handleiding-870168.html";
    // Snapshots of a channel, and recordings from the first of two times on.
    "Dahua", "{*}_ch{n}_{w}_{Y}{M}{D}{h}{m}{s}_{N}{~}", Local,
        "XVR_ch1_main_20210910141900_20210910142500.mp4", "2021-09-10 14:19:00",
        "https://github.com/TheScubaDiver/camera-gallery-card/pull/141";
    "Dahua", "{*}_ch{n}_{Y}{M}{D}{h}{m}{s}_{N}{~}", Local,
        "NVR_ch2_20240809143000_20240809150000.mp4", "2024-08-09 14:30:00",
        "https://github.com/TheScubaDiver/camera-gallery-card/pull/141";
    "Dahua", "ch{n}_{Y}{M}{D}{h}{m}{s}{~}", Local,
        "ch01_20240809143000.jpg", "2024-08-09 14:30:00",
        "https://github.com/TheScubaDiver/camera-gallery-card/pull/141";
    "Dahua", "{n}_{Y}{M}{D}{h}{m}{s}_[{w}][{*}", Local,
        "001_20230818062050_[R][0@0][0].jpg", "2023-08-18 06:20:50",
        "https://github.com/vov4uk/HikConsole";
    "Dahua", "{Y}-{M}-{D}_{n}_{h}.{m}.{s}-{n}.{n}.{n}[{*}", Local,
        "2019-06-12_001_12.59.55-12.59.55[R][0@0][0].jpg", "2019-06-12 12:59:55",
        "https://github.com/vov4uk/HikConsole";
    "Amcrest", "{Y}-{M}-{D}_{h}-{m}-{s}{~}", Local,
        "2018-08-24_22-27-22_main.jpg", "2018-08-24 22:27:22",
        "https://support.amcrest.com/";
    "Reolink", "{*}_{n}_{Y}{M}{D}{h}{m}{s}", Local,
        "K3TA_00_20220307125217.jpg", "2022-03-07 12:52:17",
        "https://github.com/GsDublin/camerawatch";
    "Reolink", "{*}RecM{n}_{Y}{M}{D}_{h}{m}{s}_{n}_{*}", Local,
        "Mp4Record_2023-05-15_RecM02_20230515_071811_071835_6D28900_13CE8C7.mp4", "2023-05-15 07:18:11",
        "https://github.com/starkillerOG/reolink_aio/issues/72";
    "Reolink", "RecM{n}_{Y}{M}{D}_{h}{m}{s}_{n}_{*}", Local,
        "RecM07_20260220_000000_000024_0_6D28808000_E386CE.mp4", "2026-02-20 00:00:00",
        "https://github.com/starkillerOG/reolink_aio/issues/72";
    "Reolink", "{*}RecM{n}_DST{Y}{M}{D}_{h}{m}{s}_{n}_{*}", Local,
        "Mp4Record_2023-04-26_RecM02_DST20230426_145918_150032_2B14808_32F1DF.mp4", "2023-04-26 14:59:18",
        "https://github.com/starkillerOG/reolink_aio/issues/72";
    "Reolink", "RecM{n}_DST{Y}{M}{D}_{h}{m}{s}_{n}_{*}", Local,
        "RecM02_DST20230426_145918_150032_2B14808_32F1DF.mp4", "2023-04-26 14:59:18",
        "https://github.com/starkillerOG/reolink_aio/issues/72";
    "Reolink", "RecS{n}_{Y}{M}{D}_{h}{m}{s}_{n}_{*}", Local,
        "RecS02_20230515_071811_071835_6D28900_13CE8C7.mp4", "2023-05-15 07:18:11",
        "https://github.com/sven337/ReolinkLinux/wiki/Figuring-out-the-file-names";
    "Reolink", "RecS{n}_DST{Y}{M}{D}_{h}{m}{s}_{n}_{*}", Local,
        "RecS02_DST20230426_145918_150032_2B14808_32F1DF.mp4", "2023-04-26 14:59:18",
        "https://github.com/sven337/ReolinkLinux/wiki/Figuring-out-the-file-names";
    "Reolink", "Rec_{Y}{M}{D}_{h}{m}{s}_{n}_{w}", Local,
        "Rec_20230517_043229_541_M.mp4", "2023-05-17 04:32:29",
        "https://github.com/starkillerOG/reolink_aio/issues/72";
    "Axis", "image{y}-{M}-{D}_{h}-{m}-{s}-{n}", Local,
        "image24-08-09_14-30-00-12.jpg", "2024-08-09 14:30:00",
        "https://help.axis.com/en-us/axis-os-knowledge-base";
    "Axis", "image{y}-{M}-{D}_{h}-{m}-{s}", Local,
        "image24-08-09_14-30-00.jpg", "2024-08-09 14:30:00",
        "https://help.axis.com/en-us/axis-os-knowledge-base";
    "Axis", "snapshot_{y}{M}{D}_{h}{m}{s}_{n}", Local,
        "snapshot_240809_143000_0001.jpg", "2024-08-09 14:30:00",
        "https://www.axis.com/techsup/cam_servers/cam_2401/index.htm";
    "Foscam", "MDAlarm_{Y}{M}{D}-{h}{m}{s}", Local,
        "MDAlarm_20190926-122821.jpg", "2019-09-26 12:28:21",
        "https://www.foscam.com/faqs/index.html";
    "Foscam", "MDAlarm_{Y}{M}{D}_{h}{m}{s}", Local,
        "MDalarm_20170907_113500.mkv", "2017-09-07 11:35:00",
        "https://www.foscam.com/faqs/index.html";
    "Foscam", "HMDAlarm_{Y}{M}{D}-{h}{m}{s}", Local,
        "HMDAlarm_20240809-143000.jpg", "2024-08-09 14:30:00",
        "https://www.foscam.com/faqs/index.html";
    "Foscam", "Schedule_{Y}{M}{D}-{h}{m}{s}", Local,
        "Schedule_20240809-143000.jpg", "2024-08-09 14:30:00",
        "https://www.foscam.com/faqs/index.html";
    "Foscam", "Snap_{Y}{M}{D}-{h}{m}{s}", Local,
        "Snap_20240809-143000.jpg", "2024-08-09 14:30:00",
        "https://www.foscam.com/faqs/index.html";
    "LevelOne", "{*}-{Y}{M}{D}-{h}{m}{s}", Local,
        "prefix-20030102-030405.jpg", "2003-01-02 03:04:05",
        "https://manualsdump.com/en/manuals/levelone-fcs-1060-wcs-2060-levelone/207114/44";
    "ABUS", "{*}@{Y}{M}{D}_{h}{m}{s}", Local,
        "video@20030102_030405.jpg", "2003-01-02 03:04:05",
        "https://manualshive.com/ru/manual/abus/tvip40000/454374?page=44";
    "ACTi", "{*}-{Y}-{M}-{D}@{h}{m}{s}", Local,
        "Entrance-2009-06-05@225030.jpg", "2009-06-05 22:50:30",
        "https://azmanual.top/manuals/793189/acti-camera-firmware-v51212.html?page=72";
    "ACTi", "{*}_{Y}_{M}_{D}@{h}{m}{s}", Local,
        "Front_Door_2009_06_05@225030.jpg", "2009-06-05 22:50:30",
        "https://azmanual.top/manuals/793050/acti-v11.html?page=69";
    "GeoVision", "{*}_{Y}-{M}-{D}-{h}-{m}-{s}-{f}_{n}", Local,
        "MOTION_2021-01-09-14-30-00-123_001.jpg", "2021-01-09 14:30:00.123",
        "https://manualshive.com/en/manual/geovision/gv-tmeb5800/2216000?page=68";
    "Vivotek", "{*}_{Y}{M}{D}{h}{m}{s}_{n}_pre", Local,
        "garden_20050107180653_1_pre.jpg", "2005-01-07 18:06:53",
        "https://manualsdump.com/en/manuals/vivotek-fd6111v-fd6121v/207412/58";
    "Vivotek", "{*}_{Y}{M}{D}{h}{m}{s}_{n}_trg", Local,
        "garden_20050107180659_4_trg.jpg", "2005-01-07 18:06:59",
        "https://manualsdump.com/en/manuals/vivotek-fd6111v-fd6121v/207412/58";
    "Vivotek", "{*}_{Y}{M}{D}{h}{m}{s}_{n}_pos", Local,
        "garden_20050107180700_5_pos.jpg", "2005-01-07 18:07:00",
        "https://manualsdump.com/en/manuals/vivotek-fd6111v-fd6121v/207412/58";
    "Wyze", "{Y}{M}{D}_{h}_{m}_{s}", Local,
        "20240809_14_30_00.jpg", "2024-08-09 14:30:00",
        "https://github.com/gtxaspec/wz_mini_hacks";
    "Tapo Control", "{e}-{N}", Utc,
        "1778741309-1778741415.mp4", "2026-05-14 06:48:29",
        "https://github.com/TheScubaDiver/camera-gallery-card/pull/141";
    "Nest", "{e}-camera{*}", Utc,
        "1772236849-camera_person.mp4", "2026-02-28 00:00:49",
        "https://github.com/markaggar/ha-media-card/pull/75";
    "VIOFO", "{Y}_{M}{D}_{h}{m}{s}{~}", Local,
        "2026_0820_045542_F.MP4", "2026-08-20 04:55:42",
        "https://github.com/RobXYZ/viofosync/issues/34";
    // Month first, as the program's makers in the United States write it.
    "UniFi Protect", "{*} - {M1}-{D1}-{Y}, {I}.{m}.{s}{p}", Local,
        "Front Door - 2-9-2020, 11.21.12pm.mp4", "2020-02-09 23:21:12",
        "https://github.com/danielfernau/unifi-protect-video-downloader/issues/14";
    "UniFi Protect", "{*} - {Y}-{M}-{D} - {h}.{m}.{s}{z}", Local,
        "Front Door 1a2b - 2020-02-09 - 23.21.12-0500.mp4", "2020-02-09 23:21:12",
        "https://github.com/danielfernau/unifi-protect-video-downloader/issues/14";
    "Blue Iris", "{*}.{Y}{M}{D}_{h}{m}{s}", Local,
        "cam.20240809_143000.jpg", "2024-08-09 14:30:00",
        "https://blueirissoftware.com/BlueIris.PDF";
    // Up to three digits of milliseconds behind the clip's start; with more the picture is from later in the clip.
    "Blue Iris", "{*}.{Y}{M}{D}_{h}{m}{s}.{f}.{n}", Local,
        "Cam1.20240809_143000.123.3.jpg", "2024-08-09 14:30:00.123",
        "https://blueirissoftware.com/BlueIris.PDF";
    "Blue Iris", "{*}.{Y}{M}{D}_{h}{m}{s}.{n}.{n}{~}", Unclear,
        "Driveway.20260412_130000.2517804.3-1.jpg", "",
        "https://blueirissoftware.com/BlueIris.PDF";
];
