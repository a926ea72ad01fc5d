//! The codes themselves, as Meta's Cloud API error reference and its OpenAPI files list them.
//!
//! One row each: the code or an inclusive range, its class, what happened, what helps. Rows are sorted
//! and do not overlap, so that a look-up is a binary search. Words name what a person sees, never an API
//! field they cannot set.

use super::{Class, Entry};
use crate::domain::outbox::Throttle;

struct Row {
    first: i64,
    last: i64,
    entry: Entry,
}

const THROTTLED_NUMBER: Class = Class::Throttled(Throttle::Number);
const THROTTLED_PAIR: Class = Class::Throttled(Throttle::Pair);
const THROTTLED_ACCOUNT: Class = Class::Throttled(Throttle::Account);

macro_rules! rows {
    ($($first:literal $(..= $last:literal)? $class:path, $plain:literal, $remedy:literal;)*) => {
        &[$(Row {
            first: $first,
            last: { let last = $first; $(let last = if last < $last { $last } else { last };)? last },
            entry: Entry { class: $class, plain: $plain, remedy: $remedy },
        }),*]
    };
}

/// The entry of `code`, if it is known.
pub(super) fn known(code: i64) -> Option<Entry> {
    let at = ROWS.partition_point(|row| row.last < code);
    ROWS.get(at).filter(|row| row.first <= code).map(|row| row.entry)
}

/// The entry of a code whose subcode says more than the code itself. Template errors come as subcodes
/// of 100, and so does a phone number that is gone.
pub(super) fn refined(code: i64, subcode: i64) -> Option<Entry> {
    match (code, subcode) {
        (100, 33 | 2_388_000..=2_388_999) => known(subcode),
        (190, _) => TOKEN_ROWS.iter().find(|row| row.first == subcode).map(|row| row.entry),
        _ => None,
    }
}

/// Subcodes of 190.
static TOKEN_ROWS: &[Row] = rows! {
    460 Class::Account, "The access token is void because the password was changed",
        "Make a new token in Meta's business settings and put it in the config";
    463 Class::Account, "The access token has expired",
        "Make a new token in Meta's business settings, best one that never expires, and put it in the config";
    467 Class::Account, "The access token is no longer valid",
        "Make a new token in Meta's business settings and put it in the config";
};

