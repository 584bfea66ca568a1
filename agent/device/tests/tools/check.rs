//! `weir check` with the real program: all is well, and then one thing at a time that is not.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use weir_store::faults::{Action, Refusal, Rule};
use weir_store::{Operation, Store};

use crate::support::oracle::Oracle;
use crate::support::s3::{ACCESS_KEY, SECRET_KEY};
use crate::support::station::{BUCKET, SITE, text};
use crate::support::{S3, Station, hydrocam, jpeg};

/// What a check said.
struct Said {
    code: Option<i32>,
    findings: Vec<Value>,
}

impl Said {
    /// The one finding of this name.
    #[track_caller]
    fn the(&self, check: &str) -> &Value {
        let found: Vec<_> = self
            .findings
            .iter()
            .filter(|finding| finding["check"] == check)
            .collect();
        assert_eq!(found.len(), 1, "{check}: {:#?}", self.findings);
        found[0]
    }

    /// That exactly these checks failed or warn.
    #[track_caller]
    fn only(&self, outcome: &str, checks: &[&str]) {
        let found: BTreeSet<_> = self
            .findings
            .iter()
            .filter(|finding| finding["outcome"] == outcome)
            .map(|finding| finding["check"].as_str().unwrap())
            .collect();
        assert_eq!(
            found,
            checks.iter().copied().collect(),
            "{:#?}",
            self.findings
        );
    }

    /// That this check alone failed, with these words in what it found and in what to do.
    #[track_caller]
    fn fails(&self, check: &str, detail: &str, fix: &str) {
        self.only("fail", &[check]);
        assert_eq!(self.code, Some(1));
        let of_it = self
            .findings
            .iter()
            .find(|finding| finding["check"] == check)
            .unwrap();
        let says = |name: &str| of_it[name].as_str().unwrap_or_default().to_owned();
        assert!(says("detail").contains(detail), "{of_it}");
        assert!(says("fix").contains(fix), "{of_it}");
    }
}

/// Runs a check to its end; whatever it says has the form that scripts rely on.
#[track_caller]
fn check(station: &Station, arguments: &[&str]) -> Said {
    let output = station.weir(&[&["check", "--json"], arguments].concat());
    let (said, complained) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(complained, "", "{said}");
    assert!(!said.contains(SECRET_KEY), "{said}");
    let mut findings: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let summary = findings.pop().unwrap()["summary"].take();
    for outcome in ["ok", "warn", "fail", "skipped"] {
        let counted = findings
            .iter()
            .filter(|finding| finding["outcome"] == outcome)
            .count();
        assert_eq!(summary[outcome], counted, "{said}");
    }
    for finding in &findings {
        let troubled = ["warn", "fail"].contains(&finding["outcome"].as_str().unwrap());
        assert_eq!(finding["fix"].is_string(), troubled, "{finding}");
        assert!(
            finding["elapsed_ms"].is_u64() && finding["subject"].is_string(),
            "{finding}"
        );
    }
    Said {
        code: output.status.code(),
        findings,
    }
}

#[test]
fn every_check_is_explained() {
    let s3 = S3::start();
    let station = station(&s3);
    station.start().drain();
    let docs = include_str!("../../../../docs/operations.md");
    let said = check(&station, &[]);
    assert!(said.findings.len() > 20);
    for finding in said.findings {
        let name = finding["check"].as_str().unwrap();
        assert!(
            docs.contains(&format!("`{name}`")),
            "docs/operations.md does not explain {name}"
        );
    }
}

/// A station whose camera took a picture.
fn station(s3: &S3) -> Station {
    let station = Station::new(s3);
    station.drop_file(hydrocam(0), jpeg(1));
    station
}

