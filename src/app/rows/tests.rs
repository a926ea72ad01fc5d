use jiff::tz::TimeZone;

use super::{Block, Look, Mark, Place, Row, Tone, block};
use crate::app::fixture::{message, minutes_ago, now, outbound, text};
use crate::domain::event::Pricing;
use crate::domain::id::Wamid;
use crate::domain::message::{
    Author, Body, Direction, Media, MediaCopy, MediaKind, Message, Quote, Trouble,
};
use crate::domain::state::State;
use crate::domain::template::{Category, SentAction, SentButton, SentHeader, SentTemplate};
use crate::domain::text::{Markup, width};
use crate::domain::wish::{How, Wish};

fn look(width: usize, zone: &TimeZone) -> Look<'_> {
    Look {
        now: now(),
        zone,
        width,
        name: "Ana".to_owned(),
        ellipsis: crate::domain::text::ELLIPSIS,
        resend_key: "R",
        explain_key: "x",
        template_key: "t",
        expand_key: "Space",
    }
}

fn words(block: &Block) -> Vec<String> {
    block
        .rows
        .iter()
        .map(|row| match row {
            Row::Text { pieces, .. } => pieces.iter().map(|piece| piece.text.as_str()).collect(),
            Row::Day(label) | Row::Note { text: label, .. } => label.clone(),
            Row::New(count) => count.to_string(),
        })
        .collect()
}

#[test]
fn markup_becomes_looks_and_the_marks_vanish() {
    let found = message(1, 1, now(), text("a *bold move* b"));
    let block = block(&found, Place::default(), &look(8, &TimeZone::UTC));
    assert_eq!(words(&block), ["a bold", "move b"]);
    let Row::Text { pieces, .. } = &block.rows[1] else { panic!("{block:?}") };
    assert_eq!((pieces[0].text.as_str(), pieces[0].markup), ("move", Markup::BOLD));
    assert_eq!((pieces[1].text.as_str(), pieces[1].markup), (" b", Markup::PLAIN));
}

#[test]
fn time_and_state_stand_on_the_first_row_and_a_minute_is_said_once() {
    let first = message(1, 1, minutes_ago(3), text("one"));
    let second = outbound(message(2, 1, minutes_ago(3), text("two")), State::Read);
    let zone = TimeZone::UTC;
    let place = Place { previous: Some(&first), ..Place::default() };
    let block = block(&second, place, &look(20, &zone));
    assert!(block.before.is_empty());
    let Row::Text { time, mark, .. } = &block.rows[0] else { panic!("{block:?}") };
    assert_eq!((time.as_deref(), *mark), (None, Some(Mark::Outbound(State::Read))));
}

#[test]
fn a_failure_says_why_and_what_helps() {
    let mut failed = outbound(message(1, 1, now(), text("hi")), State::Failed);
    failed.trouble = Some(Trouble { code: Some(131_047), detail: String::new() });
    let block = block(&failed, Place::default(), &look(60, &TimeZone::UTC));
    let said = words(&block).join(" ");
    assert!(
        said.contains("131047") && said.contains("t template  R send again  x explain"),
        "{said}"
    );
    assert!(matches!(&block.rows[1], Row::Text { pieces, .. } if pieces[0].tone == Tone::Failure));
}

#[test]
fn what_the_phone_sent_is_not_offered_to_be_sent_again() {
    let mut failed = outbound(message(1, 1, now(), text("hi")), State::Failed);
    failed.author = Author::PhoneApp;
    let block = block(&failed, Place::default(), &look(60, &TimeZone::UTC));
    let said = words(&block).join(" ");
    assert!(said.contains("R drop  x explain") && !said.contains("send again"), "{said}");
}

#[test]
fn a_withdrawn_message_does_not_claim_that_it_was_never_sent() {
    let found = outbound(message(1, 1, now(), text("hi")), State::Cancelled);
    let block = block(&found, Place::default(), &look(60, &TimeZone::UTC));
    assert_eq!(words(&block), ["hi", "withdrawn"]);
}

#[test]
fn a_retry_says_its_number_and_when() {
    let mut waiting = outbound(message(1, 1, now(), text("hi")), State::Queued);
    waiting.tries = 1;
    waiting.trouble = Some(Trouble { code: None, detail: "no connection".to_owned() });
    waiting.not_before = Some(minutes_ago(-1));
    let block = block(&waiting, Place::default(), &look(60, &TimeZone::UTC));
    assert!(matches!(&block.rows[0], Row::Text { mark: Some(Mark::Retry(2)), .. }));
    assert_eq!(words(&block)[1], "no connection; next try at 17:33:00");
}