static ROWS: &[Row] = rows! {
    0 Class::Account, "Meta cannot log the app in",
        "Make a new access token and put it in the config";
    1 Class::Ambiguous, "Meta reports an unknown error; it may have been sent",
        "Ask the recipient or wait for a tick before you send it again";
    2 Class::Passing, "Meta's service is down for the moment",
        "Nothing to do: it is tried again";
    3 Class::Account, "The app may not do this",
        "Give the app the WhatsApp permissions in Meta's app settings";
    4 THROTTLED_ACCOUNT, "The app has made too many calls",
        "Nothing to do: it waits and goes by itself";
    10 Class::Account, "The permission was not given or was taken away",
        "Give the token the permission whatsapp_business_messaging";
    33 Class::Account, "The business phone number does not exist, or the token may not use it",
        "Check the phone number id in the config, and that the token has access to it";
    100 Class::Request, "Meta did not understand a part of the request",
        "Read Meta's words: a value is wrong, misspelled or too long";
    104 Class::Account, "The request carried no access token",
        "Put the token in the config";
    190 Class::Account, "The access token is invalid or has expired",
        "Make a new token in Meta's business settings and put it in the config";
    200..=299 Class::Account, "The token lacks a permission",
        "Give it whatsapp_business_messaging and whatsapp_business_management";
    368 Class::Account, "Meta has restricted the account for breaking a policy",
        "Open Meta's business support and ask for a review";
    613 THROTTLED_ACCOUNT, "Too many calls of this kind",
        "Nothing to do: it waits and goes by itself";
    80_007 THROTTLED_ACCOUNT, "The WhatsApp Business account has made too many calls",
        "Nothing to do: it waits and goes by itself";
    130_403 Class::Recipient, "Your business has blocked this person",
        "Unblock them, then send it again";
    130_429 THROTTLED_NUMBER, "The number sends faster than Meta allows",
        "Nothing to do: it waits and goes by itself";
    130_472 Class::Recipient, "Meta holds this person out of marketing messages as an experiment",
        "Do not send it again, it fails each time; a reply of theirs opens the window";
    130_497 Class::Recipient, "The account may not send to this country",
        "See Meta's list of countries for your kind of business";
    131_000 Class::Ambiguous, "Something went wrong at Meta; it may have been sent",
        "Ask the recipient or wait for a tick before you send it again";
    131_005 Class::Account, "Access denied: the permission was not given or was taken away",
        "Give the token the permission whatsapp_business_messaging";
    131_008 Class::Request, "A required part of the request is missing",
        "Read Meta's words: they name the part";
    131_009 Class::Request, "A value is not valid, often the phone number",
        "Check the number and the content, then send it again";
    131_016 Class::Passing, "Meta's service is not available for the moment",
        "Nothing to do: it is tried again";
    131_020 Class::Request, "The group has no other member",
        "Invite someone to the group first";
    131_021 Class::Recipient, "The recipient is the sending number itself",
        "Choose another recipient";
    131_026 Class::Recipient, "The person cannot receive it: not on WhatsApp, an old app, or terms not accepted",
        "Reach them another way, and ask them to update WhatsApp; Meta does not say which it is";
    131_030 Class::Recipient, "The test number may not send to this number",
        "Add the number to the list of allowed recipients in Meta's app settings";
    131_031 Class::Account, "The account is locked, or the PIN was wrong",
        "Open Meta's business support";
    131_035 Class::Request, "Meta did not keep the content, and it has expired",
        "Ask the sender to send it again";
    131_036 Class::Request, "The content is no longer on one of the devices",
        "Ask the sender to send it again";
    131_037 Class::Account, "The number has no approved display name",
        "Have a display name approved in Meta's WhatsApp manager";
    131_041 Class::Request, "The group is not known",
        "Check that the number is still a member of it";
    131_042 Class::Account, "There is a problem with the payment method",
        "Set up payment in Meta's billing settings; since October 2026 the free quota needs it too";
    131_044 Class::Request, "There is a problem with the payment of calls",
        "Set up payment in Meta's billing settings";
    131_045 Class::Account, "The number is not registered, or with a wrong certificate",
        "Register the number again";
    131_047 Class::WindowClosed, "More than 24 hours have passed since the person last wrote",
        "Send a template; their answer opens the window";
    131_048 Class::Account, "Meta limits the number because people blocked or reported its messages",
        "Stop bulk sends, look at the number's quality in Meta's WhatsApp manager, and wait";
    131_049 Class::Recipient, "Meta chose not to deliver it: the person gets enough marketing",
        "Wait at least 24 hours; sending it at once fails again";
    131_050 Class::OptedOut, "The person does not want marketing messages from you",
        "Send no more marketing to them";
    131_051 Class::Request, "This type of message is not supported",
        "Send it as text or as a file";
    131_052 Class::Media, "The person's file cannot be fetched",
        "Ask them to send it again";
    131_053 Class::Media, "The file cannot be uploaded",
        "Check its type and size, and that its link can be fetched by anyone";
    131_055 Class::Template, "Only marketing templates may go this way",
        "Send it as an ordinary template";
    131_056 THROTTLED_PAIR, "Too many messages to this person in a short time",
        "Nothing to do: it waits and goes by itself; others are not affected";
    131_057 THROTTLED_ACCOUNT, "The account is in maintenance, often while Meta raises its speed",
        "Nothing to do: it goes by itself in some minutes";
    131_059 Class::Request, "The place in the list of groups is not valid",
        "Read the list from its start";
    131_060 Class::Request, "WhatsApp did not pass this message on",
        "Read it in the WhatsApp Business app, or ask the sender to send it again";
    131_061 Class::Template, "A template with a highest price must go through marketing messages",
        "Send it by the marketing messages API, or take the price off";
    131_062 Class::Recipient, "This kind of message needs the person's phone number",
        "Ask them for their number, or send something else";
    131_063 Class::Template, "Marketing templates are switched off for this account",
        "Send them by the marketing messages API, or switch them on in Meta's WhatsApp manager";
    131_064 Class::Template, "Templates are limited because some were in the wrong category",
        "Correct the categories; the limit lifts by itself";
    131_201..=131_215 Class::Request, "A request about a group was refused",
        "Read Meta's words";
    132_000 Class::Template, "The template has another number of variables",
        "Fetch the template again and fill every variable";
    132_001 Class::Template, "The template does not exist in this language, or is not approved",
        "Check its name, language and status";
    132_005 Class::Template, "The filled-in template is too long",
        "Shorten the values";
    132_007 Class::Template, "The template breaks a policy",
        "Edit it and submit it again";
    132_008 Class::Template, "A template value has the wrong form",
        "Check the values against the template";
    132_012 Class::Template, "A template value has the wrong form",
        "Check the values against the template";
    132_015 Class::Template, "The template is paused because of low quality",
        "Edit it, or wait until Meta lifts the pause";
    132_016 Class::Template, "The template is disabled for good",
        "Make a new template";
    132_018 Class::Template, "The template's values were refused",
        "Read Meta's words: they name the value";
    132_068 Class::Request, "The flow is blocked",
        "Repair the flow in Meta's flow builder";
    132_069 Class::Request, "The flow is limited to 10 messages an hour",
        "Repair the flow in Meta's flow builder, or wait an hour";
    133_000 Class::Account, "An earlier deregistration of the number did not finish",
        "Deregister the number again, then register it";
    133_004 Class::Passing, "Meta's server is not available for the moment",
        "Nothing to do: it is tried again";
    133_005 Class::Account, "The PIN of the number is wrong",
        "Enter the right PIN, or reset it in Meta's WhatsApp manager";
    133_006 Class::Account, "The number must be verified first",
        "Verify it in Meta's WhatsApp manager, then register it";
    133_008 Class::Account, "The PIN was wrong too often",
        "Wait as long as Meta's words say, then enter the right one";
    133_009 Class::Account, "The PIN was entered too fast",
        "Wait as long as Meta's words say, then enter it again";
    133_010 Class::Account, "The number is not registered on the Cloud API",
        "Register it in Meta's WhatsApp manager";
    133_015 Class::Account, "The number was deleted a moment ago",
        "Wait 5 minutes, then register it";
    133_016 Class::Account, "The number was registered or deregistered too often",
        "Wait: 10 times in 72 hours are allowed";
    134_011 Class::Request, "The terms of WhatsApp payments were not accepted",
        "Accept them in Meta's WhatsApp manager";
    134_100 Class::Template, "Only marketing templates may go this way",
        "Send it as an ordinary template";
    134_101 Class::Template, "The template is still being set up for marketing messages",
        "Wait 10 minutes, then send it again";
    134_102 Class::Template, "The template cannot be used for marketing messages",
        "Send it as an ordinary template, and see its status in Meta's WhatsApp manager";
    135_000 Class::Request, "Something in the request is wrong, and Meta does not say what",
        "Check the content, then send it again";
    136_024 Class::Request, "The code to verify the number cannot be sent now",
        "Wait some time, then ask for it again";
    137_000 Class::Recipient, "The person's security code is not the one expected",
        "Make sure that you still write to the same person, then send it again";
    138_000..=138_018 Class::Request, "A request about a call was refused",
        "Read Meta's words";
    139_000..=139_004 Class::Request, "A request about a flow was refused",
        "Read Meta's words";
    139_100 Class::Request, "Only some of the people could be blocked or unblocked",
        "Only people who wrote in the last 24 hours can be blocked";
    139_101 Class::Request, "The block list is full",
        "Unblock someone first: 64,000 fit";
    139_102 Class::Request, "The block list was changed at the same time",
        "Change it once more";
    139_103 Class::Request, "Meta could not change the block list for the moment",
        "Change it once more, in a moment";
    139_200..=139_299 Class::Request, "A direct send was refused",
        "Read Meta's words";
    147_001..=147_005 Class::Request, "The business username was refused",
        "Read Meta's words";
    200_005..=200_007 Class::Request, "There are no figures about this template",
        "Nothing to do: messages are not affected";
    2_388_012 Class::Account, "The number is being moved or is in maintenance",
        "See its status in Meta's WhatsApp manager";
    2_388_019 Class::Template, "There are too many templates",
        "Delete some that are not used";
    2_388_039 Class::Template, "The template's status does not allow a change",
        "Wait until it is approved, rejected or paused";
    2_388_040 Class::Template, "A part of the template is too long",
        "Shorten it";
    2_388_047 Class::Template, "The template's header is not valid",
        "Check its length, line breaks, emoji and variables";
    2_388_072 Class::Template, "The template's body is not valid",
        "Check its length and variables";
    2_388_073 Class::Template, "The template's footer is not valid",
        "Check its length; it takes no variables";
    2_388_091 Class::Account, "The number is being moved, or its code cannot be sent now",
        "See its status in Meta's WhatsApp manager";
    2_388_093 Class::Account, "The number is being moved or is in maintenance",
        "See its status in Meta's WhatsApp manager";
    2_388_103 Class::Account, "The number is being moved or is in maintenance",
        "See its status in Meta's WhatsApp manager";
    2_388_293 Class::Template, "The template has too many variables for its length",
        "Write more text around them, or use fewer";
    2_388_299 Class::Template, "The template begins or ends with a variable",
        "Put words before the first and after the last one";
    2_494_100 Class::Account, "The number is being moved or is in maintenance",
        "See its status in Meta's WhatsApp manager";
    2_494_164..=2_494_179 Class::Request, "The sign-up was refused",
        "Read Meta's words";
    2_593_107 Class::Request, "The history can be fetched only once",
        "Nothing to do: new messages arrive as ever";
    2_593_108 Class::Request, "The history could be fetched only in the first 24 hours",
        "Nothing to do: new messages arrive as ever";
    2_593_109 Class::Request, "The history is not shared from the phone",
        "Nothing to do: new messages arrive as ever";
};

/// All rows: the first and the last code of each, and what it means. Subcodes of 190 come last.
#[cfg(test)]
pub(crate) fn rows() -> impl Iterator<Item = (i64, i64, Entry)> {
    ROWS.iter().chain(TOKEN_ROWS).map(|row| (row.first, row.last, row.entry))
}

#[test]
fn rows_are_sorted_and_do_not_overlap() {
    for rows in [ROWS, TOKEN_ROWS] {
        assert!(rows.iter().all(|row| row.first <= row.last));
        for pair in rows.windows(2) {
            assert!(pair[0].last < pair[1].first, "{} before {}", pair[0].last, pair[1].first);
        }
    }
}
