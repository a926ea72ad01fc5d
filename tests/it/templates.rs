//! Templates by key, from the picker to the customer's phone: the real loop, store, sync, sender and
//! listener, and the simulator with its catalogue.

use twoticks::domain::time::Timestamp;
use twoticks::sim::TemplateChange;

use crate::cli::{Running, twoticks};
use crate::desk::{Inbox, PATIENCE, Shop};
use crate::roles::Listen;

const ANA: &str = "+15551230001";

/// Opens the picker from wherever the keys are, once the catalogue has come.
fn pick(inbox: &mut Inbox, keys: &str) {
    inbox.keys(keys);
    inbox.until_text("can be sent");
}

/// Three letters, Enter, two values, Enter.
fn send(inbox: &mut Inbox, shop: &Shop) {
    inbox.keys("env<Enter>");
    inbox.until_text("as they will see it");
    inbox.keys("Ana<Enter>1182");
    inbox.until_text("Hi Ana, your order 1182 is out");
    inbox.until_text("Ready: Enter sends it.");
    inbox.keys("<Enter>");
    let label = "[template] pedido_enviado, en_US, utility";
    inbox.until_text(label);
    assert!(shop.sim.wait_until(PATIENCE, |world| world.counts().accepted == 1));
    inbox.until_tick(label, "◌");
    shop.step();
    inbox.until_tick(label, "✓");
    shop.step();
    inbox.until_tick(label, "✓✓");
    inbox.until_text("charged");
    let template = shop.sim.with_world(|world| world.accepted()[0].body["template"].clone());
    assert_eq!(template["name"], "pedido_enviado");
    assert_eq!(template["language"]["code"], "en_US");
    assert_eq!(template["components"][0]["parameters"][1]["text"], "1182");
}

#[test]
fn a_template_goes_out_by_t_three_letters_and_two_values() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    inbox.begin(ANA);
    pick(&mut inbox, "<Esc>t");
    send(&mut inbox, &shop);
    inbox.quit();
}

#[test]
fn a_template_goes_out_at_80x24() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    inbox.driver.resize(80, 24).unwrap();
    inbox.begin(ANA);
    pick(&mut inbox, "<Ctrl-T>");
    send(&mut inbox, &shop);
    inbox.quit();
}

#[test]
fn a_template_goes_out_when_the_window_is_closed_and_the_text_stays() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    let yesterday = Timestamp::from_millis(shop.now().millis() - 25 * 3_600_000);
    shop.sim.with_world(|world| world.say("Ana", "is anybody there?", yesterday)).unwrap();
    inbox.until_text("is anybody there?");
    // Who begins to write gets the templates, and with Esc a composer for a draft.
    inbox.keys("<Enter>");
    inbox.until_text("The 24-hour window closed");
    inbox.until_text("can be sent");
    inbox.keys("<Esc>");
    inbox.until_text("INSERT");
    inbox.keys("tomorrow<Enter>");
    inbox.until_text("Not sent: the 24-hour window closed");
    inbox.until_text("can be sent");
    send(&mut inbox, &shop);
    assert!(inbox.screen().contains("tomorrow"), "{}", inbox.screen());
    inbox.quit();
}

#[test]
fn a_wrong_value_is_not_sent_and_escape_loses_nothing() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    inbox.begin(ANA);
    pick(&mut inbox, "<Esc>t");
    inbox.keys("env<Enter>Ana<Enter>1     2<Enter>");
    inbox.until_text("5 spaces in a row");
    inbox.keys("<Esc><Esc>");
    inbox.until("no form", |screen| !screen.contains("as they will see it"));
    inbox.keys("tenv<Enter>");
    inbox.until_text("1     2");
    assert!(inbox.screen().contains("Hi Ana"), "{}", inbox.screen());
    assert_eq!(shop.sim.with_world(|world| world.counts().accepted), 0);
    inbox.keys("<Esc><Esc>");
    inbox.quit();
}

#[test]
fn the_request_is_copied_as_it_would_be_sent_without_the_token() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    inbox.begin(ANA);
    pick(&mut inbox, "<Esc>t");
    inbox.keys("env<Enter>Ana<Enter>1182<Ctrl-Y>");
    inbox.until_text("Copied as curl");
    let curl = inbox.driver.memory().copied.clone();
    assert!(curl.starts_with("curl -sS -X POST 'https://graph.example/v25.0/"), "{curl}");
    assert!(curl.contains("Bearer $TOKEN") && !curl.contains(&shop.world.token), "{curl}");
    assert!(curl.contains("\"name\": \"pedido_enviado\""), "{curl}");
    inbox.keys("<Esc><Esc>");
    inbox.quit();
}

