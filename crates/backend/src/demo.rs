//! People, rooms, first words and a shop for demo mode. Every command has a fixed id, so seeding again changes
//! nothing, whatever happened in between.

mod catalogue;

use domain::{
    Actor, Cents, Command, CommandId, Handle, Intent, RoomId, Sku, UserId,
    account::Role,
    catalog::ListProduct,
    chat::{AddMember, OpenRoom, PostMessage},
    stock::Receive,
    wallet,
};
use store::Unit;
use uuid::Uuid;

use crate::{AccountError, Backend, ExecuteError};

pub use catalogue::{DemoProduct, PRODUCTS};

/// One of the people of demo mode.
#[derive(Debug, Clone, Copy)]
pub struct DemoPerson {
    /// What they sign in with.
    pub handle: &'static str,
    /// What they are shown as.
    pub name: &'static str,
    /// What they may do.
    pub role: Role,
}

/// The personas that anybody may enter as; their password is `demo`.
pub const PEOPLE: [DemoPerson; 3] = [
    DemoPerson { handle: "ada", name: "Ada", role: Role::Customer },
    DemoPerson { handle: "bo", name: "Bo", role: Role::Desk },
    DemoPerson { handle: "olga", name: "Olga", role: Role::Operator },
];

const ROOMS: [(&str, &str, bool); 4] = [
    ("lobby", "Lobby", false),
    ("help", "Help desk", false),
    ("market", "Market talk", false),
    ("backstage", "Backstage", true),
];

const WORDS: [(&str, &str, &str); 9] = [
    ("bo", "lobby", "Good morning! Doors are open."),
    ("ada", "lobby", "Morning, Bo. Is the walnut shelf back in stock?"),
    ("bo", "lobby", "Two came in last night. I will put them on the floor after ten."),
    ("olga", "lobby", "Everything you say here is an event: it is on disk before you see the tick."),
    ("ada", "help", "My parcel says “dispatched” since Tuesday. Should I worry?"),
    ("bo", "help", "No need, the courier had a flat tyre. It moves again since this morning."),
    ("ada", "market", "Best thing I bought this year: the enamel kettle. No contest."),
    ("olga", "backstage", "Deploy at four. Nobody should notice; that is the point."),
    ("bo", "backstage", "I will keep the desk quiet around then."),
];

/// What every persona has in the wallet to begin with.
const CREDIT: Cents = Cents(40_000);

fn fixed(label: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("hubbub:demo:{label}").as_bytes())
}

/// Whether somebody is one of the personas, and not just named like one.
pub(crate) fn is_persona(who: UserId) -> bool {
    PEOPLE.iter().any(|person| user(person.handle) == who)
}

fn user(handle: &str) -> UserId {
    UserId(fixed(&format!("user:{handle}")))
}

/// Puts the demo data in, as far as it is not there. A persona whose handle somebody real has taken is left
/// out, and so is what they would have said.
///
/// # Errors
/// If the store cannot write.
///
/// # Panics
/// Never: the constants above are valid.
pub async fn seed(backend: &Backend) -> Result<(), AccountError> {
    for person in PEOPLE {
        let handle = Handle::new(person.handle).expect("the constants are valid");
        if backend.0.store.credential(&handle).await?.is_none() {
            let id = CommandId(fixed(&format!("register:{handle}")));
            let user = user(person.handle);
            backend.create(id, user, handle, person.name.into(), person.role, "demo".into()).await?;
        }
    }
    for (room, title, private) in ROOMS {
        let room = RoomId::new(room).expect("the constants are valid");
        let open = OpenRoom { room: room.clone(), title: title.into(), private };
        run(backend, "olga", &format!("open:{room}"), open).await?;
        if private {
            run(backend, "olga", &format!("add:{room}:bo"), AddMember { room, user: user("bo") }).await?;
        }
    }
    for (nth, (handle, room, text)) in WORDS.into_iter().enumerate() {
        let room = RoomId::new(room).expect("the constants are valid");
        let post = PostMessage { room, text: text.into(), reply_to: None };
        run(backend, handle, &format!("say:{nth}"), post).await?;
    }
    furnish(backend).await
}

/// Fills the shelves and the wallets, as the shop itself.
async fn furnish(backend: &Backend) -> Result<(), AccountError> {
    let shop = || Actor::Service("demo".into());
    for product in PRODUCTS {
        let sku = Sku::new(product.sku).expect("the constants are valid");
        let list = ListProduct {
            sku: sku.clone(),
            title: product.title.into(),
            price_cents: Cents(product.cents),
            description: Some(product.description.into()),
            category: Some(product.category.into()),
        };
        run_as(backend, shop(), &format!("list:{sku}"), list).await?;
        if product.pieces > 0 {
            let label = format!("receive:{sku}");
            run_as(backend, shop(), &label, Receive { sku, quantity: product.pieces }).await?;
        }
    }
    for person in PEOPLE {
        let open = wallet::Open { user: user(person.handle), credit_cents: CREDIT };
        run_as(backend, shop(), &format!("wallet:{}", person.handle), open).await?;
    }
    Ok(())
}

async fn run(
    backend: &Backend,
    handle: &str,
    label: &str,
    intent: impl Into<Intent>,
) -> Result<(), AccountError> {
    run_as(backend, Actor::User(user(handle)), label, intent).await
}

/// A refusal means that somebody has changed the demo world meanwhile; that is theirs to do.
async fn run_as(
    backend: &Backend,
    actor: Actor,
    label: &str,
    intent: impl Into<Intent>,
) -> Result<(), AccountError> {
    let command = Command::new(CommandId(fixed(label)), actor, intent);
    match backend.0.store.execute(Unit::from(command)).await.map_err(ExecuteError::from) {
        Ok(_) | Err(ExecuteError::Refused(_) | ExecuteError::CommandReused) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
