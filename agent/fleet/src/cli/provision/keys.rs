//! Where the keys of a device come from: what its configuration says of it, and who may be whom at AWS. No key is ever
//! written here: the private key of a device is made on the device.

use serde_json::json;

use super::super::{Failed, args};
use super::place::is_one_line;
use super::{policy, quote};
use args::Credentials;

/// Where a device's certificate and private key are.
const IDENTITY: &str = "/etc/weir/identity";

/// Lines of `[store]`.
pub(super) fn setting(device: &str, asked: &args::Provision) -> String {
    let process = |command: String| {
        let command = toml::Value::from(command).to_string();
        format!("credential_process = {command}\n")
    };
    match &asked.device.credentials {
        None => "# The device's own keys, which nobody else has: access_key_id = … and secret_access_key = …, mode 0600.\n\
                 # credentials_file = \"/etc/weir/keys\"\n"
            .to_owned(),
        Some(Credentials::Keys) => "# access_key_id = … and secret_access_key = …: only this device's, mode 0600, root's: the unit hands them over.\n\
                 credentials_file = \"/etc/weir/keys\"\n"
            .to_owned(),
        Some(Credentials::Process(command)) => process(command.replace("{device}", device)),
        Some(Credentials::RolesAnywhere | Credentials::Iot) => {
            process(with_certificate(device, asked))
        }
    }
}

/// The command that turns the device's certificate into keys. Its words are checked where they are read from the command
/// line: there is nothing in them for a shell.
fn with_certificate(device: &str, asked: &args::Provision) -> String {
    let identity =
        format!("--certificate {IDENTITY}/device.crt --private-key {IDENTITY}/device.key");
    let asked = &asked.device;
    let said = |arn: &Option<String>| arn.clone().unwrap_or_default().replace("{device}", device);
    match asked.credentials {
        Some(Credentials::Iot) => {
            let alias = said(&asked.role_alias_arn);
            let alias = alias.rsplit('/').next().unwrap_or_default();
            format!(
                "/usr/lib/weir/weir-iot-credentials --endpoint {} --role-alias {alias} --thing {device} {identity}",
                said(&asked.iot_endpoint)
            )
        }
        _ => format!(
            "/usr/bin/aws_signing_helper credential-process {identity} --trust-anchor-arn {} --profile-arn {} --role-arn {}",
            said(&asked.trust_anchor_arn),
            said(&asked.profile_arn),
            said(&asked.role_arn),
        ),
    }
}

/// Whether a device proves by a certificate who it is.
pub(super) fn has_identity(asked: &args::Provision) -> bool {
    let source = asked.device.credentials.as_ref();
    matches!(source, Some(Credentials::RolesAnywhere | Credentials::Iot))
}

/// Refuses options that are missing, have no use, or would give one device another's rights.
///
/// # Errors
/// [`Failed::Usage`].
pub(super) fn check(asked: &args::Provision, devices: usize) -> Result<(), Failed> {
    let of = &asked.device;
    let anywhere = of.credentials == Some(Credentials::RolesAnywhere);
    let iot = of.credentials == Some(Credentials::Iot);
    let options = [
        (
            "--trust-anchor-arn",
            &of.trust_anchor_arn,
            anywhere,
            "roles-anywhere",
        ),
        ("--profile-arn", &of.profile_arn, anywhere, "roles-anywhere"),
        (
            "--role-arn",
            &of.role_arn,
            anywhere || iot,
            "roles-anywhere or iot",
        ),
        ("--iot-endpoint", &of.iot_endpoint, iot, "iot"),
        ("--role-alias-arn", &of.role_alias_arn, iot, "iot"),
    ];
    let mut faults = Vec::new();
    if let Some(Credentials::Process(command)) = &of.credentials
        && !is_one_line(command)
    {
        faults.push("the command of --credentials must be one line".to_owned());
    }
    for (name, value, wanted, with) in options {
        match value {
            None if wanted => faults.push(format!("--credentials needs {name}")),
            Some(_) if !wanted => faults.push(format!("{name} is for --credentials {with}")),
            Some(arn) if name.starts_with("--role") && devices > 1 && !arn.contains("{device}") => {
                faults.push(format!(
                    "{name} is the same for {devices} devices, so that each would have the rights of all: write {{device}} into it"
                ));
            }
            _ => {}
        }
    }
    if !of.package_sha256.is_empty() && !matches!(of.package, args::Package::Url(_)) {
        faults.push("--package-sha256 is for a --package that is a URL".into());
    }
    if of.package.as_str().starts_with("http://") && of.package_sha256.is_empty() {
        faults.push("a package that comes over http:// needs --package-sha256: anybody on the way could change it".into());
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Failed::Usage(faults.join("\n")))
    }
}

