use super::*;
use proptest::prelude::*;

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        1 => Just(Outcome::Done),
        1 => Just(Outcome::Failed(Trouble::Picture)),
        3 => Just(Outcome::Failed(Trouble::Model)),
        3 => Just(Outcome::Failed(Trouble::Device)),
        3 => Just(Outcome::Died),
    ]
}

/// Seconds that pass, on both sides of the pauses.
fn passes() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0u64..100, 1 => 3_000u64..4_000, 1 => 80_000u64..90_000]
}

/// The failures that count since the last success, as a list of their times: the whole history, from which everything
/// follows.
fn expected(history: &[(u64, Outcome)]) -> Option<(u64, u64)> {
    let since = history
        .iter()
        .rposition(|(_, outcome)| *outcome == Outcome::Done);
    let recent = &history[since.map_or(0, |at| at + 1)..];
    let counted: Vec<u64> = recent
        .iter()
        .filter(|(_, outcome)| *outcome != Outcome::Failed(Trouble::Picture))
        .map(|(at, _)| *at)
        .collect();
    let tries = counted.len().checked_sub(5)?;
    let hours = (1u64 << tries.min(10)).min(24);
    Some((counted[counted.len() - 1] + hours * 3600, hours * 3600))
}

proptest! {
    #[test]
    fn it_is_off_after_five_failures_in_a_row_and_twice_as_long_after_each_try(
        steps in prop::collection::vec((passes(), outcome()), 0..60),
    ) {
        let mut guard = Guard::default();
        let mut history = Vec::new();
        let mut now = 0;
        for (passed, outcome) in steps {
            now += passed;
            let allowed = expected(&history).is_none_or(|(until, _)| now >= until);
            prop_assert_eq!(guard.allows(Duration::from_secs(now)), allowed);
            if !allowed {
                continue;
            }
            guard.ended(Duration::from_secs(now), outcome, "it broke");
            history.push((now, outcome));
            let off = guard.off().map(|off| (off.until.as_secs(), off.pause.as_secs()));
            prop_assert_eq!(off, expected(&history));
        }
    }

    #[test]
    fn pictures_that_cannot_be_read_never_switch_it_off(count in 0usize..100) {
        let mut guard = Guard::default();
        for _ in 0..count {
            guard.ended(Duration::ZERO, Outcome::Failed(Trouble::Picture), "it is no picture");
        }
        prop_assert_eq!(guard, Guard::default());
    }
}

#[test]
fn the_reason_is_told_with_the_last_failure() {
    let mut guard = Guard::default();
    for (at, sentence) in ["a", "b", "c", "d", "the worker ran for 60 s and was ended"]
        .into_iter()
        .enumerate()
    {
        guard.ended(Duration::from_secs(at as u64), Outcome::Died, sentence);
    }
    assert_eq!(
        guard.off().map(|off| off.because.as_str()),
        Some("5 looks in a row failed, the last one because the worker ran for 60 s and was ended")
    );
    // One that was under way all the while changes nothing, unless it succeeds.
    let before = guard.clone();
    guard.ended(Duration::from_secs(9), Outcome::Died, "late");
    assert_eq!(guard, before);
    guard.ended(Duration::from_secs(9), Outcome::Done, "");
    assert_eq!(guard, Guard::default());
}
