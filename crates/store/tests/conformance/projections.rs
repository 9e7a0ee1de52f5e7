//! Stored projections: steps, generations, and what is left of them.

use domain::{Audience, Position, Token, Tokens, UserId};
use store::{DocPage, Findable, Projected, Stage, Store};

use super::{Fixture, world::World};

const WORDS: &str = "words";

fn step(number: u32, from: u64, to: u64, docs: &[(&str, Option<&str>)]) -> Projected {
    let docs = docs.iter().map(|(key, doc)| ((*key).to_owned(), doc.map(str::to_owned))).collect();
    let (name, from, to) = (WORDS.to_owned(), Position(from), Position(to));
    Projected { name, number, from, to, events: to.0 - from.0, docs, found_by: vec![], redacted: None }
}

async fn stages(store: &Store) -> Vec<(u32, u64, Stage)> {
    let generations = store.generations(WORDS).await.unwrap();
    generations.into_iter().map(|found| (found.number, found.position.0, found.stage)).collect()
}

fn doc(at: u64, doc: Option<&str>) -> Option<(Position, Option<String>)> {
    Some((Position(at), doc.map(str::to_owned)))
}

pub(crate) async fn a_generation_is_read_when_it_has_been_switched_to(fixture: &impl Fixture) {
    let World { store, .. } = World::new(fixture.options()).await;
    store.begin_generation(WORDS, 7).await.unwrap();
    assert!(store.project(&step(1, 0, 5, &[("a", Some("1")), ("b", Some("2"))])).await.unwrap());
    assert!(!store.project(&step(1, 0, 6, &[("a", Some("9"))])).await.unwrap(), "it does not stand there");
    assert!(
        !store.project(&step(2, 0, 6, &[("a", Some("9"))])).await.unwrap(),
        "there is no such generation"
    );
    assert_eq!(store.doc(WORDS, "a").await.unwrap(), None);
    store.switch_generation(WORDS).await.unwrap();
    assert_eq!(store.doc(WORDS, "a").await.unwrap(), doc(5, Some("1")));

    // The next one is built beside it and replaces it at once.
    store.begin_generation(WORDS, 8).await.unwrap();
    assert!(store.project(&step(2, 0, 9, &[("a", Some("10"))])).await.unwrap());
    assert!(store.project(&step(1, 5, 6, &[("a", Some("3")), ("b", None)])).await.unwrap());
    assert_eq!(store.doc(WORDS, "a").await.unwrap(), doc(6, Some("3")));
    assert_eq!(store.doc(WORDS, "b").await.unwrap(), doc(6, None));
    store.switch_generation(WORDS).await.unwrap();
    assert_eq!(store.doc(WORDS, "a").await.unwrap(), doc(9, Some("10")));
    assert_eq!(stages(&store).await, [(1, 6, Stage::Previous), (2, 9, Stage::Live)]);
    let of_the_first = store.docs(WORDS, 1, &["a".into(), "b".into()]).await.unwrap();
    assert_eq!(of_the_first, [("a".to_owned(), "3".to_owned())]);

    // One that is given up, and the third: the first is gone.
    store.begin_generation(WORDS, 8).await.unwrap();
    store.begin_generation(WORDS, 9).await.unwrap();
    store.switch_generation(WORDS).await.unwrap();
    let numbers: Vec<Stage> = stages(&store).await.into_iter().map(|(_, _, stage)| stage).collect();
    assert_eq!(numbers, [Stage::Previous, Stage::Live]);
    assert!(store.docs(WORDS, 1, &["a".into()]).await.unwrap().is_empty());
    assert_eq!(store.doc("another", "a").await.unwrap(), None);
}

pub(crate) async fn a_range_of_documents_is_read_in_order(fixture: &impl Fixture) {
    let World { store, .. } = World::new(fixture.options()).await;
    assert_eq!(store.doc_range(WORDS, "", "z", 9).await.unwrap(), None);
    store.begin_generation(WORDS, 1).await.unwrap();
    let docs = [("b", Some("2")), ("a", Some("1")), ("d", Some("4")), ("c", Some("3"))];
    store.project(&step(1, 0, 5, &docs)).await.unwrap();
    store.switch_generation(WORDS).await.unwrap();
    let keys = async |from: &str, before: &str, max| {
        let DocPage { position, docs } = store.doc_range(WORDS, from, before, max).await.unwrap().unwrap();
        assert_eq!(position, Position(5));
        docs.into_iter().map(|(key, _)| key).collect::<String>()
    };
    assert_eq!(keys("", "z", 9).await, "abcd");
    assert_eq!(keys("b", "d", 9).await, "bc");
    assert_eq!(keys("a", "z", 2).await, "ab");
    assert_eq!(keys("x", "z", 2).await, "");
}

