use super::*;
use crate::infer::fixture::report;
use proptest::prelude::*;

/// Conditions of which some are met by the fixture's report: `true` marks those.
fn conditions() -> impl Strategy<Value = Vec<(bool, Condition)>> {
    let one = prop_oneof![
        Just((true, "dark")),
        Just((true, "water > 0.2")),
        Just((true, "ROI1 >= 10448")),
        Just((false, "frozen")),
        Just((false, "stage > 5")),
        Just((false, "ROI9 < 5")),
    ];
    prop::collection::vec(
        one.prop_map(|(met, text)| (met, text.parse().unwrap())),
        0..4,
    )
}

proptest! {
    #[test]
    fn first_comes_before_skip_and_skip_before_later(
        first in conditions(),
        later in conditions(),
        skip in conditions(),
    ) {
        let course = [(Course::First, &first), (Course::Skip, &skip), (Course::Later, &later)]
            .into_iter()
            .find(|(_, conditions)| conditions.iter().any(|(met, _)| *met))
            .map_or(Course::Usual, |(course, _)| course);
        let plain = |conditions: Vec<(bool, Condition)>| conditions.into_iter().map(|(_, one)| one).collect();
        let rules = Rules { first: plain(first), later: plain(later), skip: plain(skip) };
        let decision = rules.decide(&report());
        prop_assert_eq!(decision.course, course);
        prop_assert_eq!(decision.because.is_some(), course != Course::Usual);
        prop_assert_eq!(rules.is_empty(), rules == Rules::default());
    }
}

#[test]
fn a_decision_says_what_was_found() {
    let rules = Rules {
        first: vec!["stage > 1".parse().unwrap()],
        skip: vec!["dark".parse().unwrap()],
        ..Rules::default()
    };
    let decision = rules.decide(&report());
    assert_eq!(decision.course, Course::First);
    assert_eq!(decision.because.as_deref(), Some("stage > 1 (it is 1.25)"));
    let text = serde_json::to_string(&decision).unwrap();
    assert_eq!(
        text,
        r#"{"course":"first","because":"stage > 1 (it is 1.25)"}"#
    );
}
