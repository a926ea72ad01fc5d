//! Which language a customer is written to in: the one of what they got before, else one of their number's
//! country, else the one that the account uses most.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::domain::catalogue::Catalogue;
use crate::domain::id::WaId;
use crate::domain::phone;

/// The languages of a catalogue, the customer's first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Languages(Vec<String>);

impl Languages {
    /// For a customer with this number, if it is known. The catalogue tells what they got.
    #[must_use]
    pub fn of(catalogue: &Catalogue, number: Option<&WaId>) -> Self {
        let region = number.and_then(phone::region);
        let mut uses: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for entry in &catalogue.entries {
            let (here, sent) = uses.entry(&entry.template.language).or_default();
            *here += u64::from(entry.used_here);
            *sent += entry.tally.sent;
        }
        let mut codes: Vec<_> = uses.into_iter().collect();
        codes.sort_by_key(|(code, (here, sent))| {
            Reverse((*here, region.map_or(0, |region| spoken(code, region)), *sent))
        });
        Self(codes.into_iter().map(|(code, _)| code.to_owned()).collect())
    }

    /// The place of a language among them; the smallest is the best.
    #[must_use]
    pub fn rank(&self, code: &str) -> usize {
        self.0.iter().position(|known| known == code).unwrap_or(self.0.len())
    }
}

/// How well a language code suits a country: 2 for its own variant, 1 for its language, 0 otherwise.
fn spoken(code: &str, region: &str) -> u8 {
    let (language, variant) = code.split_once('_').unwrap_or((code, ""));
    if variant.eq_ignore_ascii_case(region) {
        return 2;
    }
    u8::from(languages_of(region).contains(&language))
}

/// What is written in a country, by ISO 639; none where no language is written by most.
const fn languages_of(region: &str) -> &'static [&'static str] {
    match region.as_bytes() {
        b"AO" | b"BR" | b"CV" | b"GW" | b"MZ" | b"PT" | b"ST" | b"TL" => &["pt"],
        b"AR" | b"BO" | b"CL" | b"CO" | b"CR" | b"CU" | b"DO" | b"EC" | b"ES" | b"GQ" | b"GT"
        | b"HN" | b"MX" | b"NI" | b"PA" | b"PE" | b"PY" | b"SV" | b"UY" | b"VE" => &["es"],
        b"AU" | b"GB" | b"GH" | b"IE" | b"KE" | b"NG" | b"NZ" | b"PH" | b"SG" | b"UG" | b"US"
        | b"ZA" | b"ZM" | b"ZW" => &["en"],
        b"BF" | b"BJ" | b"CD" | b"CG" | b"CI" | b"CM" | b"FR" | b"GA" | b"GN" | b"ML" | b"NE"
        | b"SN" | b"TG" => &["fr"],
        b"AE" | b"BH" | b"DZ" | b"EG" | b"IQ" | b"JO" | b"KW" | b"LB" | b"LY" | b"MA" | b"OM"
        | b"PS" | b"QA" | b"SA" | b"SD" | b"SY" | b"TN" | b"YE" => &["ar"],
        b"AT" | b"DE" | b"LI" => &["de"],
        b"CH" => &["de", "fr", "it"],
        b"BE" => &["nl", "fr"],
        b"CA" => &["en", "fr"],
        b"BY" | b"KG" | b"RU" => &["ru"],
        b"KZ" => &["kk", "ru"],
        b"CN" | b"HK" | b"TW" => &["zh"],
        b"AL" => &["sq"],
        b"AZ" => &["az"],
        b"BD" => &["bn"],
        b"BG" => &["bg"],
        b"CZ" => &["cs"],
        b"DK" => &["da"],
        b"EE" => &["et"],
        b"FI" => &["fi"],
        b"GE" => &["ka"],
        b"GR" | b"CY" => &["el"],
        b"HR" => &["hr"],
        b"HU" => &["hu"],
        b"ID" => &["id"],
        b"IL" => &["he"],
        b"IN" => &["hi", "en"],
        b"IR" => &["fa"],
        b"IT" | b"SM" => &["it"],
        b"JP" => &["ja"],
        b"KH" => &["km"],
        b"KR" => &["ko"],
        b"LA" => &["lo"],
        b"LT" => &["lt"],
        b"LV" => &["lv"],
        b"MK" => &["mk"],
        b"MY" => &["ms"],
        b"NL" | b"SR" => &["nl"],
        b"NO" => &["nb"],
        b"PK" => &["ur"],
        b"PL" => &["pl"],
        b"RO" | b"MD" => &["ro"],
        b"RS" => &["sr"],
        b"RW" => &["rw"],
        b"SE" => &["sv"],
        b"SI" => &["sl"],
        b"SK" => &["sk"],
        b"TH" => &["th"],
        b"TR" => &["tr"],
        b"TZ" => &["sw"],
        b"UA" => &["uk"],
        b"UZ" => &["uz"],
        b"VN" => &["vi"],
        _ => &[],
    }
}