pub(crate) async fn projections_survive_reopening_and_drop_what_is_redacted(fixture: &impl Fixture) {
    let World { store, .. } = World::new(fixture.options()).await;
    for text in ["\"xylophone\"", "\"a xylophone\""] {
        store.begin_generation(WORDS, 1).await.unwrap();
        let number = stages(&store).await.last().unwrap().0;
        store.project(&step(number, 0, 5, &[("a", Some(text))])).await.unwrap();
        store.switch_generation(WORDS).await.unwrap();
    }
    store.close().await;
    let (store, _commits) = Store::open(fixture.options()).await.unwrap();
    assert_eq!(store.doc(WORDS, "a").await.unwrap(), doc(5, Some("\"a xylophone\"")));
    let on_disk = || fixture.bytes().windows(9).any(|window| window == b"xylophone");
    assert!(on_disk());
    let redacting = |by| Projected { redacted: Some(Position(by)), ..step(2, by - 1, by, &[("a", None)]) };
    let seen = Projected { redacted: Some(Position(5)), ..step(2, 5, 5, &[]) };
    assert!(store.project(&seen).await.unwrap());
    assert_eq!(stages(&store).await.len(), 2, "both have folded that");
    assert!(store.project(&redacting(6)).await.unwrap());
    assert!(!on_disk(), "not in the generation before, either");
    assert_eq!(stages(&store).await, [(2, 6, Stage::Live)]);
    // Nor does what is read keep it while other code folds everything anew.
    store.begin_generation(WORDS, 2).await.unwrap();
    store.project(&Projected { redacted: Some(Position(7)), ..step(3, 0, 7, &[]) }).await.unwrap();
    assert_eq!(stages(&store).await, [(3, 7, Stage::Building)]);
}

/// A step that makes documents found by their own texts.
fn findable(number: u32, from: u64, to: u64, docs: &[(&str, Option<(&str, Token)>)]) -> Projected {
    let json = |text: &str| serde_json::to_string(text).unwrap();
    let found = |(text, token): &(&str, Token)| {
        let audience = Audience::new([token.clone()]);
        Findable { text: (*text).to_owned(), audience }
    };
    let texts: Vec<_> =
        docs.iter().map(|(key, doc)| (*key, doc.as_ref().map(|(text, _)| json(text)))).collect();
    let texts: Vec<(&str, Option<&str>)> = texts.iter().map(|(key, text)| (*key, text.as_deref())).collect();
    let found_by = docs.iter().map(|(key, doc)| ((*key).to_owned(), doc.as_ref().map(found))).collect();
    Projected { found_by, ..step(number, from, to, &texts) }
}

async fn search(store: &Store, query: &str, tokens: &Tokens) -> String {
    let found = store.search(WORDS, query, tokens, 9).await.unwrap().unwrap();
    found.docs.into_iter().map(|(key, _)| key).collect()
}

pub(crate) async fn a_text_is_found_by_its_words_by_those_who_may(fixture: &impl Fixture) {
    let World { store, .. } = World::new(fixture.options()).await;
    let (me, other) = (UserId(uuid::Uuid::from_u128(1)), UserId(uuid::Uuid::from_u128(12)));
    let mine = || Token::User(me);
    let anybody = Tokens::anonymous();
    assert_eq!(store.search(WORDS, "tea", &anybody, 9).await.unwrap(), None);
    store.begin_generation(WORDS, 1).await.unwrap();
    let docs = [
        ("a", Some(("A blue teapot", Token::Everyone))),
        ("b", Some(("Tea for two, teapot and all, in the café", Token::Everyone))),
        ("c", Some(("my own tea", mine()))),
    ];
    store.project(&findable(1, 0, 5, &docs)).await.unwrap();
    store.switch_generation(WORDS).await.unwrap();
    let mut holding = Tokens::anonymous();
    holding.grant(Token::User(other));
    assert_eq!(search(&store, "own", &holding).await, "", "not another's");
    holding.grant(mine());
    assert_eq!(search(&store, "own", &holding).await, "c");
    assert_eq!(search(&store, "OWN te", &holding).await, "c");
    assert_eq!(search(&store, "Cafe", &anybody).await, "b");
    assert_eq!(search(&store, "teap blue", &anybody).await, "a");
    assert_eq!(search(&store, "tea", &anybody).await.len(), 2);
    for nothing in ["", " - ", "\"", "NOT", "text:blue", "teapot AND own", "coffee"] {
        assert_eq!(search(&store, nothing, &anybody).await, "", "{nothing}");
    }
    assert_eq!(store.search(WORDS, "tea", &anybody, 1).await.unwrap().unwrap().docs.len(), 1);

    // What has changed, in this generation and in the next one.
    store
        .project(&findable(1, 5, 6, &[("a", Some(("A red mug", Token::Everyone))), ("b", None)]))
        .await
        .unwrap();
    assert_eq!(search(&store, "tea", &anybody).await, "");
    assert_eq!(search(&store, "mug", &anybody).await, "a");
    store.begin_generation(WORDS, 1).await.unwrap();
    store.project(&findable(2, 0, 7, &[("d", Some(("A green mug", Token::Everyone)))])).await.unwrap();
    assert_eq!(search(&store, "mug", &anybody).await, "a");
    store.switch_generation(WORDS).await.unwrap();
    assert_eq!(search(&store, "mug", &anybody).await, "d");
}

pub(crate) async fn a_deleted_text_is_not_in_the_index(fixture: &impl Fixture) {
    let World { store, .. } = World::new(fixture.options()).await;
    let said = |text| Some((text, Token::Everyone));
    for number in [1, 2] {
        store.begin_generation(WORDS, 1).await.unwrap();
        let docs = [("a", said("a xylophone")), ("b", said("a piano"))];
        store.project(&findable(number, 0, 5, &docs)).await.unwrap();
        store.switch_generation(WORDS).await.unwrap();
    }
    // The index keeps words without what they have in common with the one before.
    let on_disk = || fixture.bytes().windows(8).any(|window| window == b"ylophone");
    assert!(on_disk());
    let deleted = Projected { redacted: Some(Position(6)), ..findable(2, 5, 6, &[("a", None)]) };
    assert!(store.project(&deleted).await.unwrap());
    assert_eq!(search(&store, "piano", &Tokens::anonymous()).await, "b");
    assert!(!on_disk(), "not in the generation before, either");
}
