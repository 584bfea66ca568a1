//! Man pages as text: what clap knows of a command, with the sections of man-pages(7) that it does not know.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};

/// A page of section 1.
pub(crate) struct Page {
    /// `weir-queue-list`.
    pub(crate) name: String,
    /// The text, for man(1).
    pub(crate) roff: String,
}

/// What stands on every page of a program: terms and their meanings.
pub(crate) struct Words {
    pub(crate) exit_status: &'static [(&'static str, &'static str)],
    pub(crate) files: &'static [(&'static str, &'static str)],
    pub(crate) environment: &'static [(&'static str, &'static str)],
}

/// The pages of a program and of every command of it.
pub(crate) fn pages(mut root: Command, words: &Words) -> io::Result<Vec<Page>> {
    root.build();
    let mut pages = Vec::new();
    let name = root.get_name().to_owned();
    add(&root, &name, None, words, &mut pages)?;
    Ok(pages)
}

fn add(
    command: &Command,
    name: &str,
    above: Option<&str>,
    words: &Words,
    pages: &mut Vec<Page>,
) -> io::Result<()> {
    let below: Vec<_> = command
        .get_subcommands()
        .filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
        .map(|sub| (sub, format!("{name}-{}", sub.get_name())))
        .collect();
    pages.push(Page {
        name: name.to_owned(),
        roff: page(command, name, above, &below, words)?,
    });
    for (sub, its_name) in &below {
        add(sub, its_name, Some(name), words, pages)?;
    }
    Ok(())
}

fn page(
    command: &Command,
    name: &str,
    above: Option<&str>,
    below: &[(&Command, String)],
    words: &Words,
) -> io::Result<String> {
    let help = command.get_after_help().map(ToString::to_string);
    let help = Help::of(help.as_deref().unwrap_or_default());
    // clap itself would put the whole of it under "EXTRA".
    let command = command.clone().display_name(name.to_owned());
    let version = format!("weir {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command)
        .title(name.to_owned())
        .manual("Weir")
        .source(version)
        .date("");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    let mut own = Roff::new();
    if !below.is_empty() {
        own.control("SH", ["COMMANDS"]);
        for (sub, its_name) in below {
            let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
            term(&mut own, &format!("{its_name}(1)"), &about);
        }
    }
    examples(&mut own, &help);
    list(&mut own, "EXIT STATUS", words.exit_status);
    paragraphs(&mut own, None, &help.exit);
    list(&mut own, "FILES", words.files);
    list(&mut own, "ENVIRONMENT", words.environment);
    paragraphs(&mut own, Some("NOTES"), &help.notes);
    see_also(&mut own, above, below);
    own.to_writer(&mut text)?;
    String::from_utf8(text).map_err(io::Error::other)
}

/// What stands below the options of `--help`, taken apart.
#[derive(Debug, Default)]
struct Help {
    /// Commands, as they are typed.
    examples: Vec<String>,
    /// Lines about exit codes.
    exit: Vec<String>,
    /// All else.
    notes: Vec<String>,
}

impl Help {
    fn of(text: &str) -> Self {
        let mut help = Self::default();
        let mut among_examples = false;
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("Examples:") {
                among_examples = true;
                help.examples
                    .extend((!rest.trim().is_empty()).then(|| rest.trim().to_owned()));
            } else if line.trim().is_empty() {
                among_examples = false;
            } else if among_examples {
                help.examples.push(line.trim_start().to_owned());
            } else if line.starts_with("Exit code") {
                help.exit.push(line.to_owned());
            } else if !line.starts_with("Environment:") {
                help.notes.push(line.to_owned());
            }
        }
        help
    }
}

fn examples(roff: &mut Roff, help: &Help) {
    if help.examples.is_empty() {
        return;
    }
    roff.control("SH", ["EXAMPLES"]);
    roff.control("EX", []);
    for line in &help.examples {
        roff.text([roman(line)]);
    }
    roff.control("EE", []);
}

fn list(roff: &mut Roff, heading: &str, entries: &[(&str, &str)]) {
    roff.control("SH", [heading]);
    for (name, words) in entries {
        term(roff, name, words);
    }
}

fn term(roff: &mut Roff, name: &str, words: &str) {
    roff.control("TP", []);
    roff.text([bold(name)]);
    roff.text([roman(words)]);
}

fn paragraphs(roff: &mut Roff, heading: Option<&str>, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    match heading {
        Some(heading) => roff.control("SH", [heading]),
        None => roff.control("PP", []),
    };
    for line in lines {
        roff.text([roman(line)]);
    }
}

fn see_also(roff: &mut Roff, above: Option<&str>, below: &[(&Command, String)]) {
    let names = above
        .into_iter()
        .chain(below.iter().map(|(_, name)| name.as_str()));
    let mut words: Vec<Inline> = Vec::new();
    for name in names {
        if !words.is_empty() {
            words.push(roman(", "));
        }
        words.extend([bold(name), roman("(1)")]);
    }
    if !words.is_empty() {
        roff.control("SH", ["SEE ALSO"]);
        roff.text(words);
    }
}
