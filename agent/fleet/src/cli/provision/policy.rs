//! The rights of one device, as an IAM policy: those that an upload needs, and of a control bucket those of its slots.

use serde_json::json;
use weir::config::BucketName;

/// The policy.
pub(super) fn text(bucket: &BucketName, control: Option<&BucketName>) -> String {
    let mut statements = vec![json!({
        "Sid": "Images",
        "Effect": "Allow",
        "Action": ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
        "Resource": format!("arn:aws:s3:::{bucket}/*"),
    })];
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
    let policy = json!({ "Version": "2012-10-17", "Statement": statements });
    format!("{policy:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_may_delete_nothing_but_slots() {
        let bucket: BucketName = "first-dam-image".parse().unwrap();
        let control: BucketName = "river-control".parse().unwrap();
        let alone = text(&bucket, None);
        assert!(
            !alone.contains("DeleteObject") && !alone.contains("ListBucket\""),
            "{alone}"
        );
        let shared: serde_json::Value =
            serde_json::from_str(&text(&bucket, Some(&control))).unwrap();
        let deleting: Vec<_> = shared["Statement"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["Action"].to_string().contains("s3:DeleteObject"))
            .map(|one| one["Resource"].as_str().unwrap())
            .collect();
        assert_eq!(deleting, ["arn:aws:s3:::river-control/*"]);
        assert!(!shared.to_string().contains("s3:*"));
    }
}
