//! The buckets of all sites: as a script for the AWS command line, or made at once.

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use weir::config::BucketName;

use super::super::{Failed, args};
use super::place::Place;

/// The region that is meant when a bucket is made without one.
const UNSAID: &str = "us-east-1";

/// All of them, in order. Buckets of the pipeline's own results are the pipeline's to make.
pub(super) fn names(sites: &[Place], control: Option<&BucketName>) -> Vec<BucketName> {
    let of_sites = sites.iter().flat_map(|site| {
        let results = site.results.clone();
        std::iter::once(site.bucket.clone()).chain(results)
    });
    of_sites.chain(control.cloned()).collect()
}

/// A shell script that makes those that are not there. The names are safe in a shell: they are bucket names.
pub(super) fn script(names: &[BucketName], asked: &args::Provision) -> String {
    let service = asked.endpoint.as_ref().map_or_else(String::new, |url| {
        format!(" --endpoint-url '{}'", url.as_str())
    });
    let region = &asked.region;
    let place = match (&asked.endpoint, region.as_str()) {
        (None, UNSAID) | (Some(_), _) => String::new(),
        (None, region) => {
            format!(" --create-bucket-configuration LocationConstraint={region}")
        }
    };
    let calls: String = names.iter().map(|name| format!("make {name}\n")).collect();
    format!(
        "#!/bin/sh\n\
         # Makes the buckets that are not there, with the AWS command line and the keys of the environment.\n\
         set -eu\n\
         s3() {{ aws{service} --region {region} s3api \"$@\"; }}\n\
         make() {{\n\
         \x20 if s3 head-bucket --bucket \"$1\" >/dev/null 2>&1; then echo \"there  $1\"; return; fi\n\
         \x20 s3 create-bucket --bucket \"$1\"{place} >/dev/null\n\
         \x20 echo \"made   $1\"\n\
         }}\n\
         {calls}"
    )
}

/// Makes those that are not there.
///
/// # Errors
/// [`Failed::Work`]: a bucket that is neither there nor can be made.
pub(super) fn create(
    client: &Client,
    names: &[BucketName],
    asked: &args::Provision,
) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failed::Work(format!("cannot start: {error}")))?;
    runtime.block_on(async {
        for name in names {
            make(client, name, asked).await?;
        }
        Ok(())
    })
}

async fn make(client: &Client, name: &BucketName, asked: &args::Provision) -> Result<(), Failed> {
    if client
        .head_bucket()
        .bucket(name.as_str())
        .send()
        .await
        .is_ok()
    {
        return Ok(());
    }
    let elsewhere = asked.endpoint.is_none() && asked.region != UNSAID;
    let place = elsewhere.then(|| {
        let region = BucketLocationConstraint::from(asked.region.as_str());
        let place = CreateBucketConfiguration::builder();
        place.location_constraint(region).build()
    });
    let call = client.create_bucket().bucket(name.as_str());
    let made = call.set_create_bucket_configuration(place).send().await;
    made.map(drop).map_err(|error| {
        let why = DisplayErrorContext(&error);
        Failed::Work(format!("the bucket {name} cannot be made: {why}; the files are written, and make-buckets.sh can be tried"))
    })
}

/// The way to the service, with the keys of the environment.
///
/// # Errors
/// [`Failed::Usage`] where there are no keys.
pub(super) fn client(asked: &args::Provision) -> Result<Client, Failed> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let (Some(id), Some(secret)) = (
        variable("AWS_ACCESS_KEY_ID"),
        variable("AWS_SECRET_ACCESS_KEY"),
    ) else {
        return Err(Failed::usage(
            "--create-buckets needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment",
        ));
    };
    let keys = Credentials::new(
        id,
        secret,
        variable("AWS_SESSION_TOKEN"),
        None,
        "environment",
    );
    let http = weir::s3::https_client(None).map_err(Failed::work)?;
    let mut config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(keys)
        .region(Region::new(asked.region.clone()))
        .http_client(http);
    if let Some(endpoint) = &asked.endpoint {
        config = config
            .endpoint_url(endpoint.as_str())
            .force_path_style(true);
    }
    Ok(Client::from_conf(config.build()))
}
