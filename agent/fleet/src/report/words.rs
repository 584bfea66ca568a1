//! Figures and names as a reader wants them, and safe to stand in a page.

/// Text with what means something in HTML replaced, for content and quoted attributes alike.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(' '),
            control if control.is_control() => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

/// A whole number with its thousands apart: `16,800`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number to about three digits: `0.042`, `1.5`, `23`, `16,800`.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 100.0 || (size - size.round()).abs() < 1e-9 {
        let sign = if value <= -0.5 { "\u{2212}" } else { "" };
        return format!("{sign}{}", count(size.round() as u64));
    }
    let places = match size {
        _ if size >= 10.0 => 1,
        _ if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{value:.places$}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.replace('-', "\u{2212}")
}

/// Units of time, and how long each is in seconds.
const UNITS: [(f64, &str); 4] = [(86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s")];

/// A duration in the largest unit that it has at least two of (one, if it is whole): `2.4 s`, `90 s`, `6 h`.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds.abs() < 1.0 && seconds != 0.0 {
        return format!("{} ms", number((seconds * 1000.0).round()));
    }
    let (length, unit) = UNITS
        .into_iter()
        .find(|(length, _)| {
            let times = seconds.abs() / length;
            times >= 2.0 || (times - 1.0).abs() < 1e-9
        })
        .unwrap_or((1.0, "s"));
    format!("{} {unit}", number(seconds / length))
}

/// The same, or that there is none.
pub(crate) fn duration_or(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "\u{2013}".to_owned(), duration)
}

/// Dollars, to the cent from a dollar on, to four digits below.
pub(crate) fn dollars(value: f64) -> String {
    match value {
        _ if value >= 100.0 => format!("${}", count(value.round() as u64)),
        _ if value >= 1.0 => format!("${value:.2}"),
        _ if value == 0.0 => "$0".to_owned(),
        _ if value < 0.0001 => format!("${value:.1e}"),
        _ => format!("${value:.4}"),
    }
}

/// `1 image`, `2 images`.
pub(super) fn plural(value: u64, one: &str) -> String {
    let end = if value == 1 { "" } else { "s" };
    format!("{} {one}{end}", count(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(1_234_567), "1,234,567");
        for (value, text) in [
            (0.0, "0"),
            (0.0421, "0.042"),
            (1.5, "1.5"),
            (23.04, "23"),
            (-2.0, "\u{2212}2"),
            (16_800.4, "16,800"),
            (-0.25, "\u{2212}0.25"),
        ] {
            assert_eq!(number(value), text);
        }
        for (seconds, text) in [
            (0.0, "0 s"),
            (0.25, "250 ms"),
            (2.413, "2.41 s"),
            (60.0, "1 min"),
            (90.0, "90 s"),
            (600.0, "10 min"),
            (21_600.0, "6 h"),
            (172_800.0, "2 d"),
            (86_400.0, "1 d"),
        ] {
            assert_eq!(duration(seconds), text);
        }
        assert_eq!(
            [0.0, 0.0123, 1.239, 1234.0].map(dollars),
            ["$0", "$0.0123", "$1.24", "$1,234"]
        );
        assert_eq!(plural(1, "image"), "1 image");
    }

    proptest! {
        #[test]
        fn nothing_escaped_can_open_or_close_anything(text in "\\PC*") {
            let safe = escape(&text);
            prop_assert!(!safe.contains(['<', '>', '"', '\'']));
        }
    }
}
