//! The way from outside to the listener: whether a public address leads here, asked as Meta asks (challenge,
//! signed event), and where Meta is told to post.
//!
//! The signed event is a self-test. The listener knows it by its object, which no event of Meta's has, and
//! by the signature, and stores nothing of it.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Url, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use super::client::{CallError, Client, is_loopback, root_cause};
use super::{json as read, signature, webhook};
use crate::domain::id::{PhoneNumberId, WabaId};

/// What Meta allows an address to have, in characters (webhook overrides).
pub const URL_MAX: usize = 200;

/// The `object` of a self-test.
const SELF_TEST: &str = "twoticks_self_test";

/// What the challenges of a self-test begin with. Whoever asks like that knows the verify token too.
const CHALLENGE: &str = "twoticks-self-test-";

/// What the answer to a self-test begins with; its number follows.
const ANSWER: &str = "twoticks self-test ";

/// Why an address does not lead here, in words that hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Astray {
    /// No whole answer came.
    #[error("{0}")]
    NoAnswer(String),
    /// Something answered, but not the listener as it should.
    #[error("{what} was answered {status}{}", hint(*.status))]
    Answered {
        /// What was asked.
        what: &'static str,
        /// The HTTP status.
        status: u16,
    },
    /// The status is right, the words are not: somebody else answers there.
    #[error("{0} was answered 200 by something that is not this listener")]
    Stranger(&'static str),
}

const fn hint(status: u16) -> &'static str {
    match status {
        300..=399 => "; Meta follows no redirect, so write the address that it leads to",
        401 => "; the listener there has another app_secret",
        403 => "; the listener there has another verify_token, or something in between refuses",
        404 => "; the listener.path is another there, or the tunnel leads elsewhere",
        502..=504 | 530 => "; the tunnel is there, but does not reach the listener",
        _ => "",
    }
}

/// The body of a self-test.
#[must_use]
pub fn self_test(nonce: &str) -> String {
    json!({ "object": SELF_TEST, "nonce": nonce }).to_string()
}

/// Whether a challenge, asked with the right verify token, is a self-test's.
#[must_use]
pub fn is_own_challenge(challenge: &str) -> bool {
    challenge.starts_with(CHALLENGE)
}

/// What a body, whose signature is verified, is answered with if it is a self-test.
#[must_use]
pub fn self_test_answer(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct SelfTest {
        object: String,
        nonce: String,
    }
    // Most bodies are longer, and none of them is read twice.
    let short = body.len() <= 256;
    let read = short.then(|| serde_json::from_slice::<SelfTest>(body).ok()).flatten();
    read.filter(|read| read.object == SELF_TEST).map(|read| {
        let nonce: String = read.nonce.chars().filter(char::is_ascii_hexdigit).collect();
        format!("{ANSWER}{nonce}")
    })
}

/// Asks a public address what Meta asks it. Has no token.
#[derive(Clone, Debug)]
pub struct Prover {
    http: reqwest::Client,
    patience: Duration,
}

