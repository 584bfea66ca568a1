//! Random days of a queue against a map that says what should be in it.

use std::collections::BTreeMap;
use std::fs;

use proptest::prelude::*;
use weir_journey::queue::Move;

use super::*;

#[derive(Debug, Clone)]
enum Event {
    Accept {
        site: usize,
        content: u8,
        path: u8,
        wish: Wish,
    },
    Look {
        which: usize,
        outcome: LookOutcome,
        urgency: Urgency,
        withhold: bool,
    },
    Claim {
        site: usize,
        limit: u32,
        fresh: bool,
    },
    Outcome {
        which: usize,
        outcome: Outcome,
    },
    Operator {
        which: usize,
        step: Move,
    },
    Promote {
        after_ms: i64,
    },
    Reopen,
    Kill,
}

/// Whether an image is to be looked at, and for how long it waits for that.
#[derive(Debug, Clone, Copy)]
enum Wish {
    None,
    Due,
    Held(i64),
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    Verified,
    Delayed(i64),
    Parked(i64),
    Lost,
    Released(bool),
}

fn event() -> impl Strategy<Value = Event> {
    let outcome = prop_oneof![
        Just(Outcome::Verified),
        (0i64..300).prop_map(Outcome::Delayed),
        (0i64..300).prop_map(Outcome::Parked),
        Just(Outcome::Lost),
        any::<bool>().prop_map(Outcome::Released),
    ];
    let wish = prop_oneof![
        Just(Wish::None),
        Just(Wish::Due),
        (0i64..300).prop_map(Wish::Held)
    ];
    let looked = prop_oneof![
        3 => Just(LookOutcome::Done),
        1 => Just(LookOutcome::Failed),
        1 => Just(LookOutcome::Impossible),
    ];
    let urgency = proptest::sample::select(Urgency::ALL.to_vec());
    prop_oneof![
        6 => (0..2usize, 0..8u8, 0..10u8, wish)
            .prop_map(|(site, content, path, wish)| Event::Accept { site, content, path, wish }),
        5 => (any::<usize>(), looked, urgency, any::<bool>())
            .prop_map(|(which, outcome, urgency, withhold)| Event::Look { which, outcome, urgency, withhold }),
        4 => (0..2usize, 1..4u32, any::<bool>())
            .prop_map(|(site, limit, fresh)| Event::Claim { site, limit, fresh }),
        6 => (any::<usize>(), outcome).prop_map(|(which, outcome)| Event::Outcome { which, outcome }),
        2 => (any::<usize>(), prop_oneof![Just(Move::Retry), Just(Move::Drop)])
            .prop_map(|(which, step)| Event::Operator { which, step }),
        2 => (-200i64..400).prop_map(|after_ms| Event::Promote { after_ms }),
        1 => Just(Event::Reopen),
        1 => Just(Event::Kill),
    ]
}

/// What should be known of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    id: ImageId,
    state: State,
    path: PathBuf,
    unsure: bool,
    attempts: u32,
    next_at_ms: Option<i64>,
    infer: Infer,
    urgency: Urgency,
    look_hold: LookHold,
}

impl Row {
    fn go(&mut self, state: State, next_at_ms: Option<i64>) {
        (self.state, self.next_at_ms) = (state, next_at_ms);
        self.look_hold = LookHold::None;
    }
}

impl From<&Image> for Row {
    fn from(image: &Image) -> Self {
        Self {
            id: image.id,
            state: image.state,
            path: image.place.path.clone(),
            unsure: image.unsure,
            attempts: image.attempts,
            next_at_ms: image.next_at_ms,
            infer: image.infer,
            urgency: image.urgency,
            look_hold: image.look_hold,
        }
    }
}

const LONGEST: Longest = Longest {
    delay_ms: 250,
    probe_ms: 250,
};

struct Day {
    dir: tempfile::TempDir,
    queue: Queue,
    sites: [SiteId; 2],
    now_ms: i64,
    /// By site and content.
    model: BTreeMap<(usize, u8), Row>,
}

