//! Templates begun in the editor.

use super::*;
use crate::domain::template::{Fields, Purpose};
use crate::store::unfinished::{keep, unfinished};

#[test]
fn what_is_kept_takes_the_place_of_what_was_and_goes_when_it_is_done_with() {
    let mut world = World::new();
    let account = world.account;
    let like = Purpose::Like("promo".to_owned(), "pt_BR".to_owned());
    let fields = |body: &str| Fields::from([("body".to_owned(), body.to_owned())]);
    let with_name = Fields::from([("name".to_owned(), "aviso".to_owned())]);
    world.do_it(|tx| keep(tx, account, &Purpose::New, &with_name));
    world.do_it(|tx| keep(tx, account, &like, &fields("Oi")));
    world.do_it(|tx| keep(tx, account, &Purpose::New, &fields("Olá")));
    let kept = unfinished(&world.read, account).unwrap();
    assert_eq!(kept, [(Purpose::New, fields("Olá")), (like.clone(), fields("Oi"))].into());
    world.do_it(|tx| keep(tx, account, &Purpose::New, &Fields::new()));
    assert_eq!(unfinished(&world.read, account).unwrap(), [(like, fields("Oi"))].into());
    world.sound();
}