impl Prover {
    /// One for this address, each request of which may take so long.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(url: &Url, patience: Duration) -> Result<Self, Astray> {
        // Whoever was first has installed one; which of the two it is does not matter.
        drop(rustls::crypto::ring::default_provider().install_default());
        let build = |without_roots: bool| {
            let mut builder = reqwest::Client::builder()
                .user_agent(concat!("twoticks/", env!("CARGO_PKG_VERSION")))
                .timeout(patience)
                // Each request looks the name up anew and takes the whole way.
                .pool_max_idle_per_host(0)
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .referer(false);
            if is_loopback(url) {
                builder = builder.no_proxy();
            }
            if without_roots {
                builder = builder.tls_certs_only([]);
            }
            builder.build()
        };
        let http = match build(false) {
            Err(_) if is_loopback(url) => build(true),
            other => other,
        };
        let http = http.map_err(|error| Astray::NoAnswer(root_cause(&error)))?;
        Ok(Self { http, patience })
    }

    /// Asks for the challenge to come back.
    pub async fn challenge(
        &self,
        url: &Url,
        verify_token: &SecretString,
        nonce: &str,
    ) -> Result<(), Astray> {
        let (mut url, challenge) = (url.clone(), format!("{CHALLENGE}{nonce}"));
        url.query_pairs_mut()
            .append_pair("hub.mode", "subscribe")
            .append_pair("hub.challenge", &challenge)
            .append_pair("hub.verify_token", verify_token.expose_secret());
        let (status, body) = self.ask(self.http.get(url)).await?;
        judge("the challenge", status, &body, &challenge)
    }

    /// Posts a signed self-test, which has to be answered by a listener with the same app secret.
    pub async fn self_test(
        &self,
        url: &Url,
        app_secret: &SecretString,
        nonce: &str,
    ) -> Result<(), Astray> {
        let body = self_test(nonce);
        let signed = signature::header(&signature::sign(app_secret, body.as_bytes()));
        let post = self
            .http
            .post(url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(signature::HEADER, signed)
            .body(body);
        let (status, body) = self.ask(post).await?;
        judge("the self-test", status, &body, &format!("{ANSWER}{nonce}"))
    }

    async fn ask(&self, call: reqwest::RequestBuilder) -> Result<(u16, Vec<u8>), Astray> {
        // One of the services shows browsers a page first, unless it is told not to.
        let call = call.header("ngrok-skip-browser-warning", "1");
        let mut answer = call.send().await.map_err(|error| self.lost(&error))?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.lost(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > 4096 {
                break;
            }
        }
        Ok((answer.status().as_u16(), body))
    }

    fn lost(&self, error: &reqwest::Error) -> Astray {
        let host = error.url().and_then(Url::host_str).unwrap_or("the address").to_owned();
        Astray::NoAnswer(if error.is_timeout() {
            format!("no answer from {host} within {} s", self.patience.as_secs())
        } else if error.is_connect() {
            format!("cannot connect to {host}: {}", root_cause(error))
        } else {
            format!("the connection to {host} broke: {}", root_cause(error))
        })
    }
}

fn judge(what: &'static str, status: u16, body: &[u8], wanted: &str) -> Result<(), Astray> {
    match status {
        200 if body == wanted.as_bytes() => Ok(()),
        200 => Err(Astray::Stranger(what)),
        status => Err(Astray::Answered { what, status }),
    }
}

/// Where Meta posts the webhooks of a number: the first that is set. Unsanitised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Callbacks {
    /// Set for the number itself.
    pub number: Option<String>,
    /// Set for its WhatsApp Business Account.
    pub waba: Option<String>,
    /// Set for the app.
    pub app: Option<String>,
}

impl Callbacks {
    /// Where messages go.
    #[must_use]
    pub fn effective(&self) -> Option<&str> {
        [&self.number, &self.waba, &self.app].into_iter().flatten().map(String::as_str).next()
    }
}

/// An app that receives the webhooks of a WABA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscriber {
    /// Its id.
    pub app_id: Option<String>,
    /// Its name, unsanitised.
    pub name: Option<String>,
    /// The address that replaces the app's own for this WABA, unsanitised.
    pub override_url: Option<String>,
}

impl Client {
    /// Where Meta posts the messages of this number.
    pub async fn callbacks(&self, number: &PhoneNumberId) -> Result<Callbacks, CallError> {
        let answer = self.get(&[number.as_str()], &[("fields", "webhook_configuration")]).await?;
        let set = answer.get("webhook_configuration").unwrap_or(&Value::Null);
        let text = |key: &str| read::text(set, key).filter(|url| !url.is_empty());
        Ok(Callbacks {
            number: text("phone_number"),
            waba: text("whatsapp_business_account"),
            app: text("application"),
        })
    }

    /// Lets Meta post the messages of this number to `url`, or no longer to one of its own. Meta asks the
    /// address for a challenge while it answers.
    pub async fn set_number_callback(
        &self,
        number: &PhoneNumberId,
        url: Option<&str>,
        verify_token: &SecretString,
    ) -> Result<(), CallError> {
        let verify_token = url.map_or("", |_| verify_token.expose_secret());
        let set =
            json!({ "override_callback_uri": url.unwrap_or(""), "verify_token": verify_token });
        self.post(&[number.as_str()], &json!({ "webhook_configuration": set })).await.map(|_| ())
    }

    /// The apps that receive the webhooks of a WABA.
    pub async fn subscribers(&self, waba: &WabaId) -> Result<Vec<Subscriber>, CallError> {
        let answer = self.get(&[waba.as_str(), "subscribed_apps"], &[]).await?;
        let app = |entry: &Value| {
            let app = entry.get("whatsapp_business_api_data").unwrap_or(&Value::Null);
            Subscriber {
                app_id: read::text(app, "id"),
                name: read::text(app, "name"),
                override_url: read::text(entry, "override_callback_uri"),
            }
        };
        Ok(read::list(&answer, "data").iter().map(app).collect())
    }

