//! The workbench by key: what Meta says of the account and its profile, over the real loop, services and the
//! simulated Meta.

use std::sync::Arc;

use twoticks::domain::tunnel::Kind;
use twoticks::service::tunnel::missing_tool;
use twoticks::sim::{NumberChange, Quality};

use crate::desk::{PATIENCE, Shop};
use crate::tunnel::{Server, free_port, until_none};

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
    inbox.until_text("Customers see it.");
    let screen = inbox.screen();
    assert!(screen.contains("Open all day") && !screen.contains("objetos de casa"), "{screen}");
    inbox.keys("jjje<Ctrl-U>nobody<Enter>");
    inbox.until_text("no e-mail address");
    inbox.keys("<Esc><Esc>");
    inbox.quit();
}

#[test]
fn the_picture_of_the_profile_is_changed_by_key_and_what_is_no_picture_says_so() {
    let shop = Shop::new();
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(at("shop.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    std::fs::write(at("shop.gif"), b"GIF89a").unwrap();
    let mut inbox = shop.open_live();
    inbox.keys("A<Tab>");
    inbox.until_text("objetos de casa");
    inbox.keys(&format!("jjjjjje{}<Enter>", at("none.png")));
    inbox.until_text("No such file");
    inbox.keys(&format!("<Ctrl-U>{}<Enter>", at("shop.gif")));
    inbox.until_text("neither a JPEG nor");
    inbox.keys(&format!("<Ctrl-U>{}<Enter>", at("shop.png")));
    inbox.until_text("Customers see the new picture.");
    inbox.until_text("https://pps.whatsapp.net/");
    inbox.keys("<Esc>");
    inbox.quit();
}

/// A real ssh server lets Meta in; everything is done with the keys of the tab and read on the screen.
#[test]
fn a_tunnel_is_started_told_to_meta_put_back_and_stopped_by_key() {
    let Some(server) = Server::start() else { return };
    let remote = free_port();
    let mut shop = Shop::new();
    let ssh = server.asking(remote);
    shop.tunnels = Arc::new(move |kind| match kind {
        Kind::None => Ok(None),
        Kind::Ssh => Ok(Some(ssh.clone())),
        other => Err(missing_tool(other).unwrap_or_default()),
    });
    let mut inbox = shop.open_live();
    let before = shop.sim.with_world(|world| told_to(world));
    assert!(before.is_empty(), "nothing was posted yet");
    inbox.keys("T");
    inbox.until_text("Nothing brings webhooks here.");
    // The window says where it is until Meta is asked; the round trip is that of a signed event.
    inbox.keys("jjj<Enter>");
    inbox.until_text("ssh works: an event came through and back in");
    inbox.until_text(&format!("http://127.0.0.1:{remote}/webhook"));
    inbox.until_text("m lets it post to the tunnel");
    let asked = inbox.screen();
    let old = asked.lines().find_map(|line| line.split_once("Meta posts to http://127.0.0.1:"));
    let old = old.expect("where Meta posts").1.split('/').next().unwrap().to_owned();
    assert_ne!(old, remote.to_string());

    inbox.keys("m");
    inbox.until_text("Meta posts there.");
    inbox.until_text("p puts the address from before back.");
    inbox.until(&old, |screen| screen.contains(&format!("http://127.0.0.1:{old}/webhook")));
    shop.sim.say("+15551230001", "through the tunnel").unwrap();
    inbox.keys("<Esc>");
    inbox.until_text("through the tunnel");
    let through = format!("http://127.0.0.1:{remote}/webhook");
    until_answered(&shop, std::slice::from_ref(&through));

    inbox.keys("Tp");
    inbox.until_text("Where Meta posts is left alone");
    shop.sim.say("+15551230001", "the old way").unwrap();
    inbox.keys("<Esc>");
    inbox.until_text("the old way");
    until_answered(&shop, &[through, format!("http://127.0.0.1:{old}/webhook")]);

    inbox.keys("T");
    inbox.until_text("ssh works");
    inbox.keys("kkk<Enter>");
    inbox.until_text("Nothing brings webhooks here.");
    until_none(&format!("127.0.0.1:{remote}:127.0.0.1:"));
    inbox.keys("<Esc>");
    inbox.quit();
}

/// Waits until the simulated Meta has posted to exactly these addresses, in this order. The screen may show
/// a message before Meta has read our answer and noted the webhook.
fn until_answered(shop: &Shop, addresses: &[String]) {
    shop.sim.wait_until(PATIENCE, |world| told_to(world).len() >= addresses.len());
    assert_eq!(shop.sim.with_world(|world| told_to(world)), addresses);
}

/// Where the simulated Meta has posted webhooks so far.
fn told_to(world: &twoticks::sim::World) -> Vec<String> {
    let entries = world.log_since(0).into_iter();
    let webhooks = entries.filter(|entry| entry["kind"] == "webhook");
    webhooks.filter_map(|entry| entry["target"].as_str().map(str::to_owned)).collect()
}