/// Who may take the role of a device: with IAM Roles Anywhere the certificate of this trust anchor whose subject is the
/// device; with AWS IoT, which tells no subject, the role alias that only this device's certificate may use.
pub(super) fn trust_policy(device: &str, asked: &args::Provision) -> String {
    let asked = &asked.device;
    if asked.credentials == Some(Credentials::Iot) {
        let alias = alias(device, asked);
        let account = alias.split(':').nth(4).unwrap_or_default().to_owned();
        return policy::document(&[json!({
            "Sid": "ThisRoleAlias",
            "Effect": "Allow",
            "Principal": { "Service": "credentials.iot.amazonaws.com" },
            "Action": "sts:AssumeRole",
            "Condition": {
                "ArnEquals": { "aws:SourceArn": alias },
                "StringEquals": { "aws:SourceAccount": account },
            },
        })]);
    }
    policy::document(&[json!({
        "Sid": "ThisDevice",
        "Effect": "Allow",
        "Principal": { "Service": "rolesanywhere.amazonaws.com" },
        "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        "Condition": {
            "StringEquals": { "aws:PrincipalTag/x509Subject/CN": device },
            "ArnEquals": { "aws:SourceArn": asked.trust_anchor_arn },
        },
    })])
}

/// What the certificate of a device may do in AWS IoT: take its role alias, and nothing else.
pub(super) fn iot_policy(device: &str, asked: &args::Provision) -> Option<String> {
    let asked = &asked.device;
    (asked.credentials == Some(Credentials::Iot)).then(|| {
        policy::document(&[json!({
            "Effect": "Allow",
            "Action": "iot:AssumeRoleWithCertificate",
            "Resource": alias(device, asked),
        })])
    })
}

fn alias(device: &str, asked: &args::Devices) -> String {
    let alias = asked.role_alias_arn.clone().unwrap_or_default();
    alias.replace("{device}", device)
}

/// A script that makes the roles of all devices, each with its rights; names in it were checked.
pub(super) fn roles_script(devices: &[&str], asked: &args::Provision) -> String {
    let calls: String = devices
        .iter()
        .map(|device| {
            let role = asked.device.role_arn.clone().unwrap_or_default();
            let role = role.replace("{device}", device);
            // A role's name is what follows its path.
            let path = role.split_once(":role").map_or("/", |(_, rest)| rest);
            let (path, name) = path.rsplit_once('/').unwrap_or(("", path));
            let arn = alias(device, &asked.device);
            let alias = arn.rsplit('/').next().unwrap_or_default();
            let path = format!("{path}/");
            let words = [device, name, path.as_str(), role.as_str(), alias];
            format!("device {}\n", words.map(quote).join(" "))
        })
        .collect();
    let region = asked.device.role_alias_arn.as_deref();
    let region = region.and_then(|arn| arn.split(':').nth(3));
    let template = match region {
        Some(region) => include_str!("make-roles-iot.sh").replace("@REGION@", region),
        None => include_str!("make-roles.sh").to_owned(),
    };
    template
        .replace("@ROLE@\n", include_str!("make-role.sh"))
        .replace("@DEVICES@\n", &calls)
}

/// The script by which a device makes its key, which never leaves it, and asks for a certificate.
pub(super) fn identity_script(device: &str) -> String {
    include_str!("make-identity.sh").replace("@DEVICE@", device)
}

/// The script by which whoever holds the authority's key signs what a device asks for.
pub(super) fn signing_script() -> &'static str {
    include_str!("sign-identity.sh")
}
