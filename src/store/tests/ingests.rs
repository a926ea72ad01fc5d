use super::*;
use crate::domain::conversation::Filter;
use crate::domain::event::{EchoMessage, ErrorReport};
use crate::domain::id::MediaId;
use crate::domain::message::{
    Author, Card, LateProof, Media, MediaCopy, MediaKind, OrderItem, ReplyKind,
};
use crate::domain::page::ListPage;
use crate::domain::template::{
    Category, SentAction, SentButton, SentHeader, SentTemplate, TextParameter,
};
use crate::store::event::{self, EffectKind};
use crate::store::{list, message, search};

#[test]
fn an_equal_body_is_another_event_and_changes_nothing() {
    let mut world = World::new();
    let items = [heard("w1", phone("1"), t(1), "hello")];
    let post = RawPost { body: b"{\"a\":1}".to_vec(), sha256: [1; 32], received_at: t(1) };
    let (first, changes) = world.write.write(|tx| ingest(tx, &post, &items, t(1))).unwrap();
    assert!(first.fresh);
    assert_eq!((changes.conversations.len(), changes.arrivals.len()), (1, 1));
    let (second, changes) = world.write.write(|tx| ingest(tx, &post, &items, t(2))).unwrap();
    assert!(!second.fresh && second.messages.is_empty());
    assert_eq!(changes, Changes { events: true, ..Changes::default() });
    let events = event::events(&world.read, None, 10).unwrap();
    assert_eq!(events.iter().map(|event| event.duplicate).collect::<Vec<_>>(), [true, false]);
    assert_eq!(events[1].effects[0].kind, EffectKind::Message);
    let (row, body) = event::event(&world.read, first.event).unwrap();
    assert_eq!((row.size, body), (7, b"{\"a\":1}".to_vec()));
    assert!(event::event(&world.read, crate::domain::id::EventId(99)).is_err());
    world.sound();
}

#[test]
fn one_bad_item_costs_only_itself_and_is_kept_with_its_reason() {
    let mut world = World::new();
    let mut elsewhere = heard("w2", phone("2"), t(1), "for somebody else");
    elsewhere.phone_number = Some(PhoneNumberId::new("999"));
    let items = [
        heard("w1", phone("1"), t(1), "hello"),
        elsewhere,
        heard("w3", Peer::default(), t(1), "from nobody"),
        item(ItemKind::Unknown { reason: "a field of tomorrow".to_owned() }),
        item(ItemKind::Notice { summary: "quality is high".to_owned(), report: None }),
        item(ItemKind::Error { code: 130_429, detail: "slow down".to_owned() }),
        heard("w4", phone("1"), t(2), "again"),
    ];
    let (done, _) = world.post(&items);
    assert_eq!((done.messages.len(), done.unknown), (2, 3));
    let notices = event::notices(&world.read, 10).unwrap();
    let kinds: Vec<EffectKind> = notices.iter().rev().map(|notice| notice.kind).collect();
    assert_eq!(
        kinds,
        [
            EffectKind::UnknownNumber,
            EffectKind::Unknown,
            EffectKind::Unknown,
            EffectKind::Notice,
            EffectKind::Error
        ]
    );
    assert_eq!(notices[4].detail.as_deref(), Some("no account has the phone_number_id 999"));
    world.sound();
}

#[test]
fn an_item_that_cannot_be_applied_is_rolled_back_alone() {
    let mut world = World::new();
    world
        .write
        .raw()
        .execute_batch(
            "CREATE TRIGGER poison AFTER INSERT ON message WHEN new.text = 'poison'
             BEGIN SELECT raise(FAIL, 'poisoned'); END",
        )
        .unwrap();
    let (done, _) = world.post(&[
        heard("w1", phone("1"), t(1), "good"),
        heard("w2", phone("2"), t(1), "poison"),
        heard("w3", phone("3"), t(1), "good"),
    ]);
    assert_eq!((done.messages.len(), done.unknown), (2, 1));
    let notice = event::notices(&world.read, 1).unwrap().remove(0);
    assert_eq!(notice.kind, EffectKind::Failed);
    assert!(notice.detail.unwrap().contains("poisoned"));
    assert_eq!(list::counts(&world.read, world.account, t(60)).unwrap().all, 2);
    world.sound();
}

