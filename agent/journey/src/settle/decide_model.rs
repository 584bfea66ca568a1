//! The decisions against a simulated writer: it writes a file in parts, pauses, closes or does not, renames,
//! starts over in place; clocks are set, events get lost, stamps are coarse. Whatever it does, nothing is
//! taken that is not whole at that moment, and once it leaves a whole file, that file is taken.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

const PARTS: u64 = 4;
const PART: u64 = 1000;
/// How often the simulated agent looks at everything.
const RESCAN: u64 = 5_000;

#[derive(Debug, Clone, Copy)]
enum Act {
    WritePart,
    /// Begins again at the first byte, in place.
    Restart,
    Close,
    /// Gives the file a modification time of long ago, as `cp -p` does at its end.
    CopyOldStamp,
    /// Moves the finished or unfinished file here under another inode.
    RenameOver,
    /// Sets the wall clock by so many seconds.
    SetClock(i32),
    /// Does nothing for so many milliseconds.
    Pause(u64),
}

/// How the world is that the writer lives in.
#[derive(Debug, Clone, Copy)]
struct World {
    events: bool,
    preallocated: bool,
    coarse_stamps: bool,
    old_stamps_at_first: bool,
}

struct Simulation {
    world: World,
    patience: Patience,
    now_ms: u64,
    wall_ms: i64,
    stepped_ms: Option<u64>,
    parts: u64,
    seen: Observation,
    acts: i128,
    settling: Option<Settling>,
    quarantined: Option<Observation>,
    looks_at: u64,
    taken: bool,
}

impl Simulation {
    fn new(world: World) -> Self {
        let seen = Observation {
            size: 0,
            mtime_ns: 0,
            ctime_ns: 0,
            inode: 1,
            device: 1,
        };
        let mut this = Self {
            world,
            patience: Patience::default(),
            now_ms: 1_000_000,
            wall_ms: 1_700_000_000_000,
            stepped_ms: None,
            parts: 0,
            seen,
            acts: 0,
            settling: None,
            quarantined: None,
            looks_at: 1_000_000 + RESCAN,
            taken: false,
        };
        this.changed();
        if world.old_stamps_at_first {
            this.seen.ctime_ns -= 100_000_000_000_000;
            this.seen.mtime_ns = this.seen.ctime_ns;
        }
        this
    }

    fn now(&self) -> Now {
        Now {
            wall_ns: i128::from(self.wall_ms) * 1_000_000,
            monotonic: Duration::from_millis(self.now_ms),
            since_step: self
                .stepped_ms
                .map(|at| Duration::from_millis(self.now_ms - at)),
        }
    }

    fn changed(&mut self) {
        self.acts += 1;
        let grain = if self.world.coarse_stamps { 2000 } else { 1 };
        let ms = i128::from(self.wall_ms.div_euclid(grain) * grain);
        // A fine stamp never repeats, even when the clock is set back.
        let unique = if self.world.coarse_stamps {
            0
        } else {
            self.acts
        };
        self.seen.ctime_ns = ms * 1_000_000 + unique;
        self.seen.mtime_ns = self.seen.ctime_ns;
        self.seen.size = if self.world.preallocated {
            PARTS * PART
        } else {
            self.parts * PART
        };
    }

    /// Carries out an act; the event that the kernel sends, if any.
    fn act(&mut self, act: Act) -> Option<Cause> {
        match act {
            Act::WritePart if self.parts < PARTS => {
                self.parts += 1;
                self.changed();
                Some(Cause::Touched)
            }
            // Overwriting within one coarse stamp cannot be seen by anyone.
            Act::Restart if !self.world.coarse_stamps => {
                self.parts = 1;
                self.changed();
                Some(Cause::Touched)
            }
            Act::Close => Some(Cause::Closed),
            Act::CopyOldStamp => {
                self.changed();
                self.seen.mtime_ns = 1_000_000_000_000_000_000;
                None
            }
            Act::RenameOver => {
                self.changed();
                self.seen.inode += 1;
                Some(Cause::Closed)
            }
            Act::SetClock(seconds) => {
                self.wall_ms += i64::from(seconds) * 1000;
                self.stepped_ms = Some(self.now_ms);
                None
            }
            Act::WritePart | Act::Restart | Act::Pause(_) => None,
        }
    }

    fn structure(&self) -> Structure {
        match self.parts {
            0 if !self.world.preallocated => Structure::Empty,
            0 => Structure::Foreign(Foreign::Zeros),
            PARTS => Structure::Whole(Format::Jpeg),
            _ => Structure::Partial {
                format: Format::Jpeg,
                missing: "the rest",
            },
        }
    }

