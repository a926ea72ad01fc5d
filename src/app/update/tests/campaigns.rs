//! Templates for many by key: a file named, its columns said, the count typed; and decisions about those there are.

use std::sync::Arc;

use crate::app::Overlay;
use crate::app::action::Context;
use crate::app::fixture::{Stage, campaigns, dry_run, world};
use crate::app::msg::{Effect, Looked, Msg, Ticket};
use crate::domain::campaign::{DryRun, Wish};
use crate::domain::id::CampaignId;
use crate::domain::template::Template;

fn stage() -> Stage {
    let mut stage = Stage::new(world(), (120, 36));
    stage.world.campaigns = campaigns();
    stage
}

/// The dry run that was asked for last.
fn asked(stage: &Stage) -> (Ticket, Wish, Template) {
    let plans = stage.effects.iter().rev().find_map(|effect| match effect {
        Effect::Plan(ticket, wish, template) => {
            Some((*ticket, wish.as_ref().clone(), template.as_ref().clone()))
        }
        _ => None,
    });
    plans.unwrap()
}

/// Says that a file is at the path that was looked at last.
fn found(stage: &mut Stage) {
    answer(stage, |typed| Ok((format!("/home/ana/{typed}"), 900)));
}

fn answer(stage: &mut Stage, file: impl FnOnce(&str) -> Result<(String, u64), String>) {
    let look = stage.effects.iter().rev().find_map(|effect| match effect {
        Effect::Look(ticket, path) => Some((*ticket, path.clone())),
        _ => None,
    });
    let (ticket, typed) = look.unwrap();
    let file = file(&typed);
    stage.tell(Msg::Looked(ticket, Looked { typed, file, ends: Vec::new() }));
}

/// On the screen of a dry run.
fn prepared(stage: &mut Stage) -> Arc<DryRun> {
    stage.keys("2/enviado pt_br<Enter>mvip-maio.csv<Enter>");
    found(stage);
    let (ticket, wish, template) = asked(stage);
    let run = dry_run(wish, &template);
    stage.tell(Msg::Planned(ticket, Ok(Arc::clone(&run))));
    run
}

fn confirms(stage: &Stage) -> usize {
    stage.effects.iter().filter(|effect| matches!(effect, Effect::Confirm { .. })).count()
}

#[test]
fn a_template_a_file_and_the_count_start_a_campaign() {
    let mut stage = stage();
    let run = prepared(&mut stage);
    assert_eq!(stage.model.context(), Context::DryRun);
    let good = run.plan.good();
    stage.keys("<Enter>7<Enter>");
    assert_eq!(confirms(&stage), 0, "another number starts nothing");
    stage.keys(&format!("<Ctrl-U>{good}<Enter>"));
    assert_eq!(confirms(&stage), 1);
    stage.keys("<Enter>");
    assert_eq!(confirms(&stage), 1, "it is under way");
    let Some(Effect::Confirm { ticket, again: false, .. }) =
        stage.effects.iter().rev().find(|effect| matches!(effect, Effect::Confirm { .. }))
    else {
        panic!("{:?}", stage.effects)
    };
    let ticket = *ticket;
    stage.tell(Msg::Begun(ticket, Ok(CampaignId(5))));
    assert_eq!(stage.model.context(), Context::Campaigns);
    assert_eq!(stage.model.campaigns.current().map(|row| row.id), Some(CampaignId(5)));
}

#[test]
fn the_path_of_the_file_is_completed_as_a_shell_does() {
    let mut stage = stage();
    stage.keys("2/enviado pt_br<Enter>mvip");
    let look = |stage: &Stage| match stage.effects.last() {
        Some(Effect::Look(ticket, path)) => (*ticket, path.clone()),
        other => panic!("{other:?}"),
    };
    let (ticket, typed) = look(&stage);
    assert_eq!(typed, "vip");
    let ends = ["vip-maio.csv", "vip-março.csv"].map(str::to_owned).to_vec();
    let file = Err("there is no such file".to_owned());
    stage.tell(Msg::Looked(ticket, Looked { typed, file, ends }));
    stage.keys("<Tab>");
    assert_eq!(look(&stage).1, "vip-ma");
    stage.keys("<Tab>");
    assert_eq!(look(&stage).1, "vip-ma", "it is not known yet what that can go on to");
    stage.keys("io.csv<Enter>");
    found(&mut stage);
    assert_eq!(asked(&stage).1.path, "vip-maio.csv");
}

/// Enter led away from the path that was typed, to a screen that could say no more than that there was no file.
#[test]
fn a_path_that_leads_to_no_file_stays_with_what_is_wrong_with_it() {
    let mut stage = stage();
    stage.keys("2/enviado pt_br<Enter>mvip<Enter>");
    answer(&mut stage, |_| Err("there is no such file".to_owned()));
    let Some(Overlay::Prompt(prompt)) = &stage.model.overlay else { panic!() };
    assert_eq!(prompt.error.as_deref(), Some("vip: there is no such file"));
    // It may be there the next time it is asked for.
    stage.keys("<Enter>");
    found(&mut stage);
    assert_eq!(asked(&stage).1.path, "vip");
}

