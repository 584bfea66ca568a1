//! Matching requests with rules: pure, and the same for the same sequence of requests.

use super::{Action, Rule, When};
use crate::request::Target;

/// Rules with the number of requests that each has seen.
#[derive(Debug, Default)]
pub(super) struct Script {
    rules: Vec<(Rule, u64)>,
}

impl Script {
    pub(super) fn push(&mut self, rule: Rule) {
        self.rules.push((rule, 0));
    }

    /// Every rule counts what it matches, also when an earlier rule is the one that is played.
    pub(super) fn decide(&mut self, target: &Target) -> Option<Action> {
        let mut decided = None;
        for (rule, seen) in &mut self.rules {
            if matches(rule, target) {
                *seen += 1;
                if decided.is_none() && rule.when.hits(*seen) {
                    decided = Some(rule.action);
                }
            }
        }
        decided
    }
}

fn matches(rule: &Rule, target: &Target) -> bool {
    let fits = |pattern: &Option<String>, name: &Option<String>| match (pattern, name) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(pattern), Some(name)) => glob(pattern, name),
    };
    rule.operation
        .is_none_or(|operation| operation == target.operation)
        && fits(&rule.bucket, &target.bucket)
        && fits(&rule.key, &target.key)
}

impl When {
    fn hits(self, number: u64) -> bool {
        match self {
            Self::Always => true,
            Self::Requests { from, to } => (from..=to).contains(&number),
            Self::Rate { probability, seed } => uniform(seed, number) < probability,
        }
    }
}

/// A number in `0.0..1.0` from a seed and a position: SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>).
fn uniform(seed: u64, position: u64) -> f64 {
    let mut z = seed.wrapping_add(position.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    // The upper 53 bits are exact in a double.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let fraction = (z >> 11) as f64;
    fraction / (1_u64 << 53) as f64
}

/// `*` matches any run of characters, `?` exactly one. Linear but for backtracking to the last `*`.
fn glob(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                // The last star takes one character more.
                Some((after, taken)) => {
                    star = Some((after, taken + 1));
                    p = after;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::super::{Refusal, Rule};
    use super::*;
    use crate::request::Operation;
    use proptest::prelude::*;

    fn put(bucket: &str, key: &str) -> Target {
        Target {
            operation: Operation::PutObject,
            bucket: Some(bucket.into()),
            key: Some(key.into()),
        }
    }

    /// The definition, by recursion.
    fn glob_model(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => {
                glob_model(rest, name) || (!name.is_empty() && glob_model(pattern, &name[1..]))
            }
            (Some((c, rest)), Some((d, tail))) => (*c == '?' || c == d) && glob_model(rest, tail),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn globs_follow_their_definition(pattern in "[ab*?/]{0,7}", name in "[ab/é]{0,9}") {
            let model = glob_model(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>());
            prop_assert_eq!(glob(&pattern, &name), model);
        }

        #[test]
        fn a_numbered_rule_hits_exactly_its_requests(from in 1_u64..20, len in 0_u64..20, others in prop::collection::vec(any::<bool>(), 60)) {
            let mut script = Script::default();
            script.push(Rule::new(Action::Hang).on(Operation::PutObject).bucket("a*").requests(from..=from + len));
            let mut seen = 0;
            for other in others {
                let target = if other { put("b", "k") } else { put("ab", "k") };
                seen += u64::from(!other);
                let expected = !other && (from..=from + len).contains(&seen);
                prop_assert_eq!(script.decide(&target), expected.then_some(Action::Hang));
            }
        }

        #[test]
        fn a_rate_is_kept_and_can_be_repeated(probability in 0.0_f64..=1.0, seed in any::<u64>()) {
            let hits = |when: When| (1..=4_000).filter(|number| when.hits(*number)).collect::<Vec<_>>();
            let when = When::Rate { probability, seed };
            let share = hits(when).len() as f64 / 4_000.0;
            prop_assert!((share - probability).abs() < 0.05, "{share} for {probability}");
            prop_assert_eq!(hits(when), hits(when));
        }
    }

    #[test]
    fn the_first_rule_that_applies_is_played_and_all_count() {
        let mut script = Script::default();
        script.push(Rule::new(Action::LostAnswer).requests(2..=2));
        script.push(
            Rule::new(Action::Error(Refusal::SlowDown))
                .key("k?")
                .requests(2..=3),
        );
        let played: Vec<_> = (0..4).map(|_| script.decide(&put("b", "k1"))).collect();
        let slow = Some(Action::Error(Refusal::SlowDown));
        assert_eq!(played, [None, Some(Action::LostAnswer), slow, None]);
        let listing = Target {
            operation: Operation::ListObjectsV2,
            bucket: Some("b".into()),
            key: None,
        };
        assert_eq!(
            script.decide(&listing),
            None,
            "a pattern over keys does not match a request without one"
        );
    }
}