#[test]
fn a_site_in_order_passes_beside_a_working_agent_and_nothing_is_left() {
    let s3 = S3::start();
    let station = station(&s3);
    let agent = station.start();
    Oracle::of(BUCKET, &[jpeg(1)]).agrees(&s3);
    let said = check(&station, &[]);
    said.only("fail", &[]);
    assert_eq!(said.code, Some(0));
    assert_eq!(said.the("storage.agent")["outcome"], "ok");
    for right in ["put", "get", "conditional", "digest", "parts", "delete"] {
        let finding = said.the(&format!("bucket.{right}"));
        assert_eq!(
            (&finding["outcome"], &finding["subject"]),
            (&"ok".into(), &SITE.into()),
            "{finding}"
        );
    }
    assert_eq!(said.the("folder.events")["outcome"], "ok");
    // The bucket holds the image and nothing else, and the agent was told of nothing.
    Oracle::of(BUCKET, &[jpeg(1)]).agrees(&s3);
    assert_eq!(station.images().len(), 1);
    assert_eq!(fs::read_dir(station.camera()).unwrap().count(), 1);
    let left = fs::read_dir(station.state())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert!(
        left.into_iter()
            .all(|name| !name.to_string_lossy().contains("check"))
    );
    assert!(!agent.log().contains("weir-check"), "{}", agent.log());
    agent.drain();
}

#[test]
fn each_right_that_is_refused_fails_by_its_name() {
    let s3 = S3::start();
    let station = station(&s3);
    let denied = |operation| {
        s3.faults()
            .set([Rule::new(Action::Error(Refusal::AccessDenied)).on(operation)]);
        check(&station, &[])
    };
    let arn = format!("arn:aws:s3:::{BUCKET}/*");
    let put = denied(Operation::PutObject);
    put.fails(
        "bucket.put",
        "AccessDenied",
        &format!("s3:PutObject on {arn}"),
    );
    assert_eq!(put.the("bucket.get")["outcome"], "ok");
    assert_eq!(put.the("bucket.parts")["outcome"], "skipped");
    denied(Operation::GetObject).fails(
        "bucket.get",
        "AccessDenied",
        &format!("s3:GetObject on {arn}"),
    );
    denied(Operation::CreateMultipartUpload).fails("bucket.parts", "AccessDenied", "s3:PutObject");
    for (operation, right) in [
        (Operation::AbortMultipartUpload, "s3:AbortMultipartUpload"),
        (Operation::ListParts, "s3:ListMultipartUploadParts"),
    ] {
        let said = denied(operation);
        said.only("fail", &[]);
        let parts = said.the("bucket.parts");
        assert_eq!(parts["outcome"], "warn");
        assert!(parts["fix"].as_str().unwrap().contains(right), "{parts}");
    }
    assert!(s3.objects().is_empty());
}

#[test]
fn where_nothing_may_be_deleted_all_checks_together_leave_one_object() {
    let s3 = S3::start();
    let station = station(&s3);
    s3.faults()
        .set([Rule::new(Action::Error(Refusal::AccessDenied)).on(Operation::DeleteObject)]);
    for _ in 0..3 {
        let said = check(&station, &[]);
        said.only("fail", &[]);
        assert_eq!(said.code, Some(0));
        let left = s3.objects();
        assert_eq!(left.len(), 1, "{left:?}");
        assert!(left[0].key.starts_with("weir-check/"), "{left:?}");
        let told = said.the("bucket.delete")["detail"].to_string();
        assert!(
            told.contains(&left[0].key) && told.contains("need not"),
            "{told}"
        );
        assert_eq!(said.the("bucket.conditional")["outcome"], "ok");
    }
}

#[test]
fn a_bucket_that_is_not_there_is_named_with_what_to_do() {
    let s3 = S3::start();
    let station = Station::at(&s3.endpoint(), ACCESS_KEY, SECRET_KEY, &[SITE]);
    station.drop_file(hydrocam(0), jpeg(1));
    check(&station, &[]).fails("bucket.put", "NoSuchBucket", "create the bucket");
    check(&station, &["--no-write"]).fails("bucket.get", "NoSuchBucket", "create the bucket");
}

#[test]
#[cfg(feature = "infer")]
fn the_buckets_of_what_is_made_of_images_are_tried_as_well() {
    let s3 = S3::start();
    let mut station = station(&s3);
    station.every_site(
        "derivatives = [{ name = \"small\", steps = [\"resize 64 36\"], format = \"png\" }]",
    );
    let said = check(&station, &[]);
    said.only("fail", &["bucket.put"]);
    let failed = |finding: &&Value| finding["outcome"] == "fail";
    let failed: Vec<_> = said.findings.iter().filter(failed).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["subject"], "first-dam derivatives");
    assert!(
        failed[0]["detail"]
            .as_str()
            .unwrap()
            .contains("NoSuchBucket")
    );
    s3.make("first-dam-derivatives");
    check(&station, &[]).only("fail", &[]);
}

