//! One sequential read of a file for all who want its bytes.

use std::io::{self, Read, Seek};

use super::scan::Scan;
use super::structure::Inspection;

/// Bytes read at once: few system calls, and still in a core's cache when the second reader of a chunk comes. Below
/// glibc's 128 KiB, above which a freed block makes its allocator keep more from then on.
const CHUNK: usize = 64 << 10;

/// Reads `source` once from its first byte to its end, shows every chunk in order to `on_chunk` (whoever
/// hashes), and says what it is.
///
/// TIFF, HEIC and AVIF are then read in a few small pieces by position; all the others are not touched again.
/// At most about 1.5 MiB is held, and time is linear in the length of the source.
///
/// # Errors
/// Those of `source`; the finding of a file that cannot be read is the caller's.
pub fn inspect<R: Read + Seek>(
    source: &mut R,
    mut on_chunk: impl FnMut(&[u8]),
) -> io::Result<Inspection> {
    source.rewind()?;
    let mut scan = Scan::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        on_chunk(&buffer[..read]);
        scan.push(&buffer[..read]);
    }
    drop(buffer);
    scan.finish(source)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::fixtures::Picture;
    use crate::settle::{Foreign, Format, Structure};

    const DATE: &str = "2024:08:09 14:30:00";

    /// A test picture of each kind, with the format it is.
    fn all(picture: &Picture) -> Vec<(Format, Vec<u8>)> {
        vec![
            (Format::Jpeg, picture.jpeg()),
            (Format::Png, picture.png()),
            (Format::WebP, picture.webp()),
            (Format::Tiff, picture.tiff()),
            (Format::Heic, picture.heic()),
            (Format::Avif, picture.avif()),
            (Format::Mp4, picture.mp4()),
            (Format::Mkv, picture.mkv()),
            (Format::Mkv, picture.live_mkv()),
        ]
    }

    fn whole(bytes: &[u8]) -> Inspection {
        inspect(&mut Cursor::new(bytes), |_| {}).expect("memory can be read")
    }

    fn structure(bytes: &[u8]) -> Structure {
        whole(bytes).structure
    }

    /// The finding when the bytes come in pieces of these lengths, in turn.
    fn in_pieces(bytes: &[u8], lengths: &[usize]) -> Inspection {
        let mut scan = Scan::new();
        let mut rest = bytes;
        for length in lengths.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at(rest.len().min(*length));
            scan.push(piece);
            rest = after;
        }
        scan.finish(&mut Cursor::new(bytes))
            .expect("memory can be read")
    }

    fn picture() -> impl Strategy<Value = Picture> {
        (any::<u64>(), 0..3000_usize, any::<bool>(), any::<bool>()).prop_map(
            |(seed, noise, dated, thumbnail)| {
                let mut picture = Picture::new(seed).sized(noise);
                if dated {
                    picture = picture.taken(DATE).offset("-07:00");
                }
                if thumbnail {
                    picture.thumbnail()
                } else {
                    picture
                }
            },
        )
    }

    proptest! {
        #[test]
        fn every_picture_is_whole_and_its_exif_found(picture in picture()) {
            for (format, bytes) in all(&picture) {
                let found = whole(&bytes);
                prop_assert_eq!(found.structure, Structure::Whole(format));
                prop_assert_eq!(found.len, bytes.len() as u64);
                if let Format::Jpeg | Format::Png | Format::WebP | Format::Heic | Format::Avif = format {
                    prop_assert_eq!(found.exif, picture.exif(), "{}", format);
                }
            }
        }

        #[test]
        fn no_picture_is_whole_before_its_last_byte(picture in picture(), cut: prop::sample::Index) {
            for (format, bytes) in all(&picture) {
                // Unknown sizes make a stream whole at each of its elements, which is their purpose.
                if bytes == picture.live_mkv() {
                    continue;
                }
                let found = structure(&bytes[..cut.index(bytes.len())]);
                prop_assert!(!matches!(found, Structure::Whole(_)), "{} {:?}", format, found);
            }
        }

        #[test]
        fn space_reserved_but_not_written_is_no_picture(
            picture in picture().prop_flat_map(|picture| (0..7000_usize).prop_map(move |n| picture.clone().sized(n))),
            cut: prop::sample::Index,
        ) {
            for (format, mut bytes) in all(&picture) {
                // A picture whose last bytes are zeros anyway is not changed by them.
                let written = cut.index(bytes.len());
                if format == Format::Mkv || bytes[written..].iter().filter(|b| **b != 0).count() < 16 {
                    continue;
                }
                // Sizes written ahead of the data leave only the zeros themselves to tell, if they are many.
                let ahead = matches!(format, Format::WebP | Format::Heic | Format::Avif);
                if ahead && bytes.len() - written < 5000 {
                    continue;
                }
                bytes[written..].fill(0);
                let found = structure(&bytes);
                let taken = matches!(found, Structure::Whole(_));
                prop_assert!(!taken, "{} {:?} {}", format, found, written);
            }
        }

        #[test]
        fn what_follows_a_whole_picture_does_not_matter(
            picture in picture(),
            tail in prop_oneof![
                (1..600_usize).prop_map(|n| vec![0; n]),
                (1..600_usize).prop_map(|n| vec![0xFF; n]),
                prop::collection::vec(any::<u8>(), 1..600),
            ],
        ) {
            for (format, mut bytes) in all(&picture) {
                if bytes == picture.live_mkv() {
                    continue;
                }
                bytes.extend(&tail);
                prop_assert_eq!(structure(&bytes), Structure::Whole(format));
            }
        }

        #[test]
        fn the_finding_does_not_depend_on_the_pieces(
            picture in picture(),
            lengths in prop::collection::vec(1..400_usize, 1..6),
            cut: prop::sample::Index,
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        ) {
            for (_, mut bytes) in all(&picture) {
                for (at, byte) in &damage {
                    *at.get_mut(&mut bytes) = *byte;
                }
                let bytes = &bytes[..bytes.len() - cut.index(bytes.len()) / 2];
                prop_assert_eq!(in_pieces(bytes, &lengths), whole(bytes));
            }
        }

        #[test]
        fn every_byte_is_shown_once_in_order(noise in 0..700_000_usize) {
            let bytes = Picture::new(7).sized(noise).jpeg();
            let mut shown = Vec::new();
            inspect(&mut Cursor::new(&bytes), |chunk| shown.extend_from_slice(chunk))?;
            prop_assert!(shown == bytes);
        }

        #[test]
        fn no_damage_is_too_wild(
            picture in picture(),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        ) {
            for (_, mut bytes) in all(&picture) {
                // Half of it within the structures at the start.
                for (i, (at, byte)) in damage.iter().enumerate() {
                    let reach = if i % 2 == 0 { bytes.len().min(120) } else { bytes.len() };
                    bytes[at.index(reach)] = *byte;
                }
                let found = whole(&bytes);
                prop_assert!(found.exif.is_none_or(|block| block.len() <= crate::settle::MAX_EXIF));
            }
        }

        #[test]
        fn random_bytes_behind_a_true_beginning_end_in_an_answer(
            start in 0..9_usize,
            kept in 0..64_usize,
            noise in prop::collection::vec(any::<u8>(), 0..2000),
        ) {
            let (_, bytes) = &all(&Picture::new(1).taken(DATE))[start];
            let bytes = [&bytes[..kept.min(bytes.len())], &noise].concat();
            whole(&bytes);
        }
    }

    #[test]
    fn the_end_of_a_thumbnail_is_not_the_end_of_the_picture() {
        let bytes = Picture::new(1).taken(DATE).thumbnail().sized(500).jpeg();
        let ends = memchr::memmem::find_iter(&bytes, &[0xFF, 0xD9]).count();
        assert!(ends >= 2, "the fixture holds a thumbnail");
        let cut = bytes.len() - 2;
        assert_eq!(
            structure(&bytes[..cut]),
            Structure::Partial {
                format: Format::Jpeg,
                missing: "its end marker (EOI)"
            }
        );
    }

    #[test]
    fn entropy_data_of_a_progressive_picture_is_walked_through() {
        let mut bytes = Picture::new(1).jpeg();
        bytes.truncate(bytes.len() - 2);
        // Stuffing, a restart, fill bytes, a reserved code; then a table, a second scan and DNL.
        bytes.extend([
            0x12, 0xFF, 0x00, 0xD9, 0xFF, 0xD3, 0x34, 0xFF, 0xFF, 0xFF, 0x00, 0xFF, 0x02,
        ]);
        bytes.extend([
            0xFF, 0xC4, 0, 5, 0xFF, 0xD9, 0, 0xFF, 0xFF, 0xDA, 0, 4, 0xFF, 0xD9, 0x55,
        ]);
        bytes.extend([0xFF, 0xDC, 0, 4, 0, 8]);
        assert!(matches!(structure(&bytes), Structure::Partial { .. }));
        bytes.extend([0xFF, 0xD9]);
        assert_eq!(structure(&bytes), Structure::Whole(Format::Jpeg));
    }

    /// Whether a file of this structure is waited for.
    fn partial(bytes: &[u8]) -> bool {
        matches!(structure(bytes), Structure::Partial { .. })
    }

    #[test]
    fn a_jpeg_needs_a_frame_and_a_scan() {
        let frame = [0xFF, 0xC0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0];
        let scan = [0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0x3F];
        let jpeg =
            |parts: &[&[u8]]| [&[0xFF, 0xD8], parts.concat().as_slice(), &[0xFF, 0xD9]].concat();
        assert!(partial(&jpeg(&[])));
        assert!(partial(&jpeg(&[&frame])));
        assert!(partial(&jpeg(&[&scan])));
        assert_eq!(
            structure(&jpeg(&[&frame, &scan])),
            Structure::Whole(Format::Jpeg)
        );
    }

    #[test]
    fn a_png_needs_data_and_true_ends() {
        let png = Picture::new(1).png();
        let end = png.len() - 12;
        assert!(partial(&[&png[..8 + 25], &png[end..]].concat()));
        for damaged in [19, png.len() - 1] {
            let mut png = png.clone();
            png[damaged] ^= 1;
            assert!(partial(&png), "{damaged}");
        }
    }

    #[test]
    fn a_webp_needs_a_picture_and_chunks_that_fit() {
        let webp = Picture::new(1).webp();
        let mut other = webp.clone();
        let name = memchr::memmem::find(&other, b"VP8L").expect("the fixture has a picture");
        other[name + 3] = b'?';
        assert!(partial(&other));
        let mut wide = [webp.as_slice(), &[0x55; 100]].concat();
        let size = memchr::memmem::find(&wide, b"WEIR").expect("the fixture has filler") + 4;
        wide[size] += 2;
        assert!(partial(&wide));
    }

    #[test]
    fn a_video_needs_its_media_data() {
        let mp4 = Picture::new(1).mp4();
        let mdat = memchr::memmem::find(&mp4, b"mdat").expect("the fixture has data") - 4;
        let moov = memchr::memmem::find(&mp4, b"moov").expect("the fixture has an index") - 4;
        assert!(partial(&[&mp4[..mdat], &mp4[moov..]].concat()));
        // A Matroska segment of no more than its description, its size known.
        let mkv = Picture::new(1).mkv();
        let cluster = memchr::memmem::find(&mkv, &[0x1F, 0x43, 0xB6, 0x75]).expect("a cluster");
        let segment = memchr::memmem::find(&mkv, &[0x18, 0x53, 0x80, 0x67]).expect("a segment");
        let mut bare = mkv[..cluster].to_vec();
        bare[segment + 11] = (cluster - segment - 12) as u8;
        bare[segment + 10] = 0;
        assert!(partial(&bare));
    }

    #[test]
    fn bytes_behind_the_last_box_are_told_from_a_box_cut_short() {
        let mp4 = Picture::new(1).mp4();
        let text = [mp4.as_slice(), b"\0\0\x40\0note of the camera"].concat();
        assert_eq!(structure(&text), Structure::Whole(Format::Mp4));
        let more = [mp4.as_slice(), b"\0\0\x40\0mdat and so on"].concat();
        assert!(partial(&more));
    }

    #[test]
    fn other_files_are_told_apart() {
        assert_eq!(structure(b""), Structure::Empty);
        assert_eq!(structure(&[0; 100_000]), Structure::Foreign(Foreign::Zeros));
        for place in [0, 99_999] {
            let mut almost = [0; 100_000];
            almost[place] = 1;
            assert_eq!(structure(&almost), Structure::Foreign(Foreign::Unknown));
        }
        let page = b"<!DOCTYPE html><html><body>401 Unauthorized</body></html>";
        assert_eq!(structure(page), Structure::Foreign(Foreign::Html));
    }

    #[test]
    fn a_live_video_may_end_between_elements_only() {
        let bytes = Picture::new(1).sized(300).live_mkv();
        assert!(matches!(
            structure(&bytes[..bytes.len() - 1]),
            Structure::Partial { .. }
        ));
        let longer = [bytes.as_slice(), &[0xA3, 0x81, 0x00]].concat();
        assert_eq!(structure(&longer), Structure::Whole(Format::Mkv));
    }

    #[test]
    fn a_tiff_says_when_it_was_taken_in_an_excerpt() {
        let found = whole(&Picture::new(1).taken(DATE).sized(3_000_000).tiff());
        let block = found.exif.expect("the fixture has an EXIF directory");
        assert!(block.len() < 1000);
        let exif = exif::Reader::new()
            .read_raw(block)
            .expect("the excerpt is TIFF");
        let date = exif.get_field(exif::Tag::DateTimeOriginal, exif::In::PRIMARY);
        assert_eq!(
            date.map(|field| field.display_value().to_string()),
            Some(DATE.replacen(':', "-", 2))
        );
    }

    #[test]
    fn a_tiff_whose_strips_lie_beyond_its_end_is_partial() {
        let mut bytes = Picture::new(1).tiff();
        let directory = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]) as usize;
        // The last entry is StripByteCounts; one byte more than there are is too many.
        let count = directory + 2 + 8 * 12 + 8;
        let room = (bytes.len() - 8) as u32;
        bytes[count..count + 4].copy_from_slice(&room.to_le_bytes());
        assert_eq!(structure(&bytes), Structure::Whole(Format::Tiff));
        bytes[count..count + 4].copy_from_slice(&(room + 1).to_le_bytes());
        assert!(matches!(structure(&bytes), Structure::Partial { .. }));
    }

    #[test]
    fn a_tiff_directory_must_be_written_and_its_values_in_the_file() {
        let bytes = Picture::new(1).tiff();
        let directory = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]) as usize;
        let entry = directory + 2 + 12;
        let mut unwritten = bytes.clone();
        unwritten[entry..entry + 12].fill(0);
        assert!(partial(&unwritten));
        // As many values as need a place of their own, from the given position on.
        let with_value_at = |at: usize| {
            let mut bytes = bytes.clone();
            bytes[entry + 4..entry + 8].copy_from_slice(&4_u32.to_le_bytes());
            bytes[entry + 8..entry + 12].copy_from_slice(&(at as u32).to_le_bytes());
            structure(&bytes)
        };
        assert_eq!(
            with_value_at(bytes.len() - 8),
            Structure::Whole(Format::Tiff)
        );
        assert!(matches!(
            with_value_at(bytes.len() - 7),
            Structure::Partial { .. }
        ));
    }

    #[test]
    fn directories_in_a_circle_end() {
        let mut bytes = Picture::new(1).tiff();
        let directory = bytes[4..8].to_vec();
        let next = bytes.len() - 4;
        bytes[next..].copy_from_slice(&directory);
        assert_eq!(structure(&bytes), Structure::Whole(Format::Tiff));
    }

    #[test]
    fn items_of_a_heic_must_lie_in_the_file() {
        let bytes = Picture::new(1).sized(100).heic();
        let mdat = memchr::memmem::find(&bytes, b"mdat").expect("the fixture has data");
        // The data box ends early and says so itself; the items still point beyond it.
        let mut short = bytes[..bytes.len() - 10].to_vec();
        let size = (short.len() - (mdat - 4)) as u32;
        short[mdat - 4..mdat].copy_from_slice(&size.to_be_bytes());
        assert_eq!(
            structure(&short),
            Structure::Partial {
                format: Format::Heic,
                missing: "bytes that its items point to"
            }
        );
    }

    #[test]
    fn boxes_may_have_large_sizes_or_go_to_the_end() {
        let bytes = Picture::new(1).mp4();
        let mdat = memchr::memmem::find(&bytes, b"mdat").expect("the fixture has data") - 4;
        let size = bytes[mdat..mdat + 4].to_vec();
        let data = mdat + u32::from_be_bytes([size[0], size[1], size[2], size[3]]) as usize;
        let body = &bytes[mdat + 8..data];
        let large = [
            &bytes[..mdat],
            &[0, 0, 0, 1],
            b"mdat",
            &(body.len() as u64 + 16).to_be_bytes(),
            body,
            &bytes[data..],
        ]
        .concat();
        assert_eq!(structure(&large), Structure::Whole(Format::Mp4));
        let open = [&bytes[..mdat], &bytes[data..], &[0, 0, 0, 0], b"mdat", body].concat();
        assert_eq!(structure(&open), Structure::Whole(Format::Mp4));
        // The same without its index, as while it is being written.
        let begun = [&bytes[..mdat], &[0, 0, 0, 0], b"mdat", body].concat();
        assert!(matches!(structure(&begun), Structure::Partial { .. }));
    }
}
