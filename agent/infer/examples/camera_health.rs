//! Measures what the health of a camera looks like in its pictures, to set `Bounds::default()`:
//!
//! cargo run --release -p weir-infer --example camera_health -- FILE...
//!
//! Each file, a photograph without defects, is examined as it is and with each of the known defects; printed are the
//! quantiles of each quantity and how many pictures got which flag.

use std::path::Path;

use weir_infer::health::examine;
use weir_infer::picture::{Filter, Limits, Picture, apply, read, resize};
use weir_journey::infer::{Bounds, Flag, Health, Size, Step};

/// The height of a picture follows from this width.
const WIDTH: u32 = 1280;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut photos = Vec::new();
    for file in std::env::args_os().skip(1) {
        photos.push(at_width(&read(Path::new(&file), &Limits::default())?));
    }
    println!("{} photographs", photos.len());
    let strangers = photos.iter().skip(1).chain(photos.first());
    let pairs: Vec<(&Picture, &Picture)> = photos.iter().zip(strangers).collect();
    for (name, defect) in DEFECTS {
        let found: Vec<Health> = pairs
            .iter()
            .map(|(photo, stranger)| {
                let (before, after) = defect(photo, stranger);
                let bounds = Bounds::default();
                let (_, print) = examine(&before, None, &bounds);
                examine(&after, Some(&print), &bounds).0
            })
            .collect();
        show(name, &found);
    }
    Ok(())
}

fn at_width(photo: &Picture) -> Picture {
    let Size { width, height } = photo.size();
    let height = (u64::from(height) * u64::from(WIDTH) / u64::from(width)) as u32;
    resize(
        photo,
        Size {
            width: WIDTH,
            height,
        },
        Filter::Area,
    )
}

/// Makes the picture before and the picture with the defect of a photograph and another one.
type Defect = fn(&Picture, &Picture) -> (Picture, Picture);

const DEFECTS: [(&str, Defect); 14] = [
    ("none, a little noise", |photo, _| {
        (noisy(photo, 3.0, 1), noisy(photo, 3.0, 2))
    }),
    ("none, other light", |photo, _| {
        (photo.clone(), levels(&noisy(photo, 3.0, 3), 0.7, 8.0))
    }),
    ("none, a strong haze", |photo, _| {
        (photo.clone(), levels(&noisy(photo, 3.0, 3), 0.4, 110.0))
    }),
    ("dark", |photo, _| {
        (photo.clone(), noisy(&levels(photo, 0.05, 2.0), 3.0, 4))
    }),
    ("burnt", |photo, _| {
        (photo.clone(), levels(photo, 3.0, 60.0))
    }),
    ("slightly out of focus", |photo, _| {
        (photo.clone(), noisy(&blurred(photo, 8), 3.0, 5))
    }),
    ("out of focus", |photo, _| {
        (photo.clone(), noisy(&blurred(photo, 24), 3.0, 5))
    }),
    ("dense fog", |photo, _| {
        (photo.clone(), noisy(&levels(photo, 0.08, 150.0), 3.0, 6))
    }),
    ("the same again", |photo, _| (photo.clone(), photo.clone())),
    ("covered by 9 parts of 10", |photo, _| {
        (photo.clone(), covered(photo, 0.9))
    }),
    ("covered by half", |photo, _| {
        (photo.clone(), covered(photo, 0.5))
    }),
    ("moved right by 6 %", |photo, _| moved(photo, 0.06, 0.0)),
    ("moved by 8 % and 10 %", |photo, _| moved(photo, 0.08, 0.10)),
    ("another photograph", |photo, stranger| {
        (photo.clone(), resize(stranger, photo.size(), Filter::Area))
    }),
];

fn each(photo: &Picture, change: impl FnMut((usize, u8)) -> f64) -> Picture {
    let changed = photo.rgb().iter().copied().enumerate().map(change);
    let rgb = changed
        .map(|level| level.round().clamp(0.0, 255.0) as u8)
        .collect();
    Picture::new(photo.size(), rgb).expect("it has as many pixels as before")
}

