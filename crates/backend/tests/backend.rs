//! The use cases over a real store.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use backend::{AccountError, Backend, Caller, ExecuteError, QueryError, ScopeMissing, TokenWish, demo};
use domain::{
    CommandId, Event, Intent, MessageId, Position, RoomId, Scope, Scopes, SessionId, Timestamp, UserId,
    chat::{AddMember, DeleteMessage, EditMessage, MarkRead, OpenRoom, PostMessage, RemoveMember},
    views::{FeedKey, ListKey, RoomFeed, RoomList, WINDOW},
};
use hub::Hub;
use sha2::{Digest, Sha256};
use store::{Effect, Store, Unit};
use uuid::Uuid;

struct Floor {
    store: Store,
    backend: Backend,
    folder: tempfile::TempDir,
}

impl Floor {
    async fn open() -> Self {
        Self::over(tempfile::tempdir().unwrap()).await
    }

    async fn over(folder: tempfile::TempDir) -> Self {
        let url = format!("sqlite://{}/hubbub.db", folder.path().display());
        let (store, commits) = Store::open(store::Options::new(url)).await.unwrap();
        let hub = Hub::start(store.clone(), commits, hub::Options::default()).await.unwrap();
        let backend = Backend::new(store.clone(), hub);
        demo::seed(&backend).await.unwrap();
        Self { store, backend, folder }
    }

    async fn reopen(self) -> Self {
        drop(self.backend);
        self.store.close().await;
        Self::over(self.folder).await
    }

    async fn persona(&self, handle: &str) -> Caller {
        self.backend.enter(&handle.parse().unwrap()).await.unwrap().caller
    }

    async fn run(&self, caller: &Caller, intent: impl Into<Intent>) -> CommandId {
        let id = CommandId(Uuid::now_v7());
        self.backend.execute(caller, id, intent.into(), None).await.unwrap();
        id
    }

    async fn say(&self, caller: &Caller, name: &str, text: &str) -> MessageId {
        let post = PostMessage { room: room(name), text: text.into(), reply_to: None };
        MessageId(self.run(caller, post).await.0)
    }

    async fn feed(&self, caller: &Caller, name: &str) -> Result<RoomFeed, QueryError> {
        Ok(self.backend.room_feed(caller, &room(name)).await?.view)
    }
}

fn room(name: &str) -> RoomId {
    name.parse().unwrap()
}

fn texts(feed: &RoomFeed) -> Vec<&str> {
    feed.messages.iter().map(|message| message.text.as_str()).collect()
}

#[tokio::test]
async fn an_answer_holds_what_an_acknowledged_command_wrote() {
    let floor = Floor::open().await;
    let ada = floor.persona("ada").await;
    let before = floor.feed(&ada, "lobby").await.unwrap().messages.len();
    for nth in 1..=10 {
        floor.say(&ada, "lobby", &format!("{nth}")).await;
        assert_eq!(floor.feed(&ada, "lobby").await.unwrap().messages.len(), before + nth);
    }
    let snapshot = floor.backend.room_feed(&ada, &room("lobby")).await.unwrap();
    assert_eq!(snapshot.cursor.position, floor.store.head());
}

#[tokio::test]
async fn a_warm_view_equals_one_folded_afresh_and_one_restored_from_a_snapshot() {
    let floor = Floor::open().await;
    let ada = floor.persona("ada").await;
    let mut last = floor.say(&ada, "lobby", "first").await;
    for nth in 0..2_100 {
        let caller = &ada;
        if nth % 10 == 3 {
            let (room, text) = (room("lobby"), format!("edited {nth}"));
            floor.run(caller, EditMessage { room, message: last, text }).await;
        } else {
            last = floor.say(caller, "lobby", &format!("message {nth}")).await;
        }
        if nth % 500 == 0 {
            floor.feed(caller, "lobby").await.unwrap();
        }
    }
    let warm = floor.feed(&ada, "lobby").await.unwrap();
    assert_eq!(warm.messages.len(), WINDOW);
    let key = serde_json::to_string(&FeedKey { room: room("lobby"), viewer: None }).unwrap();
    let saved = floor.store.load_snapshot("room_feed", 1, &key).await.unwrap();
    assert!(saved.is_some_and(|(position, _)| position > Position::START), "a long fold was not saved");
    let floor = floor.reopen().await;
    let ada = floor.persona("ada").await;
    assert_eq!(floor.feed(&ada, "lobby").await.unwrap(), warm);
    // No text survives its deletion in a snapshot.
    floor.run(&ada, DeleteMessage { room: room("lobby"), message: last }).await;
    let saved = floor.store.load_snapshot("room_feed", 1, &key).await.unwrap();
    assert!(saved.is_none(), "a snapshot from before a redaction was kept");
}

