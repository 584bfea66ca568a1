//! However a file comes to be, it is taken once, and only when it is whole.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::time::{Duration, SystemTime};

use crate::support::oracle::Oracle;
use crate::support::station::BUCKET;
use crate::support::{Picture, S3, Station, hydrocam, jpeg, wait};

/// Longer than `settle.quiet` of the station, so that a file standing still for it has had its chance.
const BEYOND_QUIET: Duration = Duration::from_millis(600);

#[test]
fn a_hydrocam_picture_gets_the_name_that_the_pipeline_parses() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    let picture = jpeg(1);
    station.drop_file("image_capture_2024-08-09_14-30-00.jpg", &picture);
    Oracle::of(BUCKET, [&picture]).agrees(&s3);
    station.until("verified", 1);
    let object = &s3.objects()[0];
    assert_eq!(
        object.key,
        "2024/August/image_capture_2024-08-09_14-30-00.jpg"
    );
    for (name, value) in [
        ("capture-time", "2024-08-09T14:30:00-07:00"),
        ("capture-offset", "-07:00"),
        ("capture-source", "filename"),
        ("original-name", "image_capture_2024-08-09_14-30-00.jpg"),
    ] {
        assert_eq!(object.metadata[name], value, "{name}");
    }
    agent.drain();
}

#[test]
fn a_file_written_slowly_is_taken_when_its_writer_is_done() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set("settle.give_up", "1h");
    let agent = station.start();
    let picture = Picture::new(1).sized(300_000).jpeg();
    let mut file = File::create(station.camera().join(hydrocam(0))).unwrap();
    for piece in picture.chunks(100_000) {
        wait::steadily(BEYOND_QUIET, "half a picture was taken", || {
            s3.objects().is_empty()
        });
        file.write_all(piece).unwrap();
    }
    drop(file);
    Oracle::of(BUCKET, [&picture]).agrees(&s3);
    station.until("verified", 1);
    assert_eq!(station.images().len(), 1);
    agent.drain();
}

#[test]
fn a_whole_picture_whose_writer_keeps_it_open_is_taken_when_it_has_been_quiet() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    let picture = jpeg(1);
    let mut file = File::create(station.camera().join(hydrocam(0))).unwrap();
    file.write_all(&picture).unwrap();
    Oracle::of(BUCKET, [&picture]).agrees(&s3);
    drop(file);
    station.until("verified", 1);
    agent.drain();
}

#[test]
fn a_picture_renamed_into_its_name_is_taken_under_that_name_only() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    let (first, second) = (jpeg(1), jpeg(2));
    let temporary = station.drop_file(format!("{}.tmp", hydrocam(0)), &first);
    // The other is closed after the temporary one: once it is stored, that one has been passed over.
    station.drop_file(hydrocam(1), &second);
    Oracle::of(BUCKET, [&second]).agrees(&s3);
    fs::rename(temporary, station.camera().join(hydrocam(0))).unwrap();
    Oracle::of(BUCKET, [&first, &second]).agrees(&s3);
    station.until("verified", 2);
    agent.drain();
}

#[test]
fn files_moved_in_linked_in_and_copied_with_old_times_are_taken() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    let outside = |name: &str, bytes: &[u8]| {
        let path = station.home().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let pictures = [jpeg(1), jpeg(2), jpeg(3)];
    fs::rename(
        outside("moved", &pictures[0]),
        station.camera().join(hydrocam(0)),
    )
    .unwrap();
    fs::hard_link(
        outside("linked", &pictures[1]),
        station.camera().join(hydrocam(1)),
    )
    .unwrap();
    // As `cp -p` does it: written, closed, and only then set to the original's times.
    let copy = station.drop_file("copy.jpg", &pictures[2]);
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_500_000_000);
    File::options()
        .write(true)
        .open(copy)
        .unwrap()
        .set_modified(long_ago)
        .unwrap();
    Oracle::of(BUCKET, &pictures).agrees(&s3);
    station.until("verified", 3);
    assert_eq!(station.images().len(), 3);
    agent.drain();
}

#[test]
fn a_second_name_for_known_bytes_is_no_second_image() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    let picture = jpeg(1);
    let first = station.drop_file(hydrocam(0), &picture);
    station.until("verified", 1);
    fs::hard_link(&first, station.camera().join(hydrocam(1))).unwrap();
    station.drop_file(hydrocam(2), &picture);
    let known = |path: &str| {
        let output = station.weir(&["queue", "show", path]);
        output.status.success()
    };
    for second in [1, 2] {
        let path = station.camera().join(hydrocam(second));
        wait::until("the further name is known", || {
            known(path.to_str().unwrap())
        });
    }
    assert_eq!(station.images().len(), 1);
    Oracle::of(BUCKET, [&picture]).agrees(&s3);
    agent.drain();
}

