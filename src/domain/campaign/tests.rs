use std::time::Duration;

use super::*;
use crate::domain::health::People;
use crate::domain::id::{AccountId, CampaignId, ContactId};
use crate::domain::message::MediaCopy;
use crate::domain::phone::Country;
use crate::domain::template::{
    Authentication, Category, Header, MediaFormat, ParameterFormat, Place, Quality, SentHeader,
    Status, Template, Text,
};
use crate::domain::time::Timestamp;

/// A marketing template with two variables.
fn coupon() -> Template {
    Template {
        meta_id: None,
        name: "pedido_cupom".to_owned(),
        language: "pt_BR".to_owned(),
        category: Category::Marketing,
        status: Status::Approved,
        quality: Quality::Green,
        reason: None,
        parameters: ParameterFormat::Positional,
        header: None,
        body: Text { text: "Oi {{1}}! Seu cupom: {{2}}.".to_owned(), examples: Vec::new() },
        footer: None,
        buttons: Vec::new(),
        authentication: Authentication::default(),
        ttl_seconds: None,
        other: Vec::new(),
    }
}

fn said(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn sheet(text: &str) -> Sheet {
    Sheet::read(text.as_bytes()).unwrap()
}

fn plan(text: &str) -> Plan {
    let sheet = sheet(text);
    let mapping =
        Mapping::new(&coupon(), &sheet, &said(&[("1", "nome"), ("2", "cupom")]), &[]).unwrap();
    Plan::new(&coupon(), &sheet, &mapping, Country::named("BR"))
}

fn verdicts(plan: &Plan) -> Vec<(u32, String)> {
    let word = |row: &Row| row.skip.as_ref().map_or("ok".to_owned(), ToString::to_string);
    plan.rows.iter().map(|row| (row.number, word(row))).collect()
}

#[test]
fn files_are_read_as_spreadsheets_write_them() {
    let wanted = sheet("nome,telefone\nAna,1\nCaio,2\n");
    for text in [
        "\u{feff}nome;telefone\r\nAna;1\r\nCaio;2\r\n",
        "nome\ttelefone\nAna\t1\nCaio\t2",
        "sep=;\nnome;telefone\nAna;1\nCaio;2\n",
        " nome , telefone \n\"Ana\", 1 \nCaio,2,,\n",
        "\"nome\";\"telefone\"\n\"Ana\";\"1\"\n\"Caio\";\"2\"\n",
    ] {
        let read = sheet(text);
        assert_eq!(read.columns, wanted.columns, "{text:?}");
        let cells = |sheet: &Sheet| -> Vec<(String, String)> {
            let rows = sheet.rows.iter();
            rows.map(|row| (row.cell(0).to_owned(), row.cell(1).to_owned())).collect()
        };
        assert_eq!(cells(&read), cells(&wanted), "{text:?}");
    }
    let utf16: Vec<u8> =
        "\u{feff}nome\ttelefone\nJoão\t1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(Sheet::read(&utf16).unwrap().rows[0].cell(0), "João");
}

#[test]
fn rows_have_the_numbers_that_a_spreadsheet_shows() {
    let text = "telefone,nota\n1,\"two\nlines\"\n\n\n2,x\n3,\"a\r\nb\nc\"\n4,x\n,\n5,y\n";
    let numbers: Vec<(u32, String)> =
        sheet(text).rows.iter().map(|row| (row.number, row.cell(0).to_owned())).collect();
    let expected =
        [(2, "1"), (5, "2"), (6, "3"), (7, "4"), (9, "5")].map(|(n, cell)| (n, cell.to_owned()));
    assert_eq!(numbers, expected);
    let late = sheet("\n\ntelefone\n1\n");
    assert_eq!(late.rows[0].number, 4);
    assert_eq!(sheet("sep=,\ntelefone,nome\n1,Ana\n").rows[0].number, 3);
}

#[test]
fn windows_1252_is_read_where_it_is_certain_and_refused_by_row_where_not() {
    let read = Sheet::read(b"nome;telefone\nJo\xe3o;1\nConcei\xe7\xe3o;2\n").unwrap();
    assert_eq!(read.rows[1].cell(0), "Conceição");
    assert!(read.notes[0].contains("Windows-1252"), "{:?}", read.notes);
    let broken = Sheet::read(b"nome;telefone\nAna;1\nJo\xc3\xa3o \xff\xfe;2\n").unwrap_err();
    assert!(broken.to_string().starts_with("row 3: \"João"), "{broken}");
    // Half of a UTF-8 sequence, as a tool that cuts by bytes leaves it.
    let cut = Sheet::read(b"nome\nJo\xc3\nJo\xc3\xa3o\n").unwrap_err();
    assert!(matches!(cut, SheetError::Encoding { row: 2, .. }), "{cut}");
}

#[test]
fn what_is_no_table_is_refused_with_the_remedy() {
    let cases: [(&[u8], &str); 7] = [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"nome,telefone\n", "no row"),
        (b"PK\x03\x04...", "save it as \"CSV UTF-8\""),
        (b"a\0b\n", "save it as \"CSV UTF-8\""),
        (b"+55 11 98888-1234,Ana\n+55 11 98888-1235,Caio\n", "has to name the columns"),
        (b"a,b\n1,\"x\n2,y\n3,z\n", "row 2: a cell begins with a quote that is never closed"),
    ];
    for (bytes, words) in cases {
        let error = Sheet::read(bytes).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn columns_are_found_by_their_names_and_a_wrong_one_is_told_with_what_there_is() {
    let sheet = sheet("Nome,TELEFONE,1,{{2}}\nAna,1,2,3\n");
    let mapping = Mapping::new(&coupon(), &sheet, &[], &[]).unwrap();
    assert_eq!(mapping.words(&sheet), "phone <- TELEFONE, 1 <- 1, 2 <- {{2}}");
    let mapping = Mapping::new(&coupon(), &sheet, &said(&[("1", "nome"), ("2", "#3")]), &[]);
    assert_eq!(mapping.unwrap().words(&sheet), "phone <- TELEFONE, 1 <- Nome, 2 <- 1");
    let errors = Mapping::new(&coupon(), &sheet, &said(&[("1", "name"), ("3", "nome")]), &[]);
    let errors: Vec<String> = errors.unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "the file has no column \"name\" for 1; its columns are: Nome, TELEFONE, 1, {{2}}",
            "the template has no value \"3\"; it has: 1, 2",
        ]
    );
    let two = self::sheet("nome,nome\nAna,1\n");
    let errors = Mapping::new(&coupon(), &two, &said(&[("1", "nome")]), &said(&[("2", "X")]));
    assert!(errors.unwrap_err()[0].to_string().contains("#1"));
    let errors = Mapping::new(&coupon(), &two, &[], &said(&[("2", "X")])).unwrap_err();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].to_string().contains("no column is named for phone"), "{}", errors[0]);
}