#[test]
fn wrong_keys_are_told_once_and_no_bucket_is_tried() {
    let s3 = S3::start();
    let sites = ["north", "south"];
    let station = Station::with_sites(&s3, &sites);
    for site in sites {
        fs::write(station.camera_of(site).join(hydrocam(0)), jpeg(1)).unwrap();
    }
    fs::write(
        station.home().join("keys"),
        format!("access_key_id = {ACCESS_KEY}\nsecret_access_key = mistyped\n"),
    )
    .unwrap();
    let said = check(&station, &[]);
    said.fails(
        "credentials.accepted",
        "SignatureDoesNotMatch",
        "check the key and its secret",
    );
    assert_eq!(s3.stats().answered(Operation::PutObject, 403), 0);
    let puts: Vec<_> = said
        .findings
        .iter()
        .filter(|finding| finding["check"] == "bucket.put")
        .collect();
    assert!(
        puts.len() == 2 && puts.iter().all(|put| put["outcome"] == "skipped"),
        "{puts:?}"
    );
}

#[test]
fn a_store_without_conditional_writes_is_a_warning_unless_they_are_ordered() {
    let s3 = S3::with(Store::memory().conditional_writes(false));
    let mut station = station(&s3);
    let said = check(&station, &[]);
    said.only("fail", &[]);
    assert_eq!(said.the("bucket.conditional")["outcome"], "warn");
    station.set("store.conditional_writes", "on");
    check(&station, &[]).fails("bucket.conditional", "ignored", "\"auto\"");
    station.set("store.conditional_writes", "off");
    assert_eq!(
        check(&station, &[]).the("bucket.conditional")["outcome"],
        "skipped"
    );
}

#[test]
fn a_clock_an_hour_off_fails_and_rights_are_found_all_the_same() {
    let s3 = S3::start();
    let station = station(&s3);
    s3.faults()
        .set([Rule::new(Action::ClockOff { seconds: 3600 })]);
    let said = check(&station, &[]);
    said.fails("clock.store", "behind the store's", "timedatectl");
    assert_eq!(said.the("bucket.put")["outcome"], "ok");
    s3.faults()
        .set([Rule::new(Action::ClockOff { seconds: 120 })]);
    assert_eq!(check(&station, &[]).the("clock.store")["outcome"], "warn");
}

#[test]
fn a_link_that_is_down_is_told_by_its_layer() {
    let s3 = S3::start();
    let mut station = station(&s3);
    station.set("upload.connect_timeout", "5s");
    s3.down();
    let said = check(&station, &[]);
    said.fails("link.connect", "refused", "firewall");
    assert_eq!(said.the("bucket.put")["outcome"], "skipped");
    s3.up();
    // A service without TLS behind an address that promises it.
    station.set(
        "store.endpoint",
        &s3.endpoint().replace("http://", "https://"),
    );
    check(&station, &[]).fails("link.tls", "TLS", "http://");
    // RFC 2606: a name that never resolves.
    station.set("store.endpoint", "http://store.invalid");
    check(&station, &[]).fails("link.name", "", "store.endpoint");
}

#[test]
fn folders_that_cannot_be_used_fail() {
    let s3 = S3::start();
    let station = station(&s3);
    fs::remove_dir_all(station.camera()).unwrap();
    check(&station, &["--offline"]).fails("folder.readable", "is not there", "card");
    fs::create_dir(station.camera()).unwrap();
    // A camera that has not taken anything is a warning: somebody is still there to press the button.
    let said = check(&station, &["--offline"]);
    said.only("fail", &[]);
    assert_eq!(said.the("folder.newest")["outcome"], "warn");
    fs::create_dir(station.state()).unwrap();
    fs::set_permissions(station.state(), fs::Permissions::from_mode(0o755)).unwrap();
    let open = check(&station, &["--offline"]);
    assert_eq!(open.the("storage.directory")["outcome"], "warn");
    fs::write(station.state().join("queue.db"), "torn".repeat(5000)).unwrap();
    check(&station, &["--offline"]).fails("storage.queue", "", "weir queue repair");
}

