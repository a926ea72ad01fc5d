//! `twoticks webhook` against a Meta that loses answers, refuses, and has addresses at several levels.

use std::process::Output;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::cli::twoticks;
use crate::doctor::{APP, NUMBER, WABA};
use crate::meta::{Answer, Asked, serve};
use crate::target::write_private;

const OLD: &str = "https://production.example/hook";
const NEW: &str = "https://tunnel.example/webhook";

/// What Meta has, and what it does about requests to change it.
#[derive(Default)]
pub(crate) struct Places {
    pub(crate) number: Option<String>,
    pub(crate) waba: Option<String>,
    pub(crate) app: Option<String>,
    /// The fields of the app.
    pub(crate) fields: Option<String>,
    /// Changes are carried out, and the answer is lost.
    pub(crate) loses_answers: bool,
    /// Changes are refused with this code.
    pub(crate) refuses: Option<i64>,
    /// How often something was to be changed.
    pub(crate) told: usize,
}

impl Places {
    pub(crate) fn answer(&mut self, asked: &Asked) -> Option<Answer> {
        let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
        if asked.method == "GET" {
            let body = match path.as_slice() {
                [id] if *id == NUMBER => json!({ "id": id, "webhook_configuration": {
                    "phone_number": self.number, "whatsapp_business_account": self.waba,
                    "application": self.app } }),
                _ => json!({ "data": [] }),
            };
            return Some(Answer::new(200, body));
        }
        self.told += 1;
        if let Some(code) = self.refuses {
            let error = json!({ "error": { "message": "no", "code": code } });
            return Some(Answer::new(400, error));
        }
        let text = |from: &Value, key: &str| {
            from[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
        };
        match path.as_slice() {
            [id] if *id == NUMBER => {
                let set = &asked.body["webhook_configuration"];
                self.number = text(set, "override_callback_uri");
            }
            [_, "subscribed_apps"] => self.waba = text(&asked.body, "override_callback_uri"),
            [_, "subscriptions"] => {
                self.app = text(&asked.body, "callback_url");
                self.fields = text(&asked.body, "fields");
            }
            other => panic!("{other:?}"),
        }
        (!self.loses_answers).then(|| Answer::new(200, json!({ "success": true })))
    }
}

struct Desk {
    home: tempfile::TempDir,
    places: Arc<Mutex<Places>>,
}

impl Desk {
    fn new(places: Places) -> Self {
        let home = tempfile::tempdir().unwrap();
        let places = Arc::new(Mutex::new(places));
        let meta = Arc::clone(&places);
        let port = serve(move |asked| meta.lock().unwrap().answer(asked));
        for name in ["token", "app-secret", "verify-token"] {
            write_private(&home.path().join(name), name);
        }
        let config = format!(
            "data_dir = \"data\"\nbase_url = \"http://127.0.0.1:{port}\"\n[[account]]\nname = \"shop\"\n\
             phone_number_id = \"{NUMBER}\"\nwaba_id = \"{WABA}\"\napp_id = \"{APP}\"\n\
             token = \"file:token\"\napp_secret = \"file:app-secret\"\nverify_token = \"file:verify-token\"\n"
        );
        write_private(&home.path().join("c.toml"), &config);
        Self { home, places }
    }

    fn run(&self, args: &[&str]) -> Output {
        let file = self.home.path().join("c.toml");
        let line = [&["--config", file.to_str().unwrap(), "webhook"], args].concat();
        twoticks(self.home.path(), &line).output().unwrap()
    }

    /// Runs it; what it said on both.
    #[track_caller]
    fn webhook(&self, args: &[&str], code: i32) -> String {
        let output = self.run(args);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    }

    /// Where Meta posts for number, WABA and app; a dash is nowhere of its own.
    fn places(&self) -> [String; 3] {
        let places = self.places.lock().unwrap();
        [&places.number, &places.waba, &places.app]
            .map(|url| url.clone().unwrap_or_else(|| "-".to_owned()))
    }
}

#[test]
fn the_old_address_was_lost_with_the_answer_to_its_change() {
    let desk = Desk::new(Places {
        number: Some(OLD.to_owned()),
        loses_answers: true,
        ..Places::default()
    });
    let said = desk.webhook(&["set", "--url", NEW, "--yes"], 4);
    assert!(said.contains("not known"), "{said}");
    assert_eq!(desk.places()[0], NEW);
    desk.places.lock().unwrap().loses_answers = false;
    let shown: Value = serde_json::from_str(&desk.webhook(&["show", "--json"], 0)).unwrap();
    assert_eq!(shown["before_us"], json!([{ "level": "number", "url": OLD }]));
    // Said once more, it is ours already; what was there before us stays known.
    desk.webhook(&["set", "--url", NEW, "--yes"], 0);
    desk.webhook(&["put-back"], 0);
    assert_eq!(desk.places()[0], OLD);
    desk.webhook(&["put-back"], 3);
}

#[test]
fn what_meta_refused_is_not_ours_to_put_back() {
    let desk =
        Desk::new(Places { number: Some(OLD.to_owned()), refuses: Some(200), ..Places::default() });
    desk.webhook(&["set", "--url", NEW, "--yes"], 1);
    let said = desk.webhook(&["put-back"], 3);
    assert!(said.contains("nothing of ours"), "{said}");
}

#[test]
fn put_back_forgot_the_waba_once_the_number_was_put_back() {
    let desk = Desk::new(Places { waba: Some(OLD.to_owned()), ..Places::default() });
    desk.webhook(&["set", "--url", NEW, "--yes"], 0);
    let before = desk.webhook(&["set", "--url", NEW, "--level", "waba", "--yes"], 0);
    assert!(before.contains("goes to the app's address"), "{before}");
    assert_eq!(desk.places(), [NEW, NEW, "-"]);
    let said = desk.webhook(&["put-back"], 0);
    assert!(said.contains("number: ") && said.contains(&format!("waba: Meta posts to {OLD}")));
    assert_eq!(desk.places(), ["-", OLD, "-"]);
}

#[test]
fn an_address_that_goes_before_the_one_that_was_set_is_told() {
    let desk = Desk::new(Places {
        number: Some(OLD.to_owned()),
        app: Some(OLD.to_owned()),
        ..Places::default()
    });
    let said = desk.webhook(&["set", "--url", NEW, "--level", "app", "--yes"], 3);
    assert!(said.contains(&format!("messages still go to {OLD}")), "{said}");
    let places = desk.places.lock().unwrap();
    assert_eq!(places.app.as_deref(), Some(NEW));
    let fields = places.fields.clone().unwrap();
    assert!(fields.contains("messages,") && fields.contains("smb_message_echoes"), "{fields}");
}
