//! What cloud-init does with a freshly flashed card (data source NoCloud): `user-data`, `meta-data`, `network-config`.
//!
//! All of them are JSON, which is YAML too: no name of a site and no line of a script can break it.

use serde_json::{Value, json};
use weir_journey::identity::Sha256;

use super::super::args;
use super::place::Place;
use super::{keys, quote};
use args::Credentials;

const PROGRAMS: &str = "/usr/local/lib/weir";

/// What cloud-init is to do, once.
pub(super) fn user_data(
    device: &str,
    sites: &[&Place],
    settings: &str,
    keys: &[String],
    asked: &args::Provision,
) -> String {
    let file = |path: &str, mode: &str, content: &str| json!({ "path": path, "owner": "root:root", "permissions": mode, "content": content });
    let mut files = vec![
        file("/etc/weir/weir.toml", "0644", settings),
        file("/etc/weir/first-boot.conf", "0644", &values(sites, asked)),
        file(
            &format!("{PROGRAMS}/first-boot"),
            "0755",
            include_str!("first-boot.sh"),
        ),
        file(
            "/etc/systemd/system/weir-first-boot.service",
            "0644",
            include_str!("weir-first-boot.service"),
        ),
    ];
    if keys::has_identity(asked) {
        let script = keys::identity_script(device);
        files.push(file(&format!("{PROGRAMS}/make-identity"), "0755", &script));
    }
    let elsewhere = elsewhere(sites);
    if !elsewhere.is_empty() {
        files.push(file(
            "/etc/systemd/system/weir.service.d/10-camera.conf",
            "0644",
            &elsewhere,
        ));
    }
    if let Some(apn) = &asked.device.apn {
        files.push(file(
            "/etc/NetworkManager/system-connections/lte.nmconnection",
            "0600",
            &lte(apn),
        ));
    }
    let mut data = json!({
        "hostname": device,
        "preserve_hostname": false,
        "manage_etc_hosts": true,
        "write_files": files,
        "runcmd": [
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", "weir-first-boot.service"],
            ["systemctl", "start", "--no-block", "weir-first-boot.service"],
        ],
    });
    if !keys.is_empty() {
        data["ssh_authorized_keys"] = json!(keys);
        data["ssh_pwauth"] = json!(false);
    }
    format!("#cloud-config\n{data:#}\n")
}

/// Which board this is. A changed `user-data` makes it another one for cloud-init, which then does it all again.
pub(super) fn meta_data(device: &str, user_data: &str) -> String {
    use sha2::Digest as _;
    let digest = Sha256(sha2::Sha256::digest(user_data).into()).to_string();
    let data = json!({
        "instance-id": format!("weir-{device}-{}", &digest[..12]),
        "local-hostname": device,
    });
    format!("{data:#}\n")
}

/// The wired network; a boot does not wait for it.
pub(super) fn network_config(asked: &args::Provision) -> String {
    let wired = json!({ "dhcp4": true, "dhcp6": true, "optional": true });
    let interfaces: Value = [(asked.device.interface.clone(), wired)]
        .into_iter()
        .collect();
    let data = json!({ "version": 2, "ethernets": interfaces });
    format!("{data:#}\n")
}

/// What the script of the first boot reads.
fn values(sites: &[&Place], asked: &args::Provision) -> String {
    let of = &asked.device;
    let digests: Vec<_> = of.package_sha256.iter().map(ToString::to_string).collect();
    let folders: Vec<_> = sites.iter().map(|site| site.directory.as_str()).collect();
    let credentials = match of.credentials {
        Some(Credentials::RolesAnywhere) => "roles-anywhere",
        Some(Credentials::Iot) => "iot",
        Some(Credentials::Keys) => "keys",
        Some(Credentials::Process(_)) => "process",
        None => "",
    };
    let values = [
        ("PACKAGE", of.package.as_str()),
        ("SHA256", &digests.join(" ")),
        ("CAMERAS", &folders.join(" ")),
        ("CREDENTIALS", credentials),
        ("APN", of.apn.as_deref().unwrap_or_default()),
    ];
    let values = values.map(|(name, value)| format!("{name}={}\n", quote(value)));
    format!(
        "# For /usr/local/lib/weir/first-boot: what is this board's own.\n{}",
        values.concat()
    )
}

/// The unit may write below /srv/camera only: folders elsewhere are added to it. Their names were checked.
fn elsewhere(sites: &[&Place]) -> String {
    let outside = sites
        .iter()
        .filter(|site| !site.directory.starts_with("/srv/camera/"));
    let lines: String = outside
        .map(|site| format!("ReadWritePaths=-{}\n", site.directory))
        .collect();
    if lines.is_empty() {
        return lines;
    }
    format!("# Cameras' folders that are not below /srv/camera.\n[Service]\n{lines}")
}

fn lte(apn: &str) -> String {
    format!(
        "# The mobile network, after any cable or wireless network; tried for ever.\n\
         [connection]\nid=lte\ntype=gsm\nautoconnect=true\nautoconnect-retries=0\n\n\
         [gsm]\napn={apn}\n\n\
         [ipv4]\nmethod=auto\nroute-metric=700\n\n\
         [ipv6]\nmethod=auto\nroute-metric=700\n"
    )
}
