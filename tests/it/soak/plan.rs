//! What goes wrong in a run, and when: drawn from the seed before it begins. Each run has some kinds of
//! trouble and not others, since trouble of every kind at once hides more than it shows.

use std::time::Duration;

use twoticks::domain::outbox::Decision;
use twoticks::domain::time::Timestamp;
use twoticks::sim::Fault;

use super::dice::Dice;

/// How long trouble goes on. After that everything is mended.
pub(super) const TROUBLE: Duration = Duration::from_secs(20 * 60);

/// Customers; the last is known by her user id alone, and two have numbers that Meta writes differently.
pub(super) const PEOPLE: usize = 7;

/// One disturbance, or something a person does.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Queue so many texts to a customer.
    Write { person: usize, count: usize },
    /// Queue a text to each of so many strangers.
    Spread { count: usize },
    /// Queue a text to a customer for a time so long from now.
    Later { person: usize, wait: Duration },
    /// Decide about a message that waits: hold it, let it go, or give it another time.
    Arrange(Decision),
    /// The person pauses the account, or lets it send again.
    Paused(bool),
    /// A customer writes, with or without a picture.
    Say { person: usize, picture: bool },
    /// Read what a customer wrote.
    Read { person: usize },
    /// Decide about a message that failed or is uncertain: send it again, or withdraw it.
    Decide { again: bool },
    /// Withdraw one that waits.
    Withdraw,
    /// The next sends run into this.
    Fault(Fault, usize),
    /// Meta posts no webhooks, or posts them again.
    Webhooks(bool),
    /// The token is good, or not.
    Token(bool),
    /// There is a network, or none.
    Network(bool),
    /// The listener's process is there, or not.
    Listener(bool),
    /// The store takes writes, or fails them.
    Store(bool),
    /// The sender's process dies, and another starts after so long.
    Kill(Duration),
    /// The same, but it is asked to stop.
    Stop(Duration),
    /// The machine's wall clock steps by so many milliseconds.
    Clock(i64),
}

/// Makes a disturbance, as acts at times after its beginning.
type Trouble = Box<dyn FnMut(&mut Dice) -> Vec<(Duration, Act)>>;

/// The disturbances of a run by the time they happen.
pub(super) fn plan(dice: &mut Dice) -> Vec<(Duration, Act)> {
    let mut acts = people(dice);
    let mut often = |dice: &mut Dice, most: u64, mut act: Trouble| {
        if dice.once_in(2) {
            return;
        }
        for _ in 0..=dice.below(most) {
            let start = dice.within(TROUBLE);
            acts.extend(act(dice).into_iter().map(|(after, act)| (start + after, act)));
        }
    };
    let fault = |make: fn(&mut Dice) -> Fault| -> Trouble {
        Box::new(move |dice| {
            let fault = make(dice);
            let times = 1 + dice.index(4);
            vec![(Duration::ZERO, Act::Fault(fault, times))]
        })
    };
    often(dice, 6, fault(|_| Fault::LoseAnswer));
    often(dice, 6, fault(|_| Fault::LoseRequest));
    often(dice, 4, fault(|_| Fault::CutAnswer));
    often(dice, 4, fault(|_| Fault::AnswerTwice));
    often(dice, 6, fault(|dice| Fault::Delay(dice.millis(100, 45_000))));
    let codes = |dice: &mut Dice| {
        let codes =
            [1, 2, 4, 80_007, 100, 131_000, 131_016, 131_026, 131_056, 130_429, 133_004, 190];
        Fault::Refuse(*dice.pick(&codes))
    };
    often(dice, 8, fault(codes));
    let pages = |dice: &mut Dice| {
        // With these nobody can know; the others say that nothing was accepted.
        let accepted = dice.once_in(2);
        let unknown = [200, 302, 500, 502, 503, 504];
        let status = *dice.pick(if accepted { &unknown } else { &[200, 404, 429, 500, 502, 503] });
        let bodies = ["<html>Bad Gateway</html>", "", "{\"messages\":", "null"];
        Fault::Answer { status, body: (*dice.pick(&bodies)).to_owned(), accepted }
    };
    often(dice, 6, fault(pages));
    often(dice, 3, fault(|_| Fault::Fail(131_049)));
    often(dice, 3, fault(|_| Fault::FailThenDeliver(131_049)));
    often(dice, 2, fault(|_| Fault::NoStatuses));
    let spell = |switch: fn(bool) -> Act, most: u64| -> Trouble {
        Box::new(move |dice| {
            let span = dice.within(Duration::from_secs(most));
            vec![(Duration::ZERO, switch(false)), (span, switch(true))]
        })
    };
    often(dice, 2, spell(Act::Webhooks, 400));
    often(dice, 2, spell(|on| Act::Paused(!on), 300));
    often(dice, 1, spell(Act::Token, 300));
    often(dice, 2, spell(Act::Network, 200));
    often(dice, 3, spell(Act::Listener, 400));
    often(dice, 2, spell(Act::Store, 60));
    often(dice, 4, Box::new(|dice| vec![(Duration::ZERO, Act::Kill(dice.millis(1, 10_000)))]));
    often(dice, 2, Box::new(|dice| vec![(Duration::ZERO, Act::Stop(dice.millis(1, 5_000)))]));
    let steps = |dice: &mut Dice| {
        let step = *dice.pick(&[1_000, 60_000, 3_600_000, 86_400_000]);
        let step = i64::try_from(dice.within(Duration::from_millis(step)).as_millis()).expect("ms");
        vec![(Duration::ZERO, Act::Clock(if dice.once_in(2) { step } else { -step }))]
    };
    often(dice, 2, Box::new(steps));
    acts.sort_by_key(|(at, _)| *at);
    acts
}

/// What customers and the person at the keyboard do; this much happens in every run.
fn people(dice: &mut Dice) -> Vec<(Duration, Act)> {
    let mut acts = Vec::new();
    for _ in 0..8 + dice.below(16) {
        let person = dice.index(PEOPLE);
        let act = match dice.below(12) {
            0..=5 => Act::Write { person, count: 1 + dice.index(4) },
            6 | 7 => Act::Say { person, picture: dice.once_in(4) },
            8 => Act::Read { person },
            9 | 10 => Act::Decide { again: dice.once_in(2) },
            _ => Act::Withdraw,
        };
        acts.push((dice.within(TROUBLE), act));
    }
    if dice.once_in(2) {
        for _ in 0..=dice.below(8) {
            let (person, wait) = (dice.index(PEOPLE), dice.within(TROUBLE));
            acts.push((dice.within(TROUBLE), Act::Later { person, wait }));
            let decision = match dice.below(6) {
                0..=2 => Decision::Hold,
                3 => Decision::Release,
                4 => Decision::WhenPossible,
                // The time itself is drawn when it is decided.
                _ => Decision::Reschedule(Timestamp::default()),
            };
            acts.push((dice.within(TROUBLE), Act::Arrange(decision)));
        }
    }
    if dice.once_in(8) {
        acts.push((dice.within(TROUBLE), Act::Write { person: 0, count: 60 }));
    }
    if dice.once_in(8) {
        acts.push((dice.within(TROUBLE), Act::Spread { count: 130 }));
    }
    acts
}
