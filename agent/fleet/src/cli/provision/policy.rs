//! The rights of one device, as an IAM policy: those that uploads need, on the buckets of its sites and of what is made of
//! their images; reading where results are waited for; and of a control bucket those of its slots.

use serde_json::{Value, json};
use weir::config::BucketName;

use super::place::Place;

/// The policy.
pub(super) fn text(sites: &[&Place], control: Option<&BucketName>) -> String {
    let uploads = [
        "s3:PutObject",
        "s3:GetObject",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
    ];
    let objects = |buckets: Vec<&BucketName>| match buckets.as_slice() {
        [one] => json!(format!("arn:aws:s3:::{one}/*")),
        several => several
            .iter()
            .map(|one| json!(format!("arn:aws:s3:::{one}/*")))
            .collect::<Value>(),
    };
    let mut statements = vec![json!({
        "Sid": "Images",
        "Effect": "Allow",
        "Action": uploads,
        "Resource": objects(sites.iter().map(|site| &site.bucket).collect()),
    })];
    let results: Vec<_> = sites
        .iter()
        .filter_map(|site| site.results.as_ref())
        .collect();
    // Who may write there may read there.
    let awaited: Vec<_> = sites
        .iter()
        .filter_map(|site| site.awaited.as_ref())
        .filter(|bucket| !results.contains(bucket))
        .collect();
    if !results.is_empty() {
        statements.push(json!({
            "Sid": "Results",
            "Effect": "Allow",
            "Action": uploads,
            "Resource": objects(results),
        }));
    }
    if !awaited.is_empty() {
        statements.push(json!({
            "Sid": "AwaitedResults",
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": objects(awaited),
        }));
    }
    if let Some(control) = control {
        statements.push(json!({
            "Sid": "Slots",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
            "Resource": format!("arn:aws:s3:::{control}/*"),
        }));
        // Without it a slot that is free looks like one that is forbidden.
        statements.push(json!({
            "Sid": "FreeSlots",
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": format!("arn:aws:s3:::{control}"),
        }));
    }
    document(&statements)
}

/// A policy of these statements, for people to read.
pub(super) fn document(statements: &[Value]) -> String {
    let policy = json!({ "Version": "2012-10-17", "Statement": statements });
    format!("{policy:#}\n")
}
