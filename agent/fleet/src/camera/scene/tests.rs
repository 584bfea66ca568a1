use chrono::NaiveDate;
use image::GenericImageView as _;

use super::*;

const SMALL: (u32, u32) = (96, 54);

fn moment(shot: u64, hour: u32, stage: Option<f64>) -> Moment {
    let local = NaiveDate::from_ymd_opt(2025, 5, 8)
        .and_then(|day| day.and_hms_opt(hour, 0, 0))
        .unwrap();
    Moment {
        at: local.and_utc(),
        local,
        shot,
        text: String::new(),
        stage,
    }
}

#[test]
fn the_same_seed_gives_the_same_picture_and_another_shot_another() {
    let scene = |seed, shot| Scenery::new(seed, SMALL).picture(&moment(shot, 12, None));
    let first = scene(7, 1);
    assert_eq!(first.image, scene(7, 1).image);
    assert_eq!(first.mask, scene(7, 1).mask);
    assert_ne!(first.image, scene(7, 2).image);
    assert_ne!(first.mask, scene(8, 1).mask);
}

#[test]
fn water_rises_with_the_stage() {
    let mut rose = 0;
    for seed in 0..12 {
        let scenery = Scenery::new(seed, SMALL);
        let mut before: Option<Scene> = None;
        for stage in [0.0, 0.4, 0.9, 1.6, 2.5, 3.5] {
            let scene = scenery.picture(&moment(1, 12, Some(stage)));
            assert!((scene.stage_m - stage).abs() < 1e-9);
            if let Some(before) = before {
                let pairs = before.mask.pixels().zip(scene.mask.pixels());
                let lost = pairs.filter(|(then, now)| then.0 > now.0).count() as f64;
                let share = lost / f64::from(SMALL.0 * SMALL.1);
                assert!(
                    share < 0.01,
                    "site {seed}, {stage} m: {share} was water before"
                );
                assert!(
                    scene.water() >= before.water() - 0.001,
                    "site {seed}, {stage} m"
                );
                rose += usize::from(scene.water() > before.water());
            }
            before = Some(scene);
        }
    }
    assert!(rose > 12 * 5 / 2, "in {rose} of 60 steps");
}

#[test]
fn most_pictures_show_a_good_deal_of_water_and_of_land() {
    let shares: Vec<f64> = (100..140)
        .map(|seed| {
            Scenery::new(seed, SMALL)
                .picture(&moment(1, 12, Some(0.8)))
                .water()
        })
        .collect();
    let useful = shares
        .iter()
        .filter(|share| (0.05..0.95).contains(*share))
        .count();
    assert!(useful >= 34, "{shares:?}");
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    assert!((0.2..0.6).contains(&mean), "{mean}");
}

/// What the mask calls water differs from the rest as water does: pictures of one level, once with brown and once with
/// clear water, differ where the mask says so.
#[test]
fn the_mask_is_where_water_is_drawn() {
    for seed in 0..6 {
        let scenery = Scenery::new(seed, SMALL);
        let hits = scenery.view.look(&scenery.world, 0.9);
        let noon = moment(1, 12, None).local;
        let mut rng = fastrand::Rng::with_seed(1);
        let air = Air::new(12.0, noon.ordinal0() as f32, false, &mut rng);
        let river = |flood| River {
            level: 0.9,
            flood,
            drift: 0.0,
        };
        let (clear, brown) = (
            scenery.paint(&air, river(0.0)),
            scenery.paint(&air, river(1.0)),
        );
        assert_eq!(clear.water, brown.water);
        let mut differ = 0;
        for (at, hit) in hits.iter().enumerate() {
            assert!(!clear.water[at] || hit.seen == Seen::Water);
            let same = clear.light[at] == brown.light[at];
            assert!(
                same || clear.water[at],
                "site {seed}: dry pixel {at} changes with the water"
            );
            differ += usize::from(!same);
        }
        let wet = clear.water.iter().filter(|wet| **wet).count();
        assert!(differ * 100 >= wet * 95, "site {seed}: {differ} of {wet}");
    }
}

#[test]
fn by_night_pictures_are_grey_and_by_day_they_are_not() {
    let colourful = |hour| {
        let scene = Scenery::new(3, SMALL).picture(&moment(1, hour, None));
        let coloured = scene
            .image
            .pixels()
            .filter(|pixel| pixel.0.iter().any(|part| *part != pixel.0[0]));
        coloured.count()
    };
    assert_eq!(colourful(0), 0);
    assert!(colourful(12) > 1000);
}

#[test]
fn the_text_covers_water() {
    let scenery = Scenery::new(2, (320, 180));
    let plain = moment(1, 12, Some(1.0));
    let written = Moment {
        text: "SITE12 2025-05-08 12:00:00".to_owned(),
        ..plain.clone()
    };
    let (plain, written) = (scenery.picture(&plain), scenery.picture(&written));
    let pairs = plain.image.pixels().zip(written.image.pixels());
    let changed: Vec<bool> = pairs.map(|(a, b)| a != b).collect();
    assert!(changed.iter().filter(|changed| **changed).count() > 200);
    for (at, (a, b)) in plain.mask.pixels().zip(written.mask.pixels()).enumerate() {
        assert!(a == b || changed[at] && b.0[0] == 0);
    }
    let under_text = changed.iter().zip(written.mask.pixels());
    assert!(
        under_text
            .filter(|(changed, _)| **changed)
            .all(|(_, mask)| mask.0[0] == 0)
    );
}

#[test]
fn picture_and_mask_are_read_back() {
    let scene = Scenery::new(5, SMALL).picture(&moment(1, 9, None));
    let picture = image::load_from_memory(&scene.jpeg().unwrap()).unwrap();
    assert_eq!(picture.dimensions(), SMALL);
    let mask = image::load_from_memory(&scene.mask_png().unwrap()).unwrap();
    assert_eq!(mask.to_luma8(), scene.mask);
    assert!(
        scene
            .mask
            .pixels()
            .all(|pixel| matches!(pixel.0[0], 0 | 255))
    );
}

#[test]
fn floods_rise_fast_fall_slowly_and_end() {
    let start: DateTime<Utc> = "2025-01-01T00:00:00Z".parse().unwrap();
    let (mut rising, mut falling, mut highest) = (0, 0, 0.0_f64);
    for site in 0..20 {
        let river = Hydrograph::new(site);
        for half_hour in 0..48 * 60 {
            let at = start + chrono::TimeDelta::minutes(30 * half_hour);
            let stage = river.stage(at);
            let change =
                river.above_base(at) - river.above_base(at - chrono::TimeDelta::minutes(30));
            assert!(
                stage > 0.3 && change.abs() < 0.9,
                "{stage} m, {change} m in half an hour"
            );
            highest = highest.max(stage);
            rising += usize::from(change > 0.005);
            falling += usize::from(change < -0.005);
            assert_eq!(river.rises(at), change > 0.01);
        }
    }
    assert!(
        rising > 500 && falling > 2 * rising,
        "{rising} up, {falling} down"
    );
    assert!((1.5..6.0).contains(&highest), "{highest}");
}
