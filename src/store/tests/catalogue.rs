//! The catalogue: fetched whole, changed by webhooks, and what became of the messages sent from it.

use super::{World, accepted, status as status_of, t};
use crate::domain::catalogue::Tally;
use crate::domain::event::{ErrorReport, Item, ItemKind, TemplateChange, TemplateUpdate};
use crate::domain::id::WabaId;
use crate::domain::message::{Body, NewMessage, Priority};
use crate::domain::state::Report;
use crate::domain::template::{
    Category, ParameterFormat, Quality, SentTemplate, Status, Template, TextParameter,
};
use crate::domain::time::Timestamp;
use crate::store::catalogue::{Kept, Told, age, put, settle, templates};
use crate::store::event::tidings;

fn template(name: &str, language: &str) -> Template {
    Template {
        meta_id: Some("1".to_owned()),
        name: name.to_owned(),
        language: language.to_owned(),
        category: Category::Utility,
        status: Status::Approved,
        quality: Quality::Green,
        reason: None,
        parameters: ParameterFormat::Positional,
        header: None,
        body: crate::domain::template::Text::default(),
        footer: None,
        buttons: Vec::new(),
        authentication: crate::domain::template::Authentication::default(),
        ttl_seconds: None,
        other: Vec::new(),
    }
}

pub(super) fn told(name: &str, language: &str) -> Told {
    let json = format!(
        r#"{{"name":"{name}","components":[{{"type":"BODY","text":"old {name}"}},{{"type":"FOOTER","text":"foot"}}]}}"#
    );
    Told { template: template(name, language), json }
}

impl World {
    /// As if Meta had told all of this when asked at `at`.
    pub(super) fn sync(&mut self, all: &[Told], at: Timestamp) {
        let account = self.account;
        self.do_it(|tx| {
            all.iter().try_for_each(|one| put(tx, account, one, at))?;
            settle(tx, account, all, at)
        });
    }

    pub(super) fn hear(&mut self, name: &str, change: TemplateChange, at: Timestamp) {
        let update = TemplateUpdate {
            name: name.to_owned(),
            language: "pt_BR".to_owned(),
            change,
            at: Some(at),
            summary: format!("{name} pt_BR changed"),
        };
        let item = Item {
            waba: Some(WabaId::new("waba")),
            phone_number: None,
            display_number: None,
            field: "message_template_status_update".to_owned(),
            kind: ItemKind::Template(update),
            raw: "{}".to_owned(),
        };
        self.post(&[item]);
    }

    fn kept(&self) -> Vec<Kept> {
        templates(&self.read, self.account, None).unwrap()
    }

    fn names(&self) -> Vec<String> {
        self.kept().iter().map(|kept| format!("{} {}", kept.name, kept.language)).collect()
    }
}

pub(super) fn status(status: Status, pause_hours: Option<u8>) -> TemplateChange {
    TemplateChange::Status { status, reason: Some("FIRST_PAUSE".to_owned()), pause_hours }
}

/// Its sum with the hours wrapped around, to a pause that is over.
#[test]
fn a_pause_from_the_end_of_all_times_is_not_over() {
    let mut world = World::new();
    world.sync(&[told("a", "pt_BR")], t(0));
    world.hear("a", status(Status::Paused, Some(6)), Timestamp::from_millis(i64::MAX));
    let until = world.kept()[0].paused_until;
    assert_eq!(until, Some(Timestamp::from_millis(i64::MAX)));
}

#[test]
fn a_catalogue_replaces_the_one_before() {
    let mut world = World::new();
    assert_eq!(age(&world.read, world.account).unwrap().synced_at, None);
    world.sync(&[told("a", "pt_BR"), told("a", "en_US"), told("b", "pt_BR")], t(0));
    assert_eq!(world.names(), ["a en_US", "a pt_BR", "b pt_BR"]);
    let mut changed = told("a", "pt_BR");
    changed.template.status = Status::Rejected;
    changed.template.reason = Some("INVALID_FORMAT".to_owned());
    world.sync(&[changed, told("c", "pt_BR")], t(1000));
    assert_eq!(world.names(), ["a pt_BR", "c pt_BR"]);
    let kept = &world.kept()[0];
    assert_eq!(kept.status, Status::Rejected);
    assert_eq!(kept.reason.as_deref(), Some("INVALID_FORMAT"));
    assert_eq!(age(&world.read, world.account).unwrap().synced_at, Some(t(1000)));
}