#[tokio::test]
async fn earlier_messages_come_in_pages_as_they_read_now() {
    let floor = Floor::open().await;
    let ada = floor.persona("ada").await;
    let open = OpenRoom { room: room("long"), title: "Long".into(), private: false };
    floor.run(&ada, open).await;
    let mut said = vec![];
    for nth in 0..120 {
        said.push(floor.say(&ada, "long", &format!("{nth}")).await);
    }
    floor.run(&ada, EditMessage { room: room("long"), message: said[100], text: "changed".into() }).await;
    let feed = floor.feed(&ada, "long").await.unwrap();
    let before = feed.messages[110].position;
    let page = floor.backend.earlier(&ada, &room("long"), before).await.unwrap();
    assert_eq!(page.iter().map(|message| message.id).collect::<Vec<_>>(), said[60..110]);
    assert_eq!(page[40].text, "changed");
    let first = floor.backend.earlier(&ada, &room("long"), page[0].position).await.unwrap();
    assert_eq!(first.len(), 50);
    assert_eq!(floor.backend.earlier(&ada, &room("long"), first[0].position).await.unwrap().len(), 10);
}

#[tokio::test]
async fn a_private_room_is_open_to_members_from_joining_to_leaving() {
    let floor = Floor::open().await;
    let (olga, bo) = (floor.persona("olga").await, floor.persona("bo").await);
    let open = OpenRoom { room: room("two"), title: "Two".into(), private: true };
    floor.run(&olga, open).await;
    floor.say(&olga, "two", "before").await;
    assert!(matches!(floor.feed(&bo, "two").await, Err(QueryError::NotFound)));
    floor.run(&olga, AddMember { room: room("two"), user: bo.user.unwrap() }).await;
    floor.say(&olga, "two", "during").await;
    assert_eq!(texts(&floor.feed(&bo, "two").await.unwrap()), ["during"]);
    assert_eq!(texts(&floor.feed(&olga, "two").await.unwrap()), ["before", "during"]);
    let head = floor.store.head().next();
    assert_eq!(
        floor.backend.earlier(&bo, &room("two"), head).await.unwrap().len(),
        1,
        "not from before joining"
    );
    floor.run(&olga, RemoveMember { room: room("two"), user: bo.user.unwrap() }).await;
    for caller in [&bo, &Caller::default()] {
        assert!(matches!(floor.feed(caller, "two").await, Err(QueryError::NotFound)));
        assert!(matches!(floor.backend.earlier(caller, &room("two"), head).await, Err(QueryError::NotFound)));
    }
}

#[tokio::test]
async fn nobody_is_given_somebody_elses_view() {
    let floor = Floor::open().await;
    let (ada, bo) = (floor.persona("ada").await, floor.persona("bo").await);
    let key = ListKey { viewer: bo.user };
    assert!(matches!(floor.backend.view::<RoomList>(&ada, &key).await, Err(QueryError::NotFound)));
    assert!(floor.backend.view::<RoomList>(&bo, &key).await.is_ok());
}

