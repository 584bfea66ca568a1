//! What a configuration says of files, against real files.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn folders_that_overlap_are_refused_links_and_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    fs::create_dir_all(at("camera/inner")).expect("made");
    fs::write(at("file"), "").expect("written");
    std::os::unix::fs::symlink(at("camera"), at("link")).expect("linked");
    let path = folder.path().join("w.toml");
    let text = "state.directory = \"state\"
        site = [{ name = \"a\", directory = \"camera\" },
                { name = \"b\", directory = \"link/inner/away\" },
                { name = \"c\", directory = \"state/../camera2\" },
                { name = \"d\", directory = \".\" },
                { name = \"e\", directory = \"file\" }]";
    fs::write(&path, text).expect("written");
    let faults = Config::load(Some(&path), []).expect_err("overlap");
    let told: Vec<_> = faults
        .iter()
        .map(|f| (f.key.clone().unwrap_or_default(), f.message.clone()))
        .collect();
    let said = |key: &str, what: &str| {
        told.iter()
            .any(|(k, message)| k == key && message.contains(what))
    };
    assert!(said("site[2].directory", "of site a"), "{told:?}");
    assert!(said("site[4].directory", "of site a"), "{told:?}");
    assert!(said("site[4].directory", "agent's own folder"), "{told:?}");
    assert!(said("site[5].directory", "is not a folder"), "{told:?}");
    assert!(
        !told
            .iter()
            .any(|(key, _)| key == "site[1].directory" || key == "site[3].directory"),
        "{told:?}"
    );
}

#[test]
fn files_that_the_store_needs_are_looked_at() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::write(at("keys"), "access_key_id = A\nsecret_access_key = S\n").expect("written");
    fs::set_permissions(at("keys"), fs::Permissions::from_mode(0o644)).expect("a mode");
    fs::write(at("ca.pem"), "there is no certificate in this file").expect("written");
    fs::write(
        at("w.toml"),
        "[store]\ncredentials_file = \"keys\"\ntls_ca_file = \"ca.pem\"\n",
    )
    .expect("written");
    let told = check(Some(&at("w.toml")), [], Format::Text).text;
    let folder = folder.path().display();
    assert_eq!(
        told,
        format!(
            "{folder}/w.toml:2:20: store.credentials_file: {folder}/keys is open to others than its owner (mode 0644); \
             run: chmod 600 {folder}/keys\n\
             {folder}/w.toml:3:15: store.tls_ca_file: {folder}/ca.pem holds no PEM certificate\n"
        )
    );
    fs::set_permissions(at("keys"), fs::Permissions::from_mode(0o600)).expect("a mode");
    fs::write(at("ca.pem"), "-----BEGIN CERTIFICATE-----\n").expect("written");
    let loaded = Config::load(Some(&at("w.toml")), []).expect("fine");
    assert_eq!(loaded.store.credentials, Credentials::File(at("keys")));
}
