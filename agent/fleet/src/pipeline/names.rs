//! Which bucket is whose, and where a result goes: the names of the reference experiment.

/// The number of the site whose images this bucket is for: 7 for `site7-simulatedbucket`.
pub fn site_of_bucket(bucket: &str) -> Option<u32> {
    let digits = bucket
        .strip_prefix("site")?
        .strip_suffix("-simulatedbucket")?;
    let plain = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

/// The bucket for the images of a site.
pub fn image_bucket(site: u32) -> String {
    format!("site{site}-simulatedbucket")
}

/// The bucket for the results of a site.
pub fn result_bucket(site: u32) -> String {
    format!("site{site}-segmentedoutput")
}

/// The key of an image's result: beside it, `photo.jpg` becoming `photo_segmented.png`.
pub fn result_key(image: &str) -> String {
    let (folder, name) = image.rsplit_once('/').map_or(("", image), |(f, n)| (f, n));
    let stem = match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    };
    let slash = if folder.is_empty() { "" } else { "/" };
    format!("{folder}{slash}{stem}_segmented.png")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_sites_bucket_leads_back_to_it(site in 1_u32..) {
            prop_assert_eq!(site_of_bucket(&image_bucket(site)), Some(site));
            prop_assert_eq!(site_of_bucket(&result_bucket(site)), None);
        }
    }

    #[test]
    fn other_buckets_are_nobodys() {
        for bucket in [
            "site-simulatedbucket",
            "site01-simulatedbucket",
            "site+1-simulatedbucket",
            "site1-simulatedbucket-2",
            "weir-control",
            "site99999999999-simulatedbucket",
        ] {
            assert_eq!(site_of_bucket(bucket), None, "{bucket}");
        }
    }

    #[test]
    fn results_are_named_as_the_reference_pipeline_names_them() {
        assert_eq!(
            result_key("2024/August/image_capture_2024-08-09_14-30-00.jpg"),
            "2024/August/image_capture_2024-08-09_14-30-00_segmented.png"
        );
        assert_eq!(result_key("a.b.jpg"), "a.b_segmented.png");
        assert_eq!(result_key("2024.x/plain"), "2024.x/plain_segmented.png");
    }
}
