//! What is made of an image's content: what a site wants of each of its images ([`View`]), what was found in one
//! ([`Report`]), and what follows from that.
//!
//! Values and decisions only; the pixels are `weir-infer`'s. The types travel as JSON between the agent and the
//! process that looks at the images, which is another one: whatever happens to it, the agent and its images stand.

mod chain;
mod job;
mod path;
mod report;
mod view;

pub use chain::{Chain, NotAStep, Step};
pub use job::{Answer, Failure, Job, Trouble};
pub use report::{
    Classified, Fault, Flag, Health, Label, Print, Product, ProductKind, Report, RoiCount, Size,
    Stage, Took, Water,
};
pub use view::{Bounds, Derivative, Overlay, PictureFormat, Roi, View};
