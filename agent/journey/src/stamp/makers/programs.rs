//! Names by which programs on computers store pictures of cameras and screens.

use super::scheme::{Scheme, schemes};

#[rustfmt::skip]
pub(super) const ROWS: &[Scheme] = schemes![
    "motion", "{n}-{Y}{M}{D}{h}{m}{s}-{n}", Local,
        "01-20240809143000-02.jpg", "2024-08-09 14:30:00",
        "https://motion-project.github.io/motion_config.html#picture_filename";
    "motion", "{n}-{Y}{M}{D}{h}{m}{s}-snapshot", Local,
        "01-20240809143000-snapshot.jpg", "2024-08-09 14:30:00",
        "https://motion-project.github.io/motion_config.html#snapshot_filename";
    "motion", "{n}-{Y}{M}{D}{h}{m}{s}", Local,
        "01-20240809143000.mp4", "2024-08-09 14:30:00",
        "https://motion-project.github.io/motion_config.html#movie_filename";
    "motion", "{n}-{Y}{M}{D}{h}{m}{s}-timelapse", Local,
        "01-20240809143000-timelapse.mpg", "2024-08-09 14:30:00",
        "https://motion-project.github.io/motion_config.html#timelapse_filename";
    "motion", "{Y}{M}{D}-timelapse", Local,
        "20240809-timelapse.mkv", "2024-08-09 00:00:00",
        "https://motion-project.github.io/motion_config.html#timelapse_filename";
    "Frigate", "{*}-{e}.{F}-{w}", Utc,
        "front-1691591400.123456-abc123.jpg", "2023-08-09 14:30:00.123456",
        "https://docs.frigate.video/integrations/api/";
    "Frigate", "{*}-{e}.{F}-{w}-clean", Utc,
        "front-1691591400.123456-abc123-clean.png", "2023-08-09 14:30:00.123456",
        "https://docs.frigate.video/configuration/snapshots/";
    "Home Assistant", "{*}.{e}.{F}", Utc,
        "yourcamera.1512579138.00433.jpg", "2017-12-06 16:52:18.004330",
        "https://github.com/home-assistant/home-assistant.io/pull/4146";
    "picamera", "image{Y}-{M}-{D}-{h}-{m}", Local,
        "image2024-08-09-14-30.jpg", "2024-08-09 14:30:00",
        "https://picamera.readthedocs.io/en/release-1.13/api_camera.html#picamera.PiCamera.capture_continuous";
    "thingino", "{Y}{M}{D}T{h}{m}", Local,
        "20240105T1430.jpg", "2024-01-05 14:30:00",
        "https://github.com/themactep/thingino-firmware/pull/307";
    "pi-timolo", "cam{n}-{Y}{M}{D}-{h}{m}{s}", Local,
        "cam1-20170111-052530.jpg", "2017-01-11 05:25:30",
        "https://github.com/pageauc/pi-timolo/issues/40";
    "VLC", "vlcsnap-{Y}-{M}-{D}-{h}h{m}m{s}s{f}", Local,
        "vlcsnap-2022-03-06-13h51m21s111.png", "2022-03-06 13:51:21.111",
        "https://github.com/huynhsontung/Screenbox/pull/225";
    "node-rtsp-recorder", "{Y}-{M}-{D}-{h}-{m}-{s}", Local,
        "2014-09-08-12-00-00.jpg", "2014-09-08 12:00:00",
        "https://github.com/sahilchaddha/node-rtsp-recorder/issues/1";
    "macOS", "Screenshot {Y}-{M}-{D} at {h}.{m}.{s}", Local,
        "Screenshot 2024-08-09 at 14.30.00.png", "2024-08-09 14:30:00",
        "https://support.apple.com/en-us/102646";
    "macOS", "Screenshot {Y}-{M}-{D} at {I}.{m}.{s}{*}{p}", Local,
        "Screenshot 2024-08-09 at 2.30.00 PM.png", "2024-08-09 14:30:00",
        "https://support.apple.com/en-us/102646";
    "macOS", "Screen Shot {Y}-{M}-{D} at {h}.{m}.{s}", Local,
        "Screen Shot 2019-08-09 at 14.30.00.png", "2019-08-09 14:30:00",
        "https://support.apple.com/en-us/102646";
    "macOS", "Screen Shot {Y}-{M}-{D} at {I}.{m}.{s}{*}{p}", Local,
        "Screen Shot 2019-08-09 at 2.30.00 PM.png", "2019-08-09 14:30:00",
        "https://support.apple.com/en-us/102646";
    "Windows", "WIN_{Y}{M}{D}_{h}_{m}_{s}_Pro", Local,
        "WIN_20230415_15_48_24_Pro.jpg", "2023-04-15 15:48:24",
        "https://support.microsoft.com/en-us/windows/how-to-use-the-camera-app-ea40b69f-be6c-840e-9c8c-1fd6eea97c22";
    "Windows", "WIN_{Y}{M}{D}_{h}{m}{s}", Local,
        "WIN_20150415_154824.JPG", "2015-04-15 15:48:24",
        "https://support.microsoft.com/en-us/windows/how-to-use-the-camera-app-ea40b69f-be6c-840e-9c8c-1fd6eea97c22";
];
