//! The reference of all settings, as Markdown.

use std::fmt::Write as _;

use super::environment::variable;
use super::manual::{self, Key, Section};
use weir_journey::upload::PLACEHOLDERS;

/// What opens the reference.
const OPENING: &str = "# Configuration

<!-- Generated from agent/device/src/config; `UPDATE_DOCS=1 cargo test -p weir --lib config::` writes it anew. -->

A configuration file is TOML and holds only what differs from the defaults below. It is looked for at the path given with
`--config`, else at `$WEIR_CONFIG`, else at `$XDG_CONFIG_HOME/weir/weir.toml` (`~/.config/weir/weir.toml`), else at
`/etc/weir/weir.toml`. Every setting but those of a site can be given in the environment, which wins over the file.

- `weir config init` gives a file to start from: every setting with its meaning, left out.
- `weir config check` tells all that is wrong with the configuration, each fault with its line.
- `weir config show` tells the value of every setting and where it came from.

Durations are written `\"250ms\"`, `\"30s\"`, `\"15m\"`, `\"6h\"`, `\"7d\"` or as a sum, `\"1h30m\"`; sizes `\"64KiB\"`, `\"8MiB\"` (1024) or `\"64KB\"`,
`\"8MB\"` (1000); rates as a size per second, `\"500KiB/s\"`. `\"off\"` means that a thing is not done at all, `\"unlimited\"` that it has no
bound, `\"\"` that it is not set. A relative path starts at the folder of the file it is written in. In the environment, the items of
a list are separated by `;`.

Editors check a file against [weir.schema.json](weir.schema.json) when its first line is `#:schema PATH_OR_URL_OF_THE_SCHEMA`.
";

/// The reference of all settings, as Markdown: `docs/configuration.md`.
pub fn reference_markdown() -> String {
    let mut page = OPENING.to_owned();
    for section in manual::sections() {
        write_section(&mut page, &section);
    }
    page.push_str("\n## Placeholders\n\n");
    page.push_str(
        "`store.key`, a site's `key` and the keys of `pipeline` and `infer` may hold:\n\n| placeholder | stands for |\n|---|---|\n",
    );
    for (name, meaning) in PLACEHOLDERS {
        let _ = writeln!(page, "| `{{{name}}}` | {meaning} |");
    }
    page.push_str(
        "\n`store.bucket`, a site's `bucket` and the buckets of `pipeline` and `infer` may hold `{site}`.\n",
    );
    page
}

fn write_section(page: &mut String, section: &Section) {
    let brackets = if section.repeats() {
        ("[[", "]]")
    } else {
        ("[", "]")
    };
    let _ = writeln!(
        page,
        "\n## {}{}{}\n\n{}",
        brackets.0, section.name, brackets.1, section.meaning
    );
    for key in &section.keys {
        write_key(page, section, key);
    }
}

fn write_key(
    page: &mut String,
    section: &Section,
    Key {
        name,
        meaning,
        value,
        shape,
    }: &Key,
) {
    let heading = format!(
        "\n### {}.{name}\n\n{meaning}\n\n- value: {}\n",
        section.name, shape.expected
    );
    page.push_str(&heading);
    let _ = match section.repeats() {
        true => writeln!(page, "- example: `{value}`"),
        false => writeln!(
            page,
            "- default: `{value}`\n- environment: `{}`",
            variable(section.name, name)
        ),
    };
}
