//! What holds for any picture and any file.

use std::io::Write as _;
use std::path::PathBuf;

use proptest::prelude::*;
use weir_journey::infer::{PictureFormat, Step, Trouble};

use super::super::*;
use super::{noise, picture, size};

const FORMATS: [PictureFormat; 2] = [PictureFormat::Png, PictureFormat::Jpeg];
const FILTERS: [Filter; 5] = [
    Filter::Nearest,
    Filter::Bilinear,
    Filter::Bicubic,
    Filter::Lanczos,
    Filter::Area,
];
/// Room for the pictures of these tests, and not much more.
const TIGHT: Limits = Limits {
    file_bytes: 100_000,
    pixels: 10_000,
};

/// A picture of small sides, its pixels a window of noise.
fn any_picture() -> impl Strategy<Value = Picture> {
    (1u32..40, 1u32..40, 0usize..5000).prop_map(|(width, height, from)| {
        let count = width as usize * height as usize * 3;
        let rgb = noise(10_000).skip(from).take(count).collect();
        Picture::new(size(width, height), rgb).unwrap()
    })
}

/// A file as it comes, one of each kind.
fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/pillow");
    let names = [
        "rgb.jpg",
        "halved.jpg",
        "progressive.jpg",
        "cmyk.jpg",
        "turned-5.jpg",
        "alpha.png",
        "palette.png",
        "deep.png",
    ];
    prop::sample::select(names.to_vec())
        .prop_map(move |name| std::fs::read(folder.join(name)).unwrap())
}

/// Whatever a file says, a picture within the limits or an error is all that comes of it.
fn within(bytes: &[u8], limits: &Limits) -> Result<(), TestCaseError> {
    if let Ok(picture) = decode(bytes, limits) {
        let Size { width, height } = picture.size();
        let pixels = u64::from(width) * u64::from(height);
        prop_assert!(pixels <= limits.pixels);
        prop_assert_eq!(picture.rgb().len() as u64, pixels * 3);
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_png_gives_back_the_picture(picture in any_picture(), gray: bool) {
        let picture = if gray { apply(picture, &[Step::Grayscale]).unwrap() } else { picture };
        let back = decode(&encode(&picture, PictureFormat::Png), &TIGHT).unwrap();
        prop_assert_eq!(back, picture);
    }

    #[test]
    fn four_turns_and_two_flips_change_nothing(picture in any_picture()) {
        let turn = Step::Rotate { quarters: 1 };
        let chains = [
            vec![turn; 4],
            vec![Step::Rotate { quarters: 3 }, turn],
            vec![Step::FlipHorizontal; 2],
            vec![Step::FlipVertical; 2],
            vec![Step::FlipHorizontal, Step::FlipVertical, Step::Rotate { quarters: 2 }],
        ];
        for chain in chains {
            prop_assert_eq!(&apply(picture.clone(), &chain).unwrap(), &picture);
        }
    }

    #[test]
    fn a_gray_picture_stays_gray(
        picture in any_picture(),
        width in 1u32..60,
        height in 1u32..60,
        filter in prop::sample::select(FILTERS.to_vec()),
        format in prop::sample::select(FORMATS.to_vec()),
    ) {
        let gray = apply(picture, &[Step::Grayscale, Step::Rotate { quarters: 1 }, Step::FlipVertical]).unwrap();
        let made = resize(&gray, size(width, height), filter);
        prop_assert!(made.rgb().as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b));
        let back = decode(&encode(&made, format), &TIGHT).unwrap();
        prop_assert!(made.is_gray() && back.is_gray());
        prop_assert_eq!(back.size(), size(width, height));
    }

    #[test]
    fn a_gray_picture_is_resized_as_its_channels_are(
        picture in any_picture(),
        width in 1u32..60,
        height in 1u32..60,
        filter in prop::sample::select(FILTERS.to_vec()),
    ) {
        let gray = apply(picture, &[Step::Grayscale]).unwrap();
        let colour = Picture::new(gray.size(), gray.rgb().to_vec()).unwrap();
        let to = size(width, height);
        let (one, three) = (resize(&gray, to, filter), resize(&colour, to, filter));
        prop_assert_eq!(one.rgb(), three.rgb());
    }

    #[test]
    fn a_plain_picture_stays_plain(
        level: u8,
        width in 1u32..60,
        height in 1u32..60,
        filter in prop::sample::select(FILTERS.to_vec()),
    ) {
        let plain = Picture::from_luma(size(21, 10), &[level; 210]).unwrap();
        let made = resize(&plain, size(width, height), filter);
        prop_assert!(made.rgb().iter().all(|&other| other == level));
    }

    #[test]
    fn a_crop_is_done_where_it_lies_within(picture in any_picture(), x in 0u32..50, y in 0u32..50, w in 1u32..50, h in 1u32..50) {
        let of = picture.size();
        let step = Step::Crop { x, y, width: w, height: h };
        let fits = x + w <= of.width && y + h <= of.height;
        match apply(picture.clone(), &[Step::FlipHorizontal, Step::FlipHorizontal, step]) {
            Ok(made) => {
                prop_assert!(fits);
                prop_assert_eq!(made.size(), size(w, h));
                let first = (y * of.width + x) as usize * 3;
                prop_assert_eq!(&made.rgb()[..3], &picture.rgb()[first..first + 3]);
            }
            Err(error) => {
                prop_assert!(!fits);
                prop_assert_eq!(error, ChainError::Outside { number: 3, step, size: of });
            }
        }
    }

    #[test]
    fn a_cut_file_is_no_harm(bytes in any_file(), keep in 0.0..1.0f64) {
        let kept = (bytes.len() as f64 * keep) as usize;
        within(&bytes[..kept], &TIGHT)?;
    }

    #[test]
    fn a_damaged_file_is_no_harm(
        mut bytes in any_file(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        within(&bytes, &TIGHT)?;
    }

    #[test]
    fn no_bytes_are_any_harm(start in prop::sample::select(vec![&b"\xFF\xD8\xFF"[..], b"\x89PNG\r\n\x1a\n", b""]), rest: Vec<u8>) {
        within(&[start, &rest].concat(), &TIGHT)?;
    }

    #[test]
    fn a_picture_above_the_limit_is_refused_by_its_header(
        width in 1u32..=65_535,
        height in 1u32..=65_535,
        format in prop::sample::select(FORMATS.to_vec()),
    ) {
        prop_assume!(u64::from(width) * u64::from(height) > TIGHT.pixels);
        let mut file = encode(&picture(8, 8), format);
        claim(&mut file, format, width, height);
        let refused = decode(&file, &TIGHT).unwrap_err();
        let told = matches!(refused, PictureError::TooManyPixels { size, .. } if size == Size { width, height });
        prop_assert!(told, "{}", refused);
    }
}

/// Makes the file of a picture say that it is so large.
fn claim(file: &mut [u8], format: PictureFormat, width: u32, height: u32) {
    match format {
        PictureFormat::Png => {
            file[16..20].copy_from_slice(&width.to_be_bytes());
            file[20..24].copy_from_slice(&height.to_be_bytes());
        }
        PictureFormat::Jpeg => {
            let frame = file.windows(2).position(|two| two == [0xFF, 0xC0]).unwrap();
            file[frame + 5..frame + 7].copy_from_slice(&(height as u16).to_be_bytes());
            file[frame + 7..frame + 9].copy_from_slice(&(width as u16).to_be_bytes());
        }
    }
}

#[test]
fn a_bomb_is_refused() {
    let mut png = encode(&picture(8, 8), PictureFormat::Png);
    claim(&mut png, PictureFormat::Png, 60_000, 60_000);
    let refused = decode(&png, &Limits::default()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the picture is 60000 x 60000 pixels, above the limit of 50000000 pixels and of 65535 a side: have the \
         camera make smaller pictures"
    );
    claim(&mut png, PictureFormat::Png, u32::MAX, 1);
    let refused = decode(&png, &Limits::default()).unwrap_err();
    assert!(matches!(refused, PictureError::TooManyPixels { .. }));
}

#[test]
fn a_file_above_the_limit_is_refused() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&encode(&picture(40, 40), PictureFormat::Png))
        .unwrap();
    let limits = Limits {
        file_bytes: 1000,
        ..Limits::default()
    };
    let refused = read(file.path(), &limits).unwrap_err();
    assert!(matches!(
        refused,
        PictureError::FileTooLarge { limit: 1000, .. }
    ));
    assert!(read(file.path(), &Limits::default()).is_ok());
}