#[test]
fn a_webhook_changes_the_catalogue_at_once_and_is_told_with_its_end() {
    let mut world = World::new();
    world.sync(&[told("cupom", "pt_BR")], t(0));
    world.hear("cupom", status(Status::Paused, Some(3)), t(100));
    let kept = &world.kept()[0];
    assert_eq!(kept.status, Status::Paused);
    assert_eq!(kept.reason.as_deref(), Some("FIRST_PAUSE"));
    assert_eq!(kept.paused_until, Some(t(100 + 3 * 3600)));
    let paused = tidings(&world.read, None).unwrap().remove(0);
    assert_eq!(paused.words, "cupom pt_BR changed");
    assert_eq!(paused.until, kept.paused_until);
    world.hear("cupom", TemplateChange::Quality(Quality::Red), t(101));
    world.hear("cupom", TemplateChange::Category(Category::Marketing), t(102));
    let since = |after| tidings(&world.read, after).unwrap();
    assert_eq!(since(Some(paused.number)).len(), 2, "each is told");
    assert_eq!(since(None).len(), 1, "the newest alone");
    let text =
        TemplateChange::Text { header: None, body: Some("new words".to_owned()), footer: None };
    world.hear("cupom", text, t(103));
    let kept = &world.kept()[0];
    assert_eq!((&kept.quality, &kept.category), (&Quality::Red, &Category::Marketing));
    assert!(kept.json.contains("new words") && kept.json.contains("foot"), "{}", kept.json);
    assert!(!kept.json.contains("old cupom"), "{}", kept.json);
}

/// The fetch that it asks for once lost against it, so buttons and examples stayed as they were for a day.
#[test]
fn the_catalogue_fetched_after_a_webhook_told_of_new_words_is_taken_whole() {
    let mut world = World::new();
    world.sync(&[told("cupom", "pt_BR")], t(0));
    let text = |words: &str| TemplateChange::Text {
        header: None,
        body: Some(words.to_owned()),
        footer: None,
    };
    world.hear("cupom", text("newer words"), t(200));
    world.hear("cupom", text("late words"), t(100));
    assert!(world.kept()[0].json.contains("newer words"), "the newest wins in any order");
    let mut whole = told("cupom", "pt_BR");
    whole.json = r#"{"name":"cupom","components":[{"type":"BUTTONS"}]}"#.to_owned();
    world.sync(std::slice::from_ref(&whole), t(201));
    assert_eq!(world.kept()[0].json, whole.json);
    world.hear("cupom", text("late words"), t(150));
    assert_eq!(world.kept()[0].json, whole.json, "one that comes late does not undo it");
}

#[test]
fn webhooks_in_any_order_leave_the_newest() {
    for order in [[0, 1], [1, 0]] {
        let mut world = World::new();
        world.sync(&[told("cupom", "pt_BR")], t(0));
        for which in order {
            match which {
                0 => world.hear("cupom", status(Status::Paused, Some(3)), t(100)),
                _ => world.hear("cupom", status(Status::Approved, None), t(200)),
            }
        }
        assert_eq!(world.kept()[0].status, Status::Approved, "{order:?}");
        assert_eq!(world.kept()[0].paused_until, None);
    }
}

#[test]
fn an_old_webhook_does_not_undo_a_catalogue_but_asks_for_another() {
    let mut world = World::new();
    world.sync(&[told("cupom", "pt_BR")], t(1000));
    assert_eq!(age(&world.read, world.account).unwrap().lacks_at, None);
    world.hear("cupom", status(Status::Paused, Some(3)), t(500));
    assert_eq!(world.kept()[0].status, Status::Approved);
    assert!(age(&world.read, world.account).unwrap().lacks_at.is_some());
    world.sync(&[told("cupom", "pt_BR")], t(2000));
    assert_eq!(age(&world.read, world.account).unwrap().lacks_at, None);
}

#[test]
fn a_template_that_only_a_webhook_told_of_asks_for_the_catalogue() {
    let mut world = World::new();
    world.sync(&[], t(0));
    world.hear("nova", status(Status::Approved, None), t(100));
    assert_eq!(world.names(), [""; 0]);
    assert_eq!(age(&world.read, world.account).unwrap().lacks_at, Some(t(0)));
}

#[test]
fn a_fetch_that_began_before_a_webhook_does_not_undo_it() {
    let mut world = World::new();
    world.sync(&[told("cupom", "pt_BR")], t(0));
    world.hear("cupom", status(Status::Paused, Some(3)), t(1000));
    world.sync(&[told("cupom", "pt_BR")], t(999));
    assert_eq!(world.kept()[0].status, Status::Paused);
    assert_eq!(world.kept()[0].paused_until, Some(t(1000 + 3 * 3600)));
    world.sync(&[told("cupom", "pt_BR")], t(5000));
    assert_eq!(world.kept()[0].status, Status::Approved);
}

