//! Templates for many by key: a file named, its columns said, the count typed; and decisions about those there are.

use std::sync::Arc;

use crate::app::action::Context;
use crate::app::fixture::{Stage, campaigns, dry_run, world};
use crate::app::msg::{Effect, Msg, Ticket};
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

/// On the screen of a dry run.
fn prepared(stage: &mut Stage) -> Arc<DryRun> {
    stage.keys("2/enviado pt_br<Enter>mvip-maio.csv<Enter>");
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
fn columns_can_be_changed_and_what_is_wrong_with_them_stays_where_it_was_typed() {
    let mut stage = stage();
    stage.keys("2/enviado pt_br<Enter>mvip.csv<Enter>");
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
