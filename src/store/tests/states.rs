use super::*;
use crate::domain::message::LateProof;
use crate::domain::state::{Step, step};
use crate::store::outbox::{cancel, rescue, send_again};
use crate::store::standing::{self, Proof};
use crate::store::{list, message};

impl World {
    /// A message whose first request has no known outcome, and which a person sent again: it, and both requests.
    fn requested_twice(&mut self) -> (MessageId, Job, Job) {
        let chat = self.begin("15551230001");
        let id = self.say(chat, "hello", t(1));
        let first = self.claim(1, t(2)).remove(0);
        self.record(&first, &unknown(), t(3));
        self.do_it(|tx| send_again(tx, id, t(4)));
        let second = self.claim(1, t(5)).remove(0);
        (id, first, second)
    }
}

#[test]
fn a_message_goes_all_the_way_and_tells_each_step() {
    let mut world = World::new();
    let chat = world.begin("15551230001");
    let id = world.say(chat, "hello", t(1));
    assert_eq!(world.state(id), State::Queued);
    let jobs = world.claim(5, t(2));
    assert_eq!(sends(&jobs), [id]);
    assert_eq!(world.state(id), State::Sending);
    world.record(&jobs[0], &accepted("wamid.1"), t(3));
    assert_eq!(world.state(id), State::Accepted);
    for (report, state) in [
        (Report::Sent, State::Sent),
        (Report::Delivered, State::Delivered),
        (Report::Read, State::Read),
    ] {
        world.post(&[status("wamid.1", report, t(4), None)]);
        assert_eq!(world.state(id), state);
    }
    let steps: Vec<State> =
        message::timeline(&world.read, id).unwrap().into_iter().map(|entry| entry.state).collect();
    assert_eq!(
        steps,
        [
            State::Queued,
            State::Sending,
            State::Accepted,
            State::Sent,
            State::Delivered,
            State::Read
        ]
    );
    world.sound();
}

#[test]
fn a_status_before_the_answer_moves_the_message_and_the_answer_adds_the_wamid() {
    let mut world = World::new();
    let chat = world.begin("15551230001");
    let id = world.say(chat, "hello", t(1));
    let jobs = world.claim(1, t(2));
    world.post(&[status("wamid.1", Report::Delivered, t(3), Some(jobs[0].request))]);
    assert_eq!(world.state(id), State::Delivered);
    world.record(&jobs[0], &accepted("wamid.1"), t(4));
    assert_eq!(world.state(id), State::Delivered);
    assert_eq!(world.message(id).wamid, Some(Wamid::new("wamid.1")));
    world.sound();
}

#[test]
fn a_status_that_names_no_request_waits_for_the_wamid() {
    let mut world = World::new();
    let chat = world.begin("15551230001");
    let id = world.say(chat, "hello", t(1));
    let jobs = world.claim(1, t(2));
    world.post(&[status("wamid.1", Report::Read, t(3), None)]);
    assert_eq!(world.state(id), State::Sending);
    world.record(&jobs[0], &accepted("wamid.1"), t(4));
    assert_eq!(world.state(id), State::Read);
    world.sound();
}

#[test]
fn a_killed_sender_leaves_uncertain_messages_that_proof_resolves() {
    let mut world = World::new();
    let chat = world.begin("15551230001");
    let id = world.say(chat, "hello", t(1));
    let jobs = world.claim(1, t(2));
    assert_eq!(world.do_it(|tx| rescue(tx, t(3))), [id]);
    assert_eq!(world.state(id), State::Uncertain);
    assert_eq!(world.do_it(|tx| rescue(tx, t(4))), []);
    world.sound();
    world.post(&[status("wamid.1", Report::Sent, t(5), Some(jobs[0].request))]);
    assert_eq!(world.state(id), State::Sent);
    world.sound();
}

#[test]
fn a_late_answer_to_a_withdrawn_message_shows_that_it_was_sent() {
    let mut world = World::new();
    let chat = world.begin("15551230001");
    let id = world.say(chat, "hello", t(1));
    let jobs = world.claim(1, t(2));
    world.do_it(|tx| rescue(tx, t(3)));
    world.do_it(|tx| cancel(tx, id, t(4)));
    world.record(&jobs[0], &accepted("wamid.1"), t(5));
    assert_eq!(world.state(id), State::Cancelled);
    assert_eq!(world.message(id).late_proof, LateProof::WasSent);
    world.sound();
}

#[test]
fn proof_of_the_first_request_stops_the_second_one_in_the_queue() {
    let mut world = World::new();
    let chat = world.begin("15551230001");
    let id = world.say(chat, "hello", t(1));
    let first = world.claim(1, t(2)).remove(0);
    world.record(&first, &unknown(), t(3));
    world.do_it(|tx| send_again(tx, id, t(4)));
    world.post(&[status("wamid.1", Report::Delivered, t(5), Some(first.request))]);
    assert_eq!(world.state(id), State::Delivered);
    assert!(world.claim(1, t(6)).is_empty());
    world.post(&[status("wamid.1", Report::Read, t(7), None)]);
    assert_eq!(world.state(id), State::Read);
    world.sound();
}