impl Day {
    async fn new() -> Self {
        let Bench { dir, queue, site } = Bench::new().await;
        let second = queue.site_id(site_name("second-dam")).await.unwrap();
        Self {
            dir,
            queue,
            sites: [site, second],
            now_ms: 1_000,
            model: BTreeMap::new(),
        }
    }

    async fn live(&mut self, event: Event) {
        match event {
            Event::Accept {
                site,
                content,
                path,
                wish,
            } => self.accept(site, content, path, wish).await,
            Event::Look {
                which,
                outcome,
                urgency,
                withhold,
            } => self.look(which, outcome, urgency, withhold).await,
            Event::Claim { site, limit, fresh } => self.claim(site, limit, fresh).await,
            Event::Outcome { which, outcome } => self.outcome(which, outcome).await,
            Event::Operator { which, step } => self.operate(which, step).await,
            Event::Promote { after_ms } => self.promote(after_ms).await,
            Event::Reopen => {
                let empty = tempfile::tempdir().unwrap();
                self.queue = open(empty.path()).await.queue;
                self.reopen().await;
            }
            Event::Kill => {
                let copy = tempfile::tempdir().unwrap();
                for name in ["queue.db", "queue.db-wal"] {
                    fs::copy(self.dir.path().join(name), copy.path().join(name)).unwrap();
                }
                self.dir = copy;
                self.reopen().await;
            }
        }
    }

    async fn reopen(&mut self) {
        let opened = open(self.dir.path()).await;
        assert_eq!(opened.rebuilt, None);
        self.queue = opened.queue;
        for row in self
            .model
            .values_mut()
            .filter(|row| row.state == State::Uploading)
        {
            row.state = State::Queued;
            row.unsure = true;
        }
    }

    async fn accept(&mut self, site: usize, content: u8, from: u8, wish: Wish) {
        let place = Place {
            path: path(from),
            identity: FileIdentity {
                size: u64::from(content),
                ..place(from).identity
            },
        };
        let until_ms = match wish {
            Wish::Held(by) => Some(self.now_ms + by),
            Wish::None | Wish::Due => None,
        };
        let new = NewImage {
            place,
            infer: match wish {
                Wish::None => InferWish::None,
                Wish::Due | Wish::Held(_) => InferWish::Due {
                    hold_until_ms: until_ms,
                },
            },
            ..image(self.sites[site], content)
        };
        let accepted = self.queue.accept(new).await.unwrap();
        let (infer, held) = (new_infer(wish), until_ms.is_some());
        let fresh = Row {
            id: ImageId(0),
            state: if held { State::Waiting } else { State::Queued },
            path: path(from),
            unsure: false,
            attempts: 0,
            next_at_ms: until_ms,
            infer,
            urgency: Urgency::Usual,
            look_hold: if held {
                LookHold::Awaits
            } else {
                LookHold::None
            },
        };
        match self.model.get_mut(&(site, content)) {
            None => {
                let Accepted::New(id) = accepted else {
                    panic!("{accepted:?}")
                };
                self.model.insert((site, content), Row { id, ..fresh });
            }
            Some(row) if row.state == State::Missing => {
                assert_eq!(accepted, Accepted::Returned(row.id));
                row.state = State::Queued;
                row.path = path(from);
                if row.infer == Infer::Unwanted {
                    row.infer = infer;
                }
            }
            Some(row) => assert_eq!(accepted, Accepted::Duplicate(row.id)),
        }
    }

