use super::*;
use crate::domain::conversation::{Conversation, Filter};
use crate::domain::page::{ListKey, ListPage, MessagePage};
use crate::store::conversation::mark_unread;
use crate::store::{list, message, search};

fn key(row: &Conversation) -> ListKey {
    row.key()
}

fn page(world: &World, filter: Filter, text: &str, page: ListPage) -> list::ListRows {
    list::conversations(&world.read, world.account, filter, text, page, 2, t(60)).unwrap()
}

fn numbers(rows: &[Conversation]) -> Vec<&str> {
    rows.iter().map(|row| row.contact.wa_id.as_ref().unwrap().as_str()).collect()
}

fn five() -> World {
    let mut world = World::new();
    for n in 1..6 {
        let from = Peer { name: Some(format!("Übung {n}")), ..phone(&format!("491520000{n}")) };
        world.post(&[heard(&format!("w{n}"), from, t(n), &format!("Crème brûlée {n}"))]);
    }
    world.write.index().unwrap();
    world
}

#[test]
fn the_list_is_paged_from_any_row_both_ways() {
    let world = five();
    let first = page(&world, Filter::All, "", ListPage::First);
    assert_eq!(numbers(&first.rows), ["4915200005", "4915200004"]);
    assert_eq!((first.more_above, first.more_below, first.counts.all), (false, true, 5));
    let second = page(&world, Filter::All, "", ListPage::After(key(&first.rows[1])));
    assert_eq!(numbers(&second.rows), ["4915200003", "4915200002"]);
    let last = page(&world, Filter::All, "", ListPage::After(key(&second.rows[1])));
    assert_eq!(numbers(&last.rows), ["4915200001"]);
    assert!(!last.more_below && last.more_above);
    let back = page(&world, Filter::All, "", ListPage::Before(key(&second.rows[0])));
    assert_eq!(back.rows, first.rows);
    assert!(!back.more_above);
    let around = page(&world, Filter::All, "", ListPage::Around(key(&second.rows[0])));
    assert_eq!(numbers(&around.rows), ["4915200004", "4915200003"]);
    assert!(around.more_above && around.more_below);
}

#[test]
fn filters_texts_and_jumps_find_by_name_number_and_words() {
    let mut world = five();
    let chat = world.begin("4915200003");
    world.say(chat, "danke", t(9));
    world.write.index().unwrap();
    assert_eq!(page(&world, Filter::Waiting, "", ListPage::First).counts.waiting, 4);
    assert_eq!(numbers(&page(&world, Filter::All, "creme bru", ListPage::First).rows).len(), 2);
    assert_eq!(numbers(&page(&world, Filter::All, "danke", ListPage::First).rows), ["4915200003"]);
    assert_eq!(
        numbers(&page(&world, Filter::All, "ubung 4", ListPage::First).rows),
        ["4915200004"]
    );
    assert_eq!(
        numbers(&page(&world, Filter::All, "+49 152 00005", ListPage::First).rows),
        ["4915200005"]
    );
    assert!(page(&world, Filter::All, "nothing", ListPage::First).rows.is_empty());
    let jumped = list::jump(&world.read, world.account, "00001", 5).unwrap();
    assert_eq!(numbers(&jumped), ["4915200001"]);
    assert_eq!(list::jump(&world.read, world.account, "", 3).unwrap().len(), 3);
    assert_eq!(list::jump(&world.read, world.account, "5", 3).unwrap().len(), 3);
}

#[test]
fn the_next_unread_is_below_and_then_from_the_top() {
    let mut world = five();
    let rows =
        list::conversations(&world.read, world.account, Filter::All, "", ListPage::First, 5, t(60))
            .unwrap()
            .rows;
    for row in &rows {
        let newest = row.preview.as_ref().unwrap().message;
        let id = row.id;
        world.do_it(|tx| crate::store::conversation::mark_read(tx, id, newest, false, t(9)));
    }
    assert_eq!(list::next_unread(&world.read, world.account, None).unwrap(), None);
    world.do_it(|tx| mark_unread(tx, rows[1].id));
    world.do_it(|tx| mark_unread(tx, rows[3].id));
    let next = |from: usize| {
        let found = list::next_unread(&world.read, world.account, Some(key(&rows[from]))).unwrap();
        found.unwrap().id
    };
    assert_eq!((next(0), next(1), next(4)), (rows[1].id, rows[3].id, rows[1].id));
    world.sound();
}

#[test]
fn the_next_failed_is_below_and_then_from_the_top() {
    let mut world = World::new();
    let chats = ["1", "2", "3"].map(|number| world.begin(number));
    let ids = [0, 1, 2].map(|at| world.say(chats[at], "x", t(i64::try_from(at).unwrap())));
    let next = |world: &World, from: Option<usize>| {
        let from = from.map(|at| key(&list::conversation(&world.read, chats[at]).unwrap()));
        list::next_failed(&world.read, world.account, from).unwrap().map(|row| row.id)
    };
    assert_eq!(next(&world, None), None);
    for job in world.claim(5, t(5)) {
        let refused = Verdict::Failed(ApiError::default());
        let uncertain = Verdict::Uncertain(ApiError::default());
        let verdict =
            if sends(std::slice::from_ref(&job)) == [ids[0]] { refused } else { uncertain };
        if sends(std::slice::from_ref(&job)) != [ids[1]] {
            world.record(&job, &verdict, t(6));
        }
    }
    assert_eq!(next(&world, None), Some(chats[2]));
    assert_eq!(next(&world, Some(2)), Some(chats[0]));
    assert_eq!(next(&world, Some(0)), Some(chats[2]));
    world.sound();
}

