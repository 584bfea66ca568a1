//! What `weir-fleet provision` is asked for.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use weir::config::{BucketName, BucketTemplate, Endpoint, TimeZoneName};
use weir_journey::identity::{Sha256, SiteName};

use crate::weather::scenario::Hold;

pub(super) const EXAMPLES: &str = "\
Examples:
  weir-fleet provision --table sites.csv --out sites --timezone Etc/GMT+7
  weir-fleet provision --sites 20 --prefix camera --out sites --timezone America/Denver
  weir-fleet provision --table sites.csv --out sites --control-bucket river-control --max-concurrent-sites 50
  weir-fleet provision --sites 5 --out sites --timezone UTC --endpoint http://127.0.0.1:9000 --create-buckets
  weir-fleet provision --devices --table sites.csv --out devices --credentials keys --ssh-key ~/.ssh/id_ed25519.pub
  weir-fleet provision --devices --table sites.csv --out devices --apn iot.example --package https://example.org/weir_0.1.0_{arch}.deb --credentials iot --iot-endpoint c1.credentials.iot.us-west-1.amazonaws.com --role-arn arn:aws:iam::123456789012:role/weir-{device} --role-alias-arn arn:aws:iot:us-west-1:123456789012:rolealias/weir-{device}

--create-buckets takes AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
Exit codes: 0 done, 1 a file or a bucket could not be made, 2 the table or the command line is wrong: nothing was written.";

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["table", "sites"]))]
pub(in crate::cli) struct Provision {
    /// The sites, as a CSV file with the column site and, where wanted, the others
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) table: Option<PathBuf>,
    /// So many sites, numbered from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(in crate::cli) sites: Option<u32>,
    /// What their names begin with
    #[arg(
        long,
        value_name = "NAME",
        default_value = "site",
        conflicts_with = "table"
    )]
    pub(in crate::cli) prefix: SiteName,
    /// Write into this folder
    #[arg(short, long, value_name = "DIR")]
    pub(in crate::cli) out: PathBuf,
    /// Replace configurations that are there and differ
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// Zone of the cameras' clocks: an IANA name or an offset such as -07:00
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    pub(in crate::cli) timezone: Option<TimeZoneName>,
    /// Folder of the camera on the device; {site} is the site's name
    #[arg(long, value_name = "DIR", default_value = "/srv/camera/{site}")]
    pub(in crate::cli) directory: String,
    /// Bucket of a site; {site} is the site's name
    #[arg(long, value_name = "TEMPLATE", default_value = "{site}-image", value_parser = bucket_template)]
    pub(in crate::cli) bucket: String,
    /// Bucket of what a model on the device makes of a site's images
    #[arg(long, value_name = "TEMPLATE", default_value = RESULTS, value_parser = bucket_template)]
    pub(in crate::cli) result_bucket: String,
    /// The S3 service [default: AWS]
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) endpoint: Option<Endpoint>,
    /// Its region
    #[arg(long, value_name = "REGION", default_value = "us-west-1", value_parser = region)]
    pub(in crate::cli) region: String,
    /// Bucket in which the devices share the pipeline's places
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) control_bucket: Option<BucketName>,
    /// The most sites that may be in the pipeline at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(in crate::cli) max_concurrent_sites: Option<u32>,
    /// How long a site stays in it after its upload: upload, a time such as 30s, or result
    #[arg(long, value_name = "HOLD")]
    pub(in crate::cli) hold: Option<Hold>,
    /// Bucket in which the pipeline leaves a site's results, for --hold result
    #[arg(long, value_name = "TEMPLATE", default_value = RESULTS, value_parser = bucket_template)]
    pub(in crate::cli) pipeline_result_bucket: String,
    /// Make the buckets now, with the keys of the environment
    #[arg(long)]
    pub(in crate::cli) create_buckets: bool,
    #[command(flatten)]
    pub(in crate::cli) device: Devices,
}

/// What the agent has where nothing else is said.
pub(in crate::cli) const RESULTS: &str = "{site}-segmentedoutput";

