use crate::app::Overlay;
use crate::app::fixture::{Stage, World, at, never_synced, world};
use crate::app::msg::{
    Command, CommandId, Done, Effect, Finished, Input, Looked, Msg, QuitCause, RequestForm, Ticket,
};
use crate::app::templates::form::Form;
use crate::app::templates::languages::Languages;
use crate::app::templates::picker::Picker;
use crate::domain::catalogue::{Catalogue, Sync};
use crate::domain::change::Changes;
use crate::domain::id::{AccountId, ConversationId, WaId};
use crate::domain::message::{Body, MediaCopy};
use crate::domain::template::{SentHeader, SentTemplate};

fn stage() -> Stage {
    Stage::new(world(), (80, 24))
}

fn picker(stage: &Stage) -> &Picker {
    match &stage.model.overlay {
        Some(Overlay::Picker(picker)) => picker,
        _ => panic!("no picker: {}", notice(stage)),
    }
}

fn form(stage: &Stage) -> &Form {
    match &stage.model.overlay {
        Some(Overlay::Form(form)) => form,
        _ => panic!("no form: {}", notice(stage)),
    }
}

fn chosen(stage: &Stage) -> (String, String) {
    let entry = picker(stage).selected().unwrap();
    (entry.template.name.clone(), entry.template.language.clone())
}

fn names(stage: &Stage) -> Vec<String> {
    picker(stage).hits().map(|entry| entry.template.name.clone()).collect()
}

fn values(form: &Form) -> Vec<String> {
    form.fields.iter().map(|field| field.editor.text()).collect()
}

/// The template that was sent since the last look.
#[track_caller]
fn sent(stage: &mut Stage) -> SentTemplate {
    let commands = stage.commands();
    let sent = commands.iter().find_map(|command| match command {
        Command::Send { message, at: None, .. } => match &message.body {
            Body::Template(sent) => Some((**sent).clone()),
            _ => None,
        },
        _ => None,
    });
    sent.unwrap_or_else(|| panic!("nothing was sent: {commands:?}"))
}

fn notice(stage: &Stage) -> &str {
    stage.model.notice.as_ref().map_or("", |notice| notice.text.as_str())
}

#[test]
fn three_letters_and_the_values_send_a_template() {
    let mut stage = stage();
    stage.keys("tatr<Enter>Ana<Enter>1182<Enter>sexta");
    assert!(stage.commands().iter().all(|command| !matches!(command, Command::Send { .. })));
    stage.keys("<Enter>");
    let sent = sent(&mut stage);
    assert_eq!((sent.name.as_str(), sent.language.as_str()), ("pedido_atrasado", "pt_BR"));
    assert_eq!(sent.text, "Oi Ana, o pedido *1182* atrasou. Chega em _sexta_.");
    assert!(stage.model.overlay.is_none());
}

#[test]
fn what_was_used_with_the_customer_comes_first_and_what_cannot_be_sent_last() {
    let mut stage = stage();
    stage.keys("t");
    let names = names(&stage);
    assert_eq!(names.first().unwrap(), "pedido_enviado");
    let last: Vec<&str> = names.iter().rev().take(3).map(String::as_str).collect();
    for blocked in ["pedido_cupom", "sorteio", "vitrine"] {
        assert!(last.contains(&blocked), "{names:?}");
    }
}

#[test]
fn names_count_for_more_than_texts_and_a_language_that_is_typed_is_chosen() {
    let mut stage = stage();
    stage.keys("tpedido");
    assert_eq!(names(&stage)[..3], ["pedido_enviado", "pedido_atrasado", "pedido_cupom"]);
    stage.keys("<Ctrl-U>novidades");
    assert_eq!(names(&stage), ["vitrine"]);
    stage.keys("<Ctrl-U>env en_us");
    assert_eq!(chosen(&stage), ("pedido_enviado".to_owned(), "en_US".to_owned()));
    stage.keys("<Ctrl-U>marketing boas");
    assert_eq!(names(&stage), ["boas_vindas"]);
}

/// "de" on the way to "delivery" chose German, and it stayed.
#[test]
fn a_name_that_begins_like_a_language_does_not_choose_it() {
    let mut stage = stage();
    stage.keys("t");
    let languages = |stage: &Stage| picker(stage).languages(0).1;
    stage.keys("pedido_enviado");
    let before = languages(&stage);
    stage.keys(" en_us");
    assert_ne!(languages(&stage), before, "it is typed");
    stage.keys("x");
    stage.keys("<Backspace><Backspace><Backspace><Backspace><Backspace><Backspace><Backspace>");
    assert_eq!(languages(&stage), before, "it is typed no more");
}

