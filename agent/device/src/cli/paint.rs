//! Colours, where they help and nobody minds: on a terminal, unless NO_COLOR is set or `--color` says otherwise.

use std::io::IsTerminal as _;

use clap::ValueEnum;

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless NO_COLOR is set (<https://no-color.org>) or TERM is "dumb".
    #[default]
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

/// What a word means, which decides its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Doubtful,
    Bad,
    Quiet,
}

impl Tone {
    /// Parameters of SGR (ECMA-48, 8.3.117).
    const fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Doubtful => "33",
            Self::Bad => "1;31",
            Self::Quiet => "2",
        }
    }
}

/// Paints words, or leaves them as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paint(bool);

impl Paint {
    /// For what is written to standard output.
    pub(super) fn new(colour: Colour) -> Self {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Self(match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                std::io::stdout().is_terminal()
                    && set("NO_COLOR").is_none()
                    && set("TERM").is_none_or(|term| term != "dumb")
            }
        })
    }

    /// `words` in the colour of `tone`.
    pub(super) fn paint(self, tone: Tone, words: &str) -> String {
        if self.0 {
            format!("\x1b[{}m{words}\x1b[0m", tone.code())
        } else {
            words.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_as_they_are_unless_colours_are_wanted() {
        let never = Paint::new(Colour::Never);
        assert_eq!(never.paint(Tone::Bad, "fail"), "fail");
        let always = Paint::new(Colour::Always);
        assert_eq!(always.paint(Tone::Bad, "fail"), "\x1b[1;31mfail\x1b[0m");
    }
}
