//! The script of the first boot, run without a board.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{read, said, write};

/// A board without a board: its folders, and programs that write down how they are called.
pub(super) struct Board {
    root: PathBuf,
    programs: PathBuf,
}

impl Board {
    /// With all that cloud-init writes from `user-data`.
    pub(super) fn flashed(folder: &Path, user_data: &Path) -> Self {
        let (root, programs) = (folder.join("root"), folder.join("programs"));
        let data = read(user_data);
        let data: Value =
            serde_json::from_str(data.strip_prefix("#cloud-config\n").unwrap()).unwrap();
        for file in data["write_files"].as_array().unwrap() {
            let word = |key: &str| file[key].as_str().unwrap();
            let mode = u32::from_str_radix(word("permissions"), 8).unwrap();
            write(
                &root.join(word("path").trim_start_matches('/')),
                word("content"),
                mode,
            );
        }
        std::fs::create_dir_all(root.join("etc/cloud")).unwrap();
        let noted = format!(
            "echo \"${{0##*/}} $*\" >>{}\n",
            folder.join("calls").display()
        );
        for (name, rest) in [
            (
                "apt-get",
                "case \" $* \" in *\" install \"*) for deb; do :; done; [ \"$deb\" = weir ] || [ -f \"$deb\" ] || [ \"${deb##*/}\" = \"$deb\" ] ;; esac\n",
            ),
            ("dpkg", "echo arm64\n"),
            ("dpkg-query", "exit 1\n"),
            ("systemctl", ""),
            ("weir", ""),
            ("nmcli", ""),
            ("mmcli", ""),
            ("curl", ""),
        ] {
            write(
                &programs.join(name),
                &format!("#!/bin/sh\n{noted}{rest}"),
                0o755,
            );
        }
        // apt-helper, as it fetches: what is asked for lies in the folder beside.
        let fetch = format!(
            "#!/bin/sh\n{noted}for to; do :; done; cp {}/fetched \"$to\"\n",
            folder.display()
        );
        write(&root.join("usr/lib/apt/apt-helper"), &fetch, 0o755);
        Self { root, programs }
    }

    /// Runs the script of the first boot.
    pub(super) fn boot(&self) -> Boot {
        let calls = self.root.with_file_name("calls");
        let _ = std::fs::remove_file(&calls);
        let path = format!("{}:/usr/bin:/bin", self.programs.display());
        let output = Command::new("sh")
            .arg(self.root.join("usr/local/lib/weir/first-boot"))
            .env_clear()
            .env("PATH", path)
            .env("ROOT", &self.root)
            .output()
            .unwrap();
        let calls = std::fs::read_to_string(calls).unwrap_or_default();
        Boot {
            code: output.status.code(),
            said: said(&output),
            calls: calls.lines().map(str::to_owned).collect(),
        }
    }

    /// Takes the place of one of its programs.
    pub(super) fn program(&self, name: &str, text: &str) {
        write(&self.programs.join(name), text, 0o755);
    }

    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}

/// How a first boot went.
pub(super) struct Boot {
    code: Option<i32>,
    pub(super) said: String,
    /// The programs that were called, a line each.
    pub(super) calls: Vec<String>,
}

impl Boot {
    pub(super) fn done(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.said);
        self
    }

    /// It ended with a failure, which says `why`.
    pub(super) fn failed(self, why: &str) -> Self {
        assert_eq!(self.code, Some(1), "{}", self.said);
        assert!(self.said.contains(why), "{}", self.said);
        self
    }

    /// The first call that holds `words`.
    pub(super) fn call(&self, words: &str) -> Option<&str> {
        let mut calls = self.calls.iter().map(String::as_str);
        calls.find(|call| call.contains(words))
    }

    pub(super) fn called(&self, words: &str) {
        assert!(self.call(words).is_some(), "{words}: {:?}", self.calls);
    }

    pub(super) fn not_called(&self, words: &str) {
        assert!(self.call(words).is_none(), "{words}: {:?}", self.calls);
    }
}