#[test]
fn reactions_edits_and_revokes_change_their_message_whichever_came_first() {
    let target = Wamid::new("w1");
    let say = |id: &str, at: i64, body: Body| {
        item(ItemKind::Message(inbound(id, phone("1"), t(at), body)))
    };
    let react = |id: &str, at: i64, emoji: Option<&str>| {
        let emoji = emoji.map(str::to_owned);
        say(id, at, Body::Reaction { target: target.clone(), emoji })
    };
    let edit = |id: &str, at: i64, words: &str| {
        say(id, at, Body::Edit { target: target.clone(), text: words.to_owned() })
    };
    let items = [
        heard("w1", phone("1"), t(1), "helo"),
        react("r1", 2, Some("👍")),
        react("r2", 3, Some("❤️")),
        edit("e1", 4, "hello"),
        edit("e2", 5, "hello!"),
    ];
    // Each in a transaction of its own, and all in one.
    let orders = [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0]];
    for (order, at_once) in orders.into_iter().flat_map(|order| [(order, 1), (order, 5)]) {
        let mut world = World::new();
        for part in order.map(|index| items[index].clone()).chunks(at_once) {
            world.post(part);
            world.write.index().unwrap();
        }
        let found =
            message::message_by_wamid(&world.read, world.account, &target).unwrap().unwrap();
        assert_eq!(found.body, text("hello!"));
        assert!(found.edited && !found.revoked);
        assert_eq!(found.reactions.len(), 1);
        assert_eq!(found.reactions[0].emoji, "❤️");
        let chat = list::conversation(&world.read, found.conversation).unwrap();
        assert_eq!((chat.unread, chat.preview.unwrap().text), (1, "hello!".to_owned()));
        assert_eq!(search::search(&world.read, "hello", None, 5).unwrap().len(), 1);
        assert!(search::search(&world.read, "helo", None, 5).unwrap().is_empty());
        world.post(&[react("r3", 6, None), say("v1", 7, Body::Revoke { target: target.clone() })]);
        let found = world.message(found.id);
        assert!(found.revoked && found.reactions.is_empty());
        world.sound();
    }
}

#[test]
fn an_echo_is_outgoing_and_counts_as_an_answer() {
    let mut world = World::new();
    world.post(&[heard("w1", phone("1"), t(1), "hello?")]);
    let waiting = |world: &World| list::counts(&world.read, world.account, t(60)).unwrap().waiting;
    assert_eq!(waiting(&world), 1);
    world.post(&[status("w2", Report::Read, t(9), None)]);
    let echo = item(ItemKind::Echo(EchoMessage {
        wamid: Wamid::new("w2"),
        to: phone("1"),
        at: t(5),
        body: text("hello!"),
        context: Context::default(),
        state: State::Sent,
    }));
    let (done, changes) = world.post(&[echo]);
    assert!(changes.arrivals.is_empty());
    let found = world.message(done.messages[0]);
    assert_eq!((found.author, found.state), (Author::PhoneApp, State::Read));
    assert_eq!(waiting(&world), 0);
    world.sound();
}

#[test]
fn what_was_answered_from_the_phone_is_read_whatever_comes_first() {
    let echo = |wamid: &str, at: i64| {
        item(ItemKind::Echo(EchoMessage {
            wamid: Wamid::new(wamid),
            to: phone("1"),
            at: t(at),
            body: text("from the phone"),
            context: Context::default(),
            state: State::Sent,
        }))
    };
    let said = [
        heard("w1", phone("1"), t(1), "hello?"),
        heard("w2", phone("1"), t(2), "anybody?"),
        echo("e3", 3),
        // In the same second, so nobody knows which came first.
        heard("w3", phone("1"), t(3), "ah"),
        heard("w4", phone("1"), t(4), "thanks"),
    ];
    for turn in 0..said.len() {
        let mut world = World::new();
        let mut order = said.to_vec();
        order.rotate_left(turn);
        world.post(&order);
        let wamid = Wamid::new("w3");
        let third = message::message_by_wamid(&world.read, world.account, &wamid).unwrap().unwrap();
        let row = list::conversation(&world.read, third.conversation).unwrap();
        assert_eq!((row.unread, row.first_unread), (2, Some(third.id)), "turn {turn}");
        assert!(row.unanswered);
        world.sound();
        world.post(&[echo("e5", 5)]);
        let row = list::conversation(&world.read, third.conversation).unwrap();
        assert_eq!((row.unread, row.first_unread, row.unanswered), (0, None, false));
        world.sound();
    }
}

/// The first customer's message "w1", which went from the phone as it seems.
fn echoed() -> Item {
    item(ItemKind::Echo(EchoMessage {
        wamid: Wamid::new("w1"),
        to: phone("1"),
        at: t(2),
        body: text("hello"),
        context: Context::default(),
        state: State::Sent,
    }))
}

#[test]
fn an_echo_of_a_message_whose_answer_is_late_becomes_that_message() {
    let mut world = World::new();
    let chat = world.begin("1");
    let id = world.say(chat, "hello", t(1));
    let job = world.claim(1, t(2)).remove(0);
    let echo = echoed();
    world.post(&[echo, status("w1", Report::Delivered, t(3), None)]);
    world.record(&job, &accepted("w1"), t(4));
    assert_eq!(world.state(id), State::Delivered);
    assert_eq!(world.message(id).late_proof, LateProof::None);
    let page = message::messages(&world.read, chat, crate::domain::page::MessagePage::Newest, 10);
    assert_eq!(page.unwrap().messages.len(), 1);
    world.sound();
}