#[test]
fn a_message_put_off_and_then_reported_as_sent_is_not_sent_twice() {
    for report in [Report::Sent, Report::Delivered] {
        let mut world = World::new();
        let chat = world.begin("15551230001");
        let id = world.say(chat, "hello", t(1));
        let first = world.claim(1, t(2)).remove(0);
        let error = ApiError { http_status: 503, code: Some(2), ..ApiError::default() };
        let later = Verdict::Retry { not_before: t(5), uses_try: true, error };
        world.record(&first, &later, t(3));
        assert_eq!(world.state(id), State::Queued);
        world.post(&[status("wamid.1", report, t(4), Some(first.request))]);
        assert_eq!(world.state(id), report.state());
        assert_eq!(world.message(id).wamid, Some(Wamid::new("wamid.1")));
        assert!(world.claim(1, t(9)).is_empty());
        world.post(&[status("wamid.1", Report::Read, t(10), None)]);
        assert_eq!(world.state(id), State::Read);
        world.sound();
    }
}

#[test]
fn a_request_that_failed_and_was_sent_late_does_not_swallow_the_second_one() {
    for failed_before_again in [true, false] {
        let mut world = World::new();
        let chat = world.begin("15551230001");
        let id = world.say(chat, "hello", t(1));
        let first = world.claim(1, t(2)).remove(0);
        let failed = status("wamid.1", Report::Failed, t(5), Some(first.request));
        world.record(&first, &unknown(), t(3));
        if failed_before_again {
            world.post(std::slice::from_ref(&failed));
        }
        world.do_it(|tx| send_again(tx, id, t(6)));
        world.post(&[failed]);
        world.post(&[status("wamid.1", Report::Sent, t(4), None)]);
        assert_eq!(world.state(id), State::Queued);
        world.record(&first, &accepted("wamid.1"), t(7));
        assert_eq!(world.state(id), State::Queued);
        assert_eq!(sends(&world.claim(1, t(8))), [id]);
        world.sound();
    }
}

#[test]
fn a_failed_request_settles_nothing_unless_it_arrived() {
    let mut orders = [Report::Sent, Report::Failed];
    for arrived in [false, true] {
        for _ in 0..2 {
            orders.reverse();
            let mut world = World::new();
            let (id, first, second) = world.requested_twice();
            for report in orders {
                world.post(&[status("wamid.1", report, t(6), Some(first.request))]);
            }
            if arrived {
                world.post(&[status("wamid.1", Report::Delivered, t(7), None)]);
            }
            world.record(&second, &refused(131_026), t(8));
            let wanted = if arrived { State::Delivered } else { State::Failed };
            assert_eq!(world.state(id), wanted);
            world.sound();
        }
    }
}

#[test]
fn a_late_answer_to_the_first_request_stops_the_second_one_too() {
    let mut world = World::new();
    let chat = world.begin("15551230001");
    let id = world.say(chat, "hello", t(1));
    let first = world.claim(1, t(2)).remove(0);
    world.do_it(|tx| rescue(tx, t(3)));
    world.do_it(|tx| send_again(tx, id, t(4)));
    world.record(&first, &accepted("wamid.1"), t(5));
    assert_eq!(world.state(id), State::Accepted);
    assert!(world.claim(1, t(6)).is_empty());
    world.post(&[status("wamid.1", Report::Sent, t(7), None)]);
    assert_eq!(world.state(id), State::Sent);
    world.sound();
}

#[test]
fn two_accepted_requests_show_as_sent_twice_whichever_proof_comes_first() {
    for proof_first in [true, false] {
        let mut world = World::new();
        let (id, first, second) = world.requested_twice();
        let late = status("wamid.1", Report::Sent, t(6), Some(first.request));
        if proof_first {
            world.post(std::slice::from_ref(&late));
            assert_eq!(world.message(id).late_proof, LateProof::WasSent);
        }
        world.record(&second, &accepted("wamid.2"), t(7));
        world.post(&[late]);
        assert_eq!(world.message(id).late_proof, LateProof::SentTwice);
        assert_eq!(world.state(id), State::Accepted);
        world.sound();
    }
}

/// All orders of `items`.
fn orders<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |first: usize| {
        let mut rest = items.to_vec();
        let one = rest.remove(first);
        orders(&rest).into_iter().map(move |mut order| {
            order.insert(0, one.clone());
            order
        })
    };
    (0..items.len()).flat_map(with_first).collect()
}