#[test]
fn each_row_gets_a_verdict_that_says_why() {
    let plan = plan(
        "telefone,nome,cupom\n\
         +55 11 98888-1234,Ana,SOL10\n\
         (21) 99999-0004,Bia,SOL10\n\
         11 9777,Caio,SOL10\n\
         011988881234,Ana again,SOL10\n\
         +55 11 8888-1234,Ana without the nine,SOL10\n\
         +55 31 98888-7777,,SOL10\n\
         5.511E+12,Davi,SOL10\n\
         5531988887778.0,Eva,SOL10\n\
         '+55 31 98888-7779,Fabi,SOL10\n\
         ,Gil,SOL10\n\
         +55 31 98888-7780,Hugo,a     b\n\
         +55 31 98888-7781,Ivo,SOL10,more\n",
    );
    let verdicts = verdicts(&plan);
    let expected = [
        (2, "ok"),
        (3, "ok"),
        (4, "bad number: \"11 9777\" "),
        (5, "duplicate of row 2"),
        (6, "duplicate of row 2"),
        (7, "missing 1"),
        (8, "bad number: 5.511E+12 was rounded by the spreadsheet"),
        (9, "ok"),
        (10, "ok"),
        (11, "bad number: there is none"),
        (12, "bad value: 2: has 5 spaces in a row"),
        (13, "1 more cells than columns"),
    ];
    for ((row, words), (number, wanted)) in verdicts.iter().zip(expected) {
        assert!(*row == number && words.starts_with(wanted), "row {row}: {words}; not {wanted}");
    }
    assert_eq!(verdicts.len(), expected.len());
    assert_eq!(plan.good(), 4);
    let groups: Vec<String> =
        plan.skipped().iter().map(|(group, count)| format!("{group} {count}")).collect();
    assert_eq!(
        groups,
        ["bad number 3", "duplicate number 2", "missing 1 1", "bad value 1", "too many cells 1"]
    );
    assert_eq!(plan.preview(&plan.rows[1]).text, "Oi Bia! Seu cupom: SOL10.");
}

