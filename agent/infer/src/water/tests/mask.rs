//! Masks against plain models of what they promise.

use proptest::prelude::*;
use weir_journey::infer::{Roi, Size};

use crate::picture::{Limits, Picture, encode};
use crate::water::{Mask, count, iou};

fn size() -> impl Strategy<Value = Size> {
    (0u32..14, 0u32..11).prop_map(|(width, height)| Size { width, height })
}

/// A mask of that size, from all dry to all wet.
fn of_size(size: Size) -> impl Strategy<Value = Mask> {
    let pixels = (size.width * size.height) as usize;
    (0u32..=100)
        .prop_flat_map(move |share| {
            prop::collection::vec(prop::bool::weighted(f64::from(share) / 100.0), pixels)
        })
        .prop_map(move |wet| Mask::new(size, wet).unwrap())
}

fn mask() -> impl Strategy<Value = Mask> {
    size().prop_flat_map(of_size)
}

fn two() -> impl Strategy<Value = (Mask, Mask)> {
    size().prop_flat_map(|size| (of_size(size), of_size(size)))
}

/// The patches by flooding from each pixel in turn: the first largest one.
fn flooded(mask: &Mask) -> Vec<bool> {
    let (width, height) = (mask.size().width as i64, mask.size().height as i64);
    let wet = |x: i64, y: i64| {
        (0..width).contains(&x) && (0..height).contains(&y) && mask.wet()[(y * width + x) as usize]
    };
    let mut seen = vec![false; mask.wet().len()];
    let mut best = Vec::new();
    for start in 0..mask.wet().len() {
        if seen[start] || !mask.wet()[start] {
            continue;
        }
        let mut patch = Vec::new();
        let mut open = vec![start];
        seen[start] = true;
        while let Some(at) = open.pop() {
            patch.push(at);
            let (x, y) = (at as i64 % width, at as i64 / width);
            for (x, y) in (-1..=1).flat_map(|down| (-1..=1).map(move |right| (x + right, y + down)))
            {
                if wet(x, y) && !seen[(y * width + x) as usize] {
                    seen[(y * width + x) as usize] = true;
                    open.push((y * width + x) as usize);
                }
            }
        }
        if patch.len() > best.len() {
            best = patch;
        }
    }
    (0..mask.wet().len()).map(|at| best.contains(&at)).collect()
}

proptest! {
    #[test]
    fn the_largest_patch_is_what_flooding_finds(mask in mask()) {
        let largest = mask.largest_component();
        prop_assert_eq!(largest.wet(), flooded(&mask));
        prop_assert_eq!(largest.largest_component(), largest);
    }

    #[test]
    fn iou_is_that_of_the_sets((a, b) in two()) {
        let pairs: Vec<_> = a.wet().iter().zip(b.wet()).collect();
        let both = pairs.iter().filter(|&&(&a, &b)| a && b).count() as f64;
        let either = pairs.iter().filter(|&&(&a, &b)| a || b).count() as f64;
        prop_assert_eq!(iou(&a, &b), if either == 0.0 { 1.0 } else { both / either });
        prop_assert_eq!(iou(&a, &a), 1.0);
    }

    #[test]
    fn stretching_by_whole_factors_repeats_pixels(mask in mask(), right in 1u32..4, down in 1u32..4) {
        let Size { width, height } = mask.size();
        let larger = mask.resized(Size { width: width * right, height: height * down });
        prop_assert_eq!(larger.share(), mask.share());
        prop_assert_eq!(iou(&larger, &mask), 1.0);
        prop_assert_eq!(larger.resized(mask.size()), mask);
    }

    #[test]
    fn two_classes_are_a_threshold_on_their_difference(
        size in size(),
        scores in prop::collection::vec(-2i8..3, 2 * 14 * 11),
    ) {
        let area = (size.width * size.height) as usize;
        let scores: Vec<f32> = scores.into_iter().take(2 * area).map(f32::from).collect();
        let (dry, wet) = scores.split_at(area);
        let above: Vec<f32> = dry.iter().zip(wet).map(|(dry, wet)| wet - dry).collect();
        let by_class = Mask::from_classes(size, 2, &scores, &[1]);
        prop_assert_eq!(&by_class, &Mask::from_scores(size, &above, 0.0));
        // The other class is where this one is not.
        let other = Mask::from_classes(size, 2, &scores, &[0]).unwrap();
        prop_assert!(other.wet().iter().zip(by_class.unwrap().wet()).all(|(a, b)| a != b));
        let both = Mask::from_classes(size, 2, &scores, &[0, 1]).unwrap();
        prop_assert_eq!(both.wet(), vec![true; area]);
    }

    #[test]
    fn a_region_has_no_more_water_than_pixels(
        mask in mask(),
        points in prop::collection::vec([-30i32..30, -30i32..30], 0..8),
    ) {
        let roi = Roi { name: "R".to_owned(), points };
        let dry = Mask::new(mask.size(), vec![false; mask.wet().len()]).unwrap();
        let full = Mask::new(mask.size(), vec![true; mask.wet().len()]).unwrap();
        let counted = count(&mask, &roi);
        prop_assert_eq!(count(&full, &roi).water, counted.pixels);
        prop_assert_eq!(count(&dry, &roi).water, 0);
        prop_assert!(counted.water <= counted.pixels);
    }

    #[test]
    fn corners_anywhere_break_nothing(size in size(), points in prop::collection::vec(any::<[i32; 2]>(), 0..12)) {
        prop_assert_eq!(Mask::polygon(size, &points).size(), size);
    }
}

#[test]
fn corners_at_the_ends_of_the_numbers_enclose_the_frame() {
    let size = Size {
        width: 9,
        height: 5,
    };
    let corners = [
        [i32::MIN, i32::MIN],
        [i32::MAX, i32::MIN],
        [i32::MAX, i32::MAX],
        [i32::MIN, i32::MAX],
    ];
    assert_eq!(Mask::polygon(size, &corners).share(), 1.0);
}

#[test]
fn scores_of_another_length_make_no_mask() {
    let size = Size {
        width: 3,
        height: 2,
    };
    assert_eq!(Mask::new(size, vec![true; 5]), None);
    assert_eq!(Mask::from_scores(size, &[0.0; 7], 0.5), None);
    assert_eq!(Mask::from_classes(size, 2, &[0.0; 6], &[1]), None);
    assert_eq!(Mask::from_classes(size, 0, &[], &[1]), None);
    let no_number = Mask::from_scores(size, &[f32::NAN; 6], 0.5).unwrap();
    assert_eq!(no_number.share(), 0.0);
}

#[test]
fn a_drawn_mask_is_water_above_half() {
    let size = Size {
        width: 4,
        height: 1,
    };
    let picture = Picture::from_luma(size, &[0, 127, 128, 255]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("truth.png");
    std::fs::write(
        &path,
        encode(&picture, weir_journey::infer::PictureFormat::Png),
    )
    .unwrap();
    let mask = Mask::read(&path, &Limits::default()).unwrap();
    assert_eq!(
        mask,
        Mask::new(size, vec![false, false, true, true]).unwrap()
    );
    assert!(Mask::read(&folder.path().join("missing.png"), &Limits::default()).is_err());
}
