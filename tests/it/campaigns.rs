//! A template for the people of a file: from the shell, and by processes that are killed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde_json::Value;
use twoticks::clock::SystemClock;
use twoticks::domain::campaign::Campaign;
use twoticks::domain::id::CampaignId;
use twoticks::domain::time::Clock;
use twoticks::sim::{NumberChange, Sim, SimConfig, World};
use twoticks::store::campaign::{campaign, outcomes};
use twoticks::store::{ReadConn, check};

use crate::shop::{Ahead, IN_FLIGHT, PATIENCE, Reaped, free_port, hasty, write_config};
use crate::templates::Desk;

/// The template, with what stands in which column.
const SEND: [&str; 7] = [
    "templates",
    "send",
    "pedido_enviado",
    "--lang=en_US",
    "--country=US",
    "--map",
    "1=nome,2=pedido",
];

fn send<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&SEND[..], &["--csv", file], more].concat()
}

#[test]
fn a_file_is_tried_sent_recognised_and_told_of_from_the_shell() {
    let desk = Desk::new();
    desk.ok(&["templates", "sync"]);
    let file = desk.file(
        "vip maio.csv",
        "\u{feff}Telefone;Nome;Pedido\r\n\
         +1 555 123 0001;Ana;1182\r\n\
         (555) 123-0002;Bia;1183\r\n\
         12;Caio;1184\r\n\
         \r\n\
         1 555 123 0001;Ana;1185\r\n\
         5.5512E+9;Davi;1186\r\n\
         +15551230003;;1187\r\n\
         =cmd|' /C calc'!A0;Eva;1188\r\n",
    );
    let said = desk.ok(&send(&file, &[]));
    for words in [
        "vip maio.csv, 7 rows",
        "phone <- Telefone, 1 <- Nome, 2 <- Pedido",
        "will send  2",
        "skipped    5  bad number: 3",
        "row 6: 1 555 123 0001: skip: duplicate of row 2",
        "format the column as text",
        "missing 1",
        "preview    row 2, +1 555-123-0001:",
        "| Hi Ana, your order 1182 is out",
    ] {
        assert!(said.contains(words), "{words:?}:\n{said}");
    }
    assert!(desk.ok(&["campaigns", "list"]).is_empty(), "a dry run leaves nothing");
    let (code, _, err) = desk.run(&send(&file, &["--yes", "7"]));
    assert!(code == Some(2) && err.contains("2 messages would be sent, not 7"), "{err}");
    for (right, wrong, words) in [
        ("2=pedido", "2=order", "its columns are: Telefone, Nome, Pedido"),
        ("2=pedido", "2=pedido,2=nome", "--map 2=... is there twice"),
        ("=US", "=Brazil", "such as BR or +55"),
    ] {
        let args: Vec<String> =
            send(&file, &[]).into_iter().map(|arg| arg.replace(right, wrong)).collect();
        let (code, _, err) = desk.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(code == Some(2) && err.contains(words), "{err}");
    }

    let (code, out, err) = desk.run(&send(&file, &["--yes", "2", "--json"]));
    assert_eq!(code, Some(0), "{out}\n{err}");
    let last: Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!((&last["state"], &last["accepted"]), (&"done".into(), &2.into()), "{last}");
    let id = last["campaign"].to_string();

    let (code, _, err) = desk.run(&send(&file, &["--yes", "2"]));
    assert!(code == Some(3) && err.contains("was sent with pedido_enviado before"), "{err}");
    desk.ok(&send(&file, &["--yes", "2", "--again", "--no-wait"]));

    let result = desk.ok(&["campaigns", "result", &id]);
    let lines: Vec<&str> = result.lines().collect();
    assert_eq!(lines[0], "row,phone,wa_id,message,state,at,code,reason");
    assert!(lines[1].starts_with("2,'+1 555 123 0001,15551230001,"), "{}", lines[1]);
    assert!(lines[7].starts_with("9,'=cmd|"), "{}", lines[7]);
    assert!(lines[3].starts_with("4,12,,,skipped,,,\"bad number:"), "{}", lines[3]);

    let second: Value =
        serde_json::from_str(desk.ok(&["campaigns", "list", "--json"]).lines().next().unwrap())
            .unwrap();
    let second = second["campaign"].to_string();
    desk.ok(&["campaigns", "pause", &second]);
    let (code, _, err) = desk.run(&["campaigns", "pause", &second]);
    assert!(code == Some(1) && err.contains("is paused cannot be paused"), "{err}");
    desk.ok(&["campaigns", "resume", &second]);
    let shown = desk.ok(&["campaigns", "cancel", &second]);
    assert!(shown.lines().any(|line| line.split_whitespace().eq(["cancelled", "2"])), "{shown}");
    let (code, _, err) = desk.run(&["campaigns", "show", "99"]);
    assert!(code == Some(3) && err.contains("campaigns list"), "{err}");
    let log = desk.ok(&["sim", "log", "--json"]);
    assert_eq!(log.lines().filter(|line| line.contains("/messages\"")).count(), 2, "{log}");
}

