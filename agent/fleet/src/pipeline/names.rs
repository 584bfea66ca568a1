//! Where the result of an image goes: the names of the reference pipeline.

/// The key of an image's result in the bucket of its site's results: `a/photo.jpg` becomes `a/photo_segmented.png`.
pub(super) fn result_key(image: &str) -> String {
    let name = image.rfind('/').map_or(0, |slash| slash + 1);
    let end = match image[name..].rfind('.') {
        Some(dot) if dot > 0 => name + dot,
        _ => image.len(),
    };
    format!("{}_segmented.png", &image[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_named_as_the_reference_pipeline_names_them() {
        for (image, result) in [
            (
                "2024/August/image_capture_2024-08-09_14-30-00.jpg",
                "2024/August/image_capture_2024-08-09_14-30-00_segmented.png",
            ),
            ("a.b.jpg", "a.b_segmented.png"),
            ("2024.x/plain", "2024.x/plain_segmented.png"),
            ("2024.x/.hidden", "2024.x/.hidden_segmented.png"),
        ] {
            assert_eq!(result_key(image), result);
        }
    }
}
