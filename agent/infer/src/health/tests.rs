use proptest::prelude::*;
use weir_journey::infer::{Bounds, Flag, Health, Print, Size, Step};

use super::print::{PRINT, Small};
use super::*;
use crate::picture::apply;

/// A landscape of so many pixels: hills of several scales and textures, the same for a seed.
fn scene(size: Size, seed: u32) -> Picture {
    let at = |x: u32, y: u32| {
        let scales = [(2, 80.0), (9, 45.0), (31, 45.0), (90, 50.0)];
        let sum: f64 = scales
            .iter()
            .map(|&(side, share)| share * hills(x, y, side, seed))
            .sum();
        sum as u8
    };
    let luma: Vec<u8> = (0..size.height)
        .flat_map(|y| (0..size.width).map(move |x| at(x, y)))
        .collect();
    Picture::from_luma(size, &luma).unwrap()
}

/// Random levels from 0 to 1 at the corners of a grid, and between them what lies between.
fn hills(x: u32, y: u32, side: u32, seed: u32) -> f64 {
    let corner =
        |right: u32, down: u32| random((x / side + right) * 7919 + (y / side + down), seed + side);
    let between = |one: f64, two: f64, share: f64| one + (two - one) * share;
    let share = |at: u32| f64::from(at % side) / f64::from(side);
    let upper = between(corner(0, 0), corner(1, 0), share(x));
    let lower = between(corner(0, 1), corner(1, 1), share(x));
    between(upper, lower, share(y))
}

/// 0 to 1.
fn random(index: u32, seed: u32) -> f64 {
    let x = (index ^ seed.wrapping_mul(0x9E37_79B9)).wrapping_mul(0x85EB_CA6B);
    let x = (x ^ (x >> 13)).wrapping_mul(0xC2B2_AE35);
    f64::from(x ^ (x >> 16)) / f64::from(u32::MAX)
}

const SIZE: Size = Size {
    width: 160,
    height: 90,
};

fn each(picture: &Picture, change: impl Fn(u32, f64) -> f64) -> Picture {
    let changed = (0..)
        .zip(picture.rgb())
        .map(|(at, &level)| change(at, f64::from(level)));
    let rgb = changed
        .map(|level| level.round().clamp(0.0, 255.0) as u8)
        .collect();
    Picture::new(picture.size(), rgb).unwrap()
}

fn noisy(picture: &Picture, most: f64, seed: u32) -> Picture {
    each(picture, |at, level| {
        level + most * (2.0 * random(at, seed) - 1.0)
    })
}

fn alone(picture: &Picture) -> Health {
    examine(picture, None, &Bounds::default()).0
}

fn after(picture: &Picture, before: &Picture) -> Health {
    let print = examine(before, None, &Bounds::default()).1;
    examine(picture, Some(&print), &Bounds::default()).0
}

