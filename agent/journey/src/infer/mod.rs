//! What is made of an image's content: what a site wants of each of its images ([`View`]), what was found in one
//! ([`Report`]), and what follows from that.
//!
//! Values and decisions only; the pixels are `weir-infer`'s. The types travel as JSON between the agent and the
//! process that looks at the images, which is another one: whatever happens to it, the agent and its images stand.

mod chain;
mod condition;
#[cfg(test)]
mod fixture;
mod guard;
mod job;
mod path;
mod record;
mod report;
mod rules;
mod thermal;
mod view;

pub use chain::{Chain, NotAStep, Step};
pub use condition::{Condition, NotACondition};
pub use guard::{Guard, Off, Outcome};
pub use job::{Answer, Failure, Job, Trouble};
pub use record::{Capture, Derived, Facts, Object, Record, Weir, record};
pub use report::{
    Classified, Fault, Flag, Health, Label, Print, Product, ProductKind, Report, RoiCount, Size,
    Stage, Took, Water,
};
pub use rules::{Course, Decision, Rules};
pub use thermal::Thermal;
pub use view::{Bounds, Derivative, Overlay, PictureFormat, Roi, View};
