//! Templates begun in the editor.

use super::*;
use crate::domain::template::{Fields, Purpose};
use crate::store::unfinished::{keep, keep_values, unfinished, values};

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

#[test]
fn values_are_kept_for_each_conversation() {
    let mut world = World::new();
    let (a, b) = (world.begin("15550001"), world.begin("15550002"));
    let of = |text: &str| Fields::from([("1".to_owned(), text.to_owned())]);
    let begun = |name: &str, text: &str| [(name.to_owned(), of(text))].into();
    world.do_it(|tx| keep_values(tx, a, "aviso", &of("Ana")));
    world.do_it(|tx| keep_values(tx, b, "aviso", &of("Bia")));
    world.do_it(|tx| keep_values(tx, a, "aviso", &of("Ana Souza")));
    assert_eq!(values(&world.read, a).unwrap(), begun("aviso", "Ana Souza"));
    assert_eq!(values(&world.read, b).unwrap(), begun("aviso", "Bia"));
    assert!(unfinished(&world.read, world.account).unwrap().is_empty(), "no template is made");
    world.do_it(|tx| keep_values(tx, a, "aviso", &Fields::new()));
    assert!(values(&world.read, a).unwrap().is_empty());
    world.sound();
}