#[test]
fn a_file_of_this_machine_goes_up_and_stands_above_the_template() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    let files = tempfile::tempdir().unwrap();
    let path = |name: &str| files.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("caixa.png"), b"\x89PNG pixels").unwrap();
    std::fs::write(path("big.png"), b"\x89PNG pixels").unwrap();
    std::fs::File::options().write(true).open(path("big.png")).unwrap().set_len(6 << 20).unwrap();
    inbox.begin(ANA);
    pick(&mut inbox, "<Esc>t");
    inbox.keys(&format!("lumin<Enter>{}", path("big.png")));
    inbox.until_text("at most 5 MB");
    inbox.keys(&format!("<Ctrl-U>{}", path("notas.txt")));
    inbox.until_text("an image is a .jpg or .png file");
    inbox.keys(&format!("<Ctrl-U>{}", path("foto.png")));
    inbox.until_text("there is no such file");
    inbox.keys(&format!("<Ctrl-U>{}", path("caixa.png")));
    inbox.until_text("[image caixa.png]");
    inbox.keys("<Enter>Ana<Enter>20%<Enter>sexta<Enter>wa20");
    inbox.until_text("Ready: Enter sends it.");
    // It is gone when it is to be sent; the words stand where it was typed, and what was typed stays.
    std::fs::rename(path("caixa.png"), path("away.png")).unwrap();
    inbox.keys("<Enter>");
    inbox.until_text("there is no such file");
    std::fs::rename(path("away.png"), path("caixa.png")).unwrap();
    inbox.keys("<End> <Backspace>");
    inbox.until_text("Ready: Enter sends it.");
    inbox.keys("<Enter>");
    let label = "[template] promo_luminarias, pt_BR, marketing";
    inbox.until_text(label);
    assert!(shop.sim.wait_until(PATIENCE, |world| world.counts().accepted == 1));
    std::fs::remove_file(path("caixa.png")).unwrap();
    inbox.until_tick(label, "◌");
    shop.step();
    shop.step();
    inbox.until_tick(label, "✓✓");
    let template = shop.sim.with_world(|world| world.accepted()[0].body["template"].clone());
    let header = &template["components"][0]["parameters"][0];
    assert!(header["image"]["id"].is_string() && header["image"]["link"].is_null(), "{header}");
    inbox.quit();
}

/// The text once overtook the template, whose file was still being copied.
#[test]
fn what_is_written_after_a_template_with_a_big_file_goes_after_it() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("planta.mp4");
    std::fs::write(&path, b"\0\0\0\x18ftypmp42").unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_len(15 << 20).unwrap();
    inbox.begin(ANA);
    pick(&mut inbox, "<Ctrl-T>");
    inbox.keys("lancamento_v<Enter>");
    inbox.driver.paste(path.to_str().unwrap()).unwrap();
    inbox.until_text("Ready: Enter sends it.");
    inbox.keys("<Enter>see you there<Enter>");
    assert!(shop.sim.wait_until(PATIENCE, |world| world.counts().accepted == 2));
    let kinds: Vec<String> = shop.sim.with_world(|world| {
        world.accepted().iter().map(|one| one.body["type"].as_str().unwrap().to_owned()).collect()
    });
    assert_eq!(kinds, ["template", "text"]);
    inbox.quit();
}

#[test]
fn the_screen_of_templates_counts_what_was_sent() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    inbox.begin(ANA);
    pick(&mut inbox, "<Esc>t");
    send(&mut inbox, &shop);
    inbox.keys("<Esc>2/pedido_enviado en_us<Enter>");
    inbox.until_text("sent 1  delivered 1 (100%)");
    inbox.quit();
}

#[test]
fn a_template_is_made_changed_and_deleted_on_its_screen() {
    let shop = Shop::new();
    let mut inbox = shop.open_live();
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("foto.png");
    std::fs::write(&file, b"\x89PNG\r\n").unwrap();
    inbox.keys("2");
    inbox.until_text("agendar_visita");
    inbox.keys("npedido_enviado<Tab><Ctrl-U>en_US<Tab><Tab><Tab><Right><Right><Tab>");
    inbox.driver.paste(file.to_str().unwrap()).unwrap();
    inbox.until_text("6 B");
    inbox.keys("<Tab>Hi {{1}}, your parcel is on its way to you.<Tab>Ana");
    inbox.until_text("Hi Ana, your parcel");
    inbox.until_text("Ready: Ctrl-S submits it");
    // Meta knows that name already; what it says comes back to the field, and nothing is lost.
    inbox.keys("<Ctrl-S>");
    inbox.until_text("Meta did not take it");
    inbox.keys("_2<Ctrl-S>");
    inbox.until_text("Meta reviews pedido_enviado_2, en_US");
    inbox.keys("/enviado_2<Enter>");
    inbox.until_text("Meta is still reviewing it");
    let change = |change: &TemplateChange| {
        let now = shop.standing_now();
        let changed = shop
            .sim
            .with_world(|world| world.change_template(now, "pedido_enviado_2", None, change));
        changed.unwrap();
        shop.sim.tick();
    };
    change(&TemplateChange::Reject("INVALID_FORMAT".to_owned()));
    inbox.until_text("Meta rejected it");
    // Without the picture, and as something else: of one that was rejected that can be changed too.
    inbox.keys("e");
    inbox.until_text("Change pedido_enviado_2, en_US");
    inbox.keys("<Up><Up><Left><Left><Tab><End> Thanks!");
    inbox.until_text("to you. Thanks!");
    inbox.keys("<Ctrl-S>");
    inbox.until_text("pedido_enviado_2, en_US is changed; Meta reviews it again");
    change(&TemplateChange::Approve);
    inbox.until("it is approved", |screen| !screen.contains("reviewing it"));
    inbox.keys("d");
    inbox.until_text("would be deleted at Meta");
    inbox.keys("y");
    inbox.until_text("pedido_enviado_2, en_US is deleted");
    inbox.until_text("No template has that in it");
    inbox.keys("<Esc><Esc>");
    inbox.quit();
}

