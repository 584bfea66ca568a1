//! "Did you mean ...?": the known word most like one that is unknown.

/// How like two words must be, on the scale of Jaro and Winkler (0 to 1), before one is offered for the other.
const LIKE_ENOUGH: f64 = 0.75;

/// The word of `known` most like `word`, if any is like it at all.
pub(super) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let word = word.to_lowercase();
    let likeness = |other: &str| strsim::jaro_winkler(&word, &other.to_lowercase());
    known
        .into_iter()
        .map(|other| (likeness(other), other))
        .filter(|(likeness, _)| *likeness >= LIKE_ENOUGH)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, other)| other)
}

/// [`nearest`] as the sentence of a fault.
pub(super) fn did_you_mean<'k>(
    word: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> Option<String> {
    nearest(word, known).map(|other| format!("did you mean {other:?}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_nonsense_finds_none() {
        let known = ["timeout", "part_size", "connect_timeout"];
        assert_eq!(nearest("timout", known), Some("timeout"));
        assert_eq!(nearest("PartSize", known), Some("part_size"));
        assert_eq!(nearest("zebra", known), None);
    }
}