fn crop(picture: &Picture, x: u32, y: u32, size: Size) -> Picture {
    let step = Step::Crop {
        x,
        y,
        width: size.width,
        height: size.height,
    };
    apply(picture.clone(), &[step]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_same_picture_is_frozen(seed: u16) {
        let picture = scene(SIZE, seed.into());
        let health = after(&picture, &picture);
        prop_assert_eq!(health.flags, vec![Flag::Frozen]);
        prop_assert_eq!(health.difference, Some(0.0));
        prop_assert_eq!(health.moved, Some([0.0, 0.0]));
    }

    #[test]
    fn a_pixel_is_enough_to_be_another_picture(seed: u16, at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let picture = scene(SIZE, seed.into());
        let mut rgb = picture.rgb().to_vec();
        let at = at.index(rgb.len());
        rgb[at] ^= 1 << bit;
        let other = Picture::new(SIZE, rgb).unwrap();
        prop_assert_eq!(after(&other, &picture).flags, vec![]);
    }

    #[test]
    fn noise_and_light_are_no_defect(seed: u16, factor in 0.6..1.1f64, more in 0.0..20.0f64) {
        let picture = scene(SIZE, seed.into());
        let later = noisy(&each(&picture, |_, level| level * factor + more), 10.0, 1);
        let health = after(&later, &noisy(&picture, 10.0, 2));
        prop_assert_eq!(health.flags, vec![]);
        let [right, down] = health.moved.unwrap();
        prop_assert!(right.hypot(down) < 0.005, "{:?}", health.moved);
    }

    #[test]
    fn more_light_is_more_brightness(seed: u16, less in 1.0..60.0f64) {
        let picture = each(&scene(SIZE, seed.into()), |_, level| level.max(60.0));
        let darker = each(&picture, |_, level| level - less);
        prop_assert!(alone(&darker).brightness < alone(&picture).brightness);
    }

    /// To within a pixel of the print.
    #[test]
    fn a_moved_view_is_told(seed: u16, dx in -20i32..=20, dy in -12i32..=12) {
        let wide = scene(Size { width: 200, height: 281 }, seed.into());
        let before = crop(&wide, 20, 12, SIZE);
        let later = crop(&wide, (20 - dx) as u32, (12 - dy) as u32, SIZE);
        let health = after(&noisy(&each(&later, |_, level| level * 0.8), 6.0, 3), &before);
        let moved = health.moved.unwrap();
        let apart = |moved: f64, by: i32, side: u32| (moved - f64::from(by) / f64::from(side)).abs();
        prop_assert!(apart(moved[0], dx, SIZE.width) < 1.0 / f64::from(PRINT.width), "{moved:?}");
        prop_assert!(apart(moved[1], dy, SIZE.height) < 1.0 / f64::from(PRINT.height), "{moved:?}");
        let shifted = health.flags.contains(&Flag::Shifted);
        let pixels = f64::from(dx).hypot(dy.into());
        // The bound, 3 parts of 100 of the width, and on either side of it what a print cannot tell.
        prop_assert!(shifted || pixels < 7.4, "{moved:?}");
        prop_assert!(!shifted || pixels > 2.2, "{moved:?}");
    }

    #[test]
    fn another_view_is_not_said_to_have_moved(one: u16, other: u16) {
        prop_assume!(one != other);
        let health = after(&scene(SIZE, one.into()), &scene(SIZE, other.into()));
        prop_assert_eq!(health.moved, None);
        prop_assert_eq!(health.flags, vec![]);
    }

    #[test]
    fn of_noise_alone_nothing_is_told(one: u16, other: u16, level in 20.0..200.0f64, most in 1.0..60.0f64) {
        prop_assume!(one != other);
        let plain = each(&scene(SIZE, 0), |_, _| level);
        let health = after(&noisy(&plain, most, one.into()), &noisy(&plain, most, other.into()));
        prop_assert_eq!(health.moved, None);
    }

    #[test]
    fn any_print_is_read_as_it_is_written(levels in prop::collection::vec(any::<u8>(), 64 * 36)) {
        let print = Picture::from_luma(PRINT, &levels).unwrap();
        let small = Small::of(&print);
        prop_assert_eq!(small.levels(), &levels);
        prop_assert_eq!(Small::read(&small.hex()), Some(small));
    }

    #[test]
    fn a_print_that_is_none_is_no_picture_before(luma in ".{0,30}", digest: u64) {
        let before = Print { luma, digest };
        let health = examine(&scene(SIZE, 1), Some(&before), &Bounds::default()).0;
        prop_assert_eq!((health.difference, health.moved, health.flags), (None, None, vec![]));
    }

    #[test]
    fn any_size_is_examined(width in 1u32..700, height in 1u32..90, seed: u16) {
        let picture = scene(Size { width, height }, seed.into());
        let health = after(&noisy(&picture, 3.0, 1), &picture);
        let within = [health.brightness, health.contrast, health.burnt, health.plain];
        prop_assert!(within.iter().all(|share| (0.0..=1.0).contains(share)), "{health:?}");
        prop_assert!(health.sharpness >= 0.0);
    }
}

#[test]
fn each_defect_is_called_by_its_name() {
    let good = scene(SIZE, 11);
    assert_eq!(alone(&good).flags, []);

    let night = noisy(&each(&good, |_, level| level * 0.05), 4.0, 1);
    assert_eq!(alone(&night).flags, [Flag::Dark]);

    let burnt = each(&good, |_, level| level * 3.0);
    assert_eq!(alone(&burnt).flags, [Flag::Burnt]);

    let less = Size {
        width: 10,
        height: 6,
    };
    let soft = resize(
        &resize(&good, less, Filter::Bilinear),
        SIZE,
        Filter::Bicubic,
    );
    assert_eq!(alone(&noisy(&soft, 3.0, 2)).flags, [Flag::Blurred]);

    let fog = each(&good, |_, level| level * 0.06 + 150.0);
    assert_eq!(alone(&fog).flags, [Flag::Blurred]);

    // Something before the lens, from the left to nine parts of ten.
    let covered = each(&good, |at, level| {
        if at / 3 % SIZE.width < 144 {
            70.0
        } else {
            level
        }
    });
    let health = alone(&noisy(&covered, 1.0, 3));
    assert_eq!(health.flags, [Flag::Obstructed], "{health:?}");
}

/// Prints are remembered, so this must not change from one version to the next.
#[test]
fn the_digest_stays() {
    let picture = scene(SIZE, 5);
    let one = print::digest(&picture);
    assert_eq!(one, print::digest(&picture));
    let turned = Size {
        width: SIZE.height,
        height: SIZE.width,
    };
    let other = Picture::new(turned, picture.rgb().to_vec()).unwrap();
    assert_ne!(one, print::digest(&other));
    let known = Picture::new(
        Size {
            width: 3,
            height: 2,
        },
        (0..18).collect(),
    )
    .unwrap();
    assert_eq!(print::digest(&known), 14_394_164_386_342_184_813);
}