#[tokio::test]
async fn unread_messages_are_counted_from_where_somebody_has_read_to() {
    let floor = Floor::open().await;
    let (ada, bo) = (floor.persona("ada").await, floor.persona("bo").await);
    let unread = async || {
        let list = floor.backend.room_list(&bo).await.unwrap().view;
        list.rooms[&room("lobby")].unread.len()
    };
    assert_eq!(unread().await, 0, "a room nobody has been to is not nagging");
    floor.run(&bo, MarkRead { room: room("lobby"), upto: floor.store.head() }).await;
    let gone = floor.say(&ada, "lobby", "one").await;
    floor.say(&ada, "lobby", "two").await;
    floor.say(&bo, "lobby", "my own").await;
    assert_eq!(unread().await, 2);
    floor.run(&ada, DeleteMessage { room: room("lobby"), message: gone }).await;
    assert_eq!(unread().await, 1);
    floor.run(&bo, MarkRead { room: room("lobby"), upto: floor.store.head() }).await;
    assert_eq!(unread().await, 0);
}

#[tokio::test]
async fn a_session_is_over_when_it_has_expired_or_was_ended() {
    let floor = Floor::open().await;
    let signed_in = floor.backend.sign_in("ada", "demo".into()).await.unwrap();
    assert_eq!(floor.backend.authenticate(&signed_in.token).await.unwrap(), signed_in.caller);
    floor.backend.sign_out(&signed_in.caller).await.unwrap();
    assert_eq!(floor.backend.authenticate(&signed_in.token).await.unwrap(), Caller::default());
    let effect = Effect::StartSession {
        session: SessionId(Uuid::now_v7()),
        user: signed_in.caller.user.unwrap(),
        token_hash: Sha256::digest(b"old").into(),
        name: None,
        scopes: Scopes::ALL,
        expires: Timestamp::from_millis(1),
    };
    floor.store.execute(Unit::default().with(effect)).await.unwrap();
    assert_eq!(floor.backend.authenticate("old").await.unwrap(), Caller::default());
}

#[tokio::test]
async fn of_two_people_who_want_one_handle_at_once_one_gets_it_and_nothing_of_the_other_is_left() {
    let floor = Floor::open().await;
    let register = |password: &str| {
        floor.backend.register(CommandId(Uuid::now_v7()), "twin", "Twin", password.to_owned())
    };
    let (a, b) = tokio::join!(register("password one"), register("password two"));
    let lost = [a, b].into_iter().filter_map(Result::err).collect::<Vec<_>>();
    assert_eq!(lost.len(), 1);
    assert_eq!(lost[0].code(), "account.handle_taken");
    let page = floor.store.read(Position::START, &store::Filter::everything(), 1_000).await.unwrap();
    let twins = page.events.iter().filter(|event| {
        matches!(event.decode().unwrap().event, Event::AccountRegistered(e) if e.handle.as_str() == "twin")
    });
    assert_eq!(twins.count(), 1);
}

#[tokio::test]
async fn only_personas_can_be_entered_without_a_password() {
    let floor = Floor::open().await;
    floor.backend.register(CommandId(Uuid::now_v7()), "real", "Real", "long enough".into()).await.unwrap();
    let entered = floor.backend.enter(&"real".parse().unwrap()).await;
    assert!(matches!(entered, Err(AccountError::Query(QueryError::NotFound))));
}

#[tokio::test]
async fn somebody_real_who_is_named_like_a_persona_cannot_be_entered() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/hubbub.db", folder.path().display());
    let (store, commits) = Store::open(store::Options::new(url)).await.unwrap();
    let hub = Hub::start(store.clone(), commits, hub::Options::default()).await.unwrap();
    let backend = Backend::new(store, hub);
    backend.register(CommandId(Uuid::now_v7()), "ada", "Real Ada", "long enough".into()).await.unwrap();
    demo::seed(&backend).await.unwrap();
    let entered = backend.enter(&"ada".parse().unwrap()).await;
    assert!(matches!(entered, Err(AccountError::Query(QueryError::NotFound))));
    assert!(backend.enter(&"bo".parse().unwrap()).await.is_ok());
}

