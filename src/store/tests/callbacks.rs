//! What is kept of changes of the callback, and of the tunnel's address.

use super::*;
use crate::domain::tunnel::Level;
use crate::store::callback::{
    Address, Change, Deed, changes, intend, last_word, note_change, ours, running, set_address,
    withdraw,
};

fn change(deed: Deed, level: Level, old: Option<&str>, new: Option<&str>) -> Change {
    let (old, new) = (old.map(str::to_owned), new.map(str::to_owned));
    Change { deed, level, old, new, at: t(0) }
}

/// What would be put back after these changes.
fn before_us(made: &[Change]) -> Vec<(Level, Option<String>)> {
    let mut world = World::new();
    for change in made {
        let (change, account) = (change.clone(), world.account);
        world.write.write(|tx| note_change(tx, account, &change)).unwrap();
    }
    let all = changes(&world.read, world.account).unwrap();
    ours(&all).into_iter().map(|change| (change.level, change.old.clone())).collect()
}

#[test]
fn putting_back_one_level_forgot_what_stood_at_another() {
    let number = change(Deed::Set, Level::Number, None, Some("t1"));
    let waba = change(Deed::Set, Level::Waba, Some("production"), Some("t1"));
    let moved = change(Deed::Set, Level::Waba, Some("t1"), Some("t2"));
    let put_back = change(Deed::PutBack, Level::Number, Some("t1"), None);
    let (both, production) = ([number, waba, moved], Some("production".to_owned()));
    assert_eq!(before_us(&both), [(Level::Number, None), (Level::Waba, production.clone())]);
    let after = [both.as_slice(), std::slice::from_ref(&put_back)].concat();
    assert_eq!(before_us(&after), [(Level::Waba, production)]);
    let last = change(Deed::PutBack, Level::Waba, Some("t2"), Some("production"));
    assert_eq!(before_us(&[after.as_slice(), &[last]].concat()), []);
}

#[test]
fn an_intent_is_noted_once_and_one_that_may_have_been_carried_out_is_not_taken_back() {
    let mut world = World::new();
    let account = world.account;
    let set = change(Deed::Set, Level::Number, Some("production"), Some("t1"));
    let again = Change { at: t(30), ..set.clone() };
    let (first, _) = world.write.write(|tx| intend(tx, account, &set)).unwrap();
    let (second, _) = world.write.write(|tx| intend(tx, account, &again)).unwrap();
    assert!(first.is_some() && second.is_none());
    assert_eq!(changes(&world.read, account).unwrap(), [set]);
    let before = last_word(&world.read).unwrap();
    world.write.write(|tx| withdraw(tx, first.unwrap())).unwrap();
    assert_eq!(changes(&world.read, account).unwrap(), []);
    assert_ne!(last_word(&world.read).unwrap(), before);
}

#[test]
fn the_address_of_a_tunnel_that_was_killed_counted_as_running() {
    let mut world = World::new();
    let address =
        Address { kind: "ssh".to_owned(), url: "https://a.example".to_owned(), proved_at: t(0) };
    world.write.write(|tx| set_address(tx, Some(&address))).unwrap();
    assert_eq!(running(&world.read, t(120)).unwrap(), Some(address));
    assert_eq!(running(&world.read, t(121)).unwrap(), None);
}