#[test]
fn a_wrong_configuration_ends_with_2_and_all_its_faults() {
    let s3 = S3::start();
    let mut station = station(&s3);
    station.set("upload.timeout", "soon");
    station.set("gate.nonsense", "1");
    let said = check(&station, &[]);
    assert_eq!(said.code, Some(2));
    assert_eq!(said.findings.len(), 2, "{:?}", said.findings);
    said.only("fail", &["configuration"]);
    assert_eq!(s3.stats().requests, 0);
    let nobody = Station::at(&s3.endpoint(), ACCESS_KEY, SECRET_KEY, &[]);
    let said = check(&nobody, &["--offline"]);
    assert_eq!(said.code, Some(2));
    said.only("fail", &["configuration"]);
}

#[test]
fn what_is_not_to_be_asked_is_not_asked() {
    let s3 = S3::start();
    let sites = ["north", "south"];
    let station = Station::with_sites(&s3, &sites);
    let requests = s3.stats().requests;
    let offline = check(&station, &["--offline"]);
    offline.only("fail", &[]);
    assert_eq!(s3.stats().requests, requests);
    let unwritten = check(&station, &["--no-write"]);
    unwritten.only("fail", &[]);
    assert_eq!(s3.stats().answered(Operation::PutObject, 200), 0);
    assert!(s3.objects().is_empty());
    let one = check(&station, &["--site", "south"]);
    assert!(
        one.findings
            .iter()
            .all(|finding| finding["subject"] != "north")
    );
    assert_eq!(one.the("bucket.put")["subject"], "south");
    let nobody = station.weir(&["check", "--site", "east"]);
    assert_eq!(nobody.status.code(), Some(2));
    assert!(text(&nobody.stderr).contains("no site has this name"));
}

#[test]
fn sites_that_share_a_bucket_try_it_once() {
    let s3 = S3::start();
    let mut station = Station::with_sites(&s3, &["north", "south"]);
    s3.make("shared");
    station.set("store.bucket", "shared");
    let said = check(&station, &[]);
    said.only("fail", &[]);
    let puts = said
        .findings
        .iter()
        .filter(|finding| finding["check"] == "bucket.put");
    assert_eq!(puts.count(), 2);
    assert_eq!(s3.stats().answered(Operation::PutObject, 200), 1);
}

#[test]
fn a_hundred_sites_are_a_hundred_lines_and_one_that_is_ill_tells_why() {
    let s3 = S3::start();
    let names: Vec<_> = (0..100).map(|number| format!("site{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let station = Station::with_sites(&s3, &names);
    for name in &names {
        fs::write(station.camera_of(name).join(hydrocam(0)), jpeg(1)).unwrap();
    }
    s3.faults()
        .set([Rule::new(Action::Error(Refusal::AccessDenied))
            .on(Operation::PutObject)
            .bucket("site42-*")]);
    let output = station.weir(&["check"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let of_a_site = |line: &&str| {
        let name = line.split_whitespace().nth(1);
        name.is_some_and(|name| names.contains(&name))
    };
    let of_sites: Vec<_> = said.lines().filter(of_a_site).collect();
    assert_eq!(
        of_sites
            .iter()
            .filter(|line| line.starts_with("ok "))
            .count(),
        99,
        "{said}"
    );
    let ill: Vec<_> = of_sites
        .iter()
        .filter(|line| line.starts_with("fail"))
        .collect();
    assert!(
        ill.len() == 1 && ill[0].contains("site42") && ill[0].contains("bucket.put"),
        "{said}"
    );
    assert!(said.contains("-> allow s3:PutObject"), "{said}");
    assert!(!said.contains('\u{1b}'), "colours in a pipe");
    assert!(said.trim_end().ends_with("skipped"), "{said}");
    let verbose = text(
        &station
            .weir(&["check", "--verbose", "--site", "site7"])
            .stdout,
    );
    assert!(verbose.contains("bucket.digest: "), "{verbose}");
    let painted = text(
        &station
            .weir(&["check", "--offline", "--color", "always"])
            .stdout,
    );
    assert!(painted.contains("\u{1b}[32mok"), "{painted}");
}