#[test]
fn pictures_in_folders_made_a_moment_ago_are_not_missed() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    let mut oracle = Oracle::default();
    for day in 1..=30 {
        let folder = station.camera().join(format!("2024-08/{day:02}/001/jpg"));
        fs::create_dir_all(&folder).unwrap();
        let picture = jpeg(day);
        oracle.expect(BUCKET, &picture);
        let name = format!("image_capture_2024-08-{day:02}_12-00-00.jpg");
        fs::write(folder.join(name), picture).unwrap();
    }
    oracle.agrees(&s3);
    station.until("verified", 30);
    agent.drain();
}

#[test]
fn a_name_that_is_no_text_is_carried_in_the_metadata() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    let picture = Picture::new(1).taken("2024:08:09 14:30:00").jpeg();
    station.drop_file(OsStr::from_bytes(b"caf\xE9 1.jpg"), &picture);
    Oracle::of(BUCKET, [&picture]).agrees(&s3);
    let object = &s3.objects()[0];
    assert_eq!(object.metadata["original-name"], "caf%E9%201.jpg");
    assert_eq!(
        object.key,
        "2024/August/image_capture_2024-08-09_14-30-00.jpg"
    );
    station.until("verified", 1);
    agent.drain();
}

#[test]
fn every_format_is_known_by_its_content_and_named_by_it() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let agent = station.start();
    let picture = |seed| Picture::new(seed);
    let files = [
        ("image/jpeg", picture(1).thumbnail().jpeg()),
        ("image/png", picture(2).png()),
        ("image/webp", picture(3).webp()),
        ("image/tiff", picture(4).tiff()),
        ("image/heic", picture(5).heic()),
        ("image/avif", picture(6).avif()),
        ("video/mp4", picture(7).sized(50_000).mp4()),
        ("video/matroska", picture(8).mkv()),
    ];
    let mut oracle = Oracle::default();
    for (second, (_, bytes)) in files.iter().enumerate() {
        // The extension says nothing: only the content counts.
        station.drop_file(
            format!("image_capture_2024-08-09_00-00-0{second}.dat"),
            bytes,
        );
        oracle.expect(BUCKET, bytes);
    }
    oracle.agrees(&s3);
    let mut types: Vec<_> = s3
        .objects()
        .into_iter()
        .filter_map(|object| object.content_type)
        .collect();
    types.sort();
    let mut wanted: Vec<_> = files.iter().map(|(kind, _)| (*kind).to_owned()).collect();
    wanted.sort();
    assert_eq!(types, wanted);
    station.until("verified", 8);
    agent.drain();
}

#[test]
fn a_burst_of_5000_pictures_is_taken_to_the_last_one() {
    let s3 = S3::start();
    let mut station = Station::new(&s3);
    station.set("verify.with", "answer");
    let agent = station.start();
    let mut oracle = Oracle::default();
    for second in 0..5000 {
        let picture = jpeg(u64::from(second));
        oracle.expect(BUCKET, &picture);
        station.drop_file(hydrocam(second), picture);
    }
    wait::find_within(Duration::from_secs(300), "the burst is verified", || {
        (station.count("verified") == 5000).then_some(())
    });
    oracle.agrees(&s3);
    agent.drain();
}

#[test]
fn what_came_while_the_agent_was_stopped_is_found_at_the_start_and_read_once() {
    let s3 = S3::start();
    let station = Station::new(&s3);
    let pictures: Vec<_> = (0..20).map(jpeg).collect();
    for (second, picture) in (0..).zip(&pictures) {
        station.drop_file(hydrocam(second), picture);
    }
    station.start().drain();
    let agent = station.start();
    Oracle::of(BUCKET, &pictures).agrees(&s3);
    station.until("verified", 20);
    agent.drain();
    let before = s3.stats().requests;
    let agent = station.start();
    wait::until("the folder is scanned again", || {
        let watch = &station.status()["watch"];
        watch["last_scan"].is_string() && watch["pending"] == 0
    });
    agent.drain();
    assert_eq!(
        s3.stats().requests,
        before,
        "verified images were asked about again"
    );
}