    /// The agent looks at the file; `meanwhile` the writer acts while it reads.
    fn look(&mut self, cause: Cause, meanwhile: Option<Act>) {
        if self.taken || self.quarantined == Some(self.seen) && cause == Cause::Found {
            return;
        }
        let now = self.now();
        let mut settling = match self.settling.take() {
            Some(mut settling) => {
                settling.observe(self.seen, cause, now);
                settling
            }
            None => Settling::new(self.seen, cause, now),
        };
        self.quarantined = None;
        let wait = match settling.verdict(now, &self.patience) {
            Verdict::Wait(wait) => wait,
            Verdict::Inspect => {
                let (before, structure) = (self.seen, self.structure());
                let inspection = Inspection {
                    len: self.seen.size,
                    structure,
                    exif: None,
                };
                let event = meanwhile.and_then(|act| self.act(act));
                let (after, now) = (self.seen, self.now());
                match settling.inspected(before, &inspection, after, now, &self.patience) {
                    Outcome::Take(_) => {
                        assert_eq!(self.structure(), Structure::Whole(Format::Jpeg), "taken");
                        self.taken = true;
                        return;
                    }
                    Outcome::Quarantine(_) => {
                        assert!(!matches!(structure, Structure::Whole(_)), "quarantined");
                        self.quarantined = Some(self.seen);
                        return;
                    }
                    Outcome::Wait(wait) => {
                        if let (Some(cause), true) = (event, self.world.events) {
                            settling.observe(self.seen, cause, now);
                        }
                        wait
                    }
                }
            }
        };
        assert!(!wait.is_zero(), "a wait of nothing would spin");
        assert!(wait <= self.patience.give_up);
        self.looks_at = self.looks_at.min(self.now_ms + wait.as_millis() as u64 + 1);
        self.settling = Some(settling);
    }

    fn pass(&mut self, ms: u64, mut meanwhile: Option<Act>) {
        let until = self.now_ms + ms;
        while self.now_ms < until {
            let next = until.min(self.looks_at.max(self.now_ms + 1));
            self.wall_ms += (next - self.now_ms) as i64;
            self.now_ms = next;
            if self.now_ms >= self.looks_at {
                self.looks_at = self.now_ms + RESCAN;
                self.look(Cause::Found, meanwhile.take());
            }
        }
    }
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        8 => Just(Act::WritePart),
        1 => Just(Act::Restart),
        2 => Just(Act::Close),
        1 => Just(Act::CopyOldStamp),
        1 => Just(Act::RenameOver),
        2 => any::<i32>().prop_map(Act::SetClock),
        1 => (-10..10_i32).prop_map(Act::SetClock),
        4 => (1..1500_u64).prop_map(Act::Pause),
        3 => (1500..8000_u64).prop_map(Act::Pause),
        1 => (50_000..200_000_u64).prop_map(Act::Pause),
    ]
}

