//! What cameras do wrong: as often as asked, and nothing but that.

use super::*;

/// Every fault of one picture in a tenth of the shots, and the lasting ones now and then.
const TROUBLE: &str = "
    slow_write = 0.1
    truncated = 0.1
    empty = 0.1
    rename_in = 0.1
    duplicate_name = 0.1
    duplicate_bytes = 0.1
    clock_1970 = 0.01
    dst = 0.01
    silence = 0.01";

fn with(faults: &str) -> Settings {
    settings(&format!(
        "schedule = \"every 20m jitter 90s\"\nmedian = \"2KiB\"\n[faults]\n{faults}"
    ))
}

fn right(settings: &Settings, take: &Take) -> NaiveDateTime {
    settings.zone.at(take.captured_at).naive_local()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_is_due_is_whole_and_alone_and_what_is_not_has_a_reason(seed: u64, site in 1..400_u32) {
        let all = week(&with(TROUBLE), site, seed);
        let (mut due, mut files) = (HashSet::new(), HashSet::new());
        for (nth, (shot, take)) in all.iter().enumerate() {
            prop_assert_eq!(shot.number, nth as u64 + 1);
            prop_assert!(nth == 0 || all[nth - 1].0.at < shot.at);
            let whole = matches!(inspected(&take.bytes).structure, Structure::Whole(_));
            let cut = matches!(take.fault, Some(Fault::Truncated | Fault::Empty));
            let gone = all.get(nth + 1).is_some_and(|(_, next)| next.how == Manner::Overwriting { shot: shot.number });
            prop_assert_eq!(whole, !cut);
            prop_assert_eq!(take.due, whole && !gone && take.same_as.is_none());
            prop_assert!(!take.due || due.insert(&take.bytes));
            let again = !files.insert(&take.file);
            prop_assert_eq!(again, matches!(take.how, Manner::Overwriting { .. }), "{}", take.file);
            if let Some(earlier) = take.same_as {
                let (_, earlier) = &all[earlier as usize - 1];
                prop_assert!(earlier.due && earlier.bytes == take.bytes && earlier.captured_at == take.captured_at);
                prop_assert_ne!(&earlier.file, &take.file);
            }
        }
    }

    #[test]
    fn pieces_are_all_of_the_file_in_about_the_time_asked(bytes in 0..100_000_usize, seconds in 1..100_u64, shot: u64) {
        let about = Duration::from_secs(seconds);
        let how = Manner::in_pieces(bytes, about, (1, 1, shot));
        let Manner::InPieces { pieces } = &how else { panic!("{how:?}") };
        prop_assert_eq!(pieces.iter().map(|(_, bytes)| bytes).sum::<usize>(), bytes);
        prop_assert!(pieces.is_sorted_by(|a, b| a.0 < b.0) && pieces[0].0.is_zero());
        let done = how.done().as_secs_f64() / about.as_secs_f64();
        prop_assert!((0.49..1.51).contains(&done), "{}", done);
    }
}

#[test]
fn faults_of_one_picture_come_as_often_as_asked() {
    for (fault, keys) in [
        (Fault::SlowWrite, "slow_write"),
        (Fault::Truncated, "truncated"),
        (Fault::Empty, "empty"),
        (Fault::RenameIn, "rename_in"),
        (Fault::DuplicateName, "duplicate_name"),
        (Fault::DuplicateBytes, "duplicate_bytes"),
    ] {
        assert_eq!(fault.name(), keys);
        let mut settings = with(&format!("{keys} = 0.2"));
        settings.median = 0;
        let (mut shots, mut befallen) = (0, BTreeSet::new());
        for site in 1..=4 {
            let all = week(&settings, site, 1);
            shots += all.len();
            let of = all.iter().filter(|(_, take)| take.fault == Some(fault));
            befallen.extend(of.map(|(shot, take)| match take.how {
                // Both of them say so.
                Manner::Overwriting { shot } => (site, shot),
                _ => (site, shot.number),
            }));
            assert!(
                all.iter()
                    .all(|(_, take)| take.fault.is_none_or(|is| is == fault))
            );
        }
        let share = befallen.len() as f64 / shots as f64;
        // The standard deviation of the share is 0.009; twins add to the shots.
        assert!((0.15..0.24).contains(&share), "{fault}: {share}");
    }
}

