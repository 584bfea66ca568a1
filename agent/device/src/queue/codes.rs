//! The integers that stand for enumerations in the database. Never renumber them.

/// How far a refusal that made us park an image reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Scope {
    /// This image only.
    Image = 0,
    /// Everything of its site.
    Site = 1,
    /// Everything we send.
    Account = 2,
}

impl Scope {
    /// The integer that stands for the scope in the database.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The scope that an integer of the database stands for.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Image),
            1 => Some(Self::Site),
            2 => Some(Self::Account),
            _ => None,
        }
    }
}

/// On what rests the knowledge that the store holds an image's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Proof {
    /// The store's own SHA-256 of the whole object.
    Checksum = 0,
    /// The store's own SHA-256 over the parts.
    Composite = 1,
    /// Size, and the digest that the writer put into the metadata.
    Claim = 2,
}

impl Proof {
    /// The integer that stands for the proof in the database.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back_and_fit_the_columns() {
        for code in 0..=u8::MAX {
            assert_eq!(
                Scope::from_code(code).map(Scope::code),
                (code <= 2).then_some(code)
            );
            assert_eq!(
                Proof::from_code(code).map(Proof::code),
                (code <= 2).then_some(code)
            );
        }
    }
}
