mod chosen;
mod properties;

use super::*;
use crate::fixtures::Picture;

const NAME: &str = "image_capture_2024-08-09_14-30-00.jpg";

fn zone() -> Zone {
    "Etc/GMT+7".parse().expect("IANA")
}

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().expect("a test's moment")
}

fn rules() -> Rules {
    Rules {
        zone: Some(zone()),
        ..Rules::default()
    }
}

/// The moment that was chosen, as text.
fn at(capture: &CaptureTime) -> String {
    capture.at.map_or("none".to_owned(), |at| at.to_rfc3339())
}

fn stamped(exif: Option<&[u8]>, name: &str, mtime: &str) -> CaptureTime {
    stamped_by(&rules(), exif, name, mtime)
}

fn stamped_by(rules: &Rules, exif: Option<&[u8]>, name: &str, mtime: &str) -> CaptureTime {
    stamp(
        &Evidence {
            exif,
            mtime: Some(moment(mtime)),
            ..Evidence::of(Path::new(name))
        },
        rules,
    )
}

/// A stamp with the EXIF block of `picture`, a nameless file, and a modification long after.
fn by_exif(picture: &Picture) -> CaptureTime {
    stamped(picture.exif().as_deref(), "a.jpg", "2024-08-12T00:00:00Z")
}

#[test]
fn exif_with_an_offset_is_the_best_evidence() {
    let found = by_exif(
        &Picture::new(1)
            .taken("2024:08:09 14:30:00")
            .offset("-06:00")
            .subsec("25"),
    );
    assert_eq!(at(&found), "2024-08-09T14:30:00.250-06:00");
    assert_eq!(found.source, Source::Exif);
    assert_eq!(found.precision, Precision::Subsecond);
    assert_eq!(found.confidence, Confidence::High);
    assert_eq!(found.warnings, []);
    assert_eq!(found.candidates[0].raw, "2024:08:09 14:30:00.25 -06:00");
}

#[test]
fn exif_without_an_offset_is_the_zones_local_time() {
    let found = by_exif(&Picture::new(1).taken("2024:08:09 14:30:00"));
    assert_eq!(at(&found), "2024-08-09T14:30:00-07:00");
    assert_eq!(found.confidence, Confidence::Medium);
}

#[test]
fn cameras_that_do_not_know_state_nothing() {
    for unset in [
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "",
        "2024:13:09 14:30:00",
        "yesterday",
    ] {
        let found = by_exif(&Picture::new(1).taken(unset));
        assert_eq!(found.source, Source::Mtime, "{unset:?}");
        assert_eq!(found.confidence, Confidence::Low);
    }
    let blank_offset = by_exif(
        &Picture::new(1)
            .taken("2024:08:09 14:30:00")
            .offset("   :  "),
    );
    assert_eq!(at(&blank_offset), "2024-08-09T14:30:00-07:00");
    assert_eq!(blank_offset.confidence, Confidence::Medium);
}

#[test]
fn a_date_with_dashes_is_read() {
    let found = by_exif(&Picture::new(1).taken("2024-08-09 14:30:00"));
    assert_eq!(at(&found), "2024-08-09T14:30:00-07:00");
}

#[test]
fn damage_costs_what_it_touches_and_is_said() {
    let mut block = Picture::new(1)
        .taken("2024:08:09 14:30:00")
        .exif()
        .expect("a block");
    // The pointer to the next directory, behind the only entry of the first.
    block[22..26].copy_from_slice(&0xFFFF_u32.to_le_bytes());
    let found = stamped(Some(&block), "a.jpg", "2024-08-12T00:00:00Z");
    assert_eq!(found.source, Source::Exif);
    assert_eq!(found.warnings, [Warning::ExifUnreadable]);
    let lost = stamped(Some(&block[..6]), "a.jpg", "2024-08-12T00:00:00Z");
    assert_eq!(lost.source, Source::Mtime);
    assert_eq!(lost.warnings, [Warning::ExifUnreadable]);
}

