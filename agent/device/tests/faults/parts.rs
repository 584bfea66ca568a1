//! Large files go up in parts, and a crash costs at most the part that was under way.

use weir_store::Operation;
use weir_store::faults::{Action, Rule};

use crate::support::oracle::Oracle;
use crate::support::station::BUCKET;
use crate::support::{Picture, S3, Station, wait};

const MIB: usize = 1024 * 1024;

fn station(s3: &S3) -> Station {
    let mut station = Station::new(s3);
    station.set("upload.multipart_above", "5MiB");
    station.set("upload.part_size", "5MiB");
    station
}

/// A video of five parts.
fn video() -> Vec<u8> {
    Picture::new(1).sized(22 * MIB).mp4()
}

#[test]
fn a_kill_in_the_middle_of_a_large_file_costs_one_part() {
    let s3 = S3::start();
    let station = station(&s3);
    s3.faults().set([Rule::new(Action::Hang)
        .on(Operation::UploadPart)
        .requests(3..=3)]);
    let video = video();
    let path = station.drop_file("image_capture_2024-08-09_14-30-00.mp4", &video);
    let agent = station.start();
    wait::until(
        "two parts are written down and a third is under way",
        || station.image(&path)["parts_stored"] == 2 && s3.stats().puts_now == 1,
    );
    agent.kill();
    s3.faults().clear();
    let agent = station.start();
    Oracle::of(BUCKET, [&video]).agrees(&s3);
    station.until("verified", 1);
    agent.drain();
    let stats = s3.stats();
    assert_eq!(stats.answered(Operation::UploadPart, 200), 5);
    // The one that was under way hangs in the store to this day.
    assert_eq!(
        stats.count(Operation::UploadPart) + stats.puts_now as u64,
        6
    );
    assert_eq!(stats.count(Operation::CreateMultipartUpload), 1);
    assert_eq!(stats.count(Operation::PutObject), 0);
}

#[test]
fn a_kill_while_the_parts_are_joined_leaves_one_object() {
    for action in [Action::Hang, Action::LostAnswer] {
        let s3 = S3::start();
        let station = station(&s3);
        s3.faults().set([Rule::new(action)
            .on(Operation::CompleteMultipartUpload)
            .requests(1..=1)]);
        let video = video();
        station.drop_file("image_capture_2024-08-09_14-30-00.mp4", &video);
        let agent = station.start();
        wait::until("all parts are sent", || {
            s3.stats().answered(Operation::UploadPart, 200) == 5
        });
        agent.kill();
        let agent = station.start();
        Oracle::of(BUCKET, [&video]).agrees(&s3);
        station.until("verified", 1);
        agent.drain();
        assert_eq!(
            s3.stats().answered(Operation::UploadPart, 200),
            5,
            "parts were sent twice"
        );
    }
}

#[test]
fn a_part_that_fails_is_sent_again_alone() {
    let s3 = S3::start();
    let station = station(&s3);
    s3.faults().set([Rule::new(Action::Cut {
        after_bytes: MIB as u64,
    })
    .on(Operation::UploadPart)
    .requests(2..=3)]);
    let video = video();
    station.drop_file("image_capture_2024-08-09_14-30-00.mp4", &video);
    let agent = station.start();
    Oracle::of(BUCKET, [&video]).agrees(&s3);
    station.until("verified", 1);
    agent.drain();
    assert_eq!(s3.stats().answered(Operation::UploadPart, 200), 5);
}

#[test]
fn a_large_file_replaced_in_the_middle_of_its_upload_becomes_a_new_image() {
    let s3 = S3::start();
    let station = station(&s3);
    s3.faults().set([Rule::new(Action::Hang)
        .on(Operation::UploadPart)
        .requests(3..=3)]);
    let path = station.drop_file("image_capture_2024-08-09_14-30-00.mp4", video());
    let agent = station.start();
    wait::until("a third part is under way", || {
        let stats = s3.stats();
        stats.puts_now == 1 && stats.answered(Operation::UploadPart, 200) == 2
    });
    agent.kill();
    let new = Picture::new(2).sized(22 * MIB).mp4();
    std::fs::write(&path, &new).unwrap();
    s3.faults().clear();
    let agent = station.start();
    Oracle::of(BUCKET, [&new]).agrees(&s3);
    station.until("verified", 1);
    station.until("missing", 1);
    agent.drain();
}

#[test]
fn a_part_whose_etag_was_garbled_on_the_way_costs_no_second_sending() {
    let s3 = S3::start();
    let station = station(&s3);
    s3.faults().set([Rule::new(Action::WrongEtag)
        .on(Operation::UploadPart)
        .requests(2..=2)]);
    let video = video();
    station.drop_file("image_capture_2024-08-09_14-30-00.mp4", &video);
    let agent = station.start();
    Oracle::of(BUCKET, [&video]).agrees(&s3);
    station.until("verified", 1);
    agent.drain();
    assert_eq!(s3.stats().count(Operation::UploadPart), 5);
}