#[test]
fn what_is_wrong_with_a_file_is_told_apart() {
    let missing = read(&PathBuf::from("/nonexistent/image.jpg"), &TIGHT).unwrap_err();
    assert_eq!(missing.trouble(), Trouble::Device);
    let none = decode(b"GIF89a", &TIGHT).unwrap_err();
    assert!(matches!(none, PictureError::NotAPicture), "{none}");
    let png = encode(&picture(30, 30), PictureFormat::Png);
    for kept in [10, 40, png.len() / 2] {
        let broken = decode(&png[..kept], &TIGHT).unwrap_err();
        assert!(
            matches!(broken, PictureError::Broken { format: "PNG", .. }),
            "{broken}"
        );
        assert_eq!(broken.trouble(), Trouble::Picture);
    }
    let jpeg = encode(&picture(8, 8), PictureFormat::Jpeg);
    let frame = jpeg.windows(2).position(|two| two == [0xFF, 0xC0]).unwrap();
    for (at, byte, what) in [
        (1, 0xC9, "arithmetic coding"),
        (1, 0xC3, "lossless coding"),
        (4, 12, "more than 8 bits"),
    ] {
        let mut other = jpeg.clone();
        other[frame + at] = byte;
        let unsupported = decode(&other, &TIGHT).unwrap_err();
        assert!(
            matches!(
                unsupported,
                PictureError::Unsupported { format: "JPEG", .. }
            ),
            "{unsupported}"
        );
        assert!(unsupported.to_string().contains(what), "{unsupported}");
    }
}

#[test]
fn a_chain_makes_no_picture_above_the_limit() {
    let step = Step::Resize {
        width: 65_535,
        height: 65_535,
    };
    let refused = apply(picture(4, 4), &[step]).unwrap_err();
    assert!(matches!(refused, ChainError::TooLarge { number: 1, .. }));
}

#[test]
fn a_picture_has_as_many_pixels_as_it_says() {
    assert_eq!(Picture::new(size(2, 2), vec![0; 11]), None);
    assert_eq!(Picture::new(size(0, 2), vec![]), None);
    assert_eq!(Picture::new(size(65_536, 1), vec![0; 65_536 * 3]), None);
    assert_eq!(
        Picture::from_luma(size(2, 1), &[7, 9]).unwrap().rgb(),
        [7, 7, 7, 9, 9, 9]
    );
}
