//! The workbench by key: what Meta says of the account and its profile, over the real loop, services and the
//! simulated Meta.

use twoticks::sim::{NumberChange, Quality};

use crate::desk::Shop;

#[test]
fn an_account_that_is_flagged_says_so_when_meta_is_asked_by_key() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    inbox.keys("A");
    // The sender asks at the start.
    inbox.until_text("CONNECTED");
    inbox.until_text("TIER_");
    let red = NumberChange::Quality(Quality::Red);
    shop.sim.with_world(|world| world.change_number(shop.now(), &red)).unwrap();
    inbox.keys("r");
    inbox.until_text("Quality is RED");
    inbox.until_text("Status is FLAGGED");
    inbox.keys("<Esc>");
    inbox.until("the bar", |screen| screen.lines().next().is_some_and(|bar| bar.contains("RED")));
    inbox.quit();
}

#[test]
fn the_profile_is_read_and_changed_by_key() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    inbox.keys("A<Tab>");
    inbox.until_text("objetos de casa");
    inbox.keys("e<Ctrl-U>Open all day<Enter>");
    inbox.until("the new line", |screen| {
        screen.contains("Open all day") && !screen.contains("objetos de casa")
    });
    inbox.keys("jjje<Ctrl-U>nobody<Enter>");
    inbox.until_text("no e-mail address");
    inbox.keys("<Esc><Esc>");
    inbox.quit();
}
