use super::{Command, Effect, Msg, Overlay, QuitCause};
use crate::app::fixture::{Stage, World, world};
use crate::app::msg::{CommandId, Done, Finished, Looked};
use crate::app::notice::Weight;
use crate::app::templates::maker::{Line, Maker};
use crate::domain::change::Changes;
use crate::domain::event::Tidings;
use crate::domain::message::MediaKind;
use crate::domain::template::rules::Part;
use crate::domain::template::{
    Button, Category, Header, ParameterFormat, Purpose, Refusal, Status, Template, Text, Work,
    Worked, unchangeable, undeletable,
};

fn stage() -> Stage {
    let mut stage = Stage::new(world(), (100, 30));
    stage.keys("2");
    stage.effects.clear();
    stage
}

#[track_caller]
fn maker(stage: &Stage) -> &Maker {
    match &stage.model.overlay {
        Some(Overlay::Maker(maker)) => maker,
        other => panic!("no editor but {other:?}: {}", said(stage)),
    }
}

fn said(stage: &Stage) -> String {
    stage.model.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default()
}

/// The work that was asked for last, with the id of the command.
#[track_caller]
fn asked(stage: &Stage) -> (CommandId, Work) {
    let works = stage.effects.iter().rev().find_map(|effect| match effect {
        Effect::Do(id, Command::Work(_, work)) => Some((*id, (**work).clone())),
        _ => None,
    });
    works.unwrap_or_else(|| panic!("nothing was asked for: {:?}", maker(stage).breaches()))
}

fn answer(stage: &mut Stage, result: Result<Worked, Refusal>) {
    let (id, _) = asked(stage);
    stage.tell(Msg::Finished(Finished { id, result: Ok(Done::Worked(result)) }));
}

/// A template with a text header, two variables, a footer and three buttons, by keys alone.
const WHOLE: &str = "npedido_pronto<Tab><Ctrl-U>pt_BR<Tab><Tab><Tab><Right><Tab>Pedido {{1}}<Tab>7<Tab>\
    Oi {{1}}, o pedido {{2}} ja esta pronto.<Enter>Venha buscar na loja.<Tab>Ana<Tab>1182<Tab>Loja Sol<Tab>\
    <Right><Tab>Ja vou<Tab><Right><Tab>Nao posso<Tab><Right><Right><Tab>Mapa<Tab>https://sol.example/{{1}}\
    <Tab>loja";

