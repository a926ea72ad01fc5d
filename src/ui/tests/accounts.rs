use super::*;
use crate::app::fixture::sending_health;
use crate::domain::account::{Fact, FactKind, Saying, concerns};
use crate::domain::time::Timestamp;

/// What Meta says of the account shown.
fn said(stage: &mut Stage, said: &[(FactKind, &str)]) {
    let at = Timestamp::from_secs(1);
    let fact = |(kind, value): &(FactKind, &str)| Fact {
        saying: Saying::new(*kind, *value),
        at,
        last_at: at,
        told: false,
    };
    let facts: Vec<Fact> = said.iter().map(fact).collect();
    let mut health = sending_health();
    health.accounts[0].concerns = concerns(&facts, at);
    stage.tell(Msg::Health(Box::new(health)));
}

#[test]
fn an_account_that_is_not_good_shows_in_the_status_bar_and_the_gravest_under_it() {
    let mut stage = Stage::new(world(), (120, 36));
    let bar = |stage: &Stage| screen(stage).lines().next().unwrap().to_owned();
    said(&mut stage, &[(FactKind::Quality, "GREEN"), (FactKind::Status, "CONNECTED")]);
    assert!(!bar(&stage).contains("quality"), "{}", bar(&stage));
    said(&mut stage, &[(FactKind::Quality, "YELLOW")]);
    assert!(bar(&stage).contains("quality YELLOW"), "{}", bar(&stage));
    assert!(!screen(&stage).contains("Quality is YELLOW"), "{}", screen(&stage));
    said(&mut stage, &[(FactKind::NameReview, "DECLINED"), (FactKind::Quality, "RED")]);
    assert!(bar(&stage).contains("quality RED +1"), "{}", bar(&stage));
    assert!(screen(&stage).contains("Quality is RED; people block"), "{}", screen(&stage));
}

#[test]
fn words_of_meta_about_an_account_cannot_drive_the_terminal() {
    let mut stage = Stage::new(world(), (120, 36));
    said(&mut stage, &[(FactKind::Status, "\u{1b}[31mRED\u{202e}")]);
    assert!(!screen(&stage).contains('\u{1b}') && !screen(&stage).contains('\u{202e}'));
}