    /// Subscribes the token's app to a WABA; with `url`, its webhooks go there instead of to the app's
    /// address, without, an earlier such address is dropped.
    pub async fn set_waba_callback(
        &self,
        waba: &WabaId,
        url: Option<&str>,
        verify_token: &SecretString,
    ) -> Result<(), CallError> {
        let body = url.map_or_else(
            || json!({}),
            |url| json!({ "override_callback_uri": url, "verify_token": verify_token.expose_secret() }),
        );
        self.post(&[waba.as_str(), "subscribed_apps"], &body).await.map(|_| ())
    }

    /// The address of the app and the fields it gets, if any. This client's token must be the app's own.
    pub async fn app_callback(
        &self,
        app: &str,
    ) -> Result<Option<(String, Vec<String>)>, CallError> {
        let answer = self.get(&[app, "subscriptions"], &[]).await?;
        let ours = read::list(&answer, "data")
            .iter()
            .find(|entry| read::text(entry, "object").as_deref() == Some(OBJECT));
        Ok(ours.and_then(|entry| {
            let fields = read::list(entry, "fields");
            let name = |field: &Value| read::text(field, "name").or_else(|| read::scalar(field));
            Some((read::text(entry, "callback_url")?, fields.iter().filter_map(name).collect()))
        }))
    }

    /// Lets Meta post all webhooks of the app to `url`. The fields stay as they are; an app without any
    /// gets those that an inbox shows. This client's token must be the app's own.
    pub async fn set_app_callback(
        &self,
        app: &str,
        url: &str,
        verify_token: &SecretString,
    ) -> Result<(), CallError> {
        let fields = match self.app_callback(app).await? {
            Some((_, fields)) if !fields.is_empty() => fields.join(","),
            _ => webhook::fields().collect::<Vec<_>>().join(","),
        };
        let body = json!({
            "object": OBJECT,
            "callback_url": url,
            "verify_token": verify_token.expose_secret(),
            "fields": fields,
        });
        self.post(&[app, "subscriptions"], &body).await.map(|_| ())
    }
}

/// The object of WhatsApp's webhooks.
const OBJECT: &str = "whatsapp_business_account";

/// The token by which an app speaks for itself (Meta, app access tokens).
#[must_use]
pub fn app_token(app: &str, secret: &SecretString) -> SecretString {
    format!("{app}|{}", secret.expose_secret()).into()
}

#[cfg(test)]
mod tests {
    use super::{Astray, Callbacks, judge, self_test, self_test_answer};

    #[test]
    fn a_self_test_is_known_by_its_object_and_nothing_else_is_one() {
        let answer = self_test_answer(self_test("00ff").as_bytes());
        assert_eq!(answer.as_deref(), Some("twoticks self-test 00ff"));
        let long = self_test(&"a".repeat(300));
        for other in [
            r#"{"object":"whatsapp_business_account","entry":[]}"#,
            r#"{"object":"twoticks_self_test","nonce":"1","entry":[]}"#,
            r#"{"object":"twoticks_self_test"}"#,
            "",
            &long,
        ] {
            assert_eq!(self_test_answer(other.as_bytes()), None, "{other}");
        }
        let markup = self_test_answer(br#"{"object":"twoticks_self_test","nonce":"<b>1"}"#);
        assert_eq!(markup.as_deref(), Some("twoticks self-test b1"));
    }

    #[test]
    fn what_else_may_answer_is_told_apart_with_what_helps() {
        let judge = |status, body: &str| judge("the challenge", status, body.as_bytes(), "42");
        assert_eq!(judge(200, "42"), Ok(()));
        assert_eq!(judge(200, "<html>"), Err(Astray::Stranger("the challenge")));
        for (status, words) in [
            (302, "redirect"),
            (401, "app_secret"),
            (403, "verify_token"),
            (404, "listener.path"),
            (502, "does not reach"),
            (418, "answered 418"),
        ] {
            let said = judge(status, "42").unwrap_err().to_string();
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn the_number_goes_before_the_waba_and_that_before_the_app() {
        let mut set = Callbacks { app: Some("c".to_owned()), ..Callbacks::default() };
        assert_eq!(Callbacks::default().effective(), None);
        assert_eq!(set.effective(), Some("c"));
        set.waba = Some("b".to_owned());
        assert_eq!(set.effective(), Some("b"));
        set.number = Some("a".to_owned());
        assert_eq!(set.effective(), Some("a"));
    }
}
