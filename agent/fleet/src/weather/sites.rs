//! Which sites something befalls.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A choice of sites, which are numbered from 1.
#[derive(Debug, Clone, PartialEq)]
pub enum Sites {
    /// Every one.
    All,
    /// Those of these ranges, both ends included, as far as they exist.
    Ranges(Vec<(u32, u32)>),
    /// This share of them from 0 to 1, drawn; at least one.
    Share(f64),
}

impl Sites {
    /// The numbers of the sites meant, of `sites`, in order.
    pub fn of(&self, sites: u32, rng: &mut fastrand::Rng) -> BTreeSet<u32> {
        match self {
            Self::All => (1..=sites).collect(),
            Self::Ranges(ranges) => {
                let each = ranges.iter().map(|&(from, to)| from..=to.min(sites));
                each.flatten().collect()
            }
            Self::Share(share) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "from 0 to sites"
                )]
                let wanted = (share * f64::from(sites)).round().max(1.0) as usize;
                rng.choose_multiple(1..=sites, wanted).into_iter().collect()
            }
        }
    }
}

/// A text is no choice of sites.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no sites: write \"all\", \"5,7,10-20\" or \"10%\"")]
pub struct NotSites(String);

impl FromStr for Sites {
    type Err = NotSites;

    fn from_str(text: &str) -> Result<Self, NotSites> {
        let wrong = || NotSites(text.to_owned());
        let trimmed = text.trim();
        if trimmed == "all" {
            return Ok(Self::All);
        }
        if let Some(percent) = trimmed.strip_suffix('%') {
            let percent: f64 = percent.trim().parse().map_err(|_| wrong())?;
            let valid = percent > 0.0 && percent <= 100.0;
            return valid
                .then_some(Self::Share(percent / 100.0))
                .ok_or_else(wrong);
        }
        let range = |part: &str| {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
            (1 <= from && from <= to).then_some((from, to))
        };
        let ranges: Option<Vec<_>> = trimmed.split(',').map(range).collect();
        ranges.map(Self::Ranges).ok_or_else(wrong)
    }
}

impl fmt::Display for Sites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Share(share) => write!(f, "{}%", share * 100.0),
            Self::Ranges(ranges) => {
                for (i, (from, to)) in ranges.iter().enumerate() {
                    let comma = if i == 0 { "" } else { "," };
                    write!(f, "{comma}{from}")?;
                    if from != to {
                        write!(f, "-{to}")?;
                    }
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranges_mean_what_they_say_and_are_shown_so(ranges in prop::collection::vec((1_u32..400, 0_u32..50), 1..5), sites in 1_u32..400) {
            let ranges: Vec<_> = ranges.into_iter().map(|(from, more)| (from, from + more)).collect();
            let choice = Sites::Ranges(ranges.clone());
            prop_assert_eq!(choice.to_string().parse(), Ok(choice.clone()));
            let meant = choice.of(sites, &mut fastrand::Rng::with_seed(1));
            for site in 0..500 {
                let named = ranges.iter().any(|(from, to)| (from..=to).contains(&&site));
                prop_assert_eq!(meant.contains(&site), named && (1..=sites).contains(&site));
            }
        }

        #[test]
        fn a_share_is_kept_and_drawn_anew_with_another_seed(percent in 1_u32..=100, sites in 1_u32..1000, seed: u64) {
            let choice: Sites = format!("{percent}%").parse().unwrap();
            let draw = |seed| choice.of(sites, &mut fastrand::Rng::with_seed(seed));
            let drawn = draw(seed);
            prop_assert_eq!(&drawn, &draw(seed));
            let wanted = (f64::from(percent) * f64::from(sites) / 100.0).max(1.0);
            prop_assert!((drawn.len() as f64 - wanted).abs() <= 0.5, "{} for {wanted}", drawn.len());
            prop_assert!(drawn.iter().all(|site| (1..=sites).contains(site)));
        }
    }

    #[test]
    fn what_is_no_choice_is_refused() {
        for bad in [
            "", "0", "7-5", "a", "0%", "101%", "1,,2", "-3", "1-", "%", "NaN%",
        ] {
            assert!(bad.parse::<Sites>().is_err(), "{bad}");
        }
        assert_eq!("5, 7".parse(), Ok(Sites::Ranges(vec![(5, 5), (7, 7)])));
    }
}
