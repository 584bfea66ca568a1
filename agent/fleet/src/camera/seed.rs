//! Seeds from seeds: what is drawn for one shot depends on that shot alone, never on what was drawn before.

/// What a random number is for: two purposes never share a stream.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Jitter = 1,
    Bursts,
    Size,
    Noise,
    Fault,
    Lasting,
    Pieces,
    Cut,
    Twin,
}

/// The random numbers of one purpose at one site, for one of its shots (0 where there is none).
pub(super) fn stream(purpose: Purpose, seed: u64, site: u32, shot: u64) -> fastrand::Rng {
    fastrand::Rng::with_seed(mix(&[purpose as u64, seed, site.into(), shot]))
}

/// One seed from many parts, by the finalizer of SplitMix64 (Steele, Lea, Flood 2014).
pub(super) fn mix(parts: &[u64]) -> u64 {
    parts.iter().fold(0x9E37_79B9_7F4A_7C15, |seed, part| {
        let mut z = (seed ^ part).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    })
}

/// A number of the standard normal distribution (Box and Muller 1958).
pub(super) fn normal(rng: &mut fastrand::Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.f64()).cos()
}