/// The shell of somebody whose account is at a simulator.
pub(crate) struct Desk {
    home: tempfile::TempDir,
    config: String,
    _sim: Running,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with(tempfile::tempdir().unwrap(), &[])
    }

    /// With the accounts `Loja Sol` and `Loja Lua`.
    pub(crate) fn of_two_accounts() -> Self {
        let home = tempfile::tempdir().unwrap();
        let scenario = home.path().join("two.toml");
        let steps = "[[account]]\nname = \"Loja Sol\"\n[[account]]\nname = \"Loja Lua\"\n";
        std::fs::write(&scenario, steps).unwrap();
        Self::with(home, &["--scenario", scenario.to_str().unwrap()])
    }

    fn with(home: tempfile::TempDir, more: &[&str]) -> Self {
        let config = home.path().join("c.toml").to_str().unwrap().to_owned();
        let args = [&["sim", "--write-config", &config], more].concat();
        let sim = Running::start(home.path(), &args);
        Self { home, config, _sim: sim }
    }

    /// A process that sends and listens, once it has the sender's role.
    pub(crate) fn listen(&self) -> Listen {
        let listen = Listen::start(self.home.path(), &self.config);
        listen.until(&["sender: up"]);
        listen
    }

    /// Exit code, stdout and stderr.
    pub(crate) fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let mut command = twoticks(self.home.path(), &[&["--config", &self.config], args].concat());
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    #[track_caller]
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let (code, out, err) = self.run(args);
        assert_eq!(code, Some(0), "{args:?}\n{out}\n{err}");
        out
    }

    pub(crate) fn file(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn one(&self, name: &str) -> serde_json::Value {
        let list = self.ok(&["templates", "list", "--json"]);
        let mut rows = list.lines().map(|line| serde_json::from_str(line).unwrap());
        rows.find(|row: &serde_json::Value| row["name"] == name).unwrap_or_default()
    }
}

#[test]
fn templates_are_fetched_shown_made_changed_and_deleted_from_the_shell() {
    let desk = Desk::new();
    assert!(desk.ok(&["templates", "sync"]).is_empty());
    assert!(desk.ok(&["templates", "list"]).lines().count() > 30);
    let paused = desk.one("pedido_cupom");
    assert_eq!((&paused["status"], &paused["language"]), (&"paused".into(), &"pt_BR".into()));
    let (code, _, err) = desk.run(&["templates", "show", "pedido_enviado"]);
    assert!(code == Some(2) && err.contains("en_US"), "{err}");
    let shown = desk.ok(&["templates", "show", "pedido_enviado", "--lang", "en_US"]);
    let made = shown.replace("name = \"pedido_enviado\"", "name = \"order_sent_again\"");
    let file = desk.file("made.toml", &made);
    desk.ok(&["templates", "create", &file, "--check"]);
    let id = desk.ok(&["templates", "create", &file]);
    let new = desk.one("order_sent_again");
    assert_eq!(new["id"], id.trim());
    assert_eq!(new["status"], "pending");

    let (code, _, err) = desk.run(&["templates", "edit", "order_sent_again", &file]);
    assert!(code == Some(1) && err.contains("pending"), "{err}");
    // Those whose header has a file too, also from what came of that.
    for name in ["promo_luminarias", "pedido_nota_fiscal", "lancamento_video"] {
        let mut from = name.to_owned();
        for _ in 0..2 {
            let shown = desk.ok(&["templates", "show", &from]);
            let to = format!("{from}_2");
            let of = |name: &str| format!("name = \"{name}\"");
            let file = desk.file("again.toml", shown.replacen(&of(&from), &of(&to), 1));
            desk.ok(&["templates", "create", &file]);
            desk.ok(&["templates", "sync"]);
            from = to;
        }
    }
    desk.ok(&["sim", "template", "order_sent_again", "approve"]);
    desk.ok(&["templates", "sync"]);
    assert_eq!(desk.one("order_sent_again")["status"], "approved");
    let file = desk.file("made.toml", made.replace("Hi {{1}}", "Good morning {{1}}"));
    desk.ok(&["templates", "edit", "order_sent_again", &file]);
    let text = desk.one("order_sent_again")["text"].to_string();
    assert!(text.contains("Good morning"), "{text}");

    let (code, _, err) = desk.run(&["templates", "delete", "order_sent_again"]);
    assert!(code == Some(2) && err.contains("30 days") && err.contains("--yes"), "{err}");
    desk.ok(&["templates", "delete", "order_sent_again", "--yes"]);
    assert!(desk.one("order_sent_again").is_null());
    desk.ok(&["templates", "sync"]);
    assert!(desk.one("order_sent_again").is_null());
}

