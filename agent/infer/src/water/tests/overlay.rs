//! What an overlay shows where.

use proptest::prelude::*;
use weir_journey::infer::{Overlay, PictureFormat, Roi, Size};

use crate::picture::Picture;
use crate::water::{Mask, overlay};

fn gray(size: Size) -> Picture {
    Picture::from_luma(size, &vec![100; (size.width * size.height) as usize]).unwrap()
}

fn at(picture: &Picture, x: u32, y: u32) -> [u8; 3] {
    let from = ((y * picture.size().width + x) * 3) as usize;
    picture.rgb()[from..from + 3].try_into().unwrap()
}

proptest! {
    #[test]
    fn an_overlay_is_as_wide_as_wanted_and_never_wider_than_the_picture(
        width in 1u32..90,
        height in 1u32..60,
        wanted in 0u32..200,
        frame in (0u32..40, 0u32..40),
        points in prop::collection::vec(any::<[i32; 2]>(), 0..6),
    ) {
        let frame = Size { width: frame.0, height: frame.1 };
        let mask = Mask::new(frame, vec![true; (frame.width * frame.height) as usize]).unwrap();
        let roi = Roi { name: "R".to_owned(), points };
        let wanted = Overlay { width: wanted, format: PictureFormat::Png };
        let made = overlay(&gray(Size { width, height }), &mask, &[roi], &wanted).size();
        prop_assert_eq!(made.width, wanted.width.clamp(1, width));
        let exact = f64::from(height) * f64::from(made.width) / f64::from(width);
        prop_assert!((f64::from(made.height) - exact).abs() <= 0.5 || made.height == 1);
    }
}

#[test]
fn water_is_red_land_is_as_it_was_and_regions_are_outlined() {
    // The mask and the region are in a frame of half the picture's size: water on the left.
    let frame = Size {
        width: 80,
        height: 40,
    };
    let wet = (0..80 * 40).map(|at| at % 80 < 40).collect();
    let mask = Mask::new(frame, wet).unwrap();
    let roi = Roi {
        name: "R".to_owned(),
        points: vec![[10, 10], [60, 10], [60, 30], [10, 30]],
    };
    let picture = gray(Size {
        width: 160,
        height: 80,
    });
    let wanted = Overlay {
        width: 160,
        format: PictureFormat::Jpeg,
    };
    let made = overlay(&picture, &mask, &[roi], &wanted);
    let (water, land, line) = ([177, 50, 50], [100; 3], [255, 220, 0]);
    for (x, y, colour) in [
        (0, 0, water),
        (79, 79, water),
        (80, 0, land),
        (159, 79, land),
        (21, 21, line),
        (50, 21, line),
        (121, 61, line),
        (50, 22, water),
        (100, 40, land),
    ] {
        assert_eq!(at(&made, x, y), colour, "{x} {y}");
    }
}

#[test]
fn outlines_are_two_pixels_wide_at_full_width() {
    let size = Size {
        width: 1920,
        height: 20,
    };
    let mask = Mask::new(size, vec![false; 1920 * 20]).unwrap();
    let roi = Roi {
        name: "R".to_owned(),
        points: vec![[100, 10], [900, 10], [500, 10]],
    };
    let wanted = Overlay {
        width: 1920,
        format: PictureFormat::Png,
    };
    let made = overlay(&gray(size), &mask, &[roi], &wanted);
    let yellow: Vec<u32> = (0..20)
        .filter(|&y| at(&made, 500, y) == [255, 220, 0])
        .collect();
    assert_eq!(yellow, [9, 10]);
}