#[test]
fn what_two_requests_came_to_is_the_same_in_any_order() {
    use Report::{Delivered, Failed, Read, Sent};
    for (first, second, wanted) in [
        (&[Sent, Read][..], &[Sent, Failed][..], State::Read),
        (&[Sent], &[Sent, Failed], State::Sent),
        (&[Sent, Failed], &[Sent, Failed], State::Failed),
        (&[Sent, Delivered], &[Sent], State::Delivered),
        (&[Failed], &[Sent], State::Sent),
        (&[Sent, Read], &[Failed, Delivered], State::Read),
        (&[Delivered], &[Sent, Read], State::Read),
    ] {
        let of =
            |wamid, reports: &[Report]| reports.iter().map(move |r| (wamid, Some(*r))).collect();
        let told: Vec<(usize, Option<Report>)> =
            [of(0, first), of(1, second), vec![(1, None)]].concat();
        let mut world = World::new();
        for (number, order) in orders(&told).into_iter().enumerate() {
            let chat = world.begin(&format!("1555{number:07}"));
            let id = world.say(chat, "hello", t(1));
            let one = world.claim(1, t(2)).remove(0);
            world.record(&one, &unknown(), t(3));
            world.do_it(|tx| send_again(tx, id, t(4)));
            let two = world.claim(1, t(5)).remove(0);
            let wamid = |which: usize| format!("wamid.{number}.{which}");
            for (which, report) in &order {
                let request = [one.request, two.request][*which];
                match report {
                    None => world.record(&two, &accepted(&wamid(1)), t(6)),
                    Some(report) => {
                        world.post(&[status(&wamid(*which), *report, t(7), Some(request))]);
                    }
                }
            }
            assert_eq!(world.state(id), wanted, "{order:?}");
        }
        world.sound();
    }
}

#[test]
fn a_failure_of_the_first_request_does_not_take_back_what_the_second_came_to() {
    let mut world = World::new();
    let chat = world.begin("15551230001");
    let id = world.say(chat, "hello", t(1));
    let mut requests = Vec::new();
    for number in 1..=3 {
        let job = world.claim(1, t(2)).remove(0);
        world.record(&job, &unknown(), t(3));
        requests.push(job.request);
        if number < 3 {
            world.do_it(|tx| send_again(tx, id, t(4)));
        }
    }
    let told = |number: usize, report| {
        status(&format!("wamid.{number}"), report, t(6), Some(requests[number - 1]))
    };
    world.post(&[told(1, Report::Sent), told(2, Report::Sent), told(3, Report::Failed)]);
    assert_eq!(world.state(id), State::Sent);
    world.post(&[told(1, Report::Failed)]);
    assert_eq!(world.state(id), State::Sent, "the second was sent");
    world.post(&[told(2, Report::Failed)]);
    assert_eq!(world.state(id), State::Failed);
    world.sound();
}

#[test]
fn a_request_that_alone_was_accepted_is_not_shown_as_sent_twice() {
    let mut world = World::new();
    let (id, first, second) = world.requested_twice();
    world.post(&[status("wamid.1", Report::Read, t(6), Some(first.request))]);
    world.record(&second, &unknown(), t(7));
    assert_eq!(world.state(id), State::Uncertain);
    world.do_it(|tx| send_again(tx, id, t(8)));
    world.post(&[status("wamid.1", Report::Delivered, t(6), Some(first.request))]);
    assert_eq!(world.state(id), State::Read, "not only delivered");
    assert_eq!(world.message(id).late_proof, LateProof::WasSent);
    world.sound();
}

#[test]
fn two_proved_requests_show_as_sent_twice_while_a_third_is_unknown_or_withdrawn() {
    for withdrawn in [false, true] {
        let mut world = World::new();
        let chat = world.begin("15551230001");
        let id = world.say(chat, "hello", t(1));
        let mut requests = Vec::new();
        for _ in 0..3 {
            let job = world.claim(1, t(2)).remove(0);
            world.record(&job, &unknown(), t(3));
            requests.push(job.request);
            if requests.len() < 3 {
                world.do_it(|tx| send_again(tx, id, t(4)));
            }
        }
        if withdrawn {
            world.do_it(|tx| cancel(tx, id, t(5)));
        }
        world.post(&[status("wamid.1", Report::Sent, t(6), Some(requests[0]))]);
        assert_eq!(world.message(id).late_proof, LateProof::WasSent);
        world.post(&[status("wamid.1", Report::Delivered, t(7), Some(requests[0]))]);
        assert_eq!(world.message(id).late_proof, LateProof::WasSent, "the same one");
        world.post(&[status("wamid.2", Report::Sent, t(8), Some(requests[1]))]);
        assert_eq!(world.message(id).late_proof, LateProof::SentTwice);
        world.sound();
    }
}

