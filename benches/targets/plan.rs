//! What a file of 10,000 people comes to before it is sent, a twentieth of them left out.

use std::fmt::Write as _;
use std::path::Path;

use rusqlite::Connection;
use twoticks::domain::campaign::Wish;
use twoticks::domain::template::{
    Authentication, Category, ParameterFormat, Quality, Status, Template, Text,
};
use twoticks::service::campaign::dry_run;
use twoticks::store::ReadConn;

use crate::harness::{Target, in_turn, ratio, timed, told};
use crate::shop::{Shop, now};

const ROWS: usize = 10_000;
/// What a person waits for without looking away.
const PATIENCE: f64 = 2_000.0;

/// Against the patience of a person; and against reading the file and asking a bare table for each number.
pub(crate) fn run(dir: &Path) -> bool {
    let shop = Shop::open(dir);
    let read = ReadConn::open(&shop.database()).expect("store");
    let text = file();
    let template = template();
    let wish = Wish {
        account: shop.account,
        path: "many.csv".to_owned(),
        template: template.name.clone(),
        language: Some(template.language.clone()),
        columns: Vec::new(),
        constants: Vec::new(),
        country: None,
    };
    let bare = bare();
    let [ours, floor] = in_turn([
        &mut || {
            let bytes = text.as_bytes();
            let (run, took) =
                timed(|| dry_run(&read, wish.clone(), &template, bytes, Some(80), now()));
            assert_eq!(run.expect("a dry run").plan.good(), ROWS / 20 * 19);
            took.as_secs_f64() * 1e3
        },
        &mut || timed(|| looked_up(&bare, &text)).1.as_secs_f64() * 1e3,
    ]);
    told("a dry run against reading and asking alone", "ms", ours, floor);
    ratio("a dry run against a person's patience", "ms", ours, PATIENCE, Target::AtMost(1.0))
}

/// Every twentieth row is bad, each in another way.
fn file() -> String {
    let mut text = "telefone,nome,pedido\n".to_owned();
    for n in 0..ROWS {
        let number = format!("+55119{n:08}");
        let (phone, name) = match n % 100 {
            19 => ("12345".to_owned(), "Ana"),
            39 => (format!("+55119{:08}", n - 1), "Ana"),
            59 => (number, ""),
            79 => ("5.511E+12".to_owned(), "Ana"),
            99 => (String::new(), "Ana"),
            _ => (number, "Ana"),
        };
        writeln!(text, "{phone},{name},{n}").expect("text");
    }
    text
}

fn template() -> Template {
    let text = "Oi {{nome}}! Seu pedido {{pedido}} saiu.".to_owned();
    Template {
        meta_id: None,
        name: "pedido_enviado".to_owned(),
        language: "pt_BR".to_owned(),
        category: Category::Utility,
        status: Status::Approved,
        quality: Quality::Green,
        reason: None,
        parameters: ParameterFormat::Named,
        header: None,
        body: Text { text, examples: Vec::new() },
        footer: None,
        buttons: Vec::new(),
        authentication: Authentication::default(),
        ttl_seconds: None,
        other: Vec::new(),
    }
}

fn bare() -> Connection {
    let bare = Connection::open_in_memory().expect("database");
    bare.execute_batch("CREATE TABLE person (number TEXT PRIMARY KEY) WITHOUT ROWID")
        .expect("table");
    bare
}

fn looked_up(bare: &Connection, text: &str) -> u32 {
    let mut query = bare.prepare("SELECT count(*) FROM person WHERE number = ?1").expect("a query");
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let known = table.records().map(|row| {
        let row = row.expect("a row");
        query.query_row([&row[0]], |row| row.get::<_, u32>(0)).expect("an answer")
    });
    known.sum()
}
