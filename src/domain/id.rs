//! Newtypes for every identifier, so that no bare string or number id crosses a function.

use std::fmt;

macro_rules! row_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

row_id! {
    /// Local id of one business phone number with its WABA and token.
    AccountId;
    /// Local id of a person, whatever numbers and user ids they have had.
    ContactId;
    /// Local id of account x peer.
    ConversationId;
    /// Local id of a message of either direction.
    MessageId;
    /// Local id of one thing to do towards Meta: send a message, a read receipt, fetch or upload media.
    OutboxId;
    /// Local id of one file of ours that goes up to Meta.
    UploadId;
    /// Local id of one stored webhook POST.
    EventId;
    /// Local id of a template sent to the people of a file.
    CampaignId;
}

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text as it came; no check is made.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text as it came.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

text_id! {
    /// Meta's id of a message. Opaque: neither its shape nor its length means anything.
    Wamid;
    /// A phone number in Meta's spelling: digits only, no plus. What the API answers decides.
    WaId;
    /// A business-scoped user id (BSUID), `US.1349...`: known even when the phone number is hidden.
    UserId;
    /// Meta's id of a business phone number; the path of every send.
    PhoneNumberId;
    /// Meta's id of a WhatsApp Business Account.
    WabaId;
    /// Meta's id of an uploaded or received file.
    MediaId;
}

/// The id of one HTTP send: 128 random bits, stored before the first byte leaves and carried in
/// `biz_opaque_callback_data`, so that a later status can prove which request was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub [u8; 16]);

impl RequestId {
    /// Reads the 32 lowercase hex digits that [`fmt::Display`] writes; anything else is `None`, since
    /// another program's callback data may arrive here.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 32 {
            return None;
        }
        let mut id = [0; 16];
        for (slot, pair) in id.iter_mut().zip(bytes.chunks_exact(2)) {
            *slot = hex(*pair.first()?)? << 4 | hex(*pair.get(1)?)?;
        }
        Some(Self(id))
    }
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::RequestId;

    #[test]
    fn request_id_survives_its_text() {
        let id = RequestId([0, 1, 0x7f, 0x80, 0xff, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!(RequestId::parse(&id.to_string()), Some(id));
    }

    #[test]
    fn foreign_callback_data_is_no_request_id() {
        let long = "0".repeat(33);
        for text in [
            "",
            "order-42",
            "0",
            "00112233445566778899AABBCCDDEEFF",
            &long,
            "é".repeat(16).as_str(),
        ] {
            assert_eq!(RequestId::parse(text), None, "{text:?}");
        }
    }
}
