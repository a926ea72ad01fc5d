//! The accounts and people of a scenario, as they stand in its TOML. What is left out is filled in, so
//! that a name alone makes an account.

use serde::Deserialize;

use super::config::{Language, Persona, WorldConfig};

/// `[[account]]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    name: String,
    number: Option<String>,
    phone_number_id: Option<String>,
    waba_id: Option<String>,
    app_id: Option<String>,
    token: Option<String>,
    app_secret: Option<String>,
    verify_token: Option<String>,
}

/// `[[person]]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    name: String,
    number: Option<String>,
    username: Option<String>,
    user_id: Option<String>,
    #[serde(default)]
    answers: bool,
    #[serde(default = "yes")]
    reads: bool,
    /// `open` or `closed`.
    window: Option<String>,
}

const fn yes() -> bool {
    true
}

/// The world that the accounts and people make, from `plain`, which has what neither says.
pub(super) fn world(
    accounts: &[Account],
    people: &[Person],
    plain: &WorldConfig,
) -> Result<WorldConfig, String> {
    let mut cast: Vec<Persona> = Vec::new();
    for (number, person) in (1..).zip(people) {
        let made = person.persona(number).map_err(|why| format!("person {number}: {why}"))?;
        if cast.iter().any(|known| known.user_id == made.user_id) {
            return Err(format!("person {number}: user_id {} is taken", made.user_id));
        }
        cast.push(made);
    }
    let plain =
        if cast.is_empty() { plain.clone() } else { WorldConfig { people: cast, ..plain.clone() } };
    let mut all: Vec<WorldConfig> = Vec::new();
    for (number, account) in (1..).zip(accounts) {
        let same = |made: &&WorldConfig| Some(&made.waba_id) == account.waba_id.as_ref();
        let made = match all.iter().find(same) {
            Some(first) => {
                account.another(number, first).map_err(|why| format!("account {number}: {why}"))?
            }
            None => account.config(number, &plain),
        };
        let taken = all.iter().find_map(|one| {
            let of_account = (&one.waba_id, account.waba_id.is_some());
            let ids = [(&one.phone_number_id, false), of_account];
            let clash = |(id, shared): &(&String, bool)| {
                **id == made.phone_number_id || (**id == made.waba_id && !shared)
            };
            ids.into_iter().find(clash).map(|(id, _)| id.clone())
        });
        if let Some(id) = taken {
            return Err(format!("account {number}: the id {id} is taken"));
        }
        all.push(made);
    }
    let mut all = all.into_iter();
    Ok(match all.next() {
        Some(first) => WorldConfig { others: all.collect(), ..first },
        None => plain,
    })
}

impl Account {
    /// The first account has the usual ids, the others count on from them.
    fn config(&self, number: u64, plain: &WorldConfig) -> WorldConfig {
        let more = number - 1;
        let id = |given: &Option<String>, usual: &str| {
            let counted = || (usual.parse::<u64>().unwrap_or(0) + more).to_string();
            given.clone().unwrap_or_else(counted)
        };
        let secret = |given: &Option<String>, usual: &str| {
            let counted = || if more == 0 { usual.to_owned() } else { format!("{usual}-{number}") };
            given.clone().unwrap_or_else(counted)
        };
        let usual = || {
            let last = 199 + more % 800;
            format!("+55 11 5550-{last:04}")
        };
        WorldConfig {
            phone_number_id: id(&self.phone_number_id, &plain.phone_number_id),
            waba_id: id(&self.waba_id, &plain.waba_id),
            app_id: id(&self.app_id, &plain.app_id),
            display_number: self.number.clone().unwrap_or_else(usual),
            verified_name: self.name.clone(),
            token: secret(&self.token, &plain.token),
            app_secret: secret(&self.app_secret, &plain.app_secret),
            verify_token: secret(&self.verify_token, &plain.verify_token),
            others: Vec::new(),
            ..plain.clone()
        }
    }
}

impl Account {
    /// One more number of an account: the app and its secrets are that account's.
    fn another(&self, number: u64, first: &WorldConfig) -> Result<WorldConfig, String> {
        let shared = [
            ("app_id", &self.app_id, &first.app_id),
            ("token", &self.token, &first.token),
            ("app_secret", &self.app_secret, &first.app_secret),
            ("verify_token", &self.verify_token, &first.verify_token),
        ];
        for (key, given, known) in shared {
            if given.as_ref().is_some_and(|given| given != known) {
                return Err(format!(
                    "{key} is another one than that of {}, whose waba_id it has",
                    first.verified_name
                ));
            }
        }
        let own = self.config(number, first);
        Ok(WorldConfig {
            phone_number_id: own.phone_number_id,
            display_number: own.display_number,
            verified_name: own.verified_name,
            ..first.clone()
        })
    }
}

impl Person {
    fn persona(&self, place: u64) -> Result<Persona, String> {
        let number = self
            .number
            .as_ref()
            .map(|number| number.chars().filter(char::is_ascii_digit).collect::<String>());
        if number.as_ref().is_some_and(|digits| !(7..=15).contains(&digits.len())) {
            return Err(format!(
                "number = {:?} is no phone number",
                self.number.as_deref().unwrap_or("")
            ));
        }
        let window_open = match self.window.as_deref() {
            None | Some("open") => true,
            Some("closed") => false,
            Some(other) => return Err(format!("window = {other:?}: give open or closed")),
        };
        let user_id = self.user_id.clone().unwrap_or_else(|| format!("US.2349{place:016}"));
        Ok(Persona {
            name: self.name.clone(),
            username: self
                .username
                .as_ref()
                .map(|name| format!("@{}", name.trim_start_matches('@'))),
            number,
            user_id,
            language: Language::English,
            answers: self.answers,
            reads: self.reads,
            window_open,
        })
    }
}

/// Who is there when nobody says otherwise: somebody with a number, and somebody with a user name alone.
pub(super) fn bystanders() -> Vec<Persona> {
    let person =
        |name: &str, number: Option<&str>, username: Option<&str>, user_id: &str| Persona {
            name: name.to_owned(),
            username: username.map(str::to_owned),
            number: number.map(str::to_owned),
            user_id: user_id.to_owned(),
            language: Language::English,
            answers: false,
            reads: true,
            window_open: true,
        };
    vec![
        person("Sheena Nelson", Some("16505551234"), None, "US.13491208655302741918"),
        person("Kim Moves", None, Some("@kim.moves"), "US.13499988776655443322"),
    ]
}