#[test]
fn a_value_for_all_stands_in_where_the_cell_is_empty() {
    let sheet = sheet("telefone,nome\n+5511988881234,Ana\n+5511988881235,\n");
    let (columns, values) = (said(&[("1", "nome")]), said(&[("1", "cliente"), ("2", "SOL10")]));
    let mapping = Mapping::new(&coupon(), &sheet, &columns, &values).unwrap();
    let plan = Plan::new(&coupon(), &sheet, &mapping, None);
    let texts: Vec<String> = plan.rows.iter().map(|row| plan.preview(row).text).collect();
    assert_eq!(texts, ["Oi Ana! Seu cupom: SOL10.", "Oi cliente! Seu cupom: SOL10."]);
    assert_eq!(plan.rows[1].defaults, [Place::Body("1".to_owned())]);
    assert!(plan.rows[0].defaults.is_empty());
    assert_eq!(
        mapping.words(&sheet),
        "phone <- telefone, 1 <- nome, 1 = \"cliente\" where empty, 2 = \"SOL10\""
    );
}

#[test]
fn a_row_whose_file_cannot_be_sent_is_left_out() {
    let mut template = coupon();
    template.header = Some(Header::Media { format: MediaFormat::Document, example: None });
    let sheet = sheet(
        "telefone,1,2,nota\n+5511988881231,a,b,1182.pdf\n+5511988881232,a,b,\n\
         +5511988881233,a,b,1184.pdf\n+5511988881234,a,b,https://x.example/1185.pdf\n",
    );
    let said = said(&[("header.media", "nota")]);
    let mut mapping =
        Mapping::new(&template, &sheet, &said, &self::said(&[("header.media", "all.pdf")]))
            .unwrap();
    assert_eq!(mapping.common_path(), Some("all.pdf"));
    mapping.found("/home/ana/all.pdf".to_owned());
    assert_eq!(mapping.paths(&sheet).into_iter().collect::<Vec<_>>(), ["1182.pdf", "1184.pdf"]);
    mapping.files.insert("1182.pdf".to_owned(), Ok("/home/ana/1182.pdf".to_owned()));
    mapping.files.insert("1184.pdf".to_owned(), Err("there is no such file".to_owned()));
    let plan = Plan::new(&template, &sheet, &mapping, None);
    let words: Vec<String> = verdicts(&plan).into_iter().map(|(_, words)| words).collect();
    let missing = "bad value: header.media: 1184.pdf: there is no such file";
    assert_eq!(words, ["ok", "ok", missing, "ok"]);
    let file = |at: usize| plan.preview(&plan.rows[at]).header;
    let Some(SentHeader::Media(media)) = file(1) else { panic!("{:?}", file(1)) };
    assert_eq!(media.copy, MediaCopy::Outside { path: "/home/ana/all.pdf".to_owned() });
}

#[test]
fn numbers_without_a_code_need_a_country() {
    let sheet = sheet("telefone,1,2\n11 98888-1234,a,b\n");
    let mapping = Mapping::automatic(&coupon(), &sheet);
    let plan = Plan::new(&coupon(), &sheet, &mapping, None);
    assert!(verdicts(&plan)[0].1.contains("has no country code"), "{:?}", verdicts(&plan));
}