#[test]
fn the_customers_language_is_chosen_and_another_is_a_key_away() {
    let mut stage = stage();
    stage.keys("t");
    assert_eq!(chosen(&stage), ("pedido_enviado".to_owned(), "pt_BR".to_owned()));
    stage.keys("<Tab>");
    assert_eq!(chosen(&stage), ("pedido_enviado".to_owned(), "en_US".to_owned()));
    // What is read anew does not take the choice away.
    let changes = Changes { templates: true, ..Changes::default() };
    stage.tell(Msg::Changed(changes));
    assert_eq!(chosen(&stage).1, "en_US");
    stage.keys("<Left>");
    assert_eq!(chosen(&stage).1, "pt_BR");
}

/// The catalogue came before the conversation that was just begun: the first language of the alphabet stood
/// there for a customer of any country, and a quick Enter took it.
#[test]
fn no_template_is_offered_before_it_is_known_to_whom() {
    let mut stage = stage();
    let row = stage.model.chat.as_mut().unwrap().row.take();
    stage.keys("t");
    assert_eq!(picker(&stage).hits().count(), 0);
    assert!(!picker(&stage).is_loaded());
    stage.model.chat.as_mut().unwrap().row = row;
    stage.tell(Msg::Changed(Changes { everything: true, ..Changes::default() }));
    assert!(picker(&stage).is_loaded());
    assert_eq!(chosen(&stage), ("pedido_enviado".to_owned(), "pt_BR".to_owned()));
}

#[test]
fn a_language_comes_from_use_then_from_the_country_then_from_what_is_sent_most() {
    let mut catalogue: Catalogue = (*world().catalogue).clone();
    let number = |number: &str| Some(WaId::new(number));
    let first = |catalogue: &Catalogue, number: Option<WaId>| {
        let languages = Languages::of(catalogue, number.as_ref());
        let mut codes = ["pt_BR", "en_US", "ja", "ar"];
        codes.sort_by_key(|code| languages.rank(code));
        codes[0]
    };
    assert_eq!(first(&catalogue, number("818012345678")), "pt_BR", "used with them");
    for entry in &mut catalogue.entries {
        entry.used_here = 0;
    }
    assert_eq!(first(&catalogue, number("818012345678")), "ja", "of their country");
    assert_eq!(first(&catalogue, number("971501234567")), "ar", "spoken in their country");
    assert_eq!(first(&catalogue, number("15551230001")), "en_US");
    assert_eq!(first(&catalogue, None), "pt_BR", "sent most");
}

#[test]
fn what_cannot_be_sent_says_why_and_stays_closed() {
    let mut stage = stage();
    stage.keys("tcupom<Enter>");
    assert!(notice(&stage).contains("paused by Meta"), "{}", notice(&stage));
    assert!(notice(&stage).contains("until 17:30"), "{}", notice(&stage));
    assert_eq!(chosen(&stage).0, "pedido_cupom");
}

#[test]
fn a_wrong_value_cannot_be_sent_and_escape_loses_nothing() {
    let mut stage = stage();
    stage.keys("tatr<Enter>Ana<Enter>1     2<Enter>");
    assert_eq!(form(&stage).at, 1, "it stays where the flaw is");
    let flaws = form(&stage).flaws();
    assert!(flaws.iter().any(|flaw| flaw.words.contains("5 spaces")), "{flaws:?}");
    stage.keys("<Esc>");
    assert_eq!(picker(&stage).editor.text(), "atr");
    stage.keys("<Esc>");
    assert!(stage.model.overlay.is_none());
    stage.keys("tatr<Enter>");
    assert_eq!(values(form(&stage)), ["Ana", "1     2", ""]);
    assert!(stage.commands().iter().all(|command| !matches!(command, Command::Send { .. })));
}

#[test]
fn the_help_does_not_lose_what_is_filled_in() {
    let mut stage = stage();
    stage.keys("tatr<Enter>Ana<F1><Esc>");
    assert_eq!(values(form(&stage))[0], "Ana");
}

