//! Reads that are more than one call of the store.

use std::sync::Arc;

use crate::api::request::written;
use crate::app::msg::{Reply, Ticket, Wanted};
use crate::app::workbench::Told;
use crate::domain::id::{AccountId, ConversationId};
use crate::domain::page::ListKey;
use crate::service::catalogue;
use crate::store::account::{accounts, fact};
use crate::store::{self, ReadConn, campaign, event, list, unfinished};

pub(super) fn templates(
    read: &ReadConn,
    account: AccountId,
    conversation: Option<ConversationId>,
    ticket: Ticket,
) -> Result<Reply, store::Error> {
    let begun = conversation.map(|id| Ok::<_, store::Error>((id, unfinished::values(read, id)?)));
    Ok(Reply::Templates {
        ticket,
        catalogue: Arc::new(catalogue::read(read, account, conversation)?),
        unfinished: unfinished::unfinished(read, account)?,
        begun: begun.transpose()?,
    })
}

/// The next conversation of a kind.
pub(super) fn next(
    read: &ReadConn,
    (account, wanted, from): (AccountId, Wanted, Option<ListKey>),
    ticket: Ticket,
) -> Result<Reply, store::Error> {
    let row = match wanted {
        Wanted::Unread => list::next_unread(read, account, from)?,
        Wanted::Failed => list::next_failed(read, account, from)?,
    };
    Ok(Reply::Next { ticket, row: row.map(Box::new) })
}

pub(super) fn jumps(
    read: &ReadConn,
    account: AccountId,
    text: &str,
    limit: u32,
    ticket: Ticket,
) -> Result<Reply, store::Error> {
    Ok(Reply::Jump { ticket, rows: list::jump(read, account, text, limit)? })
}

pub(super) fn many(
    read: &ReadConn,
    account: AccountId,
    limit: u32,
    ticket: Ticket,
) -> Result<Reply, store::Error> {
    Ok(Reply::Campaigns { ticket, rows: campaign::campaigns(read, account, limit)? })
}

pub(super) fn news(
    read: &ReadConn,
    after: Option<i64>,
    ticket: Ticket,
) -> Result<Reply, store::Error> {
    Ok(Reply::Told { ticket, tidings: event::tidings(read, after)? })
}

/// What Meta says of an account, now and before.
pub(super) fn told(
    read: &ReadConn,
    account: AccountId,
    limit: u32,
    ticket: Ticket,
) -> Result<Reply, store::Error> {
    let told = Told {
        facts: fact::facts(read, account)?,
        history: fact::history(read, account, limit)?,
        asked_at: fact::asked_at(read, account)?,
    };
    Ok(Reply::Account { ticket, told })
}

/// A request of an account as a curl command.
pub(super) fn curl(
    read: &ReadConn,
    account: AccountId,
    json: &str,
    base_url: &str,
) -> Result<String, store::Error> {
    let known = accounts(read)?.into_iter().find(|known| known.id == account);
    let number = known.map(|known| known.phone_number.to_string());
    Ok(written::curl(base_url, number.as_deref().unwrap_or("PHONE_NUMBER_ID"), json))
}
