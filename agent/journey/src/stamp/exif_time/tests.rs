use std::io::Cursor;

use chrono::DateTime;
use exif::experimental::Writer;
use exif::{Context, Field, Rational};
use proptest::prelude::*;

use super::*;

/// An EXIF block of these fields.
fn block(fields: &[(Tag, Value)], little_endian: bool) -> Vec<u8> {
    let fields: Vec<Field> = fields
        .iter()
        .map(|(tag, value)| Field {
            tag: *tag,
            ifd_num: In::PRIMARY,
            value: value.clone(),
        })
        .collect();
    let mut writer = Writer::new();
    for field in &fields {
        writer.push_field(field);
    }
    let mut out = Cursor::new(Vec::new());
    writer
        .write(&mut out, little_endian)
        .expect("memory can be written");
    out.into_inner()
}

fn ascii(text: &str) -> Value {
    Value::Ascii(vec![text.as_bytes().to_vec()])
}

fn clock(parts: &[(u32, u32)]) -> Value {
    let rational = |(num, denom): &(u32, u32)| Rational {
        num: *num,
        denom: *denom,
    };
    Value::Rational(parts.iter().map(rational).collect())
}

/// What a block states: source, moment, precision and offset of each reading.
fn stated(fields: &[(Tag, Value)]) -> Vec<(Source, String, Option<i32>)> {
    let mut warnings = Vec::new();
    let readings = read(&block(fields, true), &mut warnings);
    assert_eq!(warnings, []);
    readings
        .into_iter()
        .map(|found| {
            let offset = found.offset.map(|offset| offset.local_minus_utc());
            (found.source, found.local.to_string(), offset)
        })
        .collect()
}

const GPS_DATE: &str = "2024:08:09";

#[test]
fn the_three_times_are_read_most_trusted_first_each_with_its_own_offset() {
    let found = stated(&[
        (Tag::DateTime, ascii("2025:01:01 00:00:00")),
        (Tag::DateTimeOriginal, ascii("2024:08:09 14:30:00")),
        (Tag::DateTimeDigitized, ascii("2024:08:09 14:30:01")),
        (Tag::OffsetTime, ascii("+09:00")),
        (Tag::OffsetTimeOriginal, ascii("-07:00")),
        (Tag::OffsetTimeDigitized, ascii("-06:00")),
        (Tag::SubSecTimeOriginal, ascii("25")),
        (Tag::SubSecTimeDigitized, ascii("5")),
        (Tag::GPSDateStamp, ascii(GPS_DATE)),
        (Tag::GPSTimeStamp, clock(&[(21, 1), (29, 1), (595, 10)])),
    ]);
    let means = |source, text: &str, offset| (source, text.to_owned(), Some(offset));
    assert_eq!(
        found,
        [
            means(Source::Exif, "2024-08-09 14:30:00.250", -25_200),
            means(Source::Gps, "2024-08-09 21:29:59.500", 0),
            means(Source::Exif, "2024-08-09 14:30:01.500", -21_600),
        ]
    );
}

#[test]
fn the_time_of_the_last_change_is_no_time_of_the_picture() {
    let found = stated(&[
        (Tag::DateTime, ascii("2024:08:09 14:30:00")),
        (Tag::OffsetTimeOriginal, ascii("-07:00")),
        (Tag::SubSecTimeOriginal, ascii("25")),
    ]);
    assert_eq!(found, []);
}

#[test]
fn the_offset_of_another_date_is_not_taken() {
    let found = stated(&[
        (Tag::DateTimeOriginal, ascii("2024:08:09 14:30:00")),
        (Tag::OffsetTime, ascii("+09:00")),
        (Tag::OffsetTimeDigitized, ascii("+09:00")),
    ]);
    assert_eq!(
        found,
        [(Source::Exif, "2024-08-09 14:30:00".to_owned(), None)]
    );
}

#[test]
fn fields_that_a_writer_put_into_the_first_directory_count() {
    let misplaced = |tag: Tag| Tag(Context::Tiff, tag.number());
    let found = stated(&[
        (
            misplaced(Tag::DateTimeOriginal),
            ascii("2024:08:09 14:30:00"),
        ),
        (misplaced(Tag::OffsetTimeOriginal), ascii("-07:00")),
    ]);
    assert_eq!(
        found,
        [(
            Source::Exif,
            "2024-08-09 14:30:00".to_owned(),
            Some(-25_200)
        )]
    );
}

#[test]
fn a_receiver_without_a_time_states_none() {
    for (date, time) in [
        ("0000:00:00", clock(&[(0, 1), (0, 1), (0, 1)])),
        ("", clock(&[(14, 1), (30, 1), (0, 1)])),
        (GPS_DATE, clock(&[(14, 1), (30, 1)])),
        (GPS_DATE, clock(&[(14, 1), (30, 1), (0, 0)])),
        (GPS_DATE, clock(&[(14, 0), (30, 1), (0, 1)])),
        (GPS_DATE, clock(&[(24, 1), (0, 1), (0, 1)])),
        (GPS_DATE, clock(&[(14, 1), (30, 1), (60, 1)])),
        (GPS_DATE, clock(&[(29, 2), (30, 1), (0, 1)])),
        (
            GPS_DATE,
            clock(&[(u32::MAX, 1), (u32::MAX, 1), (u32::MAX, 1)]),
        ),
        (GPS_DATE, ascii("14:30:00")),
        ("2024:13:09", clock(&[(14, 1), (30, 1), (0, 1)])),
    ] {
        let found = stated(&[
            (Tag::GPSDateStamp, ascii(date)),
            (Tag::GPSTimeStamp, time.clone()),
        ]);
        assert_eq!(found, [], "{date} {time:?}");
    }
    assert_eq!(stated(&[(Tag::GPSDateStamp, ascii(GPS_DATE))]), []);
}

