use super::*;
use crate::infer::fixture::report;
use proptest::prelude::*;

/// Values of the fixture's report, and two that it lacks.
const FOUND: [(&str, Option<f64>); 13] = [
    ("stage", Some(1.25)),
    ("water", Some(0.25)),
    ("iou", Some(0.9)),
    ("brightness", Some(0.4)),
    ("contrast", Some(0.2)),
    ("burnt", Some(0.01)),
    ("sharpness", Some(0.03)),
    ("plain", Some(0.1)),
    ("difference", None),
    ("ROI2", Some(20_262.0)),
    ("ROI3", None),
    ("label River", Some(0.7)),
    // Known to one model only, so it is not among what they say together.
    ("label Annual Crop", Some(0.05)),
];

/// Anything, or exactly what some quantity is.
fn bound() -> impl Strategy<Value = f64> {
    let exact = FOUND.iter().filter_map(|(_, found)| *found);
    prop_oneof![
        -2.0f64..2.0,
        prop::sample::select(exact.collect::<Vec<_>>())
    ]
}

proptest! {
    #[test]
    fn a_quantity_is_compared_with_the_bound(
        (name, found) in prop::sample::select(FOUND.to_vec()),
        sign in prop::sample::select(vec![">", ">=", "<", "<="]),
        bound in bound(),
        space in " {0,2}",
    ) {
        let text = format!("{name} {sign}{space}{bound}");
        let condition: Condition = text.parse().unwrap();
        let expected = found.is_some_and(|found| match sign {
            ">" => found > bound,
            ">=" => found >= bound,
            "<" => found < bound,
            _ => found <= bound,
        });
        prop_assert_eq!(condition.met(&report()).is_some(), expected, "{}", text);
        prop_assert_eq!(condition.names(), name.strip_prefix("ROI").map(|_| name));
        // What is written is read again, as text and as JSON.
        prop_assert_eq!(condition.to_string().parse(), Ok(condition.clone()));
        let json = serde_json::to_string(&condition).unwrap();
        prop_assert_eq!(serde_json::from_str::<Condition>(&json).unwrap(), condition);
    }

    #[test]
    fn no_text_panics_and_what_is_read_is_written_the_same(text in "[a-zA-Z<>= .0-9-]{0,20}|.{0,20}") {
        if let Ok(condition) = text.parse::<Condition>() {
            prop_assert_eq!(condition.to_string().parse(), Ok(condition));
        }
    }
}

#[test]
fn a_flag_is_met_when_it_is_there() {
    for flag in Flag::ALL {
        let condition: Condition = flag.name().parse().unwrap();
        let met = condition.met(&report());
        assert_eq!(met.as_deref(), (flag == Flag::Dark).then_some("dark"));
    }
}

#[test]
fn nothing_is_met_by_what_is_not_there() {
    let nothing = Report {
        water: None,
        classes: Vec::new(),
        together: Vec::new(),
        ..report()
    };
    for (name, _) in FOUND {
        for sign in ["<", ">"] {
            let condition: Condition = format!("{name} {sign} 0.5").parse().unwrap();
            let known = ["brightness", "contrast", "burnt", "sharpness", "plain"].contains(&name);
            assert_eq!(
                condition.met(&nothing).is_some(),
                known && sign == "<",
                "{condition}"
            );
        }
    }
}

#[test]
fn what_is_no_condition_is_refused_with_the_reason() {
    for (text, why) in [
        ("", "it compares nothing"),
        ("gloomy", "it compares nothing"),
        ("stage", "it compares nothing"),
        ("stage >", "no number"),
        ("stage > high", "no number"),
        ("stage > inf", "no number"),
        ("stage > NaN", "no number"),
        ("stage == 2", "it compares nothing"),
        ("stage >> 2", "no number"),
        ("> 2", "nothing before"),
        ("label > 0.8", "which label"),
        ("my stage > 2", "several words"),
    ] {
        let refused = text.parse::<Condition>().unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
        assert!(
            refused.starts_with(&format!("\"{text}\" is no condition")),
            "{refused}"
        );
    }
}