    async fn claim(&mut self, site: usize, limit: u32, fresh: bool) {
        let order = if fresh {
            Order::Freshest
        } else {
            Order::Oldest
        };
        let claimed = self
            .queue
            .claim(self.sites[site], order, limit, target)
            .await
            .unwrap();
        let queued =
            |((of, _), row): &(&(usize, u8), &mut Row)| *of == site && row.state == State::Queued;
        let mut wanted: Vec<_> = self
            .model
            .iter_mut()
            .filter(queued)
            .map(|(_, row)| row)
            .collect();
        if fresh {
            wanted.reverse();
        }
        wanted.sort_by_key(|row| std::cmp::Reverse(row.urgency));
        wanted.truncate(limit as usize);
        assert_eq!(claimed.len(), wanted.len());
        for (dossier, row) in claimed.iter().zip(wanted) {
            row.state = State::Uploading;
            assert_eq!(&Row::from(&dossier.image), row);
        }
    }

    /// The freshest image of all that are to be looked at is offered; some other is looked at.
    async fn look(&mut self, which: usize, outcome: LookOutcome, urgency: Urgency, withhold: bool) {
        let gone = [State::Missing, State::Dropped];
        let due = |row: &Row| row.infer == Infer::Due && !gone.contains(&row.state);
        let offered = self.queue.view().infer_next(self.sites.to_vec()).await;
        let offered = offered.unwrap().map(|image| image.sha256.0[0]);
        let freshest = self.model.iter().filter(|(_, row)| due(row));
        assert_eq!(offered, freshest.map(|((_, content), _)| *content).max());
        let Some(key) = self.nth(which, due) else {
            return;
        };
        let row = self.model.get_mut(&key).unwrap();
        let image = self.queue.view().images(vec![row.id]).await.unwrap();
        let inferred = Inferred {
            outcome,
            findings: "{}".into(),
            urgency,
            hold: withhold.then(|| Held {
                failure: "nothing moves".into(),
                fix: "weir queue retry".into(),
            }),
            products: Vec::new(),
            at_ms: self.now_ms,
        };
        let image = image.into_iter().next().unwrap();
        let recorded = self.queue.inferred(image, inferred).await.unwrap();
        let withheld = withhold && matches!(row.state, State::Queued | State::Waiting);
        let known = Vec::new();
        assert_eq!(recorded, Recorded::Written { withheld, known });
        row.infer = match outcome {
            LookOutcome::Done => Infer::Done,
            LookOutcome::Failed => Infer::Failed,
            LookOutcome::Impossible => Infer::Impossible,
        };
        row.urgency = urgency;
        if withheld {
            row.go(State::Parked, Some(i64::MAX));
            row.look_hold = LookHold::Withheld;
        } else if row.look_hold == LookHold::Awaits {
            row.go(State::Queued, None);
        }
    }

    /// Time goes by and a person lets go what is withheld: everything that is not gone or given up is stored.
    async fn end(mut self) {
        for row in self.model.values_mut() {
            if row.state == State::Uploading {
                self.queue.release(row.id, false).await.unwrap();
                row.go(State::Queued, None);
            }
        }
        self.promote(400).await;
        for row in self.model.values_mut() {
            if row.look_hold == LookHold::Withheld {
                self.queue.retry(Selector::Id(row.id)).await.unwrap();
            }
        }
        for site in self.sites {
            let claimed = self.queue.claim(site, Order::Oldest, 99, target).await;
            for dossier in claimed.unwrap() {
                let done = self.queue.verified(dossier.image.id, stored());
                done.await.unwrap();
            }
        }
        let each = |image: Image| {
            let site = self.sites.iter().position(|&site| site == image.site);
            let row = &self.model[&(site.unwrap(), image.sha256.0[0])];
            let over = [State::Missing, State::Dropped].contains(&row.state);
            let wanted = if over { row.state } else { State::Verified };
            assert_eq!(image.state, wanted, "{row:?}");
            std::ops::ControlFlow::Continue(())
        };
        let view = self.queue.view();
        view.list(Filter::default(), each).await.unwrap();
    }

