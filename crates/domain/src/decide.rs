//! From a command and what is known to events, or to a refusal. Pure: the committer loads the streams that
//! [`streams`] names, folds them into a [`State`], asks again whether they name more, and calls [`decide`].

use std::collections::HashMap;

use crate::{
    account::{self, Account},
    cart::{self, Cart},
    catalog::{self, Product},
    chat::{self, Message, Reader, Room},
    command::{Command, Decision, MAX_HOPS, Refusal},
    contract::{Event, Intent},
    envelope::Position,
    ids::{MessageId, OrderId, RoomId, ServiceName, Sku, StreamId, UserId},
    notification::{self, Inbox},
    order::{self, Order},
    payment,
    review::{self, Review},
    service::{self, Service},
    shipment::{self, Shipment},
    stock::{self, Level, Reservation},
    time::Timestamp,
    wallet::{self, Wallet},
};

/// What a decision may know besides the state.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// The instant at which the events will be recorded.
    pub now: Timestamp,
    /// The last position of the log, including what was decided earlier in the same batch.
    pub head: Position,
}

macro_rules! aggregates {
    ($($(#[$doc:meta])* $name:ident($type:ty) = $category:ident($key:ty) by $fold:path;)+) => {
        /// What one stream has come to; nothing, before its first event.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Aggregate {
            $($(#[$doc])* $name(Option<$type>),)+
        }

        impl Aggregate {
            /// An empty stream of the given kind.
            ///
            /// # Panics
            /// If the contract's table names a stream category that has no aggregate; a test folds every
            /// type.
            #[must_use]
            pub fn empty(stream: &StreamId) -> Self {
                match stream.category() {
                    $(stringify!($category) => Aggregate::$name(None),)+
                    other => unreachable!("the contract has no stream category {other}"),
                }
            }

            /// Folds one event of the stream.
            pub fn fold(&mut self, event: &Event) {
                match self { $(Aggregate::$name(state) => $fold(state, event),)+ }
            }
        }

        impl State {
            $(pub(crate) fn $category(&self, key: $key) -> Option<&$type> {
                match self.get(&StreamId::$category(key)) {
                    Some(Aggregate::$name(state)) => state.as_ref(),
                    _ => None,
                }
            })+
        }
    };
}

aggregates! {
    /// `account-<user>`
    Account(Account) = account(UserId) by account::fold;
    /// `room-<room>`
    Room(Room) = room(&RoomId) by chat::fold_room;
    /// `message-<message>`
    Message(Message) = message(MessageId) by chat::fold_message;
    /// `reader-<user>`
    Reader(Reader) = reader(UserId) by chat::fold_reader;
    /// `product-<sku>`
    Product(Product) = product(&Sku) by catalog::fold;
    /// `cart-<user>`
    Cart(Cart) = cart(UserId) by cart::fold;
    /// `order-<order>`
    Order(Order) = order(OrderId) by order::fold;
    /// `stock-<sku>`
    Level(Level) = stock(&Sku) by stock::fold_level;
    /// `reservation-<order>`
    Reservation(Reservation) = reservation(OrderId) by stock::fold_reservation;
    /// `review-<order>`
    Review(Review) = review(OrderId) by review::fold;
    /// `wallet-<user>`
    Wallet(Wallet) = wallet(UserId) by wallet::fold;
    /// `shipment-<order>`
    Shipment(Shipment) = shipment(OrderId) by shipment::fold;
    /// `notification-<user>`
    Inbox(Inbox) = notification(UserId) by notification::fold;
    /// `service-<service>`
    Service(Service) = service(&ServiceName) by service::fold;
}

/// The streams a decision rests on, folded, each with its version.
#[derive(Debug, Clone, Default)]
pub struct State {
    streams: HashMap<StreamId, (Aggregate, u64)>,
}

impl State {
    /// Puts a folded stream in, at its version (0 if it is empty).
    pub fn insert(&mut self, stream: StreamId, aggregate: Aggregate, version: u64) {
        self.streams.insert(stream, (aggregate, version));
    }

    /// Whether a stream is known here.
    #[must_use]
    pub fn contains(&self, stream: &StreamId) -> bool {
        self.streams.contains_key(stream)
    }

    /// Forgets a stream; it must be loaded again before it is decided upon.
    pub fn remove(&mut self, stream: &StreamId) {
        self.streams.remove(stream);
    }

    /// How many streams are known here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// Whether no stream is known here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// The version of a stream: how many events it has. 0 if unknown or empty.
    #[must_use]
    pub fn version(&self, stream: &StreamId) -> u64 {
        self.streams.get(stream).map_or(0, |(_, version)| *version)
    }

    /// Folds a new event into its stream and returns the event's version in it.
    pub fn fold(&mut self, event: &Event) -> u64 {
        let stream = event.stream();
        let (aggregate, version) =
            self.streams.entry(stream.clone()).or_insert_with(|| (Aggregate::empty(&stream), 0));
        aggregate.fold(event);
        *version += 1;
        *version
    }

    fn get(&self, stream: &StreamId) -> Option<&Aggregate> {
        self.streams.get(stream).map(|(aggregate, _)| aggregate)
    }
}

/// How often [`streams`] must be asked at most until it names nothing new: what a stream says may name further
/// ones, but those name none.
pub const MOST_ROUNDS: usize = 2;

/// The streams that a decision on this command rests on, as far as the state tells. Once all that it names
/// are known, it is asked again; when nothing is left to load, [`decide`] has what it needs. The first is
/// the command's own: the one that `expected_version` speaks of.
#[must_use]
pub fn streams(state: &State, command: &Command) -> Vec<StreamId> {
    let me = command.actor.user();
    let mut streams = match &command.intent {
        Intent::AccountRegister(c) => vec![StreamId::account(c.user)],
        Intent::AccountChangeProfile(_) => vec![],
        Intent::AccountChangeRole(c) => vec![StreamId::account(c.user)],
        Intent::AccountEndSession(c) => vec![StreamId::account(c.user)],
        Intent::ChatOpenRoom(c) => vec![StreamId::room(&c.room)],
        Intent::ChatAddMember(c) => vec![StreamId::room(&c.room), StreamId::account(c.user)],
        Intent::ChatRemoveMember(c) => vec![StreamId::room(&c.room), StreamId::account(c.user)],
        Intent::ChatPostMessage(c) => {
            let own = StreamId::message(MessageId(command.id.0));
            [own, StreamId::room(&c.room)].into_iter().chain(c.reply_to.map(StreamId::message)).collect()
        }
        Intent::ChatEditMessage(c) => vec![StreamId::message(c.message), StreamId::room(&c.room)],
        Intent::ChatDeleteMessage(c) => vec![StreamId::message(c.message), StreamId::room(&c.room)],
        Intent::ChatAddReaction(c) => vec![StreamId::message(c.message), StreamId::room(&c.room)],
        Intent::ChatRemoveReaction(c) => vec![StreamId::message(c.message), StreamId::room(&c.room)],
        Intent::ChatMarkRead(c) => {
            me.map(StreamId::reader).into_iter().chain([StreamId::room(&c.room)]).collect()
        }
        Intent::CatalogListProduct(c) => vec![StreamId::product(&c.sku)],
        Intent::CatalogChangePrice(c) => vec![StreamId::product(&c.sku)],
        Intent::CatalogRetireProduct(c) => vec![StreamId::product(&c.sku)],
        Intent::CartAddItem(c) => of_cart(me, [&c.sku]),
        Intent::CartSetQuantity(c) => of_cart(me, [&c.sku]),
        Intent::CartRemoveItem(_) => of_cart(me, []),
        Intent::OrderPlace(_) => {
            let cart = me.and_then(|me| state.cart(me));
            let products = of_cart(me, cart.into_iter().flat_map(|cart| cart.lines.keys()));
            [StreamId::order(OrderId(command.id.0))].into_iter().chain(products).collect()
        }
        Intent::OrderCancel(c) => vec![StreamId::order(c.order)],
        Intent::OrderClaim(c) => vec![StreamId::order(c.order)],
        Intent::OrderDispatch(c) => vec![StreamId::order(c.order)],
        Intent::OrderRefund(c) => vec![StreamId::order(c.order)],
        Intent::OrderConfirm(c) => vec![StreamId::order(c.order)],
        Intent::OrderDeliver(c) => vec![StreamId::order(c.order)],
        Intent::OrderAbort(c) => vec![StreamId::order(c.order)],
        Intent::OrderExpire(c) => vec![StreamId::order(c.order)],
        Intent::OrderRequestStep(c) => vec![StreamId::order(c.order)],
        Intent::StockReceive(c) => vec![StreamId::stock(&c.sku), StreamId::product(&c.sku)],
        Intent::StockReserve(c) => of_stock(state, c.order),
        Intent::StockRelease(c) => of_stock(state, c.order),
        Intent::StockCommit(c) => of_stock(state, c.order),
        Intent::StockTakeBack(c) => of_stock(state, c.order),
        Intent::ReviewCheck(c) => vec![StreamId::review(c.order), StreamId::order(c.order)],
        Intent::ReviewApprove(c) => vec![StreamId::review(c.order), StreamId::order(c.order)],
        Intent::ReviewReject(c) => vec![StreamId::review(c.order), StreamId::order(c.order)],
        Intent::WalletOpen(c) => vec![StreamId::wallet(c.user)],
        Intent::WalletDeposit(_) => me.map(StreamId::wallet).into_iter().collect(),
        Intent::PaymentAuthorize(c) => of_payment(state, c.order),
        Intent::PaymentCapture(c) => of_payment(state, c.order),
        Intent::PaymentVoid(c) => of_payment(state, c.order),
        Intent::PaymentRefund(c) => of_payment(state, c.order),
        Intent::ShipmentCreate(c) => vec![StreamId::shipment(c.order), StreamId::order(c.order)],
        Intent::ShipmentDispatch(c) => vec![StreamId::shipment(c.order)],
        Intent::ShipmentReportPosition(c) => vec![StreamId::shipment(c.order)],
        Intent::ShipmentDeliver(c) => vec![StreamId::shipment(c.order)],
        Intent::ShipmentFail(c) => vec![StreamId::shipment(c.order)],
        Intent::NotificationRaise(c) => vec![StreamId::notification(c.user)],
        Intent::NotificationMarkRead(_) => me.map(StreamId::notification).into_iter().collect(),
        Intent::NotificationNoteEmailSent(c) => vec![StreamId::notification(c.user)],
        Intent::NotificationNoteEmailFailure(c) => vec![StreamId::notification(c.user)],
        Intent::ServicePause(c) => vec![StreamId::service(&c.service)],
        Intent::ServiceResume(c) => vec![StreamId::service(&c.service)],
        Intent::ServicePark(c) => vec![StreamId::service(&c.service)],
        Intent::ServiceRedrive(c) => vec![StreamId::service(&c.service)],
        Intent::ServiceDiscard(c) => vec![StreamId::service(&c.service)],
        Intent::ServiceNoteRebuilt(c) => vec![StreamId::service(&c.projection)],
    };
    if let Some(me) = me.map(StreamId::account)
        && !streams.contains(&me)
    {
        streams.push(me);
    }
    streams
}

/// Somebody's cart, and products.
fn of_cart<'a>(me: Option<UserId>, skus: impl IntoIterator<Item = &'a Sku>) -> Vec<StreamId> {
    me.map(StreamId::cart).into_iter().chain(skus.into_iter().map(StreamId::product)).collect()
}

/// What is kept for an order, and the levels of its products.
fn of_stock(state: &State, order: OrderId) -> Vec<StreamId> {
    let levels = state.order(order).into_iter().flat_map(|placed| &placed.lines);
    let levels = levels.map(|line| StreamId::stock(&line.sku));
    [StreamId::reservation(order), StreamId::order(order)].into_iter().chain(levels).collect()
}

/// An order, and the wallet of whoever pays for it.
fn of_payment(state: &State, order: OrderId) -> Vec<StreamId> {
    let wallet = state.order(order).map(|placed| StreamId::wallet(placed.customer));
    [StreamId::order(order)].into_iter().chain(wallet).collect()
}

/// Decides. No events means: accepted, and it is so already.
///
/// # Errors
/// A [`Refusal`]: what stands in the way, with a code and a sentence.
pub fn decide(state: &State, command: &Command, context: &Context) -> Decision {
    if command.hop > MAX_HOPS {
        return Err(Refusal::TooManyHops);
    }
    if let Some(expected) = command.expected_version {
        let actual = streams(state, command).first().map_or(0, |own| state.version(own));
        if actual != expected {
            return Err(Refusal::VersionConflict { expected, actual });
        }
    }
    match &command.intent {
        Intent::AccountRegister(c) => account::register(state, command, c),
        Intent::AccountChangeProfile(c) => account::change_profile(state, command, c),
        Intent::AccountChangeRole(c) => account::change_role(state, command, c),
        Intent::AccountEndSession(c) => account::end_session(state, command, c),
        Intent::ChatOpenRoom(c) => chat::open_room(state, command, c),
        Intent::ChatAddMember(c) => chat::add_member(state, command, c),
        Intent::ChatRemoveMember(c) => chat::remove_member(state, command, c),
        Intent::ChatPostMessage(c) => chat::post_message(state, command, c),
        Intent::ChatEditMessage(c) => chat::edit_message(state, command, c),
        Intent::ChatDeleteMessage(c) => chat::delete_message(state, command, c),
        Intent::ChatAddReaction(c) => chat::add_reaction(state, command, c),
        Intent::ChatRemoveReaction(c) => chat::remove_reaction(state, command, c),
        Intent::ChatMarkRead(c) => chat::mark_read(state, command, c, context),
        Intent::CatalogListProduct(c) => catalog::list_product(state, command, c),
        Intent::CatalogChangePrice(c) => catalog::change_price(state, command, c),
        Intent::CatalogRetireProduct(c) => catalog::retire_product(state, command, c),
        Intent::CartAddItem(c) => cart::add_item(state, command, c),
        Intent::CartSetQuantity(c) => cart::set_quantity(state, command, c),
        Intent::CartRemoveItem(c) => cart::remove_item(state, command, c),
        Intent::OrderPlace(c) => order::place(state, command, c, context),
        Intent::OrderCancel(c) => order::cancel(state, command, c),
        Intent::OrderClaim(c) => order::claim(state, command, c),
        Intent::OrderDispatch(c) => order::dispatch(state, command, c),
        Intent::OrderRefund(c) => order::refund(state, command, c),
        Intent::OrderConfirm(c) => order::confirm(state, command, c),
        Intent::OrderDeliver(c) => order::deliver(state, command, c),
        Intent::OrderAbort(c) => order::abort(state, command, c),
        Intent::OrderExpire(c) => order::expire(state, command, c),
        Intent::OrderRequestStep(c) => order::request_step(state, command, c),
        Intent::StockReceive(c) => stock::receive(state, command, c),
        Intent::StockReserve(c) => stock::reserve(state, command, c),
        Intent::StockRelease(c) => stock::release(state, command, c),
        Intent::StockCommit(c) => stock::commit(state, command, c),
        Intent::StockTakeBack(c) => stock::take_back(state, command, c),
        Intent::ReviewCheck(c) => review::check(state, command, c),
        Intent::ReviewApprove(c) => review::approve(state, command, c),
        Intent::ReviewReject(c) => review::reject(state, command, c),
        Intent::WalletOpen(c) => wallet::open(state, command, c),
        Intent::WalletDeposit(c) => wallet::deposit(state, command, c),
        Intent::PaymentAuthorize(c) => payment::authorize(state, command, c),
        Intent::PaymentCapture(c) => payment::capture(state, command, c),
        Intent::PaymentVoid(c) => payment::void(state, command, c),
        Intent::PaymentRefund(c) => payment::refund(state, command, c),
        Intent::ShipmentCreate(c) => shipment::create(state, command, c),
        Intent::ShipmentDispatch(c) => shipment::dispatch(state, command, c),
        Intent::ShipmentReportPosition(c) => shipment::report_position(state, command, c),
        Intent::ShipmentDeliver(c) => shipment::deliver(state, command, c),
        Intent::ShipmentFail(c) => shipment::fail(state, command, c),
        Intent::NotificationRaise(c) => notification::raise(state, command, c),
        Intent::NotificationMarkRead(c) => notification::mark_read(state, command, c, context),
        Intent::NotificationNoteEmailSent(c) => notification::note_email_sent(state, command, c),
        Intent::NotificationNoteEmailFailure(c) => notification::note_email_failure(state, command, c),
        Intent::ServicePause(c) => service::pause(state, command, c),
        Intent::ServiceResume(c) => service::resume(state, command, c),
        Intent::ServicePark(c) => service::park(command, c),
        Intent::ServiceRedrive(c) => service::redrive(state, command, c),
        Intent::ServiceDiscard(c) => service::discard(state, command, c),
        Intent::ServiceNoteRebuilt(c) => service::note_rebuilt(command, c),
    }
}
