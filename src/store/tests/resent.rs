//! A message that was sent again has two requests at Meta, and what becomes of each is told in any order. What is
//! shown must not depend on it.

use super::*;
use crate::domain::event::ErrorReport;
use crate::store::outbox::send_again;

/// What is heard of a message's two requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// A status of the first or of the second request.
    Status(usize, Report),
    /// The answer to the second request. That to the first was lost.
    Answer(Answered),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answered {
    Accepted,
    Refused,
    Unknown,
}

/// The statuses that one request may have.
const COURSES: [&[Report]; 6] = [
    &[],
    &[Report::Sent],
    &[Report::Sent, Report::Delivered],
    &[Report::Failed],
    &[Report::Sent, Report::Failed],
    &[Report::Failed, Report::Delivered],
];

/// A generator that follows from nothing but its beginning.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }

    fn shuffled(&mut self, heard: &[Heard]) -> Vec<Heard> {
        let mut heard = heard.to_vec();
        for at in (1..heard.len()).rev() {
            heard.swap(at, self.below(at + 1));
        }
        heard
    }
}

struct Resent {
    world: World,
    count: u32,
}

impl Resent {
    fn claim(&mut self, at: Timestamp) -> Job {
        self.count += 1;
        let request = [RequestId(u128::from(self.count).to_be_bytes())];
        let (account, room) = (self.world.account, Room { messages: 1, ..Room::default() });
        let mut jobs =
            self.world.do_it(|tx| claim(tx, account, &request, room, &BTreeSet::new(), at));
        jobs.remove(0)
    }

    /// A message with two requests, of which this is heard in this order; and what is shown of it then.
    fn shows(&mut self, heard: &[Heard]) -> String {
        let chat = self.world.begin(&format!("1555{:07}", self.count));
        let id = self.world.say(chat, "hello", t(1));
        let first = self.claim(t(2));
        self.world.record(&first, &unknown(), t(3));
        self.world.do_it(|tx| send_again(tx, id, t(4)));
        let second = self.claim(t(5));
        let (jobs, number) = ([first, second], self.count);
        let wamid = |request: usize| format!("wamid.{number}.{request}");
        for one in heard {
            match *one {
                Heard::Status(request, report) => {
                    // Meta's time says nothing of when it comes here.
                    let order = [Report::Sent, Report::Failed, Report::Delivered];
                    let later = order.iter().position(|other| *other == report).unwrap();
                    let at = t(10 + i64::try_from(later).unwrap());
                    let mut item = status(&wamid(request), report, at, Some(jobs[request].request));
                    if let ItemKind::Status(update) = &mut item.kind {
                        update.error = (report == Report::Failed).then(|| ErrorReport {
                            code: 131_000 + i64::try_from(request).unwrap(),
                            title: "no".to_owned(),
                            details: None,
                        });
                    }
                    self.world.post(&[item]);
                }
                Heard::Answer(answered) => {
                    let verdict = match answered {
                        Answered::Accepted => accepted(&wamid(1)),
                        Answered::Refused => refused(131_026),
                        Answered::Unknown => unknown(),
                    };
                    self.world.record(&jobs[1], &verdict, t(6));
                }
            }
        }
        let shown = self.world.message(id);
        let trouble = shown.trouble.map(|trouble| trouble.code);
        let steps = message::timeline(&self.world.read, id).unwrap();
        let mut told: Vec<_> = steps
            .iter()
            .filter(|step| step.event.is_some())
            .map(|step| (step.at, step.state.name(), step.code))
            .collect();
        told.sort_unstable();
        format!("{} {:?}, trouble {trouble:?}, told {told:?}", shown.state.name(), shown.late_proof)
    }
}

#[test]
fn what_a_message_sent_again_shows_does_not_depend_on_the_order_in_which_it_is_heard() {
    let mut resent = Resent { world: World::new(), count: 0 };
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let mut wrong = Vec::new();
    for first in COURSES {
        for second in COURSES {
            for answer in [Answered::Accepted, Answered::Refused, Answered::Unknown] {
                if answer == Answered::Refused && !second.is_empty() {
                    continue;
                }
                let of = |request: usize, course: &[Report]| -> Vec<Heard> {
                    course.iter().map(|report| Heard::Status(request, *report)).collect()
                };
                let mut heard = vec![Heard::Answer(answer)];
                heard.extend(of(0, first));
                heard.extend(of(1, second));
                let expected = resent.shows(&heard);
                for _ in 0..6 {
                    let order = dice.shuffled(&heard);
                    let shown = resent.shows(&order);
                    if shown != expected {
                        wrong.push(format!("{heard:?}\n  {expected}\n{order:?}\n  {shown}"));
                        break;
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} depend on the order:\n{}", wrong.len(), wrong.join("\n"));
    resent.world.sound();
}