#[test]
fn a_long_message_is_cut_until_it_is_expanded() {
    let long = message(1, 1, now(), text(&"line\n".repeat(100)));
    let zone = TimeZone::UTC;
    let collapsed = words(&block(&long, Place::default(), &look(20, &zone)));
    assert_eq!(collapsed.len(), super::COLLAPSED + 1);
    assert_eq!(collapsed.last().unwrap(), "... more: Space sho…");
    let place = Place { expanded: true, ..Place::default() };
    assert!(words(&block(&long, place, &look(20, &zone))).len() > 100);
}

#[test]
fn no_row_is_wider_than_asked() {
    let world = crate::app::fixture::nasty();
    for messages in world.messages.values() {
        for found in messages {
            for columns in [3, 5, 11, 40] {
                let block = block(found, Place::default(), &look(columns, &TimeZone::UTC));
                for line in words(&block) {
                    assert!(width(&line) <= columns, "{line:?} in {columns}");
                }
            }
        }
    }
}

/// The time and the state slot of each row, as it stands on the screen.
fn slots(block: &Block) -> Vec<(bool, bool)> {
    let slot = |row: &Row| match row {
        Row::Text { time, mark, .. } => (time.is_some(), mark.is_some()),
        Row::Day(_) | Row::New(_) | Row::Note { .. } => panic!("{row:?}"),
    };
    block.rows.iter().map(slot).collect()
}

#[test]
fn the_first_row_has_the_time_and_the_slot_also_when_it_is_a_quote() {
    let mut reply = message(1, 1, now(), text("it did"));
    reply.quote = Some(Quote {
        wamid: Wamid::new("w"),
        message: None,
        direction: Some(Direction::Outbound),
        preview: "did it come?".to_owned(),
    });
    let block = block(&reply, Place::default(), &look(30, &TimeZone::UTC));
    assert_eq!(words(&block), ["| you: did it come?", "it did"]);
    assert_eq!(slots(&block), [(true, true), (false, false)]);
}

#[test]
fn words_from_the_phone_are_marked_once_and_on_their_own_row() {
    let echo = |id| {
        let mut echo = outbound(message(id, 1, now(), text("*Oi* tudo bem?")), State::Sent);
        echo.author = Author::PhoneApp;
        echo
    };
    let (first, second) = (echo(1), echo(2));
    let zone = TimeZone::UTC;
    let marked = block(&first, Place::default(), &look(40, &zone));
    assert_eq!(words(&marked), ["[phone] Oi tudo bem?"]);
    let Row::Text { pieces, .. } = &marked.rows[0] else { panic!("{marked:?}") };
    let tones: Vec<_> = pieces.iter().map(|piece| (piece.tone, piece.markup)).collect();
    assert_eq!(
        tones,
        [(Tone::Dim, Markup::PLAIN), (Tone::Said, Markup::BOLD), (Tone::Said, Markup::PLAIN)]
    );
    let place = Place { previous: Some(&first), ..Place::default() };
    assert_eq!(words(&block(&second, place, &look(40, &zone))), ["Oi tudo bem?"]);
}

#[test]
fn a_file_that_cannot_be_had_takes_one_row_that_says_why() {
    let media = Media {
        kind: MediaKind::Document,
        id: None,
        url: None,
        mime_type: None,
        sha256: None,
        file_name: Some("comprovante-de-pagamento.pdf".to_owned()),
        voice: false,
        animated: false,
        copy: MediaCopy::Failed("no longer at Meta".to_owned()),
    };
    let found = message(1, 1, now(), Body::Media { media, caption: None });
    let zone = TimeZone::UTC;
    let at = |width| words(&block(&found, Place::default(), &look(width, &zone)));
    let name = "[document] comprovante-de-pagamento.pdf";
    assert_eq!(at(80), [format!("{name}  no longer at Meta  x why")]);
    assert_eq!(at(60), [format!("{name}  no longer at Meta")]);
    assert_eq!(at(42), ["[document] comprovante…  no longer at Meta"]);
    assert_eq!(at(16), ["[document] comp…"]);
}

