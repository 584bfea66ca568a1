use super::*;
use proptest::prelude::*;

proptest! {
    /// Pausing begins at the limit and ends five degrees below; in between nothing changes.
    #[test]
    fn between_the_limits_nothing_changes(
        limit in 40.0f64..100.0,
        readings in prop::collection::vec(prop::option::of(-40.0f64..150.0), 0..50),
    ) {
        let mut thermal = Thermal::new(limit);
        let mut paused = false;
        for reading in readings {
            let expected = match reading {
                None => false,
                Some(celsius) if celsius >= limit => true,
                Some(celsius) if celsius <= limit - 5.0 => false,
                Some(_) => paused,
            };
            paused = thermal.pauses(reading);
            prop_assert_eq!(paused, expected);
        }
    }
}

#[test]
fn a_broken_sensor_pauses_nothing() {
    let mut thermal = Thermal::new(80.0);
    assert!(thermal.pauses(Some(85.0)));
    assert!(!thermal.pauses(Some(f64::NAN)));
}
