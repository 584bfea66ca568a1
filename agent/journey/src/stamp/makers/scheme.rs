//! A row of the library: one way in which a maker or a program names files.

use chrono::{FixedOffset, Offset as _, Utc};

/// What a scheme's clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Clock {
    /// The time of the zone that the operator gave for the camera, unless the name states an offset.
    Local,
    Utc,
    /// Not known, or not the moment of the picture: a name of this scheme states no time, though it looks like one.
    Unclear,
}

/// One way of naming files.
pub(in super::super) struct Scheme {
    pub(in super::super) maker: &'static str,
    /// The name without its extension, of a path with its folders, as [`super::super::template`] describes it.
    pub(in super::super) template: &'static str,
    pub(in super::super) clock: Clock,
    #[cfg(test)]
    pub(in super::super) example: &'static str,
    /// The local or UTC time that the example states; empty when it states none.
    #[cfg(test)]
    pub(in super::super) means: &'static str,
    /// Where the scheme is described or used.
    #[cfg(test)]
    pub(in super::super) source: &'static str,
}

/// Rows of maker, template, clock; an example, what it means, and the public source of the scheme.
macro_rules! schemes {
    ($($maker:literal, $template:literal, $clock:ident, $example:literal, $means:literal, $source:literal;)*) => {
        &[$($crate::stamp::makers::scheme::Scheme {
            maker: $maker,
            template: $template,
            clock: $crate::stamp::makers::scheme::Clock::$clock,
            #[cfg(test)]
            example: $example,
            #[cfg(test)]
            means: $means,
            #[cfg(test)]
            source: $source,
        }),*]
    };
}
pub(in super::super) use schemes;

impl Clock {
    pub(in super::super) fn offset(self) -> Option<FixedOffset> {
        match self {
            Self::Local | Self::Unclear => None,
            Self::Utc => Some(Utc.fix()),
        }
    }
}