fn world() -> impl Strategy<Value = World> {
    any::<[bool; 4]>().prop_map(
        |[events, preallocated, coarse_stamps, old_stamps_at_first]| World {
            events,
            preallocated,
            coarse_stamps,
            old_stamps_at_first,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_half_file_is_taken_and_every_whole_one_is(
        world in world(),
        acts in prop::collection::vec((act(), prop::option::of(act())), 0..40),
    ) {
        let mut simulation = Simulation::new(world);
        for (act, meanwhile) in acts {
            let pause = if let Act::Pause(ms) = act { ms } else { 1 };
            let event = simulation.act(act);
            if let (Some(cause), true) = (event, world.events) {
                simulation.look(cause, meanwhile);
            }
            simulation.pass(pause, meanwhile);
        }
        while simulation.parts < PARTS {
            simulation.act(Act::WritePart);
        }
        // The last write may have been invisible and unheard of, but then the file was not yet judged.
        simulation.quarantined = None;
        let patience = simulation.patience;
        simulation.pass((patience.give_up + patience.quiet).as_millis() as u64 + 2 * RESCAN, None);
        prop_assert!(simulation.taken, "a whole file was left");
    }
}

fn observation(ctime_ns: i128) -> Observation {
    Observation {
        size: 1,
        mtime_ns: 0,
        ctime_ns,
        inode: 1,
        device: 1,
    }
}

fn now(monotonic_ms: u64, wall_ns: i128) -> Now {
    Now {
        wall_ns,
        monotonic: Duration::from_millis(monotonic_ms),
        since_step: None,
    }
}

const SECOND: i128 = 1_000_000_000;

#[test]
fn a_closed_file_is_read_at_once_and_an_old_one_too() {
    let patience = Patience::default();
    let at = now(0, 100 * SECOND);
    let closed = Settling::new(observation(100 * SECOND), Cause::Closed, at);
    assert_eq!(closed.verdict(at, &patience), Verdict::Inspect);
    let old = Settling::new(observation(97 * SECOND), Cause::Found, at);
    assert_eq!(old.verdict(at, &patience), Verdict::Inspect);
}

#[test]
fn a_copied_modification_time_proves_nothing() {
    let at = now(0, 100 * SECOND);
    let copied = Settling::new(observation(99 * SECOND), Cause::Found, at);
    assert_eq!(
        copied.verdict(at, &Patience::default()),
        Verdict::Wait(Duration::from_secs(1))
    );
}

#[test]
fn stamps_that_lie_are_replaced_by_two_looks() {
    let patience = Patience::default();
    let at = now(0, 100 * SECOND);
    let mut future = Settling::new(observation(5000 * SECOND), Cause::Found, at);
    assert_eq!(future.verdict(at, &patience), Verdict::Wait(patience.quiet));
    let later = now(2000, 102 * SECOND);
    future.observe(observation(5000 * SECOND), Cause::Found, later);
    assert_eq!(future.verdict(later, &patience), Verdict::Inspect);

    let stepped = Now {
        since_step: Some(Duration::from_millis(500)),
        ..at
    };
    let old = Settling::new(observation(0), Cause::Found, stepped);
    assert_eq!(
        old.verdict(stepped, &patience),
        Verdict::Wait(patience.quiet)
    );
}

#[test]
fn a_write_that_was_heard_of_counts_though_stamps_do_not_show_it() {
    let patience = Patience::default();
    let seen = observation(0);
    let created = Settling::new(seen, Cause::Touched, now(0, 100 * SECOND));
    assert_eq!(
        created.verdict(now(0, 100 * SECOND), &patience),
        Verdict::Wait(patience.quiet)
    );

    let mut found = Settling::new(seen, Cause::Found, now(0, 100 * SECOND));
    found.observe(seen, Cause::Touched, now(1500, 100 * SECOND));
    let soon = found.verdict(now(2000, 100 * SECOND), &patience);
    assert_eq!(soon, Verdict::Wait(Duration::from_millis(1500)));
}

#[test]
fn what_changed_while_it_was_read_is_read_again_soon() {
    let patience = Patience::default();
    let at = now(0, 100 * SECOND);
    let (before, after) = (observation(0), observation(100 * SECOND));
    let partial = Structure::Partial {
        format: Format::Jpeg,
        missing: "the rest",
    };
    for structure in [partial, Structure::Whole(Format::Jpeg)] {
        let inspection = Inspection {
            len: 1,
            structure,
            exif: None,
        };
        let mut settling = Settling::new(before, Cause::Found, at);
        let outcome = settling.inspected(before, &inspection, after, at, &patience);
        assert_eq!(outcome, Outcome::Wait(patience.quiet));
        assert_eq!(
            settling.verdict(at, &patience),
            Verdict::Wait(patience.quiet)
        );
    }
}

#[test]
fn what_is_not_whole_is_set_aside_with_its_reason_when_its_time_is_up() {
    let patience = Patience::default();
    let seen = observation(100 * SECOND);
    let empty = Inspection {
        len: 1,
        structure: Structure::Empty,
        exif: None,
    };
    let mut settling = Settling::new(seen, Cause::Closed, now(0, 100 * SECOND));
    let first = settling.inspected(seen, &empty, seen, now(0, 100 * SECOND), &patience);
    assert_eq!(first, Outcome::Wait(patience.give_up));
    let again = settling.verdict(now(0, 100 * SECOND), &patience);
    assert_eq!(
        again,
        Verdict::Wait(patience.give_up),
        "the same bytes are not read at once again"
    );
    let end = now(60_000, 160 * SECOND);
    assert_eq!(settling.verdict(end, &patience), Verdict::Inspect);
    let last = settling.inspected(seen, &empty, seen, end, &patience);
    assert_eq!(last, Outcome::Quarantine(Reason::Empty));
}

#[test]
fn a_file_that_cannot_be_read_is_set_aside_with_the_systems_words() {
    let patience = Patience::default();
    let seen = observation(0);
    let at = now(0, 100 * SECOND);
    let mut settling = Settling::new(seen, Cause::Found, at);
    let outcome = settling.unreadable(seen, "Input/output error".to_owned(), at, &patience);
    let Outcome::Quarantine(reason) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(reason.code(), "unreadable");
    assert_eq!(reason.to_string(), "it cannot be read: Input/output error");
}