#[tokio::test]
async fn a_registration_sent_twice_is_one_person_and_a_wrong_password_is_nobody() {
    let floor = Floor::open().await;
    let id = CommandId(Uuid::now_v7());
    let register = |password: &str| floor.backend.register(id, "twice", "Twice", password.to_owned());
    let (a, b) = tokio::join!(register("long enough"), register("long enough"));
    assert_eq!(a.unwrap().caller.user, b.unwrap().caller.user);
    assert_eq!(register("another one").await.unwrap_err().code(), "account.handle_taken");
}

#[tokio::test]
async fn seeding_again_changes_nothing() {
    let floor = Floor::open().await;
    let head = floor.store.head();
    let floor = floor.reopen().await;
    assert_eq!(floor.store.head(), head);
}

#[tokio::test]
async fn the_demo_shop_is_furnished_and_everybody_sees_their_own_things_only() {
    let floor = Floor::open().await;
    let shop = floor.backend.shop(&Caller::default()).await.unwrap().view;
    assert_eq!(shop.shelves().count(), demo::PRODUCTS.len());
    for product in demo::PRODUCTS {
        let found = &shop.products[&product.sku.parse().unwrap()];
        assert_eq!((found.price.0, found.available), (product.cents, product.pieces), "{}", product.sku);
    }
    let (ada, bo) = (floor.persona("ada").await, floor.persona("bo").await);
    let sku = "enamel-kettle".parse().unwrap();
    floor.run(&ada, domain::cart::AddItem { sku, quantity: 2 }).await;
    assert_eq!(floor.backend.cart(&ada).await.unwrap().view.pieces(), 2);
    assert_eq!(floor.backend.cart(&bo).await.unwrap().view.pieces(), 0);
    assert!(floor.backend.wallet(&ada).await.unwrap().view.available() > domain::Cents::ZERO);
    let visitor = floor.backend.cart(&Caller::default()).await;
    assert_eq!(visitor.unwrap_err().code(), "account.sign_in_first");

    let place = domain::order::Place { expected_total_cents: domain::Cents(9_600), address: None };
    let id = CommandId(Uuid::now_v7());
    floor.backend.execute(&ada, id, place.into(), None).await.unwrap();
    let order = domain::OrderId(id.0);
    assert!(floor.backend.order(&ada, order).await.unwrap().view.key.customer.is_some());
    assert!(
        floor.backend.order(&bo, order).await.unwrap().view.key.customer.is_none(),
        "as the desk sees it"
    );
    let cyril = floor.backend.register(CommandId(Uuid::now_v7()), "cyril", "Cyril", "long enough".into());
    let cyril = cyril.await.unwrap().caller;
    assert_eq!(floor.backend.order(&cyril, order).await.unwrap_err().code(), "query.not_found");
    assert_eq!(floor.backend.orders(&ada).await.unwrap().view.orders.len(), 1);
    assert!(floor.backend.orders(&cyril).await.unwrap().view.orders.is_empty());
}

#[tokio::test]
async fn a_visitor_changes_nothing() {
    let floor = Floor::open().await;
    let post = PostMessage { room: room("lobby"), text: "x".into(), reply_to: None };
    let id = CommandId(Uuid::now_v7());
    let nobody = Caller { user: Some(UserId(Uuid::now_v7())), scopes: Scopes::ALL, ..Caller::default() };
    let visitor = floor.backend.execute(&Caller::default(), id, post.clone().into(), None).await;
    assert!(matches!(visitor, Err(ExecuteError::SignInFirst)));
    let stranger = floor.backend.execute(&nobody, id, post.into(), None).await;
    assert_eq!(stranger.unwrap_err().code(), "account.sign_in_first");
}

fn wish(scopes: &str) -> TokenWish {
    TokenWish { name: "report".into(), scopes: scopes.parse().unwrap(), days: 7 }
}

