//! The stage that a tabular model makes of the water in regions of interest.

use weir_journey::infer::{RoiCount, Stage};

use super::{StageError, Table};
use crate::model::Answers;

impl Table {
    /// The stage for the water counted in regions, which the model knows by the names of its features. Counts outside
    /// of what it was trained on make none: it would be a guess that looks like a measurement.
    ///
    /// # Errors
    /// When a region is missing, the model tells classes, or the network fails.
    pub fn stage(&self, counts: &[RoiCount]) -> Result<Stage, StageError> {
        let Answers::Value { unit, .. } = &self.spec().answers else {
            return Err(StageError::Classes {
                model: self.id().name.clone(),
            });
        };
        let row: Vec<f64> = self
            .spec()
            .features
            .iter()
            .map(|feature| {
                let count = counts.iter().find(|count| count.name == feature.name);
                count
                    .map(|count| count.water as f64)
                    .ok_or_else(|| StageError::Region {
                        model: self.id().name.clone(),
                        name: feature.name.clone(),
                    })
            })
            .collect::<Result<_, _>>()?;
        let out_of_range = self.out_of_range(&row);
        let value = match out_of_range {
            Some(_) => None,
            None => Some(self.value(&row)?),
        };
        Ok(Stage {
            model: self.id().name.clone(),
            model_sha256: self.id().sha256.clone(),
            value,
            unit: unit.clone(),
            out_of_range: out_of_range.map(|why| format!("out of range: {why}")),
        })
    }
}
