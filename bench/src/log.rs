//! A large log, made through the store: faster than through the front door, and as real.

use std::{path::Path, time::Duration};

use domain::{
    Actor, Command, CommandId, Epoch, Handle, RoomId, UserId,
    account::{Register, Role},
    chat::{OpenRoom, PostMessage},
};
use futures::future::try_join_all;
use store::{Options, Store};
use uuid::Uuid;

use crate::{Failure, process::Process, wire};

/// How many commands are on their way at once.
const AT_ONCE: usize = 500;

/// Somebody, and a lobby to talk in.
pub(crate) async fn furnish(store: &Store) -> Result<UserId, Failure> {
    let user = UserId(Uuid::now_v7());
    let register =
        Register { user, handle: Handle::new("bench")?, name: "Bench".into(), role: Role::Customer };
    let server = Actor::Service("accounts".into());
    store.execute(Command::new(CommandId(Uuid::now_v7()), server, register).into()).await?;
    let room = OpenRoom { room: RoomId::new("lobby")?, title: "Lobby".into(), private: false };
    let mine = Actor::User(user);
    store.execute(Command::new(CommandId(Uuid::now_v7()), mine, room).into()).await?;
    Ok(user)
}

/// Fills the log of a server that is not running: `size` texts of so many bytes in the lobby. Returns the log's
/// epoch.
pub(crate) async fn fill(binary: &Path, folder: &Path, size: usize, bytes: usize) -> Result<Epoch, Failure> {
    // The server itself brings the demo people, of whom the load generator signs one in.
    Process::hubbub(binary, folder, None)?.kill()?;
    let options = Options::new(format!("sqlite://{}", folder.join("hubbub.db").display()));
    let (store, mut commits) = Store::open(options).await?;
    let reading = tokio::spawn(async move { while commits.recv().await.is_some() {} });
    let ada = Handle::new("ada")?;
    let user = store.credential(&ada).await?.ok_or("the demo people are not there")?.user;
    let text = wire::text(bytes, Duration::ZERO);
    for from in (0..size).step_by(AT_ONCE) {
        let posts = (from..size.min(from + AT_ONCE)).map(|_| {
            let post = PostMessage { room: RoomId::new("lobby")?, text: text.clone(), reply_to: None };
            let command = Command::new(CommandId(Uuid::now_v7()), Actor::User(user), post);
            Ok::<_, Failure>(store.execute(command.into()))
        });
        try_join_all(posts.collect::<Result<Vec<_>, _>>()?).await?;
    }
    let epoch = store.epoch();
    store.close().await;
    reading.abort();
    Ok(epoch)
}