#[test]
fn a_deleted_template_goes() {
    let mut world = World::new();
    world.sync(&[told("a", "pt_BR"), told("b", "pt_BR")], t(0));
    world.hear("a", status(Status::Deleted, None), t(100));
    assert_eq!(world.names(), ["b pt_BR"]);
}

#[test]
fn what_became_of_the_messages_is_counted_as_it_happens() {
    let mut world = World::new();
    world.sync(&[told("cupom", "pt_BR"), told("other", "pt_BR")], t(0));
    let (ana, rui) = (world.begin("5511988880001"), world.begin("5511988880002"));
    let send = |world: &mut World, to, value: &str, at| {
        let sent = SentTemplate {
            name: "cupom".to_owned(),
            language: "pt_BR".to_owned(),
            text: format!("Oi {value}"),
            values: vec![TextParameter { name: None, text: value.to_owned() }],
            ..SentTemplate::default()
        };
        let new = NewMessage {
            account: world.account,
            conversation: to,
            body: Body::Template(Box::new(sent)),
            reply_to: None,
            priority: Priority::Person,
        };
        world.do_it(|tx| crate::store::outbox::enqueue(tx, &new, at))
    };
    send(&mut world, ana, "Ana", t(1));
    send(&mut world, rui, "Rui", t(2));
    assert_eq!(world.kept()[0].tally, Tally::default());
    for (n, job) in world.claim(10, t(3)).iter().enumerate() {
        world.record(job, &accepted(&format!("w{n}")), t(4));
    }
    world.post(&[
        status_of("w0", Report::Delivered, t(5), None),
        status_of("w0", Report::Read, t(6), None),
    ]);
    let mut failed = status_of("w1", Report::Failed, t(6), None);
    let ItemKind::Status(update) = &mut failed.kind else { unreachable!() };
    update.error = Some(ErrorReport { code: 131_049, title: String::new(), details: None });
    world.post(&[failed]);
    let kept = world.kept();
    let tally = Tally { sent: 1, delivered: 1, read: 1, failed: 1, reasons: vec![(131_049, 1)] };
    assert_eq!(kept[0].tally, tally);
    assert_eq!(kept[0].last_used, Some(t(2)));
    assert_eq!(kept[0].last.as_ref().unwrap().values[0].text, "Rui");
    assert_eq!((kept[1].last_used, kept[1].last.is_none()), (None, true));
    let here = templates(&world.read, world.account, Some(ana)).unwrap();
    assert_eq!((here[0].used_here, here[1].used_here), (1, 0));
    assert_eq!(here[0].last.as_ref().unwrap().values[0].text, "Ana");
}

/// What had been written as something else once went out as marketing to who wants none.
#[test]
fn a_template_that_became_marketing_while_its_message_waited_is_held_for_who_opted_out() {
    let mut world = World::new();
    let a = world.begin("1");
    let mut offer = told("offer", "en");
    offer.template.category = Category::Utility;
    world.sync(std::slice::from_ref(&offer), t(0));
    world.do_it(|tx| crate::store::wish::decide(tx, a, true, "ana", t(1)));
    let id = world.template(a, false, t(2));
    offer.template.category = Category::Marketing;
    world.sync(&[offer], t(100));
    assert!(world.claim(1, t(101)).is_empty());
    assert_eq!(world.held(id), Some(crate::domain::state::HoldReason::OptedOut));
    world.sound();
}

/// A listing that was under way put it back for a day, and Meta refused whatever was sent with it.
#[test]
fn a_template_that_was_deleted_while_a_listing_was_under_way_came_back_for_a_day() {
    let mut world = World::new();
    let account = world.account;
    world.sync(&[told("cupom", "pt_BR")], t(0));
    // Asked for at 100, whole at 102.
    world.do_it(|tx| crate::store::catalogue::remove(tx, account, "cupom", None, t(101)));
    world.sync(&[told("cupom", "pt_BR")], t(100));
    assert_eq!(age(&world.read, account).unwrap().lacks_at, Some(t(101)), "another one follows");
    world.sync(&[], t(200));
    assert_eq!(age(&world.read, account).unwrap().lacks_at, None);
    assert!(world.names().is_empty());
}