#[test]
fn a_refused_second_request_falls_back_on_the_proof_of_the_first() {
    let mut world = World::new();
    let (id, first, second) = world.requested_twice();
    world.post(&[status("wamid.1", Report::Delivered, t(6), Some(first.request))]);
    world.record(&second, &refused(131_026), t(7));
    assert_eq!(world.state(id), State::Delivered);
    world.sound();
}

#[test]
fn delivered_overrides_failed_and_failed_does_not_override_delivered() {
    for order in [[Report::Failed, Report::Delivered], [Report::Delivered, Report::Failed]] {
        let mut world = World::new();
        let chat = world.begin("15551230001");
        let id = world.say(chat, "hello", t(1));
        let job = world.claim(1, t(2)).remove(0);
        world.record(&job, &accepted("wamid.1"), t(3));
        for report in order {
            world.post(&[status("wamid.1", report, t(4), None)]);
        }
        assert_eq!(world.state(id), State::Delivered);
        assert_eq!(world.message(id).trouble, None);
        world.sound();
    }
}

#[test]
fn a_failed_message_is_sent_again_with_fresh_tries() {
    let mut world = World::new();
    let chat = world.begin("15551230001");
    let id = world.say(chat, "hello", t(1));
    let job = world.claim(1, t(2)).remove(0);
    world.record(&job, &refused(131_026), t(3));
    let failed = world.message(id);
    assert_eq!((failed.state, failed.tries), (State::Failed, 1));
    assert_eq!(failed.trouble.unwrap().code, Some(131_026));
    assert_eq!(list::conversation(&world.read, chat).unwrap().failed, 1);
    world.do_it(|tx| send_again(tx, id, t(4)));
    assert_eq!(list::conversation(&world.read, chat).unwrap().failed, 0);
    let again = world.claim(1, t(5)).remove(0);
    assert_eq!(again.tries_used, 0);
    assert_ne!(again.request, job.request);
    let refused = world.write.write(|tx| send_again(tx, id, t(6))).unwrap_err();
    assert_eq!(refused.to_string(), "a message that is sending cannot be sent again");
    world.sound();
}

#[test]
fn the_table_of_states_holds_through_the_database() {
    let causes = crate::domain::state::tests::causes();
    let mut world = World::new();
    let chat = world.begin("15551230001");
    let mut expected = Vec::new();
    for state in State::ALL.into_iter().filter(|state| *state != State::Received) {
        for cause in &causes {
            let id = world.say(chat, "x", t(1));
            let taken = world.do_it(|tx| {
                tx.conn.execute(
                    "UPDATE message SET state = ?2 WHERE id = ?1",
                    [id.0, crate::store::row::state_number(state)],
                )?;
                let mut message = standing::load(tx.conn, id)?;
                standing::advance(tx, &mut message, *cause, &Proof::at(t(2)))
            });
            assert_eq!(taken, step(state, *cause));
            expected.push((
                id,
                match taken {
                    Step::To(next) | Step::SentTwiceTo(next) => next,
                    _ => state,
                },
            ));
        }
    }
    let reopened = ReadConn::open(&world.path()).unwrap();
    for (id, state) in expected {
        assert_eq!(message::message(&reopened, id).unwrap().state, state);
    }
}

#[test]
fn two_requests_that_failed_in_the_same_second_are_both_told() {
    let mut world = World::new();
    let (id, first, second) = world.requested_twice();
    for (wamid, job) in [("wamid.1", &first), ("wamid.2", &second), ("wamid.2", &second)] {
        world.post(&[status(wamid, Report::Failed, t(6), Some(job.request))]);
    }
    let told = message::timeline(&world.read, id).unwrap();
    let failures: Vec<_> = told.iter().filter(|step| step.at == t(6)).map(|s| s.request).collect();
    assert_eq!(failures, [Some(first.request), Some(second.request)], "each once");
    world.sound();
}

#[test]
fn what_meta_holds_is_shown_until_it_goes() {
    let mut world = World::new();
    let a = world.begin("1");
    let id = world.say(a, "hi", t(1));
    let job = world.claim(1, t(2)).remove(0);
    let held = Acceptance {
        wamid: Some(Wamid::new("wamid.1")),
        message_status: Some("held_for_quality_assessment".to_owned()),
        ..Acceptance::default()
    };
    world.record(&job, &Verdict::Accepted(held), t(3));
    let words = "held by Meta to assess the template's quality: it goes out later, or fails";
    let message = world.message(id);
    assert_eq!(message.state, State::Accepted);
    assert_eq!(message.trouble.unwrap().detail, words);
    let timeline = message::timeline(&world.read, id).unwrap();
    assert_eq!(timeline.last().unwrap().detail.as_deref(), Some(words));
    world.post(&[status("wamid.1", Report::Sent, t(9), None)]);
    let message = world.message(id);
    assert_eq!((message.state, message.trouble), (State::Sent, None));
    world.sound();
}
