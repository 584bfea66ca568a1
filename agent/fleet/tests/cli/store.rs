//! `weir-fleet store`, as a client in another language sees it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{ChildStdout, Command};

use rustix::process::Signal;

use crate::program::{Running, fleet};

/// A store that is served.
pub(crate) struct Served {
    running: Running,
    /// Kept open: the program may write on.
    _out: BufReader<ChildStdout>,
    pub(crate) endpoint: String,
}

impl Served {
    pub(crate) fn begin(folder: &Path, more: &[&str]) -> Self {
        let mut running = Running::begin(folder, &[&["store"], more].concat());
        let mut out = BufReader::new(running.out());
        let mut endpoint = String::new();
        out.read_line(&mut endpoint).unwrap();
        let endpoint = endpoint.trim().to_owned();
        assert!(endpoint.starts_with("http://127.0.0.1:"), "{endpoint}");
        Self {
            running,
            _out: out,
            endpoint,
        }
    }

    /// SIGTERM, as a supervisor ends it.
    pub(crate) fn end(self) {
        self.running.signal(Signal::TERM);
        let said = self.running.end();
        assert_eq!(said.code, Some(0), "{said:?}");
    }
}

/// Puts an object and reads it, with the keys of the command line; prints the buckets.
const CLIENT: &str = r#"
import sys, boto3
s3 = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-west-1",
                  aws_access_key_id="weir", aws_secret_access_key="weir-secret")
if sys.argv[2] == "put":
    s3.put_object(Bucket="first-dam-image", Key="a/b.txt", Body=b"42", IfNoneMatch="*")
print(s3.get_object(Bucket="first-dam-image", Key="a/b.txt")["Body"].read().decode(),
      *sorted(b["Name"] for b in s3.list_buckets()["Buckets"]))
"#;

fn boto3(store: &Served, what: &str) -> String {
    let tools = std::env::var("WEIR_TEST_VENV")
        .expect("WEIR_TEST_VENV is not set: run scripts/test -p weir-fleet");
    let output = Command::new(Path::new(&tools).join("bin/python"))
        .args(["-c", CLIENT, &store.endpoint, what])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn it_serves_until_it_is_told_to_end_and_keeps_its_objects_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let flags = [
        "--dir",
        "objects",
        "--bucket",
        "first-dam-image",
        "--sites",
        "1",
    ];
    let buckets = "42 first-dam-image site1-segmentedoutput site1-simulatedbucket";
    let store = Served::begin(folder.path(), &flags);
    assert_eq!(boto3(&store, "put"), buckets);
    store.end();
    let store = Served::begin(folder.path(), &["--dir", "objects"]);
    assert_eq!(boto3(&store, "get"), buckets);
    store.end();
}

#[test]
fn it_lets_no_stranger_in_by_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [(&[&str], &str); 4] = [
        (&["--addr", "0.0.0.0:0"], "--public"),
        (
            &["--addr", "0.0.0.0:0", "--public"],
            "secret key of your own",
        ),
        (&["--faults", "none.json"], "none.json"),
        (&["--bucket", "Two Words"], "cannot name a bucket"),
    ];
    for (flags, said) in cases {
        let refused = fleet(folder.path(), &[&["store"], flags].concat());
        assert_eq!(refused.code, Some(2), "{flags:?}: {refused:?}");
        assert!(refused.err.contains(said), "{flags:?}: {}", refused.err);
    }
}
