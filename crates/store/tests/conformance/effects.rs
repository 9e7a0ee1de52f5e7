//! What is written beside the log, in the same transaction.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use domain::{Scope, Scopes, SessionId, Timestamp, UserId, account::Refusal};
use store::{Effect, Options, Unit, UnitError};
use uuid::Uuid;

use super::{
    Fixture,
    world::{World, at_once, everything, handle, person, registering},
};

fn starting(user: UserId, secret: u8, expires: i64) -> (SessionId, Effect) {
    let session = SessionId(Uuid::new_v4());
    let (token_hash, expires) = ([secret; 32], Timestamp::from_millis(expires));
    (session, Effect::StartSession { session, user, token_hash, name: None, scopes: Scopes::ALL, expires })
}

pub(crate) async fn a_handle_is_given_once_however_many_ask_for_it(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let people: Vec<UserId> = (0..12).map(|_| UserId(Uuid::new_v4())).collect();
    let units = people.iter().map(|user| registering(*user, "bo")).collect();
    let answers = at_once(&world.store, units).await;

    let winners: Vec<UserId> =
        people.iter().zip(&answers).filter(|(_, answer)| answer.is_ok()).map(|(user, _)| *user).collect();
    assert_eq!(winners.len(), 1);
    let taken = UnitError::Refused(Refusal::HandleTaken { handle: handle("bo") }.into());
    assert_eq!(answers.iter().filter(|answer| **answer == Err(taken.clone())).count(), 11);

    let credential = world.store.credential(&handle("bo")).await.unwrap().unwrap();
    assert_eq!((credential.user, credential.password_hash.as_str()), (winners[0], "hash of bo"));
    assert!(!format!("{credential:?}").contains("hash of"));
    assert_eq!(world.store.handle_of(winners[0]).await.unwrap(), Some(handle("bo")));
    let registered: Vec<_> = everything(&world.store)
        .await
        .into_iter()
        .filter(|event| event.meta.kind == "account.registered" && event.data.get().contains("\"bo\""))
        .collect();
    assert_eq!(registered.len(), 1, "the losers have left no event");
    assert!(registered[0].data.get().contains(&winners[0].to_string()));
    // And the next one is told the same.
    assert_eq!(world.store.execute(registering(UserId(Uuid::new_v4()), "bo")).await, Err(taken));
}

pub(crate) async fn a_session_is_found_until_it_ends(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let (session, start) = starting(world.ada, 7, 9_000_000_000_000);
    let head = world.store.head();
    let receipt = world.store.execute(Unit::from(start.clone())).await.unwrap();
    assert_eq!((receipt.position, receipt.events.len()), (head, 0));

    let row = world.store.session(&[7; 32]).await.unwrap().unwrap();
    assert_eq!((row.session, row.user), (session, world.ada));
    assert_eq!(row.expires, Timestamp::from_millis(9_000_000_000_000));
    assert_eq!(world.store.session(&[8; 32]).await.unwrap(), None);
    world.store.execute(Unit::from(start)).await.unwrap();

    let end = |user| Unit::from(Effect::EndSession { session, user });
    world.store.execute(end(UserId(Uuid::new_v4()))).await.unwrap();
    assert!(world.store.session(&[7; 32]).await.unwrap().is_some(), "it is not theirs to end");
    world.store.execute(end(world.ada)).await.unwrap();
    assert_eq!(world.store.session(&[7; 32]).await.unwrap(), None);
    world.store.execute(end(world.ada)).await.unwrap();
}

pub(crate) async fn a_refused_unit_has_no_effects(fixture: &impl Fixture) {
    let world = World::new(fixture.options()).await;
    let (_, start) = starting(world.ada, 7, 9_000_000_000_000);
    let refused = Unit::from(world.saying(" ")).with(start.clone());
    assert!(world.store.execute(refused).await.is_err());
    // Here the effects before the refused one are taken back.
    let user = UserId(Uuid::new_v4());
    let mut unit = registering(user, "ada");
    unit.effects.insert(0, start);
    assert!(matches!(world.store.execute(unit).await, Err(UnitError::Refused(_))));
    assert_eq!(world.store.session(&[7; 32]).await.unwrap(), None);
    assert_eq!(world.store.handle_of(user).await.unwrap(), None);
    // The loser is not remembered as registered.
    world.store.execute(registering(user, "adam")).await.unwrap();
}

pub(crate) async fn expired_sessions_are_swept_when_somebody_signs_in(fixture: &impl Fixture) {
    let now = Arc::new(AtomicI64::new(1_000));
    let clock = now.clone();
    let clock = Arc::new(move || Timestamp::from_millis(clock.load(Ordering::Relaxed)));
    let world = World::new(Options { clock, ..fixture.options() }).await;
    for (secret, expires) in [(1, 2_000), (2, 4_000)] {
        world.store.execute(starting(world.ada, secret, expires).1.into()).await.unwrap();
    }
    now.store(3_000, Ordering::Relaxed);
    assert!(world.store.session(&[1; 32]).await.unwrap().is_some());
    world.store.execute(starting(world.ada, 3, 5_000).1.into()).await.unwrap();
    assert!(world.store.session(&[1; 32]).await.unwrap().is_none());
    assert!(world.store.session(&[2; 32]).await.unwrap().is_some());
}

pub(crate) async fn a_token_has_a_name_and_scopes_and_is_found_among_its_owners_sessions(
    fixture: &impl Fixture,
) {
    // They are listed by when they began, and no two of these begin at the same instant.
    let now = AtomicI64::new(1_000);
    let clock = Arc::new(move || Timestamp::from_millis(now.fetch_add(1, Ordering::Relaxed)));
    let world = World::new(Options { clock, ..fixture.options() }).await;
    let bo = person(&world.store, "bo").await;
    let (browser, signed_in) = starting(world.ada, 1, 9_000_000_000_000);
    world.store.execute(signed_in.into()).await.unwrap();
    let token = SessionId(Uuid::new_v4());
    let scopes = Scopes::from_iter([Scope::Read, Scope::Ingest]);
    let give = Effect::StartSession {
        session: token,
        user: world.ada,
        token_hash: [2; 32],
        name: Some("nightly “report”".into()),
        scopes,
        expires: Timestamp::from_millis(9_000_000_000_000),
    };
    world.store.execute(give.into()).await.unwrap();
    world.store.execute(starting(bo, 3, 9_000_000_000_000).1.into()).await.unwrap();

    let mine = world.store.sessions_of(world.ada).await.unwrap();
    assert_eq!(mine.iter().map(|row| row.session).collect::<Vec<_>>(), [browser, token]);
    assert_eq!((mine[0].name.as_deref(), mine[0].scopes), (None, Scopes::ALL));
    assert_eq!((mine[1].name.as_deref(), mine[1].scopes), (Some("nightly “report”"), scopes));
    assert_eq!(world.store.session(&[2; 32]).await.unwrap().as_ref(), Some(&mine[1]));
    assert_eq!(world.store.session_by_id(token).await.unwrap().as_ref(), Some(&mine[1]));

    world.store.execute(Effect::EndSession { session: token, user: world.ada }.into()).await.unwrap();
    assert_eq!(world.store.session_by_id(token).await.unwrap(), None);
    assert_eq!(world.store.sessions_of(world.ada).await.unwrap().len(), 1);
}