#[test]
fn pictures_of_one_second_have_one_name_and_times_of_their_own() {
    let settings = with("duplicate_name = 1.0");
    let all = week(&settings, 1, 1);
    let mut overwritten = 0;
    for pair in all.chunks(2) {
        let [(_, first), (_, second)] = pair else {
            panic!("an odd number of pictures")
        };
        assert_eq!(
            first.said.and_utc().timestamp(),
            second.said.and_utc().timestamp()
        );
        assert_eq!(
            stamped(second, settings.zone).at.unwrap().to_utc(),
            second.captured_at
        );
        assert!(first.captured_at < second.captured_at && second.due);
        if second.file == first.file {
            assert!(!first.due);
            overwritten += 1;
        } else {
            assert!(first.due);
            assert_eq!(second.file, format!("folder2/{}", first.file));
        }
    }
    let share = f64::from(overwritten) / (all.len() / 2) as f64;
    assert!((0.4..0.6).contains(&share), "{share}");
}

#[test]
fn a_clock_that_began_anew_shows_1970_for_its_time() {
    let settings = with("clock_1970 = 0.02\nclock_1970_for = \"6h\"");
    let mut since = None;
    let mut wrong = 0;
    for (_, take) in week(&settings, 1, 1) {
        let epoch = NaiveDateTime::default();
        if take.fault == Some(Fault::Clock1970) {
            let began = take.captured_at - (take.said - epoch);
            // Two falls can follow each other.
            if since.is_some_and(|since| began != since) {
                assert_eq!(take.said, epoch);
            }
            since = Some(began);
            assert!(
                take.said - epoch < chrono::TimeDelta::hours(6),
                "{}",
                take.said
            );
            assert!(
                take.file.contains("image_capture_1970-01-01_0"),
                "{}",
                take.file
            );
            assert!(stamped(&take, settings.zone).is_doubtful(), "{}", take.file);
            wrong += 1;
        } else {
            assert_eq!(take.said, right(&settings, &take));
            since = None;
        }
    }
    // 18 shots in 6 h, and one fall in 50 shots: about a quarter.
    assert!((50..250).contains(&wrong), "{wrong}");
}

#[test]
fn a_clock_of_summer_time_is_an_hour_ahead_and_repeats_an_hour() {
    let settings = with("dst = 0.02\ndst_for = \"12h\"");
    let mut folders = 0;
    let mut ahead = 0;
    for (_, take) in week(&settings, 1, 1) {
        let hours = (take.said - right(&settings, &take)).num_hours();
        assert_eq!(hours, i64::from(take.fault == Some(Fault::Dst)));
        ahead += hours;
        folders += usize::from(take.file.starts_with("folder2/"));
        assert!(take.due);
    }
    assert!(ahead > 0);
    assert_eq!(folders, 0, "the jitter keeps the names apart");
    let on_the_mark = Settings {
        schedule: "every 20m".parse().unwrap(),
        ..settings
    };
    let takes = week(&on_the_mark, 1, 1);
    assert!(
        takes
            .iter()
            .any(|(_, take)| take.file.starts_with("folder2/"))
    );
}

#[test]
fn a_silent_camera_takes_no_pictures_for_its_time() {
    let all = |faults: &str| -> Vec<_> {
        (1..=20)
            .flat_map(|site| week(&with(faults), site, 1))
            .map(|(shot, _)| shot.at)
            .collect()
    };
    assert_eq!(all("").len(), 20 * 504);
    let some = all("silence = 0.01\nsilence_for = \"8h\"");
    let gap = |pair: &[Duration]| pair[1].saturating_sub(pair[0]);
    let silences: Vec<_> = some
        .windows(2)
        .map(gap)
        .filter(|gap| gap.as_secs() > 22 * 60)
        .collect();
    assert!(
        silences.iter().all(|gap| gap.as_secs() >= 8 * 3600),
        "{silences:?}"
    );
    // One in 100 shots, each of which costs 24 more: 4 at each site.
    assert!((50..110).contains(&silences.len()), "{}", silences.len());
}

#[test]
fn a_share_is_from_0_to_1() {
    for wrong in ["1.5", "-0.1", "nan"] {
        let fault = toml::from_str::<Settings>(&format!("[faults]\nempty = {wrong}")).unwrap_err();
        assert!(
            fault.to_string().contains("is no share of shots"),
            "{fault}"
        );
    }
    let unknown = toml::from_str::<Settings>("[faults]\nfire = 0.1").unwrap_err();
    assert!(unknown.to_string().contains("unknown field"));
}