#[derive(Debug, Args)]
#[command(next_help_heading = "Devices")]
pub(in crate::cli) struct Devices {
    /// Write what flashes each device: its configuration for all of its sites, cloud-init files, rights, and labels
    #[arg(long)]
    pub(in crate::cli) devices: bool,
    /// Where its keys come from: keys, roles-anywhere, iot, or process:COMMAND ({device} is its name) [default: nothing
    /// is said, and the unit hands over /etc/weir/keys]
    #[arg(long, value_name = "SOURCE", requires = "devices")]
    pub(in crate::cli) credentials: Option<Credentials>,
    /// The trust anchor of IAM Roles Anywhere
    #[arg(long, value_name = "ARN", requires = "devices", value_parser = arn(TRUST_ANCHOR))]
    pub(in crate::cli) trust_anchor_arn: Option<String>,
    /// Its profile
    #[arg(long, value_name = "ARN", requires = "devices", value_parser = arn(PROFILE))]
    pub(in crate::cli) profile_arn: Option<String>,
    /// The role of a device; {device} is its name
    #[arg(long, value_name = "ARN", requires = "devices", value_parser = arn(ROLE))]
    pub(in crate::cli) role_arn: Option<String>,
    /// The host of the AWS IoT credential provider
    #[arg(long, value_name = "HOST", requires = "devices", value_parser = host)]
    pub(in crate::cli) iot_endpoint: Option<String>,
    /// The role alias of a device in AWS IoT; {device} is its name
    #[arg(long, value_name = "ARN", requires = "devices", value_parser = arn(ROLE_ALIAS))]
    pub(in crate::cli) role_alias_arn: Option<String>,
    /// Where the package comes from: boot (the card's boot partition), apt, or a URL, in which {arch} is arm64, armhf or
    /// amd64
    #[arg(
        long,
        value_name = "boot|apt|URL",
        requires = "devices",
        default_value = "boot"
    )]
    pub(in crate::cli) package: Package,
    /// The SHA-256 of the package; may be given again for further architectures
    #[arg(long, value_name = "HEX", requires = "devices")]
    pub(in crate::cli) package_sha256: Vec<Sha256>,
    /// A file of public keys that may log in; may be given again
    #[arg(long, value_name = "FILE", requires = "devices")]
    pub(in crate::cli) ssh_key: Vec<PathBuf>,
    /// Access point of the SIM card: adds a connection over LTE
    #[arg(long, value_name = "NAME", requires = "devices", value_parser = apn)]
    pub(in crate::cli) apn: Option<String>,
    /// The wired interface
    #[arg(long, value_name = "NAME", requires = "devices", default_value = "eth0", value_parser = interface)]
    pub(in crate::cli) interface: String,
}

/// Where the keys of a device come from. Debug shows no command: it may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::cli) enum Credentials {
    /// A file that only it has.
    Keys,
    /// Its certificate, through IAM Roles Anywhere.
    RolesAnywhere,
    /// Its certificate, through the credential provider of AWS IoT.
    Iot,
    /// A command.
    Process(String),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Keys => "Keys",
            Self::RolesAnywhere => "RolesAnywhere",
            Self::Iot => "Iot",
            Self::Process(_) => "Process(..)",
        })
    }
}

impl FromStr for Credentials {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "keys" => Ok(Self::Keys),
            None if text == "roles-anywhere" => Ok(Self::RolesAnywhere),
            None if text == "iot" => Ok(Self::Iot),
            Some(("process", command)) if !command.trim().is_empty() => {
                Ok(Self::Process(command.trim().to_owned()))
            }
            _ => Err("write keys, roles-anywhere, iot or process:COMMAND"),
        }
    }
}

/// Where a device gets the package from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) enum Package {
    /// A file on the boot partition.
    Boot,
    /// The sources of the image.
    Apt,
    /// A file at this URL.
    Url(String),
}

impl Package {
    /// As it was written.
    pub(in crate::cli) fn as_str(&self) -> &str {
        match self {
            Self::Boot => "boot",
            Self::Apt => "apt",
            Self::Url(url) => url,
        }
    }
}

impl FromStr for Package {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |c: char| c.is_ascii_alphanumeric() || ":/._-~+%@=&?{}".contains(c);
        let is_url = ["https://", "http://"].iter().any(|scheme| {
            let rest = text.strip_prefix(scheme);
            rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        });
        let braces = text.replace("{arch}", "");
        match text {
            "boot" => Ok(Self::Boot),
            "apt" => Ok(Self::Apt),
            _ if is_url && text.chars().all(plain) && !braces.contains(['{', '}', '@']) => {
                Ok(Self::Url(text.to_owned()))
            }
            _ => Err(
                "write boot, apt, or the URL of a .deb without a user name in it; {arch} is all that may stand in braces",
            ),
        }
    }
}

/// A template of bucket names, as it was written.
fn bucket_template(text: &str) -> Result<String, String> {
    let template = text.parse::<BucketTemplate>();
    template
        .map(|_| text.to_owned())
        .map_err(|wrong| wrong.to_string())
}

/// The name of a region, which goes into a shell script.
fn region(text: &str) -> Result<String, &'static str> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = !text.is_empty() && text.chars().all(is_name);
    fits.then(|| text.to_owned())
        .ok_or("a region is written like us-west-1")
}

