//! A directory store keeps every object that it acknowledged, through every kind of end.

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use support::{BUCKET, body, client, config, sockets};
use weir_store::Store;

async fn open(directory: &Path) -> (Store, Client) {
    let store = Store::directory(directory).min_part_size(1).open().unwrap();
    store.create_bucket(BUCKET).await.unwrap();
    let client = client(&store);
    (store, client)
}

async fn get(client: &Client, key: &str) -> Vec<u8> {
    let get = client
        .get_object()
        .bucket(BUCKET)
        .key(key)
        .send()
        .await
        .unwrap();
    get.body.collect().await.unwrap().to_vec()
}

fn entries(folder: PathBuf) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn objects_uploads_and_conditions_survive_reopening_and_leftovers_do_not() {
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join(".weir-store");
    let before = {
        let (store, client) = open(directory.path()).await;
        for (key, data) in [
            ("a/b.jpg", "old"),
            ("a/b.jpg", "new"),
            ("a", "file and folder"),
            ("..", "odd"),
            ("gone", "x"),
        ] {
            client
                .put_object()
                .bucket(BUCKET)
                .key(key)
                .metadata("site", "1")
                .body(body(data))
                .send()
                .await
                .unwrap();
        }
        client
            .delete_object()
            .bucket(BUCKET)
            .key("gone")
            .send()
            .await
            .unwrap();
        let id = client
            .create_multipart_upload()
            .bucket(BUCKET)
            .key("m")
            .send()
            .await
            .unwrap()
            .upload_id
            .unwrap();
        client
            .upload_part()
            .bucket(BUCKET)
            .key("m")
            .upload_id(&id)
            .part_number(1)
            .body(body("part "))
            .send()
            .await
            .unwrap();
        store.objects()
    };
    // What a crash can leave: a body and a record that were not yet published.
    std::fs::write(state.join("bodies/junk"), "half a bo").unwrap();
    std::fs::write(state.join("tmp/junk"), "{").unwrap();
    let (store, client) = open(directory.path()).await;
    assert_eq!(store.objects(), before);
    assert_eq!(get(&client, "a/b.jpg").await, b"new");
    assert_eq!(get(&client, "..").await, b"odd");
    assert_eq!(
        entries(state.join("bodies")),
        3 + 1,
        "three objects and a part"
    );
    assert_eq!(entries(state.join("tmp")), 0);
    let exists = client
        .put_object()
        .bucket(BUCKET)
        .key("a")
        .if_none_match("*")
        .body(body("x"))
        .send()
        .await;
    assert!(exists.is_err());
    let uploads = client
        .list_multipart_uploads()
        .bucket(BUCKET)
        .send()
        .await
        .unwrap();
    let id = uploads.uploads()[0].upload_id().unwrap();
    let part = |number| {
        client
            .upload_part()
            .bucket(BUCKET)
            .key("m")
            .upload_id(id)
            .part_number(number)
    };
    let second = part(2).body(body("and part")).send().await.unwrap();
    let listed = client
        .list_parts()
        .bucket(BUCKET)
        .key("m")
        .upload_id(id)
        .send()
        .await
        .unwrap();
    let etags = [listed.parts()[0].e_tag(), second.e_tag()].map(|etag| etag.unwrap().to_owned());
    let parts = (1..).zip(etags).map(|(number, etag)| {
        CompletedPart::builder()
            .part_number(number)
            .e_tag(etag)
            .build()
    });
    let parts = CompletedMultipartUpload::builder()
        .set_parts(Some(parts.collect()))
        .build();
    client
        .complete_multipart_upload()
        .bucket(BUCKET)
        .key("m")
        .upload_id(id)
        .multipart_upload(parts)
        .send()
        .await
        .unwrap();
    drop((store, client));
    let (store, client) = open(directory.path()).await;
    assert_eq!(get(&client, "m").await, b"part and part");
    assert_eq!(
        (store.objects().len(), entries(state.join("uploads"))),
        (4, 0)
    );
}