#[tokio::test]
async fn a_token_does_what_its_scopes_say_and_manages_nothing() {
    let floor = Floor::open().await;
    let ada = floor.backend.sign_in("ada", "demo".into()).await.unwrap().caller;
    let give = async |scopes| {
        let id = CommandId(Uuid::now_v7());
        let made = floor.backend.give_token(&ada, id, wish(scopes)).await.unwrap();
        let caller = floor.backend.authenticate(&made.token).await.unwrap();
        assert_eq!(caller, made.caller);
        caller
    };
    let post = || PostMessage { room: room("lobby"), text: "x".into(), reply_to: None };
    let (reader, writer) = (give("read").await, give("command").await);
    assert!(reader.may(Scope::Read) && !reader.may(Scope::Ingest) && !writer.may(Scope::Read));
    floor.run(&writer, post()).await;
    let id = CommandId(Uuid::now_v7());
    let refused = floor.backend.execute(&reader, id, post().into(), None).await.unwrap_err();
    assert_eq!(refused.code(), "account.scope_missing");
    assert!(refused.to_string().contains("“command”"), "{refused}");
    // The account, its sessions and its tokens are for whoever has signed in.
    let rename = domain::account::ChangeProfile { name: "Eve".into() };
    let refused = floor.backend.execute(&writer, id, rename.into(), None).await.unwrap_err();
    assert_eq!(refused.to_string(), ScopeMissing(Scope::Manage).to_string());
    for caller in [&reader, &writer] {
        assert_eq!(floor.backend.sessions(caller).await.unwrap_err().status(), 403);
        let made = floor.backend.give_token(caller, CommandId(Uuid::now_v7()), wish("read")).await;
        assert_eq!(made.unwrap_err().code(), "account.scope_missing");
        let ended = floor.backend.end_session(caller, ada.session.unwrap()).await;
        assert_eq!(ended.unwrap_err().code(), "account.scope_missing");
    }
}

#[tokio::test]
async fn a_token_is_made_once_listed_and_over_when_it_is_revoked() {
    let floor = Floor::open().await;
    let (ada, bo) = (floor.persona("ada").await, floor.persona("bo").await);
    let id = CommandId(Uuid::now_v7());
    let made = floor.backend.give_token(&ada, id, wish("read command")).await.unwrap();
    assert!(made.token.starts_with("hubbub_"));
    let again = floor.backend.give_token(&ada, id, wish("read command")).await;
    assert_eq!(again.unwrap_err().code(), "account.token_made");
    assert_eq!(floor.backend.authenticate(&made.token).await.unwrap(), made.caller);

    let sessions = floor.backend.sessions(&ada).await.unwrap();
    let names: Vec<_> = sessions.iter().map(|s| (s.name.as_deref(), s.current)).collect();
    assert_eq!(names, [(None, true), (Some("report"), false)]);
    let session = made.caller.session.unwrap();
    let not_his = floor.backend.end_session(&bo, session).await.unwrap_err();
    assert_eq!(not_his.code(), "query.not_found");
    floor.backend.end_session(&ada, session).await.unwrap();
    assert_eq!(floor.backend.authenticate(&made.token).await.unwrap(), Caller::default());
    assert_eq!(floor.backend.sessions(&ada).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_that_makes_no_sense_is_refused() {
    let floor = Floor::open().await;
    let ada = floor.persona("ada").await;
    for (wish, code) in [
        (TokenWish { name: " ".into(), ..wish("read") }, "account.bad_token_name"),
        (TokenWish { name: "x".repeat(41), ..wish("read") }, "account.bad_token_name"),
        (wish(""), "account.bad_scopes"),
        (wish("read manage"), "account.bad_scopes"),
        (TokenWish { days: 0, ..wish("read") }, "account.bad_lifetime"),
        (TokenWish { days: 367, ..wish("read") }, "account.bad_lifetime"),
    ] {
        let refused = floor.backend.give_token(&ada, CommandId(Uuid::now_v7()), wish).await;
        assert_eq!(refused.unwrap_err().code(), code);
    }
    assert_eq!(floor.backend.sessions(&ada).await.unwrap().len(), 1);
}