#[test]
fn a_conversation_is_paged_from_any_message_both_ways() {
    let mut world = World::new();
    let chat = world.begin("1");
    let ids: Vec<MessageId> = (0..10).map(|n| world.say(chat, "x", t(n / 2))).collect();
    let get = |page: MessagePage| {
        let rows = message::messages(&world.read, chat, page, 4).unwrap();
        let found: Vec<MessageId> = rows.messages.iter().map(|message| message.id).collect();
        (found, rows.more_before, rows.more_after)
    };
    let key = |n: usize| world.message(ids[n]).key;
    assert_eq!(get(MessagePage::Newest), (ids[6..10].to_vec(), true, false));
    assert_eq!(get(MessagePage::Before(key(6))), (ids[2..6].to_vec(), true, true));
    assert_eq!(get(MessagePage::Before(key(2))), (ids[0..2].to_vec(), false, true));
    assert_eq!(get(MessagePage::After(key(1))), (ids[2..6].to_vec(), true, true));
    assert_eq!(get(MessagePage::Around(ids[5])), (ids[3..7].to_vec(), true, true));
    assert_eq!(get(MessagePage::Around(ids[0])), (ids[0..2].to_vec(), false, true));
}

#[test]
fn a_reply_quotes_its_message_once_it_is_known() {
    let mut world = World::new();
    let mut reply = inbound("w2", phone("1"), t(2), text("yes"));
    reply.context.reply_to = Some(Wamid::new("w1"));
    let (done, _) = world.post(&[item(ItemKind::Message(reply))]);
    let quote = world.message(done.messages[0]).quote.unwrap();
    assert_eq!((quote.message, quote.preview.as_str()), (None, ""));
    let (first, _) = world.post(&[heard("w1", phone("1"), t(1), "shall we?\nreally")]);
    let quote = world.message(done.messages[0]).quote.unwrap();
    assert_eq!((quote.message, quote.preview.as_str()), (Some(first.messages[0]), "shall we?"));
    let chat = world.message(first.messages[0]).conversation;
    let new = NewMessage {
        account: world.account,
        conversation: chat,
        body: text("ok"),
        reply_to: Some(first.messages[0]),
        priority: Priority::Person,
    };
    world.do_it(|tx| enqueue(tx, &new, t(3)));
    let jobs = world.claim(1, t(4));
    let JobKind::Message(send) = &jobs[0].kind else { panic!("a message") };
    assert_eq!(send.reply_to, Some(Wamid::new("w1")));
}

#[test]
fn search_is_newest_first_page_by_page_and_folds_accents() {
    let world = five();
    let found = search::search(&world.read, "brulee", None, 2).unwrap();
    assert_eq!(
        found.iter().map(|hit| hit.excerpt.as_str()).collect::<Vec<_>>(),
        ["Crème brûlée 5", "Crème brûlée 4"]
    );
    let more = search::search(&world.read, "CRÈME br", Some(found[1].message), 10).unwrap();
    assert_eq!(more.len(), 3);
    assert!(search::search(&world.read, "\"* OR -", None, 5).unwrap().is_empty());
}

#[test]
fn words_are_found_in_one_conversation_from_where_one_stands() {
    let mut world = World::new();
    let mut ids = Vec::new();
    for n in 1..6 {
        let other = world.post(&[heard(&format!("o{n}"), phone("4915299"), t(n), "modelo azul")]);
        assert_eq!(other.0.messages.len(), 1);
        let words = if n % 2 == 1 { "O modelo AZUL" } else { "Oi" };
        ids.extend(
            world.post(&[heard(&format!("w{n}"), phone("4915200"), t(n), words)]).0.messages,
        );
    }
    world.write.index().unwrap();
    let chat = world.message(ids[0]).conversation;
    let find = |text: &str, from: Option<MessageId>, older: bool| {
        search::in_conversation(&world.read, chat, text, from, older).unwrap()
    };
    assert_eq!(find("azul", None, true), Some(ids[4]));
    assert_eq!(find("modelo az", Some(ids[4]), true), Some(ids[2]));
    assert_eq!(find("azul", Some(ids[1]), true), Some(ids[0]), "from one without the word");
    assert_eq!(find("azul", Some(ids[0]), true), None);
    assert_eq!(find("azul", Some(ids[0]), false), Some(ids[2]));
    assert_eq!(find("verde", None, true), None);
}

#[test]
fn a_check_by_a_used_connection_sees_no_damage_where_there_is_none() {
    let mut world = World::new();
    for round in 0..20 {
        let read = ReadConn::open(&world.path()).unwrap();
        assert_eq!(check::check(&read).unwrap(), Vec::<String>::new());
        for number in 0..20 {
            world.begin(&format!("4915{round:03}{number:06}"));
        }
        assert_eq!(check::check(&read).unwrap(), Vec::<String>::new(), "round {round}");
    }
}