#[tokio::test]
async fn objects_can_be_looked_at_as_files() {
    let directory = tempfile::tempdir().unwrap();
    let (_store, client) = open(directory.path()).await;
    let shown = directory.path().join(BUCKET).join("2024/August/image.jpg");
    for data in ["first", "second"] {
        client
            .put_object()
            .bucket(BUCKET)
            .key("2024/August/image.jpg")
            .body(body(data))
            .send()
            .await
            .unwrap();
        assert_eq!(std::fs::read_to_string(&shown).unwrap(), data);
    }
    client
        .delete_object()
        .bucket(BUCKET)
        .key("2024/August/image.jpg")
        .send()
        .await
        .unwrap();
    assert!(!shown.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_race_on_disk_has_one_winner_and_no_leftovers() {
    let directory = tempfile::tempdir().unwrap();
    let (store, client) = open(directory.path()).await;
    for round in 0..5 {
        let mut racers = tokio::task::JoinSet::new();
        for racer in 0..16_u8 {
            let put = client
                .put_object()
                .bucket(BUCKET)
                .key(format!("slot {round}"))
                .if_none_match("*");
            racers.spawn(put.body(body([racer; 2000])).send());
        }
        let won = racers
            .join_all()
            .await
            .iter()
            .filter(|result| result.is_ok())
            .count();
        assert_eq!(won, 1);
    }
    assert_eq!(store.objects().len(), 5);
    assert_eq!(entries(directory.path().join(".weir-store/bodies")), 5);
}

#[tokio::test]
async fn a_damaged_record_is_an_error_and_not_an_empty_store() {
    let directory = tempfile::tempdir().unwrap();
    let (store, client) = open(directory.path()).await;
    client
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .body(body("x"))
        .send()
        .await
        .unwrap();
    drop((store, client));
    let bucket = directory.path().join(".weir-store/buckets").join(BUCKET);
    let record = std::fs::read_dir(bucket)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let record = record
        .into_iter()
        .find(|path| !path.ends_with("bucket.json"))
        .unwrap();
    std::fs::write(&record, "{").unwrap();
    let error = Store::directory(directory.path()).open().unwrap_err();
    assert!(
        error
            .to_string()
            .contains(record.file_name().unwrap().to_str().unwrap()),
        "{error}"
    );
}

/// The example server as a process of its own.
struct Process {
    child: Child,
    endpoint: String,
}

impl Process {
    fn start(directory: &Path) -> Self {
        // Tests lie in `deps`, examples beside it; `cargo test` builds both.
        let deps = std::env::current_exe().unwrap();
        let server = deps
            .parent()
            .unwrap()
            .parent()
            .unwrap()
            .join("examples/serve");
        let mut child = Command::new(&server)
            .args(["--bucket", BUCKET, "--dir"])
            .arg(directory)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{}: {error}; build it: cargo build -p weir-store --examples",
                    server.display()
                )
            });
        let mut endpoint = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut endpoint)
            .unwrap();
        Self {
            child,
            endpoint: endpoint.trim().to_owned(),
        }
    }

    /// SIGKILL.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[tokio::test]
async fn kill_9_takes_no_object_that_was_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let acknowledged: Arc<Mutex<BTreeMap<String, Vec<u8>>>> = Arc::default();
    for round in 0..4_usize {
        let process = Process::start(directory.path());
        let keys = Store::memory().open().unwrap();
        let client = Client::from_conf(
            config(&keys)
                .endpoint_url(&process.endpoint)
                .http_client(sockets())
                .build(),
        );
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..4_usize {
            writers.spawn(write_until_refused(
                client.clone(),
                round * 10 + writer,
                Arc::clone(&acknowledged),
            ));
        }
        let enough = (round + 1) * 15;
        let reached = async {
            while acknowledged.lock().unwrap().len() < enough {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), reached)
            .await
            .expect("the server acknowledges");
        process.kill();
        writers.join_all().await;
    }
    let (store, client) = open(directory.path()).await;
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(acknowledged.len() >= 60);
    for (key, data) in &acknowledged {
        assert_eq!(&get(&client, key).await, data, "{key}");
    }
    // What was stored and not acknowledged is whole too.
    for object in store.objects() {
        let data = get(&client, &object.key).await;
        assert_eq!(data.len() as u64, object.size);
        assert_eq!(
            object.checksum.value,
            object.checksum.algorithm.of(&data),
            "{}",
            object.key
        );
    }
}

async fn write_until_refused(
    client: Client,
    name: usize,
    acknowledged: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
) {
    for number in 0_usize.. {
        let key = format!("{name}/{number}");
        let data: Vec<u8> = (0..50_000)
            .map(|at| ((at * 31 + name * 7 + number) % 256) as u8)
            .collect();
        match client
            .put_object()
            .bucket(BUCKET)
            .key(&key)
            .body(body(&data))
            .send()
            .await
        {
            Ok(_) => acknowledged.lock().unwrap().insert(key, data),
            Err(_) => return,
        };
    }
}
