use std::sync::Arc;

use super::{Stage, screen, world};
use crate::app::fixture::{campaigns, dry_run};
use crate::app::msg::{Effect, Looked, Msg};
use crate::domain::campaign::DryRun;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (200, 50)];

fn stage(size: (u16, u16)) -> Stage {
    let mut stage = Stage::new(world(), size);
    stage.world.campaigns = campaigns();
    stage
}

/// The screen after a file was named, with what it comes to.
fn prepared(
    size: (u16, u16),
    found: impl FnOnce(Arc<DryRun>) -> Result<Arc<DryRun>, String>,
    keys: &str,
) -> String {
    let mut stage = stage(size);
    stage.keys("2/enviado pt_br<Enter>m~/listas/vip-maio.csv<Enter>");
    let look = stage.effects.iter().rev().find_map(|effect| match effect {
        Effect::Look(ticket, path) => Some((*ticket, path.clone())),
        _ => None,
    });
    let (ticket, typed) = look.unwrap();
    let file = Ok((typed.clone(), 900));
    stage.tell(Msg::Looked(ticket, Looked { typed, file, ends: Vec::new() }));
    let asked = stage.effects.iter().rev().find_map(|effect| match effect {
        Effect::Plan(ticket, wish, template) => Some((*ticket, wish.clone(), template.clone())),
        _ => None,
    });
    let (ticket, wish, template) = asked.unwrap();
    stage.tell(Msg::Planned(ticket, found(dry_run(*wish, &template))));
    stage.keys(keys);
    screen(&stage)
}

#[test]
fn campaign_dry_run() {
    let screens = SIZES.map(|size| prepared(size, Ok, "jjj"));
    insta::assert_snapshot!(screens.join("\n"));
}

#[test]
fn campaign_dry_run_of_a_file_sent_before_with_only_what_is_left_out() {
    let before = |run: Arc<DryRun>| {
        let mut run = Arc::unwrap_or_clone(run);
        run.earlier = campaigns().into_iter().nth(2);
        Ok(Arc::new(run))
    };
    insta::assert_snapshot!(prepared((80, 24), before, "<Tab>"));
}

#[test]
fn campaign_questions() {
    let wrong = |_| {
        Err("no column is named for phone: say which, as in phone=COLUMN; the file's \
                         columns are: fone, nome"
            .to_owned())
    };
    let screens = [
        prepared((80, 24), wrong, ""),
        prepared((80, 24), Ok, "m"),
        prepared((80, 24), Ok, "<Enter>12<Enter>"),
        prepared((80, 24), Ok, "w"),
    ];
    insta::assert_snapshot!(screens.join("\n"));
}

#[test]
fn campaigns_screen() {
    let screens = SIZES.map(|size| {
        let mut stage = stage(size);
        stage.keys("5");
        screen(&stage)
    });
    insta::assert_snapshot!(screens.join("\n"));
}

#[test]
fn campaigns_screen_when_paused_and_when_there_are_none() {
    let mut paused = stage((80, 24));
    paused.keys("5j");
    let mut none = Stage::new(world(), (80, 24));
    none.keys("5");
    insta::assert_snapshot!(format!("{}\n{}", screen(&paused), screen(&none)));
}

/// It stood still, and nothing said why.
#[test]
fn a_campaign_whose_template_is_paused_says_so() {
    let mut stage = stage((80, 24));
    let campaign = &mut stage.world.campaigns[0];
    (campaign.template, campaign.language) = ("pedido_cupom".to_owned(), "pt_BR".to_owned());
    campaign.counts.sending = 0;
    stage.keys("2<Esc>5");
    let shown = screen(&stage);
    assert!(shown.contains("waits: paused by Meta because of low quality"), "{shown}");
}

#[test]
fn the_campaigns_screen_holds_at_any_size() {
    for columns in [20, 27, 40, 59, 60, 79, 101, 151, 240] {
        for rows in [5, 6, 8, 11, 18, 60] {
            let mut stage = stage((columns, rows));
            stage.keys("5jjkG");
            assert_eq!(screen(&stage).lines().count(), usize::from(rows));
            let shown = prepared((columns, rows), Ok, "jj<Tab>m");
            assert_eq!(shown.lines().count(), usize::from(rows));
        }
    }
}
