//! Completions: every shell gets a script, and bash's does complete.

use std::process::Command;

use crate::support::station::text;

fn weir(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_weir"))
        .args(arguments)
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn every_shell_gets_a_script_that_knows_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = weir(&["completions", shell]);
        for word in ["check", "queue", "export", "no-write", "quarantined"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
}

#[test]
fn bash_completes_commands_options_and_values() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("weir.bash");
    std::fs::write(&script, weir(&["completions", "bash"])).unwrap();
    let cases: [(&[&str], &str, &str); 4] = [
        (&["weir", "che"], "che", "check"),
        (&["weir", "queue", "exp"], "exp", "export"),
        (&["weir", "queue", "list", "--qu"], "--qu", "--quarantined"),
        (
            &["weir", "queue", "list", "--state", "par"],
            "par",
            "parked",
        ),
    ];
    for (words, current, expected) in cases {
        let before = words[words.len() - 2];
        let asked = format!(
            "source {}; COMP_WORDS=({}); COMP_CWORD={}; _weir weir '{current}' '{before}'; echo \"${{COMPREPLY[@]}}\"",
            script.display(),
            words.join(" "),
            words.len() - 1,
        );
        let output = Command::new("bash").args(["-ec", &asked]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout).trim(), expected, "{words:?}");
    }
}