/// The condition of the sender was that of whichever account stood still, and a campaign goes on only while
/// the sender does.
#[test]
fn one_accounts_limit_stops_no_other_accounts_campaign() {
    let desk = Desk::of_two_accounts();
    let listen = desk.listen();
    let (sol, lua) = (["--account", "Loja Sol"], ["--account", "Loja Lua"]);
    desk.ok(&["sim", "fail", "--code", "80007", "--of", "Loja Sol"]);
    desk.ok(&[&sol[..], &["send", "+15551230009", "hi"]].concat());
    listen.until(&["trouble: Loja Sol: "]);
    desk.ok(&[&lua[..], &["templates", "sync"]].concat());
    let file = desk.file("people.csv", "telefone,nome,pedido\n+15551230001,Ana,1\n");
    let send = [&lua[..], &send(&file, &["--yes", "1"])].concat();
    let (code, out, err) = desk.run(&send);
    assert_eq!(code, Some(0), "{out}\n{err}");
    assert!(!err.contains("Loja Sol"), "told as its own: {err}");
    let waits = desk.ok(&[&sol[..], &["outbox", "list", "--json"]].concat());
    assert!(waits.contains("\"queued\""), "the limit was over before: {waits}");
}

#[test]
fn files_of_this_machine_go_with_a_campaign_each_up_once_and_one_row_goes_to_oneself_first() {
    let desk = Desk::new();
    desk.ok(&["templates", "sync"]);
    let common = desk.file("todos.pdf", "the same for all");
    desk.file("nota-1183.pdf", "hers");
    let file = desk.file(
        "notas.csv",
        "telefone,nome,pedido,total,nota\n\
         +15551230001,Ana,1182,10,\n\
         +15551230002,Bia,1183,20,nota-1183.pdf\n\
         +15551230003,Caio,1184,30,nota-1184.pdf\n\
         +15551230004,Davi,1185,40,\n",
    );
    let args = ["templates", "send", "pedido_nota_fiscal", "--lang=pt_BR", "--csv", &file];
    let map = "--map=1=nome,2=pedido,3=total,header.media=nota";
    let send = |more: &[&str]| desk.run(&[&args[..], &[map], more].concat());
    let (code, _, err) = send(&["--param", "header.media=not-there.pdf"]);
    assert!(code == Some(2) && err.contains("not-there.pdf: there is no such file"), "{err}");
    let all = format!("header.media={common}");
    let (code, said, err) = send(&["--param", &all]);
    assert_eq!(code, Some(0), "{said}\n{err}");
    let missing = "row 4: +15551230003: skip: bad value: header.media: nota-1184.pdf: there is no";
    assert!(said.contains("will send  3") && said.contains(missing), "{said}");

    let (code, out, err) = send(&["--param", &all, "--test", "+15551230009"]);
    assert_eq!(code, Some(0), "{out}\n{err}");
    assert!(err.contains("row 2 goes to +15551230009 as a test"), "{err}");
    let (code, out, err) = send(&["--param", &all, "--yes", "3", "--json"]);
    assert_eq!(code, Some(0), "{out}\n{err}");
    let requests: Vec<Value> = desk
        .ok(&["sim", "log", "--json"])
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let count = |end: &str| {
        let to = |one: &&Value| one["target"].as_str().is_some_and(|target| target.ends_with(end));
        requests.iter().filter(to).count()
    };
    assert_eq!((count("/media"), count("/messages")), (2, 4));
}

/// A paused template burned the rest of a campaign: each of its people was a request that failed.
#[test]
fn a_template_that_is_paused_holds_a_campaign_until_it_is_let_go() {
    const ROWS: usize = 300;
    let desk = Desk::new();
    desk.ok(&["templates", "sync"]);
    let mut text = "phone,nome,pedido\n".to_owned();
    for row in 0..ROWS {
        writeln!(text, "+1555124{row:04},Ana,{row}").unwrap();
    }
    let file = desk.file("all.csv", &text);
    let all = ROWS.to_string();
    desk.ok(&send(&file, &["--yes", &all, "--no-wait"]));
    let turn = |what| desk.ok(&["sim", "template", "pedido_enviado", what, "--lang", "en_US"]);
    // No webhook comes to this process: the answers alone tell.
    turn("pause");
    let (code, out, err) = desk.run(&["campaigns", "follow", "1", "--json"]);
    assert!(code == Some(3) && err.contains("wait until they may go"), "{out}\n{err}");
    let count = |json: &str, key: &str| {
        let value: Value = serde_json::from_str(json.trim()).unwrap();
        value[key].as_u64().unwrap()
    };
    let (burned, waiting) = (count(&out, "failed"), count(&out, "waiting"));
    assert!(burned > 0 && burned <= 64, "only what was under way at that moment: {out}");
    assert_eq!((count(&out, "accepted"), burned + waiting), (0, ROWS as u64), "{out}");
    let held = desk.ok(&["outbox", "list", "--state", "held", "--json"]);
    assert!(held.contains("Meta does not let its template be sent now; goes by itself"), "{held}");
    turn("unpause");
    desk.ok(&["templates", "sync"]);
    let (code, out, err) = desk.run(&["campaigns", "follow", "1", "--json"]);
    assert!(code == Some(3) && err.contains("did not go"), "{out}\n{err}");
    assert_eq!((count(&out, "accepted"), count(&out, "failed")), (waiting, burned), "{out}");
}