#[test]
fn what_meta_would_refuse_of_a_template_file_is_said_at_once_and_nothing_is_sent() {
    let desk = Desk::new();
    let file = desk.file(
        "bad.toml",
        "name = \"Bad Name\"\nlanguage = \"en_US\"\ncategory = \"utility\"\nfooter = \"{{1}}\"\n\
         [body]\ntext = \"{{1}}\"\n",
    );
    let (code, _, err) = desk.run(&["templates", "create", &file]);
    assert_eq!(code, Some(2), "{err}");
    for part in ["name:", "body:", "footer:"] {
        assert!(err.contains(part), "{part} {err}");
    }
    let file = desk.file("typo.toml", "name = \"a\"\nlanguage = \"en\"\ncategorie = \"utility\"\n");
    let (code, _, err) = desk.run(&["templates", "create", &file]);
    assert!(code == Some(2) && err.contains("categorie") && err.contains("line 3"), "{err}");
    assert!(!desk.ok(&["sim", "log", "--json"]).contains("message_templates"));
}

#[test]
fn a_template_is_sent_from_the_shell() {
    let desk = Desk::new();
    let send = |args: &[&str]| desk.run(&[&["send", "+15551230001", "--template"], args].concat());
    let (code, _, err) = send(&["pedido_enviado"]);
    assert!(code == Some(3) && err.contains("templates sync"), "{err}");
    desk.ok(&["templates", "sync"]);
    let (code, _, err) = send(&["pedido_enviado"]);
    assert!(code == Some(2) && err.contains("--lang"), "{err}");
    let (code, _, err) = send(&["pedido_enviado", "--lang", "en_US", "--param", "1=Ana"]);
    assert!(code == Some(2) && err.contains("--param 2=...: is missing"), "{err}");
    let (code, _, err) = send(&["pedido_enviado", "--lang", "en_US", "--param", "nome=Ana"]);
    assert!(code == Some(2) && err.contains("its values are: 1, 2"), "{err}");
    let twice = ["--param", "1=Ana", "--param", "2=1182", "--param", "1=Bia"];
    let (code, _, err) = send(&[&["pedido_enviado", "--lang", "en_US"], &twice[..]].concat());
    assert!(code == Some(2) && err.contains("--param 1=... is there twice"), "{err}");
    let (code, _, err) = send(&["pedido_cupom", "--param", "1=Ana"]);
    assert!(code == Some(1) && err.contains("paused by Meta"), "{err}");
    let values = ["--param", "1=Ana", "--param", "2=1182", "--json"];
    let (code, out, err) = send(&[&["pedido_enviado", "--lang", "en_US"], &values[..]].concat());
    assert_eq!(code, Some(0), "{out}\n{err}");
    let (code, out, err) = send(&[&["pedido_enviado"], &values[..]].concat());
    assert_eq!(code, Some(0), "the language used with them is known: {out}\n{err}");
    let image = desk.file("lamp.png", b"\x89PNG pixels");
    let promo = |file: &str| {
        let file = format!("header.media={file}");
        let rest = ["nome=Ana", "desconto=20%", "dia=sexta", "button.3=wa20", &file];
        let params = rest.iter().flat_map(|param| ["--param", *param]);
        send(&["promo_luminarias"].into_iter().chain(params).collect::<Vec<_>>())
    };
    let (code, _, err) = promo("gone.png");
    assert!(code == Some(2) && err.contains("header.media") && err.contains("gone.png"), "{err}");
    let (code, out, err) = promo(&image);
    assert_eq!(code, Some(0), "{out}\n{err}");
    let log = desk.ok(&["sim", "log", "--json"]);
    assert_eq!(log.lines().filter(|line| line.contains("/media\"")).count(), 1, "{log}");
    let posts = log.lines().filter(|line| line.contains("/messages\"") && line.contains("en_US"));
    assert_eq!(posts.count(), 2, "{log}");
}