#[test]
fn padding_and_what_is_no_offset_or_fraction_cost_only_themselves() {
    for (date, offset, fraction) in [
        ("2024:08:09 14:30:00\0", "   :  ", "   "),
        ("2024:08:09 14:30:00 ", "-7", "-1"),
        ("2024:08:09 14:30:00", "local", "0x1"),
    ] {
        let found = stated(&[
            (Tag::DateTimeOriginal, ascii(date)),
            (Tag::OffsetTimeOriginal, ascii(offset)),
            (Tag::SubSecTimeOriginal, ascii(fraction)),
        ]);
        assert_eq!(
            found,
            [(Source::Exif, "2024-08-09 14:30:00".to_owned(), None)],
            "{date}"
        );
    }
}

#[test]
fn spellings_that_cameras_use_are_read() {
    for (text, means) in [
        ("2024:08:09 14:30:00", "2024-08-09 14:30:00"),
        ("2024-08-09 14:30:00", "2024-08-09 14:30:00"),
        ("2024/08/09 14:30:00", "2024-08-09 14:30:00"),
        ("2024-08-09T14:30:00", "2024-08-09 14:30:00"),
        ("2024:08:09 14:30", "2024-08-09 14:30:00"),
        ("2024:08:09 14:30:00.25", "2024-08-09 14:30:00.250"),
        ("2024:08:09 02:30:00 PM", "2024-08-09 14:30:00"),
        ("2024:08:09 14:30:00 pm", "2024-08-09 14:30:00"),
        ("2024:08:09 12:30:00 am", "2024-08-09 00:30:00"),
    ] {
        let found = date_and_time(text).map(|(local, _)| local.to_string());
        assert_eq!(found.as_deref(), Some(means), "{text}");
    }
}

#[test]
fn what_is_no_time_is_none() {
    for text in [
        "",
        "    :  :     :  :  ",
        "0000:00:00 00:00:00",
        "2024:08:09",
        "2024:08:09 ",
        "2024:08:09 24:00:00",
        "2024:08:09 14:60:00",
        "2024:08:09 14:30:60",
        "2024:08:09 14:30:00:00",
        "2024:08:09 14:3:00",
        "2024:08:09 14:30.5",
        "2024:08:09 14:30:00 am",
        "2024:08:09 00:30:00 pm",
        "2024:02:30 14:30:00",
        "2024:08-09 14:30:00",
        "24:08:09 14:30:00",
        "Fri Aug  9 14:30:00 2024",
        "２０２４:08:09 14:30:00",
        "2024:08:0é 14:30:00",
    ] {
        assert_eq!(date_and_time(text), None, "{text}");
    }
}

#[test]
fn offsets_are_read_as_the_standard_and_cameras_write_them() {
    let seconds = |text: &str| offset_of(text).map(|offset| offset.local_minus_utc());
    for (text, means) in [("-07:00", -25_200), ("+0530", 19_800), ("Z", 0)] {
        assert_eq!(seconds(text), Some(means), "{text}");
    }
    for text in ["", "   :  ", "+7", "+07", "+99:00", "MST"] {
        assert_eq!(seconds(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn what_a_camera_writes_is_read_back(
        seconds in 0..4_000_000_000_i64, fraction in "[0-9]{0,12}", minutes in -14 * 60..=14 * 60_i32,
        little_endian: bool,
    ) {
        let offset = FixedOffset::east_opt(minutes * 60).expect("within 14 hours");
        let at = DateTime::from_timestamp(seconds, 0).expect("within the calendar").with_timezone(&offset);
        let fields = [
            (Tag::DateTimeOriginal, ascii(&at.format("%Y:%m:%d %H:%M:%S").to_string())),
            (Tag::OffsetTimeOriginal, ascii(&offset.to_string())),
            (Tag::SubSecTimeOriginal, ascii(&fraction)),
        ];
        let found = read(&block(&fields, little_endian), &mut Vec::new());
        prop_assert_eq!(found.len(), 1);
        let nanos: u32 = format!("{fraction:0<9}")[..9].parse().expect("digits");
        prop_assert_eq!(found[0].local.and_utc().timestamp(), at.naive_local().and_utc().timestamp());
        prop_assert_eq!(found[0].local.and_utc().timestamp_subsec_nanos(), nanos);
        prop_assert_eq!(found[0].offset, Some(offset));
        prop_assert_eq!(found[0].precision == Precision::Subsecond, !fraction.is_empty());
    }

    #[test]
    fn no_text_is_too_wild(text: String, almost in "[0-9: TZ./-]{0,24}") {
        for text in [text, almost] {
            let _ = offset_of(&text);
            if let Some((local, _)) = date_and_time(&text) {
                let digits: String = text.chars().filter(char::is_ascii_digit).take(8).collect();
                prop_assert_eq!(local.format("%Y%m%d").to_string(), digits);
            }
        }
    }
}