/// How many rows the file has. The long form is run by hand: `ROWS=10000 cargo test --test it killed_three`.
fn row_count() -> usize {
    std::env::var("ROWS").map_or(1_000, |count| count.parse().expect("ROWS is a number"))
}

/// A shop whose simulator is in this process, so that what it accepted can be counted.
struct Shop {
    dir: tempfile::TempDir,
    clock: Arc<Ahead>,
    sim: Sim,
}

impl Shop {
    fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(Ahead { system: SystemClock::new(), by: AtomicI64::new(0) });
        let world = hasty();
        let sim_clock: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let sim =
            Sim::start(SimConfig::default(), World::new(41, world.clone()), sim_clock).unwrap();
        // Ten thousand people in a day are more than a new business may write to.
        let limit = NumberChange::Limit("TIER_UNLIMITED".to_owned());
        sim.with_world(|world| world.change_number(clock.now(), &limit)).unwrap();
        let port = free_port();
        sim.set_webhook(&format!("http://127.0.0.1:{port}/webhook")).unwrap();
        write_config(&dir.path().join("config.toml"), &sim.base_url(), port, &world);
        Self { dir, clock, sim }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twoticks"));
        command.arg("--config").arg(self.dir.path().join("config.toml")).args(args);
        command.env_clear().env("HOME", self.dir.path()).stdin(Stdio::null());
        command
    }

    fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn database(&self) -> PathBuf {
        self.dir.path().join("data/twoticks.db")
    }

    fn read(&self) -> ReadConn {
        ReadConn::open(&self.database()).unwrap()
    }

    fn campaign(&self) -> Campaign {
        campaign(&self.read(), CampaignId(1)).unwrap()
    }

    /// How often Meta accepted a message to each number.
    fn acceptances(&self) -> BTreeMap<String, usize> {
        self.sim.with_world(|world| {
            let mut seen = BTreeMap::new();
            for accepted in world.accepted() {
                let to = accepted.body["to"].as_str().unwrap().trim_start_matches('+');
                *seen.entry(to.to_owned()).or_insert(0) += 1;
            }
            seen
        })
    }
}

/// The rows of a file, every twentieth of them bad, and the numbers of the others.
fn file_of(rows: usize, path: &Path) -> BTreeSet<String> {
    let (mut text, mut good) = ("telefone,nome,pedido\n".to_owned(), BTreeSet::new());
    for n in 0..rows {
        let number = format!("1555{n:06}7");
        let (phone, name) = match n % 100 {
            19 => ("12345".to_owned(), "Ana"),
            39 => (format!("+1555{:06}7", n - 1), "Ana"),
            59 => (format!("+{number}"), ""),
            79 => ("1.555E+10".to_owned(), "Ana"),
            99 => (String::new(), "Ana"),
            _ => {
                good.insert(number.clone());
                (format!("+{number}"), "Ana")
            }
        };
        writeln!(text, "{phone},{name},{n}").unwrap();
    }
    std::fs::write(path, text).unwrap();
    good
}