#[test]
fn examples_are_shown_and_sent_only_when_taken() {
    let mut stage = stage();
    stage.keys("tatr<Enter>");
    assert!(values(form(&stage)).iter().all(String::is_empty));
    assert_eq!(form(&stage).field().unwrap().offer().unwrap().value, "Ana");
    stage.keys("<Ctrl-F><Enter>");
    let offer = form(&stage).field().unwrap().offer().unwrap().clone();
    assert_eq!((offer.value.as_str(), offer.source), ("1001", "example"));
    // What is typed is gone on with when it fits, and else stands alone.
    stage.keys("10<Right>");
    assert_eq!(values(form(&stage)), ["Ana", "1001", ""]);
    stage.keys("<Ctrl-U>7");
    assert_eq!(form(&stage).field().unwrap().offer(), None);
}

#[test]
fn what_the_customer_got_last_is_offered_first() {
    let mut stage = stage();
    stage.keys("tenv<Enter><Tab><Tab>");
    let field = form(&stage).field().unwrap();
    let offers: Vec<_> = field.offers.iter().map(|offer| offer.source).collect();
    assert_eq!(field.offers[0].value, "1099");
    assert_eq!(offers[..2], ["sent last", "example"]);
    stage.keys("<Ctrl-N>");
    assert_eq!(form(&stage).field().unwrap().offer().unwrap().value, "1001");
}

#[test]
fn the_draft_stays_unless_it_went_out_as_a_value() {
    let mut stage = stage();
    stage.keys("<Enter>chega amanhã<Ctrl-T>atr<Enter>Ana<Enter>1182<Enter>sexta<Enter>");
    sent(&mut stage);
    assert_eq!(stage.model.composer.editor.text(), "chega amanhã");
    stage.model.templates.typed.clear();
    stage.keys("<Ctrl-T>atr<Enter>Ana<Enter>1182<Enter><Ctrl-T>");
    assert_eq!(form(&stage).field().unwrap().editor.text(), "chega amanhã");
    stage.keys("<Enter>");
    assert_eq!(sent(&mut stage).text, "Oi Ana, o pedido *1182* atrasou. Chega em _chega amanhã_.");
    assert!(stage.model.composer.editor.is_empty());
}