/// What an ARN is written like, of which the service, the kind and whether it has a region are the rule.
const TRUST_ANCHOR: &str = "arn:aws:rolesanywhere:us-west-1:123456789012:trust-anchor/ID";
const PROFILE: &str = "arn:aws:rolesanywhere:us-west-1:123456789012:profile/ID";
const ROLE: &str = "arn:aws:iam::123456789012:role/weir-{device}";
const ROLE_ALIAS: &str = "arn:aws:iot:us-west-1:123456789012:rolealias/weir-{device}";

/// Reads an ARN that is written like `example`.
fn arn(example: &'static str) -> impl Fn(&str) -> Result<String, String> + Clone {
    move |text| {
        is_arn_like(example, text)
            .then(|| text.to_owned())
            .ok_or_else(|| format!("it is written like {example}"))
    }
}

/// It goes into commands, so that it may hold nothing that a shell would read.
fn is_arn_like(example: &str, text: &str) -> bool {
    let parts = |text| -> Option<[&str; 6]> {
        let parts: Vec<_> = str::splitn(text, 6, ':').collect();
        parts.try_into().ok()
    };
    let (Some(like), Some(arn)) = (parts(example), parts(text)) else {
        return false;
    };
    let [_, _, service, region, account, resource] = arn;
    // What AWS allows in the name of a role alias, and in the path and name of a role.
    let marks = if service == "iot" {
        "_=,@-"
    } else {
        "/_+=,.@-"
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || marks.contains(c);
    let kind = like[5].split_once('/').map(|(kind, _)| kind);
    let Some((of, name)) = resource.split_once('/') else {
        return false;
    };
    let name = name.replace("{device}", "device");
    arn[0] == "arn"
        && matches!(arn[1], "aws" | "aws-cn" | "aws-us-gov")
        && service == like[2]
        && region.is_empty() == like[3].is_empty()
        && (region.is_empty() || self::region(region).is_ok())
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && Some(of) == kind
        && !name.is_empty()
        && name.chars().all(plain)
}

fn host(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == ':';
    let fits = text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(plain);
    fits.then(|| text.to_owned())
        .ok_or("it is a host, written like c0000000000000.credentials.iot.us-west-1.amazonaws.com")
}

fn apn(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '_';
    let fits = (1..=100).contains(&text.len()) && text.chars().all(plain);
    fits.then(|| text.to_owned())
        .ok_or("an access point is 1 to 100 letters, digits, . - and _")
}

fn interface(text: &str) -> Result<String, &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-' || c == '_';
    let fits = (1..=15).contains(&text.len()) && text.chars().all(plain);
    fits.then(|| text.to_owned())
        .ok_or("an interface has 1 to 15 letters, digits, . - and _")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_read_is_refused() {
        for good in ["boot", "apt", "https://example.org/weir_0.1.0_{arch}.deb"] {
            assert_eq!(good.parse::<Package>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "ftp://example.org/weir.deb",
            "https://",
            "https://user:secret@example.org/weir.deb",
            "https://example.org/$(id).deb",
            "https://example.org/{site}.deb",
            "https://example.org/a b.deb",
        ] {
            assert!(bad.parse::<Package>().is_err(), "{bad}");
        }
        assert!(is_arn_like(
            ROLE,
            "arn:aws:iam::123456789012:role/fleet/weir-{device}"
        ));
        for bad in [
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::12345:role/x",
            "arn:aws:iam::123456789012:role/x;id",
            "arn:aws:iam::123456789012:role/{site}",
            "arn:aws:iam:us-west-1:123456789012:role/x",
            "role/x",
        ] {
            assert!(!is_arn_like(ROLE, bad), "{bad}");
        }
        for good in [TRUST_ANCHOR, PROFILE, ROLE, ROLE_ALIAS] {
            assert_eq!(arn(good)(good).as_deref(), Ok(good));
        }
        let nowhere = "arn:aws:rolesanywhere::123456789012:trust-anchor/0-a";
        assert!(!is_arn_like(TRUST_ANCHOR, nowhere));
        let other = "arn:aws:rolesanywhere:us-west-1:123456789012:profile/0-a";
        assert!(!is_arn_like(TRUST_ANCHOR, other));
        let dotted = "arn:aws:iot:us-west-1:123456789012:rolealias/weir.{device}";
        assert!(!is_arn_like(ROLE_ALIAS, dotted));
        assert!(host("https://x").is_err() && host("a.b-c.org").is_ok());
        assert!(apn("a b").is_err() && interface("eth0;").is_err());
    }

    #[test]
    fn a_command_is_not_shown() {
        let process: Credentials = "process:/usr/bin/keys --token hunter2".parse().unwrap();
        assert!(!format!("{process:?}").contains("hunter2"));
        for bad in ["process:", "key", "keys:x", ""] {
            assert!(bad.parse::<Credentials>().is_err(), "{bad}");
        }
    }
}