fn levels(photo: &Picture, factor: f64, more: f64) -> Picture {
    each(photo, |(_, level)| f64::from(level) * factor + more)
}

/// Noise of that standard deviation in every channel, in levels.
fn noisy(photo: &Picture, deviation: f64, seed: u32) -> Picture {
    each(photo, |(at, level)| {
        // Three uniform numbers make about a normal one; their variance is a quarter.
        let sum: f64 = (0..3)
            .map(|part| uniform(at as u32 * 3 + part, seed) - 0.5)
            .sum();
        f64::from(level) + 2.0 * deviation * sum
    })
}

fn uniform(index: u32, seed: u32) -> f64 {
    let x = (index ^ seed.wrapping_mul(0x9E37_79B9)).wrapping_mul(0x85EB_CA6B);
    let x = (x ^ (x >> 13)).wrapping_mul(0xC2B2_AE35);
    f64::from(x ^ (x >> 16)) / f64::from(u32::MAX)
}

/// Without what is smaller than so many pixels.
fn blurred(photo: &Picture, pixels: u32) -> Picture {
    let Size { width, height } = photo.size();
    let less = Size {
        width: width / pixels,
        height: height / pixels,
    };
    resize(
        &resize(photo, less, Filter::Bilinear),
        photo.size(),
        Filter::Bicubic,
    )
}

/// Covered from the left by something close to the lens, whose edge is soft.
fn covered(photo: &Picture, share: f64) -> Picture {
    let width = photo.size().width as usize;
    let edge = share * width as f64;
    let cover = each(photo, |(at, level)| {
        let x = (at / 3 % width) as f64;
        let opaque = ((edge - x) / 60.0 + 0.5).clamp(0.0, 1.0);
        f64::from(level) * (1.0 - opaque) + 70.0 * opaque
    });
    noisy(&cover, 3.0, 7)
}

/// Two crops of the photograph: what it shows moves right and down by these shares of the crop.
fn moved(photo: &Picture, right: f64, down: f64) -> (Picture, Picture) {
    let Size { width, height } = photo.size();
    let (w, h) = (width * 4 / 5, height * 4 / 5);
    let dx = (right * f64::from(w)) as u32;
    let dy = (down * f64::from(h)) as u32;
    let cut = |x, y| {
        let crop = Step::Crop {
            x,
            y,
            width: w,
            height: h,
        };
        apply(photo.clone(), &[crop]).expect("a fifth of the photograph is left")
    };
    (
        noisy(&cut(dx, dy), 3.0, 8),
        levels(&noisy(&cut(0, 0), 3.0, 9), 0.8, 10.0),
    )
}

fn show(name: &str, found: &[Health]) {
    println!("\n{name}");
    let flagged = |flag: Flag| {
        found
            .iter()
            .filter(|health| health.flags.contains(&flag))
            .count()
    };
    let flags = Flag::ALL.map(|flag| format!("{} {}", flag.name(), flagged(flag)));
    println!("  {}", flags.join(", "));
    row("brightness", found.iter().map(|health| health.brightness));
    row("burnt", found.iter().map(|health| health.burnt));
    row("sharpness", found.iter().map(|health| health.sharpness));
    row("plain", found.iter().map(|health| health.plain));
    row(
        "difference",
        found.iter().filter_map(|health| health.difference),
    );
    row(
        "moved right",
        found.iter().filter_map(|health| Some(health.moved?[0])),
    );
    row(
        "moved down",
        found.iter().filter_map(|health| Some(health.moved?[1])),
    );
}

fn row(name: &str, values: impl Iterator<Item = f64>) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let Some(last) = values.len().checked_sub(1) else {
        return;
    };
    let at = |share: f64| format!("{:10.5}", values[(share * last as f64).round() as usize]);
    let quantiles: Vec<String> = [0.0, 0.02, 0.1, 0.5, 0.9, 0.98, 1.0].map(at).to_vec();
    println!("  {name:12} {:4} {}", values.len(), quantiles.join(" "));
}