#[test]
fn a_name_is_used_without_exif_and_confirms_it() {
    let alone = stamped(None, &format!("2024/{NAME}"), "2024-08-12T00:00:00Z");
    assert_eq!(at(&alone), "2024-08-09T14:30:00-07:00");
    assert_eq!(
        (alone.source, alone.confidence),
        (Source::Filename, Confidence::Medium)
    );
    let exif = Picture::new(1).taken("2024:08:09 14:30:02").exif();
    let both = stamped(exif.as_deref(), NAME, "2024-08-12T00:00:00Z");
    assert_eq!(
        (both.source, both.confidence),
        (Source::Exif, Confidence::High)
    );
    assert_eq!(both.warnings, []);
    assert_eq!(both.candidates.len(), 3);
}

#[test]
fn sources_that_disagree_are_both_kept_and_said() {
    let exif = Picture::new(1)
        .taken("2024:08:09 13:30:00")
        .offset("-07:00")
        .exif();
    let found = stamped(exif.as_deref(), NAME, "2024-08-12T00:00:00Z");
    assert_eq!(
        (found.source, found.confidence),
        (Source::Exif, Confidence::Medium)
    );
    let said = Warning::ZoneMismatch {
        other: Source::Filename,
        seconds: 3600,
    };
    assert_eq!(found.warnings, [said]);
}

#[test]
fn a_reset_clock_is_passed_over_but_kept() {
    let exif = Picture::new(1).taken("2000:01:01 00:03:11").exif();
    let found = stamped(exif.as_deref(), NAME, "2024-08-12T00:00:00Z");
    assert_eq!(found.source, Source::Filename);
    assert_eq!(
        found.warnings,
        [Warning::ResetClock {
            source: Source::Exif
        }]
    );
    assert_eq!(found.candidates[0].source, Source::Exif);
}

#[test]
fn a_capture_after_the_files_modification_is_used_with_a_warning() {
    let found = stamped(None, NAME, "2024-08-01T21:30:00Z");
    assert_eq!(
        (found.source, found.confidence),
        (Source::Filename, Confidence::Low)
    );
    let seconds = 8 * 86_400;
    assert_eq!(
        found.warnings,
        [Warning::AfterModification {
            source: Source::Filename,
            seconds
        }]
    );
    // A modification by a clock that was reset proves nothing.
    let reset = stamped(None, NAME, "1970-01-01T00:05:00Z");
    assert_eq!(
        (reset.source, reset.confidence),
        (Source::Filename, Confidence::Medium)
    );
}

#[test]
fn an_hour_that_the_zone_skips_keeps_its_digits() {
    let denver: Zone = "America/Denver".parse().expect("IANA");
    let name = "image_capture_2025-03-09_02-00-00.jpg";
    let rules = Rules {
        zone: Some(denver),
        ..Rules::default()
    };
    let found = stamped_by(&rules, None, name, "2025-03-10T00:00:00Z");
    assert_eq!(at(&found), "2025-03-09T02:00:00-07:00");
    assert_eq!(
        found.warnings,
        [Warning::Skipped {
            source: Source::Filename
        }]
    );
}

#[test]
fn the_words_of_the_stored_form_stay() {
    let exif = Picture::new(1).taken("2024:08:09 13:30:00").exif();
    let found = stamped(exif.as_deref(), NAME, "2024-08-12T00:00:00Z");
    let json = serde_json::to_value(&found).expect("plain values");
    assert_eq!(json["at"], "2024-08-09T13:30:00-07:00");
    assert_eq!(json["source"], "exif");
    assert_eq!(json["precision"], "second");
    assert_eq!(json["confidence"], "low");
    assert_eq!(json["warnings"][0]["warning"], "zone-mismatch");
    assert_eq!(json["candidates"][1]["source"], "filename");
    assert_eq!(json["candidates"][1]["scheme"], "HydroCam");
    assert_eq!(json["candidates"][2]["source"], "mtime");
}
