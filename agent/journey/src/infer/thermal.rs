//! A hot device pauses: models are the hardest work it has, and a device that throttles or shuts down loses more
//! than a result.

/// So many degrees below the limit the work goes on: at the limit it would begin and pause in turns.
const COOLED_BY: f64 = 5.0;

/// Whether the device is too hot to look at images.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thermal {
    limit: f64,
    hot: bool,
}

impl Thermal {
    /// Pauses at that many degrees Celsius and more.
    pub const fn new(limit: f64) -> Self {
        Self { limit, hot: false }
    }

    /// Takes note of the hottest part's temperature, degrees Celsius, and says whether to pause. A device that
    /// cannot tell (`None`, or no number) does not pause.
    pub fn pauses(&mut self, celsius: Option<f64>) -> bool {
        self.hot = match celsius.filter(|celsius| !celsius.is_nan()) {
            Some(celsius) if self.hot => celsius > self.limit - COOLED_BY,
            Some(celsius) => celsius >= self.limit,
            None => false,
        };
        self.hot
    }
}

#[cfg(test)]
mod tests;