/// The echo kept the proof for itself, and the person would have sent it again.
#[test]
fn a_status_that_names_the_request_settles_an_uncertain_message_whose_echo_came_first() {
    let mut world = World::new();
    let chat = world.begin("1");
    let id = world.say(chat, "hello", t(1));
    let job = world.claim(1, t(2)).remove(0);
    world.record(&job, &unknown(), t(3));
    assert_eq!(world.state(id), State::Uncertain);
    let echo = echoed();
    world.post(&[echo, status("w1", Report::Delivered, t(4), Some(job.request))]);
    assert_eq!(world.state(id), State::Delivered);
    assert_eq!(world.message(id).late_proof, LateProof::None);
    let page = message::messages(&world.read, chat, crate::domain::page::MessagePage::Newest, 10);
    assert_eq!(page.unwrap().messages.len(), 1);
    world.sound();
}

#[test]
fn history_is_not_unread_until_it_comes_by_itself() {
    let mut world = World::new();
    let mut old = heard("w1", phone("1"), t(1), "long ago");
    old.field = "history".to_owned();
    let (done, changes) = world.post(&[old]);
    assert!(changes.arrivals.is_empty());
    let chat = world.message(done.messages[0]).conversation;
    assert_eq!(list::conversation(&world.read, chat).unwrap().unread, 0);
    world.post(&[heard("w1", phone("1"), t(1), "long ago")]);
    assert_eq!(list::conversation(&world.read, chat).unwrap().unread, 1);
    world.sound();
}

#[test]
fn a_failure_tells_why() {
    let mut world = World::new();
    let chat = world.begin("1");
    let id = world.say(chat, "hello", t(1));
    let job = world.claim(1, t(2)).remove(0);
    world.record(&job, &accepted("w1"), t(3));
    let ItemKind::Status(mut update) = status("w1", Report::Failed, t(4), None).kind else {
        panic!("a status")
    };
    update.error = Some(ErrorReport {
        code: 131_047,
        title: "Re-engagement message".to_owned(),
        details: Some("more than 24 hours".to_owned()),
    });
    world.post(&[item(ItemKind::Status(update))]);
    let found = world.message(id);
    assert_eq!(found.state, State::Failed);
    let trouble = found.trouble.unwrap();
    assert_eq!((trouble.code, trouble.detail.as_str()), (Some(131_047), "more than 24 hours"));
    world.sound();
}

/// A template with everything that one can have, but for a header.
fn whole_template(header: Option<SentHeader>) -> Body {
    let some = |text: &str| Some(text.to_owned());
    let actions = [
        SentAction::Reply { payload: some("p") },
        SentAction::Reply { payload: None },
        SentAction::Url { url: "https://a.example/7".to_owned(), suffix: some("7") },
        SentAction::Phone { number: "+1".to_owned() },
        SentAction::CopyCode { code: "25OFF".to_owned() },
        SentAction::OneTimePassword { code: "123".to_owned() },
        SentAction::Flow { token: some("t") },
        SentAction::Catalog { product: None },
        SentAction::VoiceCall,
        SentAction::ContactInfo,
    ];
    let button = |action| SentButton { text: "b".to_owned(), action };
    Body::Template(Box::new(SentTemplate {
        name: "n".to_owned(),
        language: "en".to_owned(),
        category: Some(Category::Marketing),
        header,
        text: "Hi Ana".to_owned(),
        values: vec![TextParameter { name: some("name"), text: "Ana".to_owned() }],
        footer: some("bye"),
        buttons: actions.into_iter().map(button).collect(),
    }))
}