#[test]
fn who_opted_out_or_is_blocked_or_is_the_same_person_is_left_out() {
    let text = "telefone,nome,cupom\n+5511988881231,a,b\n+5511988881232,a,b\n+5511988881233,a,b\n\
                +4915112345678,a,b\n";
    let mut plan = plan(text);
    assert_eq!(plan.numbers().count(), 4);
    let person = |id| Known { contact: Some(ContactId(id)), ..Known::default() };
    let known = [
        Known { opted_out: true, ..person(1) },
        Known { blocked: true, ..person(2) },
        Known { free: true, ..person(3) },
        person(3),
    ];
    plan.learn(&known);
    let words: Vec<String> = verdicts(&plan).into_iter().map(|(_, words)| words).collect();
    assert!(words[0].starts_with("opted out") && words[1].starts_with("blocked"), "{words:?}");
    assert_eq!(words[2..], ["ok", "duplicate of row 4"]);
    assert_eq!((plan.good(), plan.counting()), (1, 0));
    let mut order = self::plan(text);
    order.template.category = Category::Utility;
    order.learn(&known);
    assert!(order.rows[0].skip.is_none(), "an order's news goes to who wants no marketing");
}

#[test]
fn the_estimate_knows_the_rate_and_the_messaging_limit() {
    let capacity = Capacity {
        rate: 20,
        people: People { reached: 212, limit: Some(1000) },
        frees_at: Some(Timestamp::from_secs(5)),
        waiting: 0,
    };
    let estimate = Estimate::new(1180, 1180, &capacity);
    assert_eq!((estimate.now, estimate.later, estimate.days), (788, 392, 1));
    assert_eq!(estimate.takes, Duration::from_millis(39_400));
    assert_eq!(estimate.frees_at, Some(Timestamp::from_secs(5)));
    // Those who wrote within the day do not count.
    let estimate = Estimate::new(1180, 700, &capacity);
    assert_eq!((estimate.now, estimate.later, estimate.frees_at), (1180, 0, None));
    let unlimited = Capacity { people: People::default(), waiting: 100, ..capacity };
    let estimate = Estimate::new(1180, 1180, &unlimited);
    assert_eq!((estimate.now, estimate.takes), (1180, Duration::from_secs(64)));
}

#[test]
fn a_campaign_is_done_when_nothing_of_it_moves_by_itself() {
    let mut campaign = Campaign {
        id: CampaignId(1),
        account: AccountId(1),
        file: "vip.csv".to_owned(),
        template: "x".to_owned(),
        language: "y".to_owned(),
        stage: Stage::Running,
        at: Timestamp::default(),
        rows: 12,
        good: 10,
        counts: Counts { accepted: 7, failed: 1, uncertain: 1, waiting: 1, ..Counts::default() },
    };
    assert_eq!((campaign.is_done(), campaign.state()), (false, "running"));
    campaign.counts = Counts { waiting: 0, dropped: 1, ..campaign.counts };
    assert_eq!((campaign.is_done(), campaign.state()), (true, "done"));
    campaign.stage = Stage::Cancelled;
    assert_eq!((campaign.is_done(), campaign.state()), (true, "cancelled"));
}

#[test]
fn the_speed_is_that_of_the_last_seconds() {
    let mut speed = Speed::default();
    assert_eq!(speed.eta(10), None);
    for second in 0..=30 {
        let done = if second <= 15 { second * 100 } else { 1500 + (second - 15) * 10 };
        speed.note(Timestamp::from_secs(second), u32::try_from(done).unwrap());
    }
    assert_eq!(speed.per_second(), Some(10.0));
    assert_eq!(speed.eta(100), Some(Duration::from_secs(10)));
    speed.note(Timestamp::from_secs(31), 5);
    assert_eq!(speed.per_second(), None, "another campaign");
}