/// The most memory that a process has had, in KiB; none where it cannot be told.
fn peak(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[test]
fn killed_three_times_a_campaign_writes_to_everybody_once() {
    let rows = row_count();
    // The long form has as much more to do, perhaps on a busy machine.
    let patience = PATIENCE + Duration::from_millis(20) * u32::try_from(rows).unwrap();
    let shop = Shop::open();
    let file = shop.dir.path().join("many.csv");
    let good = file_of(rows, &file);
    let file = file.to_str().unwrap();
    assert!(shop.command(&["templates", "sync"]).status().unwrap().success());
    let count = good.len().to_string();
    let sending = send(file, &["--yes", &count]);
    let part = u64::try_from(good.len()).unwrap() / 4;
    let mut most = 0;
    for kill in 0..3 {
        // The first stores and sends, the others go on with what is stored.
        let args = if kill == 0 { sending.clone() } else { vec!["campaigns", "follow", "1"] };
        let mut process = Reaped(shop.start(&args));
        let goal = part * (kill + 1);
        let reached = shop.sim.wait_until(patience, |world| world.counts().accepted >= goal);
        most = most.max(peak(&process.0).unwrap_or(0));
        process.end();
        assert!(reached, "before kill {kill} it did not get to {goal}: {:?}", shop.campaign());
    }
    let mut process = Reaped(shop.start(&["listen"]));
    let settled = shop.sim.wait_until(patience * 4, |_| {
        let counts = shop.campaign().counts;
        counts.waiting + counts.unwritten + counts.sending == 0
    });
    assert!(settled, "it does not end: {:?}", shop.campaign());
    // What was posted while nobody listened comes again within the hour, and proves what was uncertain.
    shop.clock.by.fetch_add(3_600_000, Ordering::SeqCst);
    shop.sim.tick();
    assert!(shop.sim.wait_until(patience * 2, World::is_idle), "webhooks are still on their way");
    most = most.max(peak(&process.0).unwrap_or(0));
    process.end();
    assert!(most < 100 << 10, "{most} KiB");

    let accepted = shop.acceptances();
    let twice: Vec<_> = accepted.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "accepted more than once: {twice:?}");
    assert!(accepted.keys().all(|to| good.contains(to)), "somebody else was written to");
    let result = outcomes(&shop.read(), CampaignId(1), 0, u32::MAX).unwrap();
    assert_eq!(result.len(), rows, "every row has a result");
    let mut uncertain = 0;
    for row in &result {
        let to = row.to.as_ref().map(ToString::to_string).unwrap_or_default();
        match row.state {
            "skipped" => assert!(row.message.is_none() && row.reason.is_some(), "{row:?}"),
            "uncertain" => {
                uncertain += 1;
                assert!(!accepted.contains_key(&to), "its status came: {row:?}");
            }
            _ => assert!(accepted.contains_key(&to), "{row:?}"),
        }
    }
    let skipped = result.iter().filter(|row| row.state == "skipped").count();
    assert_eq!(skipped, rows - good.len());
    assert_eq!(accepted.len() + uncertain, good.len(), "nobody is forgotten");
    let most_uncertain = 3 * usize::try_from(IN_FLIGHT).unwrap();
    assert!(uncertain <= most_uncertain, "{uncertain}");
    assert_eq!(check::check(&shop.read()).unwrap(), Vec::<String>::new());
    println!("{rows} rows, {} accepted, {uncertain} uncertain, {most} KiB", accepted.len());
}

#[test]
fn a_file_goes_out_by_key_from_the_template_to_the_result() {
    let shop = crate::desk::Shop::new();
    let mut inbox = shop.open_live();
    let dir = tempfile::tempdir().unwrap();
    let (list, result) = (dir.path().join("vip.csv"), dir.path().join("result.csv"));
    let rows = "telefone,1,2\n+15551230001,Ana,1182\n+15551230002,Bob,1183\n+1555,Caio,1184\n";
    std::fs::write(&list, rows).unwrap();
    inbox.keys("5");
    inbox.until_text("Nothing was sent to many yet");
    inbox.keys("n");
    // "never synced" stands there before they have come.
    inbox.until_text("Templates 38");
    inbox.keys("/pedido_enviado en_us<Enter>");
    inbox.until_text("Templates  1 of 38");
    inbox.keys("m");
    inbox.keys(&format!("{}/vi", dir.path().display()));
    inbox.until_text("vip.csv");
    inbox.keys("<Tab><Enter>");
    inbox.until_text("will send");
    inbox.until_text("bad number: 1");
    inbox.keys("t+1 555 123-0002<Enter>");
    inbox.until_text("Row 2 is on its way to +1 555-123-0002 as a test.");
    assert!(shop.sim.wait_until(PATIENCE, |world| world.counts().accepted == 1));
    inbox.keys("<Enter>3<Enter>");
    inbox.until_text("That is another number");
    assert_eq!(shop.sim.with_world(|world| world.counts().accepted), 1);
    inbox.keys("<Ctrl-U>2<Enter>");
    assert!(shop.sim.wait_until(PATIENCE, |world| world.counts().accepted == 3));
    inbox.until_text("accepted 2");
    inbox.until_text("done");
    inbox.keys(&format!("s<Ctrl-U>{}<Enter>", result.display()));
    inbox.until_text("The result is saved");
    let saved = std::fs::read_to_string(result).unwrap();
    assert!(saved.contains("15551230001") && saved.contains("4,'+1555,,,skipped"), "{saved}");
    inbox.quit();
}