#[test]
fn every_body_comes_back_as_it_was() {
    let mut world = World::new();
    let some = |text: &str| Some(text.to_owned());
    let bodies = [
        Body::Text { text: "a\u{1b}[31mb".to_owned(), preview_url: true },
        Body::Location { latitude: -1.5, longitude: 2.25, name: some("here"), address: None },
        Body::Contacts(vec![Card {
            name: some("Ann"),
            phones: vec!["+1 2".to_owned()],
            emails: vec!["a@b".to_owned()],
            company: None,
        }]),
        Body::Reply {
            kind: ReplyKind::List,
            id: some("7"),
            title: "Tea".to_owned(),
            detail: some("green"),
        },
        Body::Interactive {
            kind: "button".to_owned(),
            text: "?".to_owned(),
            options: vec!["yes".to_owned(), "no".to_owned()],
        },
        Body::Template(Box::new(SentTemplate {
            name: "n".to_owned(),
            language: "en".to_owned(),
            text: "t".to_owned(),
            ..SentTemplate::default()
        })),
        whole_template(None),
        whole_template(Some(SentHeader::Text {
            text: "For Ana".to_owned(),
            value: Some(TextParameter { name: None, text: "Ana".to_owned() }),
        })),
        whole_template(Some(SentHeader::Location {
            latitude: 1.5,
            longitude: -2.0,
            name: some("here"),
            address: None,
        })),
        whole_template(Some(SentHeader::Media(Media {
            kind: MediaKind::Document,
            id: Some(MediaId::new("77")),
            url: None,
            mime_type: None,
            sha256: None,
            file_name: some("a.pdf"),
            voice: false,
            animated: false,
            copy: MediaCopy::Pending,
        }))),
        Body::Order {
            text: None,
            items: vec![OrderItem {
                retailer_id: "x".to_owned(),
                quantity: 2.0,
                price: 1.5,
                currency: "EUR".to_owned(),
            }],
        },
        Body::System { kind: "k".to_owned(), text: "t".to_owned() },
        Body::Welcome,
        Body::Unsupported { kind: some("gif"), code: Some(131_051), detail: None },
        Body::Unknown { kind: "tomorrow".to_owned() },
    ];
    for (n, body) in bodies.into_iter().enumerate() {
        let at = t(i64::try_from(n).unwrap());
        let heard = inbound(&format!("w{n}"), phone("1"), at, body.clone());
        let (done, _) = world.post(&[item(ItemKind::Message(heard))]);
        assert_eq!(world.message(done.messages[0]).body, body);
        assert_eq!(message::raw(&world.read, done.messages[0]).unwrap().as_deref(), Some("{}"));
    }
    let page =
        list::conversations(&world.read, world.account, Filter::All, "", ListPage::First, 5, t(60))
            .unwrap();
    let preview = page.rows[0].preview.as_ref().unwrap();
    assert_eq!(preview.text, "[tomorrow] not shown by this version");
    assert!(preview.aside && !preview.in_group);
    world.sound();
}

/// Text that breaks programs, stored and read back byte by byte.
const ODD: [&str; 26] = [
    "\u{1b}[2J\u{1b}[H",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]52;c;aGk=\u{7}",
    "\u{9b}31m",
    "\u{202e}gnp.exe",
    "\u{2066}a\u{2069}",
    "\u{200b}\u{200d}\u{feff}",
    "e\u{301}\u{301}\u{301}\u{301}",
    "👨‍👩‍👧‍👦🏳️‍🌈",
    "🇩🇪🇯🇵",
    "مرحبا بالعالم",
    "שלום עולם",
    "こんにちは世界",
    "a\u{0}b",
    "tab\tand\r\nline",
    "'; DROP TABLE message; --",
    "\"quoted\" * NEAR(x)",
    "%s%n%d",
    "{{template}}",
    "\\u0000\\x1b",
    "\u{e0041}\u{e007f}",
    "\u{fffd}\u{ffff}",
    " ",
    "-",
    "ß ﬁ İ ı",
    "a\u{85}b\u{2028}c",
];

#[test]
fn odd_texts_and_names_come_back_unchanged_and_break_no_query() {
    let mut world = World::new();
    for (n, odd) in ODD.iter().enumerate() {
        let from = Peer { name: Some((*odd).to_owned()), ..phone(&format!("49{n}")) };
        let (done, _) = world.post(&[heard(&format!("w{n}{odd}"), from, t(1), odd)]);
        let found = world.message(done.messages[0]);
        assert_eq!(found.body, text(odd));
        let chat = list::conversation(&world.read, found.conversation).unwrap();
        assert_eq!(chat.contact.name.as_deref(), Some(*odd));
        world.write.index().unwrap();
        search::search(&world.read, odd, None, 5).unwrap();
        list::conversations(
            &world.read,
            world.account,
            Filter::All,
            odd,
            ListPage::First,
            5,
            t(60),
        )
        .unwrap();
        list::jump(&world.read, world.account, odd, 5).unwrap();
    }
    world.sound();
}

#[test]
fn a_group_message_shows_and_opens_no_window_with_its_sender() {
    let mut world = World::new();
    let mut said = inbound("w1", phone("1"), t(1), text("to all"));
    said.group = Some("group-1".to_owned());
    let (done, _) = world.post(&[item(ItemKind::Message(said))]);
    let chat = world.message(done.messages[0]).conversation;
    let row = list::conversation(&world.read, chat).unwrap();
    assert_eq!((row.last_inbound, row.unread), (None, 1));
    let preview = row.preview.unwrap();
    assert_eq!((preview.message, preview.in_group), (done.messages[0], true));
    world.sound();
    world.post(&[heard("w2", phone("1"), t(2), "to you")]);
    assert_eq!(list::conversation(&world.read, chat).unwrap().last_inbound, Some(t(2)));
    world.sound();
}