/// It outlived the form, and not the program.
#[test]
fn what_is_filled_in_outlives_the_program() {
    let mut stage = stage();
    stage.keys("tatr<Enter>Ana<Enter>1182");
    assert!(stage.model.next_deadline().is_some_and(|due| due.since(stage.now).as_millis() <= 500));
    stage.wait(500);
    let kept = |stage: &mut Stage| {
        let commands = stage.commands();
        commands.into_iter().rev().find_map(|command| match command {
            Command::KeepValues(ConversationId(1), name, values) => {
                assert_eq!(name, "pedido_atrasado");
                Some(values)
            }
            _ => None,
        })
    };
    let values_kept = kept(&mut stage).unwrap();
    let both = [("nome", "Ana"), ("pedido", "1182")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(values_kept, both.into());
    // Quitting and leaving the form tell what came last.
    stage.keys("3<Esc>");
    assert_eq!(kept(&mut stage).unwrap().get("pedido").map(String::as_str), Some("11823"));
    stage.keys("<Enter><Up><Backspace>");
    stage.tell(Msg::Quit(QuitCause::Signal));
    assert_eq!(kept(&mut stage), Some(values_kept.clone()));
    // The form may be open before the store has answered.
    let begun = [("pedido_atrasado".to_owned(), values_kept)].into();
    let mut again = Stage::new(World { begun: [(1, begun)].into(), ..world() }, (80, 24));
    again.keys("tatr<Enter>");
    assert_eq!(values(form(&again)), ["Ana", "1182", ""]);
    assert_eq!(form(&again).at, 2, "it goes on where it was left");
    again.keys("sexta<Enter>");
    let id = again.effects.iter().find_map(|effect| match effect {
        Effect::Do(id, Command::Send { .. }) => Some(*id),
        _ => None,
    });
    again.effects.clear();
    again.tell(Msg::Finished(Finished { id: id.unwrap(), result: Ok(Done::Plain) }));
    assert!(kept(&mut again).unwrap().is_empty(), "what was sent is kept no longer");
}

#[test]
fn what_was_filled_in_is_kept_until_it_is_stored() {
    let mut stage = stage();
    stage.keys("tatr<Enter>Ana<Enter>1182<Enter>sexta<Enter>");
    let id = |stage: &Stage| {
        let mut sends = stage.effects.iter().filter_map(|effect| match effect {
            Effect::Do(id, Command::Send { .. }) => Some(*id),
            _ => None,
        });
        sends.next_back().unwrap_or(CommandId(0))
    };
    let failed = Finished { id: id(&stage), result: Err("the disk is full".to_owned()) };
    stage.tell(Msg::Finished(failed));
    assert!(notice(&stage).contains("the disk is full"), "{}", notice(&stage));
    stage.keys("tatr<Enter>");
    assert_eq!(values(form(&stage)), ["Ana", "1182", "sexta"]);
    stage.keys("<Enter>");
    let done = Finished { id: id(&stage), result: Ok(Done::Plain) };
    stage.tell(Msg::Finished(done));
    stage.keys("tatr<Enter>");
    assert!(values(form(&stage)).iter().all(String::is_empty));
}

#[test]
fn a_file_is_completed_looked_at_and_sent_from_where_it_is() {
    let mut stage = stage();
    stage.keys("tfoto<Enter>~/ca");
    let asked = |stage: &Stage| {
        let mut looks = stage.effects.iter().filter_map(|effect| match effect {
            Effect::Look(ticket, path) => Some((*ticket, path.clone())),
            _ => None,
        });
        looks.next_back().unwrap_or((Ticket(0), String::new()))
    };
    let answer = |stage: &mut Stage, file: Result<(String, u64), String>, ends: &[&str]| {
        let (ticket, typed) = asked(stage);
        let ends = ends.iter().map(|end| (*end).to_owned()).collect();
        stage.tell(Msg::Looked(ticket, Looked { typed, file, ends }));
    };
    let missing = || Err("there is no such file".to_owned());
    answer(&mut stage, missing(), &["~/caixa.jpg", "~/caixote.jpg"]);
    stage.keys("<Tab>");
    assert_eq!(asked(&stage).1, "~/caix");
    answer(&mut stage, missing(), &["~/caixa.jpg", "~/caixote.jpg"]);
    stage.keys("a");
    answer(&mut stage, missing(), &["~/caixa.jpg"]);
    stage.keys("<Tab>");
    answer(&mut stage, Ok(("/home/ana/caixa.jpg".to_owned(), 6 << 20)), &["~/caixa.jpg"]);
    let flaws = form(&stage).flaws();
    assert!(flaws.iter().any(|flaw| flaw.words.contains("at most 5 MB")), "{flaws:?}");
    let (ticket, typed) = asked(&stage);
    let small = Looked { typed, file: Ok(("/home/ana/caixa.jpg".to_owned(), 9)), ends: vec![] };
    stage.keys("<Backspace>g");
    assert_ne!(asked(&stage).0, ticket, "an old look does not count");
    stage.tell(Msg::Looked(ticket, small));
    assert_eq!(form(&stage).field().unwrap().looked().map(|looked| looked.ends.len()), Some(1));
    answer(&mut stage, Ok(("/home/ana/caixa.jpg".to_owned(), 212_400)), &["~/caixa.jpg"]);
    stage.keys("<Tab>Ana<Enter>");
    answer(&mut stage, missing(), &[]);
    let words = form(&stage).flaws().remove(0).words;
    assert_eq!((form(&stage).at, words.as_str()), (0, "there is no such file"), "it is gone");
    for _ in 0..2 {
        stage.keys("<Enter>");
        answer(&mut stage, Ok(("/home/ana/caixa.jpg".to_owned(), 212_400)), &["~/caixa.jpg"]);
    }
    let Some(SentHeader::Media(media)) = sent(&mut stage).header else { panic!("no file") };
    assert_eq!(media.copy, MediaCopy::Outside { path: "/home/ana/caixa.jpg".to_owned() });
}

#[test]
fn the_request_is_copied_as_curl_and_then_as_json() {
    let mut stage = stage();
    stage.keys("tatr<Enter><Ctrl-Y>");
    assert_eq!(notice(&stage), "Not copied yet. Missing: nome, pedido, dia.");
    stage.keys("Ana<Enter>1182<Enter>sexta<Ctrl-Y><Ctrl-Y>");
    let copies: Vec<_> = stage
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Copy(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(copies, [format!("{:?}", RequestForm::Curl), format!("{:?}", RequestForm::Json)]);
}

#[test]
fn an_empty_catalogue_is_synced_by_key_and_stopped_by_asking_twice() {
    let mut stage = stage();
    stage.world.catalogue = never_synced();
    stage.keys("t<Ctrl-R>");
    let sync = Command::SyncTemplates(AccountId(1));
    assert_eq!(stage.commands(), [sync]);
    let mut health = crate::app::fixture::health();
    health.account_mut(AccountId(1), "shop").sync = Sync::Running { templates: 40 };
    stage.tell(Msg::Health(Box::new(health)));
    stage.keys("<Ctrl-R>");
    assert_eq!(stage.commands(), []);
    assert!(notice(&stage).contains("again stops"), "{}", notice(&stage));
    stage.keys("<Ctrl-R>");
    assert_eq!(stage.commands(), [Command::CancelSync(AccountId(1))]);
    // Escape closes the picker and leaves the sync alone.
    stage.keys("<Esc>");
    assert_eq!(stage.commands(), []);
}

#[test]
fn a_template_that_is_paused_while_it_is_filled_in_is_not_sent() {
    let mut stage = stage();
    stage.keys("tatr<Enter>Ana<Enter>1182<Enter>sexta");
    let mut paused: Catalogue = (*stage.world.catalogue).clone();
    for entry in &mut paused.entries {
        entry.template.status = crate::domain::template::Status::Paused;
        entry.paused_until = Some(at("2026-11-20T20:30:00Z"));
    }
    stage.world.catalogue = std::sync::Arc::new(paused);
    stage.tell(Msg::Changed(Changes { templates: true, ..Changes::default() }));
    stage.keys("<Enter>");
    assert!(notice(&stage).contains("paused by Meta"), "{}", notice(&stage));
    assert_eq!(values(form(&stage)), ["Ana", "1182", "sexta"]);
}

#[test]
fn pasted_lines_become_one_value() {
    let mut stage = stage();
    stage.keys("tatr<Enter>");
    stage.tell(Msg::Input(Input::Paste("a\nb\tc".to_owned())));
    assert_eq!(values(form(&stage))[0], "a b c");
}

fn shown(stage: &Stage) -> Vec<String> {
    stage.model.shelf_rows().iter().map(|entry| entry.template.name.clone()).collect()
}

#[test]
fn the_screen_sorts_by_each_number_and_filters() {
    let mut stage = stage();
    stage.keys("2");
    assert_eq!(shown(&stage)[0], "boas_vindas");
    for first in ["pedido_atrasado", "boas_vindas", "pedido_enviado", "pedido_cupom", "vitrine"] {
        stage.keys("s");
        let sort = stage.model.templates.shelf.sort;
        assert_eq!(shown(&stage)[0], first, "{sort:?}");
    }
    stage.keys("s/marketing pausado<Enter>");
    assert!(shown(&stage).is_empty());
    stage.keys("/<Ctrl-U>marketing paused<Enter>");
    assert_eq!(shown(&stage), ["pedido_cupom"]);
    stage.keys("<Esc>");
    assert_eq!(shown(&stage).len(), 11);
    stage.keys("<Esc>");
    assert_eq!(stage.model.context(), crate::app::action::Context::List);
}

#[test]
fn the_screen_keeps_its_selection_when_it_is_read_anew_and_reads_its_numbers_calmly() {
    let mut stage = stage();
    stage.keys("2jj");
    let selected = |stage: &Stage| {
        let rows = stage.model.shelf_rows();
        rows[stage.model.templates.shelf.at(&rows)].template.name.clone()
    };
    assert_eq!(selected(&stage), "foto_do_pedido");
    let mut fewer: Catalogue = (*stage.world.catalogue).clone();
    fewer.entries.remove(0);
    stage.world.catalogue = std::sync::Arc::new(fewer);
    let news = || Changes { conversations: [ConversationId(1)].into(), ..Changes::default() };
    stage.tell(Msg::Changed(news()));
    assert_eq!(stage.model.shelf_rows().len(), 11, "it was read a moment ago");
    stage.wait(2_000);
    assert_eq!(stage.model.shelf_rows().len(), 10);
    assert_eq!(selected(&stage), "foto_do_pedido");
}

#[test]
fn the_screen_syncs_by_key_and_says_what_came_of_it() {
    let mut stage = stage();
    stage.keys("2r");
    let id = stage.effects.iter().find_map(|effect| match effect {
        Effect::Do(id, Command::SyncTemplates(_)) => Some(*id),
        _ => None,
    });
    stage.tell(Msg::Finished(Finished { id: id.unwrap(), result: Ok(Done::Synced(11)) }));
    assert_eq!(notice(&stage), "11 templates are as Meta has them.");
}