/// The keys that go to the first and the last row everywhere did nothing.
#[test]
fn the_first_and_the_last_row_are_a_key_away() {
    let mut stage = stage();
    prepared(&mut stage);
    let at = |stage: &Stage| stage.model.campaigns.desk.as_ref().unwrap().at;
    for (key, wanted) in [("G", 1213), ("gg", 0), ("<End>", 1213), ("<Home>", 0)] {
        stage.keys(key);
        assert_eq!(at(&stage), wanted, "{key}");
    }
    stage.keys("<Esc>");
    for (key, wanted) in [("G", 4), ("gg", 0), ("<End>", 4), ("<Home>", 0)] {
        stage.keys(key);
        assert_eq!(stage.model.campaigns.at(), wanted, "{key}");
    }
}

/// Only `m` went on from there, and Enter was silent.
#[test]
fn a_new_campaign_begins_with_a_template_and_enter() {
    let mut stage = stage();
    stage.keys("5n<Enter>");
    assert_eq!(stage.model.context(), Context::Prompt);
}

#[test]
fn one_row_goes_to_oneself_before_all_go() {
    let mut stage = stage();
    let run = prepared(&mut stage);
    stage.keys("jt12<Enter>");
    let tried = |stage: &Stage| match stage.effects.last() {
        Some(Effect::TryOut { row, number, .. }) => Some((*row, number.as_str().to_owned())),
        _ => None,
    };
    assert_eq!(tried(&stage), None, "12 is no number");
    stage.keys("<Ctrl-U>11 98888-0000<Enter>");
    assert_eq!(tried(&stage), Some((1, "5511988880000".to_owned())));
    // The number is there the next time; of a row that is left out, the first good one goes.
    assert!(run.plan.rows[2].skip.is_some());
    stage.keys("jt<Enter>");
    assert_eq!(tried(&stage), Some((0, "5511988880000".to_owned())));
    assert_eq!(stage.model.context(), Context::DryRun);
}

#[test]
fn columns_can_be_changed_and_what_is_wrong_with_them_stays_where_it_was_typed() {
    let mut stage = stage();
    stage.keys("2/enviado pt_br<Enter>mvip.csv<Enter>");
    found(&mut stage);
    let (ticket, ..) = asked(&stage);
    stage.tell(Msg::Planned(ticket, Err("no column is named for 1".to_owned())));
    stage.keys("m<Ctrl-U>phone=telefone, 1=nome, 2=\"SOL10\", country=Brazil<Enter>");
    assert_eq!(asked(&stage).0, ticket, "nothing was asked");
    stage.keys("<Backspace><Backspace><Backspace><Backspace><Backspace><Backspace>BR<Enter>");
    let (next, wish, _) = asked(&stage);
    assert_ne!(next, ticket);
    assert_eq!(wish.columns.len(), 2);
    assert_eq!(wish.constants, [("2".to_owned(), "SOL10".to_owned())]);
    assert_eq!(wish.country.map(crate::domain::phone::Country::code), Some(55));
    // The answer to what was asked first comes late.
    stage.tell(Msg::Planned(ticket, Err("old".to_owned())));
    assert!(stage.model.campaigns.desk.as_ref().unwrap().found.is_none());
}

#[test]
fn a_campaign_is_paused_resumed_and_cancelled_only_when_asked_twice() {
    let mut stage = stage();
    stage.keys("5p");
    assert_eq!(last(&mut stage), "Pause campaign 5");
    stage.keys("jp");
    assert_eq!(last(&mut stage), "Resume campaign 4");
    stage.keys("jpd");
    assert_eq!(last(&mut stage), "", "what is done cannot be paused or cancelled");
    stage.keys("kd");
    assert_eq!(last(&mut stage), "");
    stage.keys("d");
    assert_eq!(last(&mut stage), "Cancel campaign 4");
    stage.keys("s<Enter>");
    let saved = Effect::SaveResult { campaign: CampaignId(4), path: "campaign-4.csv".to_owned() };
    assert_eq!(stage.effects.last(), Some(&saved));
}

fn last(stage: &mut Stage) -> String {
    stage.commands().last().map(super::short).unwrap_or_default()
}

#[test]
fn a_template_that_cannot_be_sent_asks_for_no_file_and_a_start_that_fails_loses_nothing() {
    let mut stage = stage();
    stage.keys("2/cupom pt_br<Enter>m");
    assert_eq!(stage.model.context(), Context::Templates);
    let mut stage = self::stage();
    let run = prepared(&mut stage);
    stage.keys(&format!("<Enter>{}<Enter>", run.plan.good()));
    let ticket = stage.effects.iter().rev().find_map(|effect| match effect {
        Effect::Confirm { ticket, .. } => Some(*ticket),
        _ => None,
    });
    stage.tell(Msg::Begun(ticket.unwrap(), Err("the disk is full".to_owned())));
    assert_eq!(stage.model.context(), Context::DryRun);
    stage.keys("<Tab>");
    let desk = stage.model.campaigns.desk.as_ref().unwrap();
    assert_eq!(desk.rows().len(), run.plan.rows.len() - run.plan.good());
}

/// Cancelling said "a campaign that is draft cannot be cancelled", and nothing else could be done about it.
#[test]
fn a_campaign_whose_storing_was_cut_off_could_not_be_removed() {
    let mut stage = stage();
    stage.world.campaigns[0].stage = crate::domain::campaign::Stage::Draft;
    let id = stage.world.campaigns[0].id;
    stage.keys("5d");
    assert_eq!(last(&mut stage), "", "not before it is asked twice");
    stage.keys("d");
    assert_eq!(stage.effects.last(), Some(&Effect::RemoveDraft(id)));
}
