//! What may go up now: windows, budget, breaker, width, the pipeline's pace and order.
//!
//! Each part is a value that is told what happened and the moment, and answers. Moments of the breaker and
//! the width are on the monotonic clock (time since any fixed start), because a board's wall clock steps.

mod breaker;
mod hold;
mod pipeline;
pub mod slots;
mod width;
mod window;

use serde::{Deserialize, Serialize};

pub use breaker::{Breaker, Permission};
pub use hold::{Hold, next_look};
pub use pipeline::{Pacer, Pipeline};
pub use width::Width;
pub use window::{NotAWindow, Window, Windows};

/// Which of the waiting images goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The newest capture time first, the backlog after it, from its newest end.
    #[default]
    Freshest,
    /// The oldest capture time first.
    Oldest,
}

/// How many bytes may still be sent on a day of the given budget (`None` = unlimited).
///
/// An image that does not fit whole still goes when nothing was sent yet that day: otherwise one image above
/// the budget would wait for ever.
pub fn fits(budget: Option<u64>, spent: u64, size: u64) -> bool {
    budget.is_none_or(|budget| spent == 0 || spent.saturating_add(size) <= budget)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_day_never_exceeds_its_budget_but_by_one_oversized_image(budget in 0u64..1000, sizes in proptest::collection::vec(1u64..500, 0..50)) {
            let mut spent = 0;
            let mut sent = 0;
            for size in &sizes {
                if fits(Some(budget), spent, *size) {
                    spent += size;
                    sent += 1;
                }
            }
            prop_assert!(spent <= budget || sent == 1);
            prop_assert!(sizes.is_empty() || sent > 0);
        }
    }
}
