//! Whether what the store says it holds is what was accepted.
//!
//! Size and checksum are compared. An ETag is never taken for an MD5: with KMS or multipart it is none.

use serde::{Deserialize, Serialize};

use crate::identity::Sha256;

/// What a store says of an object, in answer to a PUT or a HEAD.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectFacts {
    /// Bytes; a PUT's answer does not tell them.
    pub size: Option<u64>,
    /// The checksum of the whole object, as the store computed or checked it.
    pub sha256: Option<Sha256>,
    /// The checksum of checksums of a multipart object, as the store spells it (`base64-parts`).
    pub composite: Option<String>,
    /// The digest in the object's own metadata: what the writer claimed, not what the store computed.
    pub claimed: Option<Sha256>,
    /// The entity tag, kept for the record.
    pub etag: Option<String>,
}

/// What was accepted, and is expected in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Bytes.
    pub size: u64,
    /// The digest of all of them.
    pub sha256: Sha256,
    /// The checksum of checksums, when it was sent in parts.
    pub composite: Option<String>,
}

/// On what an equality rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Proof {
    /// The store's own SHA-256 of the whole object.
    Checksum = 0,
    /// The store's own SHA-256 over the parts.
    Composite = 1,
    /// Size and the digest in the metadata: the store keeps no checksum, but refused the bytes unless they
    /// matched the signed digest of the request.
    Claim = 2,
}

impl Proof {
    /// The integer that stands for the proof in the database: never renumbered.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The proof that an integer of the database stands for.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Checksum),
            1 => Some(Self::Composite),
            2 => Some(Self::Claim),
            _ => None,
        }
    }
}

/// The outcome of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// The same bytes.
    Same(Proof),
    /// Other bytes: what differs, for the operator.
    Differs(String),
    /// The answer does not say enough.
    Unproven,
}

/// Compares what was accepted with what the store says.
pub fn compare(expected: &Expected, found: &ObjectFacts) -> Comparison {
    if let Some(size) = found.size
        && size != expected.size
    {
        return Comparison::Differs(format!("{size} bytes instead of {}", expected.size));
    }
    if let Some(sha256) = found.sha256 {
        return if sha256 == expected.sha256 {
            Comparison::Same(Proof::Checksum)
        } else {
            Comparison::Differs(format!("SHA-256 {sha256} instead of {}", expected.sha256))
        };
    }
    if let (Some(ours), Some(theirs)) = (&expected.composite, &found.composite) {
        return if ours == theirs {
            Comparison::Same(Proof::Composite)
        } else {
            Comparison::Differs(format!("checksum of parts {theirs} instead of {ours}"))
        };
    }
    match (found.size, found.claimed) {
        (Some(_), Some(claimed)) if claimed == expected.sha256 => Comparison::Same(Proof::Claim),
        (_, Some(claimed)) if claimed != expected.sha256 => {
            Comparison::Differs(format!("SHA-256 {claimed} instead of {}", expected.sha256))
        }
        _ => Comparison::Unproven,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn expected(byte: u8) -> Expected {
        Expected {
            size: 10,
            sha256: Sha256([byte; 32]),
            composite: Some(format!("{byte}-2")),
        }
    }

    prop_compose! {
        fn facts()(size in proptest::option::of(9u64..12), sha in proptest::option::of(0u8..3),
                   composite in proptest::option::of(0u8..3), claimed in proptest::option::of(0u8..3)) -> ObjectFacts {
            ObjectFacts {
                size,
                sha256: sha.map(|byte| Sha256([byte; 32])),
                composite: composite.map(|byte| format!("{byte}-2")),
                claimed: claimed.map(|byte| Sha256([byte; 32])),
                etag: None,
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_is_the_same_against_any_evidence_of_the_store(found in facts(), byte in 0u8..3) {
            let ours = expected(byte);
            if matches!(compare(&ours, &found), Comparison::Same(_)) {
                prop_assert!(found.size.is_none_or(|size| size == 10));
                prop_assert!(found.sha256.is_none_or(|sha| sha == ours.sha256));
                prop_assert!(found.sha256.is_some() || found.composite == ours.composite || found.claimed == Some(ours.sha256));
            }
        }

        #[test]
        fn a_metadata_claim_alone_never_outweighs_the_stores_checksum(claimed in 0u8..3, sha in 0u8..3) {
            let found = ObjectFacts {
                size: Some(10),
                sha256: Some(Sha256([sha; 32])),
                claimed: Some(Sha256([claimed; 32])),
                ..ObjectFacts::default()
            };
            prop_assert_eq!(compare(&expected(0), &found) == Comparison::Same(Proof::Checksum), sha == 0);
        }
    }

    #[test]
    fn an_answer_that_says_nothing_proves_nothing() {
        let silent = ObjectFacts {
            etag: Some("\"d41d8\"".into()),
            size: Some(10),
            ..ObjectFacts::default()
        };
        assert_eq!(compare(&expected(0), &silent), Comparison::Unproven);
    }
}