    async fn outcome(&mut self, which: usize, outcome: Outcome) {
        let Some(key) = self.nth(which, |row| row.state == State::Uploading) else {
            return;
        };
        let row = self.model.get_mut(&key).unwrap();
        let (id, now_ms) = (row.id, self.now_ms);
        let queue = &self.queue;
        match outcome {
            Outcome::Verified => {
                queue.verified(id, stored()).await.unwrap();
                (row.state, row.unsure, row.next_at_ms) = (State::Verified, false, None);
            }
            Outcome::Delayed(by) => {
                queue.delay(id, delayed(now_ms + by)).await.unwrap();
                (row.state, row.next_at_ms) = (State::Waiting, Some(now_ms + by));
                row.attempts += 1;
            }
            Outcome::Parked(by) => {
                queue
                    .park(id, refused(Scope::Image, now_ms + by))
                    .await
                    .unwrap();
                row.go(State::Parked, Some(now_ms + by));
            }
            Outcome::Lost => {
                queue.lose(id, "gone".into()).await.unwrap();
                row.state = State::Missing;
            }
            Outcome::Released(unsure) => {
                queue.release(id, unsure).await.unwrap();
                row.state = State::Queued;
                row.unsure |= unsure;
            }
        }
    }

    async fn operate(&mut self, which: usize, step: Move) {
        let Some(key) = self.nth(which, |_| true) else {
            return;
        };
        let row = self.model.get_mut(&key).unwrap();
        let done = match step {
            Move::Drop => {
                self.queue
                    .drop_image(row.id, "model".into(), self.now_ms)
                    .await
            }
            _ => self.queue.retry(Selector::Id(row.id)).await.map(drop),
        };
        match (row.state.after(step), done) {
            (Some(to), Ok(())) => {
                row.go(to, None);
                if step == Move::Retry {
                    row.attempts = 0;
                }
            }
            (None, Err(QueueError::Illegal { .. })) => {}
            (to, done) => panic!("{to:?}, but {done:?}"),
        }
    }

    async fn promote(&mut self, after_ms: i64) {
        self.now_ms += after_ms;
        let now_ms = self.now_ms;
        let next = self.queue.promote(now_ms, LONGEST).await.unwrap();
        let mut wanted = None;
        for row in self.model.values_mut() {
            let Some(at) = row.next_at_ms else { continue };
            if row.look_hold == LookHold::Withheld {
                continue;
            }
            if at > now_ms && at <= now_ms + LONGEST.delay_ms {
                wanted = Some(wanted.map_or(at, |least: i64| least.min(at)));
            } else {
                row.go(State::Queued, None);
            }
        }
        assert_eq!(next, wanted);
    }

    fn nth(&self, which: usize, fits: impl Fn(&Row) -> bool) -> Option<(usize, u8)> {
        let fitting: Vec<_> = self.model.iter().filter(|(_, row)| fits(row)).collect();
        let &(&key, _) = fitting.get(which.checked_rem(fitting.len())?)?;
        Some(key)
    }

    /// The queue holds what the model says, counts it rightly, and contradicts itself nowhere.
    async fn compare(&self) {
        let mut found = BTreeMap::new();
        let each = |image: Image| {
            let site = self
                .sites
                .iter()
                .position(|&site| site == image.site)
                .unwrap();
            found.insert((site, image.sha256.0[0]), Row::from(&image));
            std::ops::ControlFlow::Continue(())
        };
        self.queue
            .view()
            .list(Filter::default(), each)
            .await
            .unwrap();
        assert_eq!(found, self.model);
        assert_eq!(self.queue.view().check().await.unwrap(), []);
    }
}

fn new_infer(wish: Wish) -> Infer {
    match wish {
        Wish::None => Infer::Unwanted,
        Wish::Due | Wish::Held(_) => Infer::Due,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_queue_is_what_the_model_says(events in proptest::collection::vec(event(), 1..60)) {
        let work = async {
            let mut day = Day::new().await;
            for event in events {
                day.live(event).await;
                day.compare().await;
            }
            day.end().await;
        };
        block_on(work);
    }
}
