//! Who may go up now.
//!
//! The uploader asks a [`Gate`] before it claims an image, so that what goes up is the freshest image at the
//! moment of admission and not at the moment of asking. [`LocalGate`] keeps the limits of one process; a
//! gate that many devices share stands behind the same trait.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use weir_journey::identity::SiteName;

/// Lets images of a site into the pipeline.
#[async_trait::async_trait]
pub trait Gate: fmt::Debug + Send + Sync + 'static {
    /// A permit for one image of a site, or `None` when there is none now. A gate that has to ask elsewhere
    /// takes the question as a wish, and lets [`Gate::freed`] return when asking again is worth it.
    fn try_admit(&self, site: &SiteName) -> Option<Permit>;

    /// Returns when a permit may have become free since the last call.
    async fn freed(&self);
}

/// Stands for one image on its way; dropping it frees the place.
pub struct Permit(
    #[expect(dead_code, reason = "what is held is given back by its drop")] Box<dyn Send>,
);

impl Permit {
    /// A permit that gives back `held` when it is dropped.
    pub fn new(held: impl Send + 'static) -> Self {
        Self(Box::new(held))
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}

/// The limits of one process: so many images on their way, and so many of one site.
#[derive(Debug, Clone)]
pub struct LocalGate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    most_per_site: usize,
    admitted: Mutex<HashMap<SiteName, usize>>,
    freed: Notify,
}

struct Place {
    gate: Arc<Inner>,
    site: SiteName,
}

impl LocalGate {
    /// At most `most` images on their way, at most `most_per_site` of one site.
    pub fn new(most: usize, most_per_site: usize) -> Self {
        Self(Arc::new(Inner {
            most,
            most_per_site,
            admitted: Mutex::default(),
            freed: Notify::new(),
        }))
    }
}

#[async_trait::async_trait]
impl Gate for LocalGate {
    fn try_admit(&self, site: &SiteName) -> Option<Permit> {
        let mut admitted = self
            .0
            .admitted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let of_site = admitted.get(site).copied().unwrap_or(0);
        if of_site >= self.0.most_per_site || admitted.values().sum::<usize>() >= self.0.most {
            return None;
        }
        admitted.insert(site.clone(), of_site + 1);
        Some(Permit::new(Place {
            gate: Arc::clone(&self.0),
            site: site.clone(),
        }))
    }

    async fn freed(&self) {
        self.0.freed.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut admitted = self
            .gate
            .admitted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match admitted.get_mut(&self.site) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                admitted.remove(&self.site);
            }
        }
        drop(admitted);
        self.gate.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_order_of_coming_and_going_exceeds_a_limit(most in 1usize..6, per_site in 1usize..4, steps in proptest::collection::vec((0usize..3, any::<bool>()), 0..200)) {
            let sites: Vec<SiteName> = ["a", "b", "c"].iter().map(|name| name.parse().unwrap()).collect();
            let gate = LocalGate::new(most, per_site);
            let mut held: Vec<(usize, Permit)> = Vec::new();
            for (site, comes) in steps {
                if comes {
                    let of_site = held.iter().filter(|(of, _)| *of == site).count();
                    let admitted = gate.try_admit(&sites[site]);
                    prop_assert_eq!(admitted.is_some(), held.len() < most && of_site < per_site);
                    held.extend(admitted.map(|permit| (site, permit)));
                } else if let Some(at) = held.iter().position(|(of, _)| *of == site) {
                    held.swap_remove(at);
                }
            }
        }
    }

    #[tokio::test]
    async fn a_permit_given_back_is_heard_of() {
        let gate = LocalGate::new(1, 1);
        let site = "a".parse().unwrap();
        let permit = gate.try_admit(&site);
        assert!(gate.try_admit(&site).is_none());
        drop(permit);
        gate.freed().await;
        assert!(gate.try_admit(&site).is_some());
    }
}
