//! What was sent from the phone app.

use super::{Effect, Place, take_effect};
use crate::domain::event::{EchoMessage, Peer};
use crate::domain::id::{ConversationId, MessageId};
use crate::domain::message::{Direction, Priority};
use crate::domain::state::{Report, State};
use crate::store::error::Error;
use crate::store::event::EffectKind;
use crate::store::standing::{self, Proof};
use crate::store::stored::{self, NewRow, Writer};
use crate::store::write::Tx;
use crate::store::{facts, merge, proof, row};

/// Sent from the phone app: stored as accepted, and moved by what the echo and the statuses say.
pub(super) fn echo(
    tx: &mut Tx<'_>,
    place: &Place<'_>,
    message: &EchoMessage,
) -> Result<Effect, Error> {
    let Some(contact) = facts::sighted(tx, place.scope, &message.to, message.at, place.now)? else {
        return Ok(Effect::because(EffectKind::Unknown, "an echo without a recipient"));
    };
    let proof = Proof { event: Some(place.event), ..Proof::at(message.at) };
    let proves = match message.state {
        State::Accepted => None,
        state => Some(row::report_of(state).unwrap_or(Report::Sent)),
    };
    if let Some(mut old) = standing::by_wamid(tx.conn, place.account, &message.wamid)? {
        let from = old.state;
        if let Some(report) = proves.filter(|_| old.direction == Direction::Outbound) {
            standing::report(tx, &mut old, report, false, &proof)?;
        }
        let states = Some((from, old.state));
        return Ok(Effect { message: Some(old.id), states, ..Effect::of(EffectKind::Status) });
    }
    let conversation = merge::conversation_with(tx, place.account, contact, place.now)?;
    let id = insert_echo(tx, place, message, &message.to, conversation)?;
    let mut stored = standing::load(tx.conn, id)?;
    if let Some(report) = proves {
        standing::report(tx, &mut stored, report, false, &proof)?;
    }
    proof::join_pending(tx, &stored, &message.wamid)?;
    take_effect(tx, place.account, Direction::Outbound, &message.body, message.at, &message.wamid)?;
    tx.touch(conversation);
    Ok(Effect { message: Some(id), ..Effect::of(EffectKind::Message) })
}

fn insert_echo(
    tx: &mut Tx<'_>,
    place: &Place<'_>,
    message: &EchoMessage,
    peer: &Peer,
    conversation: ConversationId,
) -> Result<MessageId, Error> {
    let row = NewRow {
        account: place.account,
        conversation,
        writer: Writer::PhoneApp,
        wamid: Some(&message.wamid),
        at: message.at,
        state: State::Accepted,
        body: &message.body,
        context: &message.context,
        reply_message: None,
        peer: Some(peer),
        group: None,
        history: place.item.field == "history",
        priority: Priority::Person,
        raw: Some(&place.item.raw),
    };
    stored::insert(tx, &row, place.now)
}