#[test]
fn words_said_in_a_group_are_marked_where_they_begin() {
    let said = |id, group: Option<&str>| {
        let mut said = message(id, 1, now(), text("hello all"));
        said.group = group.map(str::to_owned);
        said
    };
    let zone = TimeZone::UTC;
    let marked = |before: Option<&str>, group| {
        let (before, found) = (said(1, before), said(2, group));
        let place = Place { previous: Some(&before), ..Place::default() };
        words(&block(&found, place, &look(40, &zone))).remove(0)
    };
    assert_eq!(marked(None, Some("a")), "[group] hello all");
    assert_eq!(marked(Some("a"), Some("a")), "hello all");
    assert_eq!(marked(Some("a"), Some("b")), "[group] hello all");
    assert_eq!(marked(Some("a"), None), "hello all");
}

/// A wish once stood under the day of the message after it.
#[test]
fn what_they_said_about_marketing_stands_on_its_own_day() {
    let wish = |minutes, stop| Wish { at: minutes_ago(minutes), stop, how: How::Chosen };
    let (day, zone) = (24 * 60, TimeZone::UTC);
    let before = message(1, 1, minutes_ago(3 * day), text("hi"));
    let found = message(2, 1, minutes_ago(day), text("again"));
    let place = Place {
        previous: Some(&before),
        wishes: &[wish(3 * day - 1, true), wish(2 * day, false)],
        wishes_after: &[wish(day - 1, true), wish(0, false)],
        ..Place::default()
    };
    let block = block(&found, place, &look(80, &zone));
    let kinds = |rows: &[Row]| -> String {
        let kind = |row: &Row| match row {
            Row::Day(_) => 'd',
            Row::Note { .. } => 'n',
            Row::New(_) => '-',
            Row::Text { .. } => 't',
        };
        rows.iter().map(kind).collect()
    };
    assert_eq!((kinds(&block.before), kinds(&block.rows)), ("ndnd".to_owned(), "tndn".to_owned()));
}

fn shipped() -> Message {
    let sent = SentTemplate {
        name: "pedido_enviado".to_owned(),
        language: "pt_BR".to_owned(),
        category: Some(Category::Utility),
        header: Some(SentHeader::Text { text: "Pedido 1182".to_owned(), value: None }),
        text: "Ana, seu pedido *1182* saiu.".to_owned(),
        footer: Some("Loja Sol".to_owned()),
        buttons: vec![SentButton {
            text: "Rastrear".to_owned(),
            action: SentAction::Url { url: "https://sol.example/1182".to_owned(), suffix: None },
        }],
        ..SentTemplate::default()
    };
    outbound(message(1, 1, now(), Body::Template(Box::new(sent))), State::Delivered)
}

#[test]
fn a_template_shows_what_the_customer_sees_and_what_it_cost() {
    let mut found = shipped();
    let zone = TimeZone::UTC;
    let head = "[template] pedido_enviado, pt_BR, utility";
    let body = ["| Pedido 1182", "| Ana, seu pedido 1182 saiu.", "| Loja Sol"];
    let shown = words(&block(&found, Place::default(), &look(60, &zone)));
    assert_eq!(shown, [&[head], &body[..], &["| ( Rastrear )"]].concat());
    for (category, kind, said) in [
        ("utility", "regular", "| ( Rastrear )  charged as utility"),
        ("marketing", "regular", "| ( Rastrear )  charged as marketing"),
        ("utility", "free_customer_service", "| ( Rastrear )  free as utility"),
        ("marketing", "free_entry_point", "| ( Rastrear )  free after an ad, as marketing"),
        ("utility", "half_price", "| ( Rastrear )  utility: half_price"),
    ] {
        found.charge = Some(Pricing { category: category.to_owned(), kind: Some(kind.to_owned()) });
        let shown = words(&block(&found, Place::default(), &look(60, &zone)));
        assert_eq!(shown.last().unwrap(), said);
    }
    let narrow = block(&found, Place::default(), &look(12, &zone));
    assert!(words(&narrow).iter().all(|row| width(row) <= 12), "{narrow:?}");
}

#[test]
fn what_meta_holds_after_accepting_it_says_so() {
    let mut found = shipped();
    found.state = State::Accepted;
    let detail = "held by Meta for quality assessment".to_owned();
    found.trouble = Some(Trouble { code: None, detail: detail.clone() });
    let shown = words(&block(&found, Place::default(), &look(60, &TimeZone::UTC)));
    assert_eq!(shown.last().unwrap(), &detail);
}