fn whole() -> Template {
    let mut stage = stage();
    stage.keys(WHOLE);
    assert_eq!(maker(&stage).breaches(), [], "{:?}", maker(&stage).template());
    stage.keys("<Ctrl-S>");
    match asked(&stage).1 {
        Work::Create(template) => *template,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_template_is_made_by_keys_alone() {
    let made = whole();
    assert_eq!((&*made.name, &*made.language), ("pedido_pronto", "pt_BR"));
    assert_eq!((made.category, made.parameters), (Category::Utility, ParameterFormat::Positional));
    let Some(Header::Text(header)) = &made.header else { panic!("{:?}", made.header) };
    assert_eq!((&*header.text, header.example("1")), ("Pedido {{1}}", Some("7")));
    assert_eq!(made.body.text, "Oi {{1}}, o pedido {{2}} ja esta pronto.\nVenha buscar na loja.");
    assert_eq!((made.body.example("1"), made.body.example("2")), (Some("Ana"), Some("1182")));
    assert_eq!(made.footer.as_deref(), Some("Loja Sol"));
    assert_eq!(
        made.buttons,
        [
            Button::QuickReply { text: "Ja vou".to_owned() },
            Button::QuickReply { text: "Nao posso".to_owned() },
            Button::Url {
                text: "Mapa".to_owned(),
                url: "https://sol.example/{{1}}".to_owned(),
                example: Some("loja".to_owned()),
            },
        ]
    );
}

#[test]
fn what_meta_would_refuse_stands_at_its_field_and_is_not_submitted() {
    let mut stage = stage();
    stage.keys("nPedido Pronto<Ctrl-S>");
    assert!(stage.effects.iter().all(|effect| !matches!(effect, Effect::Do(_, Command::Work(..)))));
    assert_eq!(maker(&stage).at, Line::Name);
    assert!(maker(&stage).insisted);
    let parts: Vec<Part> = maker(&stage).breaches().iter().map(|breach| breach.part).collect();
    assert_eq!(parts, [Part::Name, Part::Body]);
    stage.keys("<Ctrl-U>pedido<Ctrl-S>");
    assert_eq!(maker(&stage).at, Line::Body);
    stage.keys("{{1}} espera por voce na loja hoje<Ctrl-S>");
    let breaches = maker(&stage).breaches();
    let wrong = maker(&stage).wrong(&Line::Body, &breaches);
    assert!(wrong[0].words.contains("begins with a variable"), "{wrong:?}");
    let example = maker(&stage).wrong(&Line::Example("1".to_owned()), &breaches);
    assert!(example[0].words.contains("has no example"), "{breaches:?}");
}

#[test]
fn an_example_that_is_missing_in_the_header_is_missing_at_its_own_field() {
    let mut stage = stage();
    stage.keys("npedido<Tab><Tab><Tab><Tab><Right><Tab>Pedido {{1}}<Tab><Tab>Oi, o pedido esta pronto.<Ctrl-S>");
    assert_eq!(maker(&stage).at, Line::HeaderExample("1".to_owned()));
}

#[test]
fn esc_keeps_what_was_written_until_it_is_submitted() {
    let mut stage = stage();
    stage.keys(WHOLE);
    stage.keys("<Esc>");
    assert!(
        stage.model.overlay.is_none() && said(&stage).contains("n goes on"),
        "{}",
        said(&stage)
    );
    stage.keys("n");
    assert_eq!(maker(&stage).text(&Line::Name), "pedido_pronto");
    stage.keys("<Ctrl-S>");
    let created = Worked::Created {
        id: "9".to_owned(),
        status: Status::Pending,
        category: Category::Marketing,
    };
    answer(&mut stage, Ok(created));
    assert!(stage.model.overlay.is_none());
    assert!(said(&stage).contains("as marketing"), "{}", said(&stage));
    stage.keys("n");
    assert_eq!(maker(&stage).text(&Line::Name), "", "the next one begins empty");
}

#[test]
fn what_meta_refuses_is_said_where_it_was_typed_and_nothing_is_lost() {
    let mut stage = stage();
    stage.keys(WHOLE);
    stage.keys("<Ctrl-S><Ctrl-S>");
    let asked_for =
        stage.effects.iter().filter(|effect| matches!(effect, Effect::Do(_, Command::Work(..))));
    assert_eq!(asked_for.count(), 1, "not twice while the answer is awaited");
    let refusal = Refusal::at(Part::Name, "There is already content");
    answer(&mut stage, Err(refusal.clone()));
    assert_eq!((&maker(&stage).at, maker(&stage).busy), (&Line::Name, false));
    assert_eq!(maker(&stage).refused, Some(refusal.clone()));
    stage.keys("_2");
    assert_eq!(maker(&stage).refused, None, "it is about what stood there before");
    // Closed meanwhile, it is told all the same.
    stage.keys("<Ctrl-S><Esc>");
    answer(&mut stage, Err(refusal));
    assert!(said(&stage).contains("already content"), "{}", said(&stage));
    stage.keys("n");
    assert_eq!(maker(&stage).text(&Line::Name), "pedido_pronto_2");
    assert!(maker(&stage).refused.is_some());
}

#[test]
fn every_template_of_the_catalogue_stays_as_it_is_when_nothing_is_changed() {
    let catalogue = world().catalogue;
    for entry in &catalogue.entries {
        let mut template = entry.template.clone();
        let kept = Maker::change(&template).template();
        // Meta writes the words of these itself, and takes them from nobody.
        if template.category == Category::Authentication {
            (template.body, template.footer) = (Text::default(), None);
        }
        assert_eq!(kept, template);
    }
    assert_eq!(Maker::change(&whole()).template(), whole());
}

#[test]
fn a_change_keeps_the_name_and_goes_to_meta_by_its_id() {
    let mut stage = stage();
    stage.keys("/boas<Enter>e");
    assert_eq!(maker(&stage).at, Line::Body);
    assert!(!maker(&stage).lines().contains(&Line::Name));
    assert!(!maker(&stage).lines().contains(&Line::Category), "Meta fixed it");
    stage.keys(" Ate logo, esperamos por voce.<Ctrl-S>");
    let (_, Work::Edit { id, template, recategorise: false }) = asked(&stage) else {
        panic!("{:?}", asked(&stage))
    };
    assert_eq!((&*id, &*template.name), ("id-boas_vindas-pt_BR", "boas_vindas"));
    assert!(template.body.text.ends_with("esperamos por voce."));
    answer(&mut stage, Ok(Worked::Changed));
    assert!(said(&stage).contains("reviews it again"), "{}", said(&stage));
}

#[test]
fn a_template_is_written_again_in_another_language() {
    let mut stage = stage();
    stage.keys("/boas<Enter>y");
    assert_eq!(maker(&stage).at, Line::Language);
    assert_eq!(maker(&stage).text(&Line::Name), "boas_vindas");
    stage.keys("es<Ctrl-S>");
    let Work::Create(template) = asked(&stage).1 else { panic!() };
    assert_eq!((&*template.language, template.meta_id), ("es", None));
}

#[test]
fn a_template_is_deleted_only_by_who_knows_what_follows() {
    let mut stage = stage();
    stage.keys("/boas<Enter>d");
    let Some(Overlay::Sure(sure)) = &stage.model.overlay else { panic!("{}", said(&stage)) };
    for words in ["boas_vindas (pt_BR)", "30 days", "still arrive"] {
        assert!(sure.warning.contains(words), "{}", sure.warning);
    }
    stage.keys("<Esc>");
    assert!(stage.effects.iter().all(|effect| !matches!(effect, Effect::Do(_, Command::Work(..)))));
    stage.keys("dy");
    let only = Some(("pt_BR".to_owned(), "id-boas_vindas-pt_BR".to_owned()));
    assert_eq!(asked(&stage).1, Work::Delete { name: "boas_vindas".to_owned(), only });
    answer(&mut stage, Err(Refusal::whole("no")));
    assert!(said(&stage).contains("is not deleted: no"), "{}", said(&stage));
    stage.keys("dy");
    answer(&mut stage, Err(no_answer()));
    let unknown = "It is not known whether boas_vindas, pt_BR is deleted: no answer";
    assert!(said(&stage).contains(unknown), "{}", said(&stage));
}

/// What Meta told of a deletion once took the place of its answer before anybody could read it.
#[test]
fn what_meta_tells_waits_until_the_answer_was_read_and_is_not_lost_to_the_next() {
    let before = "what was told before the start".to_owned();
    let tidings = vec![Tidings { number: 1, words: before, until: None }];
    let mut stage = Stage::new(World { tidings, ..world() }, (100, 30));
    stage.keys("2");
    let tell = |stage: &mut Stage, number: i64, words: &str| {
        stage.world.tidings.push(Tidings { number, words: words.to_owned(), until: None });
        stage.tell(Msg::Changed(Changes { notices: true, ..Changes::default() }));
    };
    stage.keys("/boas<Enter>dy");
    answer(&mut stage, Ok(Worked::Deleted));
    tell(&mut stage, 2, "pedido_cupom pt_BR paused by Meta");
    assert_eq!(said(&stage), "boas_vindas, pt_BR is deleted.");
    stage.wait(4_000);
    assert_eq!(said(&stage), "pedido_cupom pt_BR paused by Meta");
    // Before it could be read, something else is said; after that it stands again.
    stage.keys("dy");
    assert!(said(&stage).contains("is being deleted"), "{}", said(&stage));
    stage.wait(4_000);
    assert_eq!(said(&stage), "pedido_cupom pt_BR paused by Meta");
    stage.wait(6_000);
    assert_eq!(said(&stage), "", "it was there long enough");
}

/// Only the first and the last were shown of what Meta told within seconds.
#[test]
fn what_meta_tells_in_one_breath_is_read_one_after_the_other() {
    let mut stage = Stage::new(world(), (80, 24));
    let tell = |stage: &mut Stage, numbers: std::ops::RangeInclusive<i64>| {
        let told = numbers.map(|number| Tidings {
            number,
            words: format!("modelo_{number} pt_BR paused by Meta: low quality"),
            until: None,
        });
        stage.world.tidings.extend(told);
        stage.tell(Msg::Changed(Changes { notices: true, ..Changes::default() }));
    };
    tell(&mut stage, 1..=1);
    assert!(said(&stage).starts_with("modelo_1 "), "also the first after the start");
    tell(&mut stage, 2..=3);
    tell(&mut stage, 4..=6);
    assert!(said(&stage).starts_with("modelo_1 "), "{}", said(&stage));
    // What was read makes room with the next key.
    stage.wait(2_000);
    stage.keys("j");
    let words = |numbers: [i64; 3]| {
        numbers.map(|n| format!("modelo_{n} pt_BR paused by Meta: low quality")).join("\n")
    };
    assert_eq!(said(&stage), format!("{}  (2 more)", words([2, 3, 4])));
    assert_eq!(stage.model.notice_lines(80).len(), 3, "each has its row");
    // What could not be read yet comes back in its place.
    stage.model.say("Something else.", Weight::Done);
    stage.wait(4_000);
    assert_eq!(said(&stage), format!("{}  (2 more)", words([2, 3, 4])));
    stage.wait(12_000);
    assert!(said(&stage).starts_with("modelo_5 ") && said(&stage).contains("modelo_6 "));
    stage.wait(9_000);
    assert_eq!(said(&stage), "");
    // So many are not read one by one; where they all stand is said.
    tell(&mut stage, 7..=56);
    let all = said(&stage);
    assert!(all.starts_with("50 notices from Meta, the newest: modelo_56 "), "{all}");
    assert!(all.ends_with("\n4 and / notice lists them."), "{all}");
}

fn no_answer() -> Refusal {
    Refusal { unknown: true, ..Refusal::whole("no answer") }
}

#[test]
fn what_nobody_knows_of_is_not_told_as_refused() {
    let mut stage = stage();
    stage.keys(WHOLE);
    stage.keys("<Ctrl-S>");
    answer(&mut stage, Err(no_answer()));
    assert_eq!(maker(&stage).refused, Some(no_answer()));
    stage.keys("<Ctrl-S><Esc>");
    answer(&mut stage, Err(no_answer()));
    assert!(
        said(&stage).contains("It is not known whether Meta took pedido_pronto"),
        "{}",
        said(&stage)
    );
}

#[test]
fn one_that_a_change_would_take_something_out_of_is_left_alone() {
    let catalogue = world().catalogue;
    let known = &catalogue
        .entries
        .iter()
        .find(|entry| entry.template.name == "boas_vindas")
        .unwrap()
        .template;
    assert_eq!(unchangeable(known), None);
    let other = Template { other: vec!["CAROUSEL".to_owned()], ..known.clone() };
    assert!(unchangeable(&other).unwrap().contains("CAROUSEL"));
    let old = Template { category: Category::Authentication, ..known.clone() };
    assert!(unchangeable(&old).unwrap().contains("words of its own"));
    let waiting = Template { status: Status::Pending, ..known.clone() };
    assert!(unchangeable(&waiting).unwrap().contains("pending"));
}

/// Meta refused it after it had been typed, or asked for.
#[test]
fn what_meta_lets_nobody_change_or_delete_was_offered_all_the_same() {
    let catalogue = world().catalogue;
    let known = &catalogue.entries[0].template;
    let flagged = Template { status: Status::Flagged, ..known.clone() };
    assert!(unchangeable(&flagged).unwrap().contains("flagged"));
    let back = Template { status: Status::Reinstated, ..flagged.clone() };
    assert!(unchangeable(&back).is_none_or(|words| !words.contains("reinstated")));
    let disabled = Template { status: Status::Disabled, ..flagged };
    assert!(undeletable(&disabled).unwrap().contains("disabled"));
    assert_eq!(undeletable(&back), None);
}

#[test]
fn the_example_of_a_header_is_looked_at_where_it_is_typed() {
    let mut stage = stage();
    stage.keys("n<Tab><Tab><Tab><Tab><Right><Right><Tab>~/caixa.jpg");
    let look = stage.effects.iter().rev().find_map(|effect| match effect {
        Effect::Look(ticket, path) => Some((*ticket, path.clone())),
        _ => None,
    });
    let (ticket, typed) = look.unwrap();
    let breaches = maker(&stage).breaches();
    assert_eq!(maker(&stage).wrong(&Line::HeaderFile, &breaches), Vec::<&_>::new());
    let big = ("/home/ana/caixa.jpg".to_owned(), 17 << 20);
    stage.tell(Msg::Looked(ticket, Looked { typed, file: Ok(big), ends: Vec::new() }));
    let breaches = maker(&stage).breaches();
    let wrong = maker(&stage).wrong(&Line::HeaderFile, &breaches);
    assert!(wrong[0].words.contains("at most 16 MB"), "{breaches:?}");
    let Some(Header::Media { format, example }) = maker(&stage).template().header else { panic!() };
    assert_eq!(
        (format.kind(), example.as_deref()),
        (MediaKind::Image, Some("/home/ana/caixa.jpg"))
    );
    stage.keys("<Ctrl-U>http://example.org/a.png");
    let breaches = maker(&stage).breaches();
    let wrong = maker(&stage).wrong(&Line::HeaderFile, &breaches);
    assert!(wrong[0].words.contains("no https link"), "{breaches:?}");
}

#[test]
fn one_for_passwords_has_only_what_meta_lets_be_chosen() {
    let mut stage = stage();
    stage.keys("ncodigo_novo<Tab><Tab> <Right><Tab><Right><Tab>10<Tab>Copiar<Ctrl-S>");
    let Work::Create(template) = asked(&stage).1 else { panic!() };
    assert_eq!(template.category, Category::Authentication);
    assert_eq!(template.authentication.expires_minutes, Some(10));
    assert!(template.authentication.security_recommendation);
    assert!(matches!(&template.buttons[..], [Button::Otp(otp)] if otp.text == "Copiar"));
    assert_eq!((template.header, template.footer), (None, None));
}

#[test]
fn what_is_written_in_the_editor_outlives_the_program() {
    let mut stage = stage();
    stage.keys("n");
    stage.keys("aviso");
    assert!(stage.model.next_deadline().is_some_and(|due| due.since(stage.now).as_millis() <= 500));
    stage.wait(500);
    let commands = stage.commands();
    let [Command::KeepTemplate(_, Purpose::New, fields)] = commands.as_slice() else {
        panic!("{commands:?}")
    };
    assert_eq!(fields.get("name").map(String::as_str), Some("aviso"));
    // It is closed by a kill, and begun anew on what the store has.
    let world = World { unfinished: [(Purpose::New, fields.clone())].into(), ..world() };
    let mut stage = Stage::new(world, (120, 36));
    stage.keys("2n");
    let Some(Overlay::Maker(maker)) = &stage.model.overlay else { panic!() };
    assert_eq!(maker.text(&Line::Name), "aviso");
    // Quitting stores what came last.
    stage.keys("s");
    stage.tell(Msg::Quit(QuitCause::Signal));
    let commands = stage.commands();
    assert!(
        commands.iter().any(|command| matches!(command, Command::KeepTemplate(_, _, fields)
            if fields.get("name").is_some_and(|name| name == "avisos"))),
        "{commands:?}"
    );
}
